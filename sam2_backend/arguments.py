"""Checks of arguments that people know from elsewhere, or mix up."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable, Hashable, Iterable
from inspect import signature
from numbers import Real
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

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


class ArgumentError(ValueError, TypeError):
    """An argument of a wrong kind, or out of its range; the message says which and what fits."""


class UnknownObjectError(KeyError):
    """An id that no object has."""

    __str__ = Exception.__str__


def check_whole(value: Any, what: str, low: int | None = None, high: int | None = None) -> None:
    """Refuse what is no whole number, or not from one to another, both included.

    Raises
    ------
    ArgumentError
        When it is so.
    """
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:  # also of arrays and tensors of fractions, or of several numbers
        number = None
    if number is not None and (low is None or low <= number) and (high is None or number <= high):
        return
    bounds = "" if low is None else f" from {low}" + (" up" if high is None else f" to {high}")
    raise ArgumentError(f"{what} must be a whole number{bounds}, got {value!r}.")


def check_number(value: Any, what: str) -> None:
    """Refuse what is no number, or NaN.

    Raises
    ------
    ArgumentError
        When it is so.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or value != value:
        raise ArgumentError(f"{what} must be a number, got {value!r}.")


def check_flag(value: Any, what: str) -> bool:
    """Return True or False, also of NumPy's and of the numbers 1 and 0; refuse what is neither.

    Raises
    ------
    ArgumentError
        When it is so.
    """
    number = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(number, int) and number in (0, 1):
        return bool(number)
    raise ArgumentError(f"{what} is True or False, got {value!r}.")


def check_flag_or_none(value: Any, what: str) -> bool | None:
    """Return None, or what `check_flag` does.

    Raises
    ------
    ArgumentError
        When it is neither True nor False nor None.
    """
    return None if value is None else check_flag(value, what)


def list_ids(ids: Iterable[Hashable]) -> str:
    """List ids of objects as a person would write them, NumPy's numbers as plain ones.

    >>> list_ids([np.int64(1), "cat"])
    "1, 'cat'"
    """
    return ", ".join(repr(as_plain_id(one)) for one in ids)


def as_plain_id(obj: Any) -> Any:
    """Give the id of an object without NumPy's box around a number."""
    return obj.item() if isinstance(obj, np.generic) else obj


def check_object_id(obj: Any) -> None:
    """Refuse what cannot stand for an object: None, NaN and what has no hash.

    Raises
    ------
    ArgumentError
        When it is so.
    """
    if obj is None or not isinstance(obj, Hashable) or obj != obj:
        raise ArgumentError(f"An object's id is a whole number, or another name, got {obj!r}.")


def accept_aliases(**aliases: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a method take keyword arguments by the official predictor's names too.

    Parameters
    ----------
    **aliases : our names, by theirs. Other names that there are not are refused by a `TypeError`
        that lists those that there are.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own = list(signature(function).parameters)[1:]

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
