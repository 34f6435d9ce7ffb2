"""Checks of arguments that people know from elsewhere, or mix up."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from inspect import signature
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def check_model(model: object, what: str) -> None:
    """Refuse what is no loaded model.

    Parameters
    ----------
    model : any object.
    what : the class that is given it.

    Raises
    ------
    ValueError
        When it is none.
    """
    if hasattr(model, "encode_image"):
        return
    is_name = isinstance(model, (str, os.PathLike))
    given = repr(model) if is_name else f"a {type(model).__name__}"
    load = f"{what}(load_model({given}))" if is_name else f'{what}(load_model("nano"))'
    raise ValueError(f"{what} takes a loaded model, got {given}: write {load}.")


def accept_aliases(**aliases: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take keyword arguments by the official predictor's names too.

    Parameters
    ----------
    **aliases : our names, by theirs. Other names that there are not are refused by a `TypeError`
        that lists those that there are.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own = [name for name in signature(function).parameters if name != "self"]

        @functools.wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> R:
            if options.keys() <= set(own):
                return function(*args, **options)
            renamed: dict[str, Any] = {}
            for name, value in options.items():
                known = aliases.get(name, name)
                if known not in own:
                    raise TypeError(
                        f"{function.__name__}() has no argument {name}. It takes {', '.join(own)}."
                    )
                if known in renamed:
                    raise TypeError(
                        f"{function.__name__}() was given {known} twice: {name} is the official "
                        "predictor's name of it."
                    )
                renamed[known] = value
            return cast("Any", function)(*args, **renamed)

        return call

    return decorate
