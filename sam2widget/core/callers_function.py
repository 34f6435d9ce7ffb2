"""A function that a caller gave: what it raises is the caller's own, whoever catches it between."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast


def as_status(on_status: object) -> Callable[[str], None]:
    """Give a function that is called with a line; one that does nothing for None.

    Raises
    ------
    TypeError
        When it is no function.
    """
    if on_status is None:
        return _skip
    if not callable(on_status):
        raise TypeError(f"on_status is a function of a line, or None for none, got {on_status!r}.")
    return cast("Callable[[str], None]", on_status)


def _skip(line: str) -> None:
    pass


class CallersFunction:
    """Calls a function of a caller's, and keeps what it raises.

    Parameters
    ----------
    call : the function.
    """

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call
        self.error: BaseException | None = None
        """What it has raised."""

    def __call__(self, *args: object) -> None:
        """Call it."""
        try:
            self._call(*args)
        except BaseException as error:
            self.error = error
            raise

    def reraise(self, error: BaseException) -> None:
        """Raise again what the function has raised, where another error came of that.

        Nothing happens where the error is of another origin. To be called where it is caught.
        """
        own = self.error
        if own is None:
            return
        if error is own:
            raise own
        origins: list[BaseException] = [error]
        for one in origins:  # which grows
            origins += [
                other
                for other in (one.__cause__, one.__context__)
                if other is not None and all(other is not known for known in origins)
            ]
        if any(one is own for one in origins):
            raise own from own.__cause__
