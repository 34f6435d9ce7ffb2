"""Sentences for arguments that people know from elsewhere, or mix up."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from inspect import signature
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def check_model(model: object, what: str) -> None:
    """Refuse what is no loaded model; `what` is the class that is given it.

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


def with_known_names(**known: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a method say its own name of an argument that is given by the official predictor's.

    Parameters
    ----------
    **known : our names, by theirs.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        own = [name for name in signature(method).parameters if name != "self"]

        @functools.wraps(method)
        def call(*args: P.args, **options: P.kwargs) -> R:
            wrong = [name for name in options if name not in own]
            if wrong:
                hints = [f"{name}= is {known[name]}= here" for name in wrong if name in known]
                raise TypeError(
                    f"{method.__name__}() has no argument {', '.join(wrong)}. "
                    f"{'; '.join([*hints, 'it takes ' + ', '.join(own)])}."
                )
            return method(*args, **options)

        return call

    return decorate
