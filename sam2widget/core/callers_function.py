"""A function that a caller gave: what it raises is the caller's own, whoever catches it between."""

from __future__ import annotations

from collections.abc import Callable


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
