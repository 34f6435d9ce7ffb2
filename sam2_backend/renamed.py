"""Deprecated names: still taken for a release, with a warning that names the new one."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T", bound=Callable[..., Any])


def renamed_arguments(**new_names: str) -> Callable[[T], T]:
    """Let a function, or a class's constructor, take keyword arguments by their old names.

    Parameters
    ----------
    **new_names : new name of each argument, by its old one.

    Returns
    -------
    Callable
        A decorator. What it decorates raises TypeError where an argument is given by both names.
    """

    def decorate(target: T) -> T:
        called = cast("Any", target.__init__ if isinstance(target, type) else target)

        @functools.wraps(called)
        def wrapper(*args: Any, **options: Any) -> Any:
            for old in new_names.keys() & options.keys():
                new = new_names[old]
                if new in options:
                    raise TypeError(f"{old}= is the old name of {new}=: give {new}= alone.")
                warn_renamed(f"{old}=", f"{new}=")
                options[new] = options.pop(old)
            return called(*args, **options)

        if not isinstance(target, type):
            return cast("T", wrapper)
        cast("Any", target).__init__ = wrapper
        return cast("T", target)

    return decorate


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that a name is deprecated: the caller's caller, if `stacklevel` says no other."""
    warnings.warn(
        f"{old} is now called {new}; the old name goes with the next release.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
