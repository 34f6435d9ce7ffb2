"""Old ways of calling the widget still work for a release, with a warning that names the new."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ...core.user_warnings import warn

P = ParamSpec("P")
R = TypeVar("R")
_POSITIONAL = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD


def takes_by_keyword(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a method still take by position what is keyword-only now.

    Parameters
    ----------
    names : of these arguments, in the order that they had behind the others.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        kinds = [one.kind for one in inspect.signature(method).parameters.values()]
        count = sum(kind in _POSITIONAL for kind in kinds)

        @functools.wraps(method)
        def call(*args: P.args, **options: P.kwargs) -> R:
            further = dict(zip(names, args[count:], strict=False))
            # What is given twice or too much, Python itself refuses.
            if not further or len(args) > count + len(names) or further.keys() & options.keys():
                return method(*args, **options)
            written = ", ".join(f"{name}={value!r}" for name, value in further.items())
            warn(
                f"{method.__name__}() takes {', '.join(further)} by keyword alone: write "
                f"{written}. By position it goes with the next release.",
                DeprecationWarning,
            )
            by_keyword: Any = {**options, **further}
            return method(*args[:count], **by_keyword)  # pyright: ignore[reportCallIssue]

        return call

    return decorate
