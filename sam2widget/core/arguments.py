"""What people give as arguments, in the forms that they know from elsewhere."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from sam2_backend.arguments import ArgumentError, check_flag

from .errors import SessionError
from .read_only import ReadOnlyDict, UnknownKeyError


def as_int(value: Any, what: str) -> int:
    """A whole number, also from text such as "3", from 3.0 and from NumPy's and PyTorch's numbers.

    Raises
    ------
    SessionError
        When it is none; truth values are none.
    """
    value = _unboxed(value)
    if not isinstance(value, (bool, np.bool_)):
        try:
            return operator.index(value)
        except TypeError:
            number = _number(value)
            if number is not None and number.is_integer():
                return int(number)
    raise SessionError(f"{what} must be a whole number, got {value!r}.")


def as_float(value: Any, what: str) -> float:
    """A finite number, in the same forms as `as_int`.

    Raises
    ------
    SessionError
        When it is none.
    """
    value = _unboxed(value)
    number = None if isinstance(value, (bool, np.bool_)) else _number(value)
    if number is None or not math.isfinite(number):
        raise SessionError(f"{what} must be a finite number, got {value!r}.")
    return number


def as_float_between(value: Any, low: float, high: float, what: str) -> float:
    """A number from one to another, both included, in the same forms as `as_int`.

    Parameters
    ----------
    what : says what it is in errors, such as "strength= is a number".

    Raises
    ------
    SessionError
        When it is none, or another.
    """
    value = _unboxed(value)
    number = None if isinstance(value, (bool, np.bool_)) else _number(value)
    if number is None or not low <= number <= high:
        raise SessionError(f"{what} from {low:g} to {high:g}, got {value!r}.")
    return number


def as_int_from(value: Any, low: int, what: str) -> int:
    """A whole number that is not below another, in the same forms as `as_int`.

    Raises
    ------
    SessionError
        When it is none, or below.
    """
    number = as_int(value, what)
    if number < low:
        raise SessionError(f"{what} must be at least {low}, got {number}.")
    return number


def as_flag(value: Any, what: str) -> bool:
    """True or False, also as NumPy's and as the numbers 1 and 0; a text such as "no" is neither.

    Raises
    ------
    SessionError
        When it is neither.
    """
    try:
        return check_flag(_unboxed(value), what)
    except ArgumentError as error:
        raise SessionError(str(error)) from None


def as_window(value: Any) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of a part of a picture, in whole pixels.

    Raises
    ------
    SessionError
        When these are not four whole numbers.
    """
    if isinstance(value, (str, bytes)) or len(flat := _flat(value)) != 4:
        raise SessionError(f"A window is x0, y0, x1, y1, four whole numbers, got {value!r}.")
    x0, y0, x1, y1 = (as_int(one, "A window's edge") for one in flat)
    return x0, y0, x1, y1


def as_path(value: Any, what: str) -> Path:
    """A path, given as text or as what has one; "~" at its start is the user's home.

    Raises
    ------
    SessionError
        When it is none.
    """
    if isinstance(value, (str, os.PathLike)):
        # Unlike Path.expanduser, it leaves the name of a user that there is not as it is.
        return Path(os.path.expanduser(cast("str | os.PathLike[str]", value)))
    raise SessionError(f"{what} is text or a Path, got {value!r}.")


def as_paths(given: Any, what: str) -> dict[Path, Any]:
    """Paths, with the video of each where a dictionary gives it, else None.

    Raises
    ------
    SessionError
        When it is neither a path, nor several, nor videos by path.
    """
    if isinstance(given, (str, os.PathLike)):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise SessionError(f"{what} is a path, several, or videos by path, got {given!r}.")
    if isinstance(given, Mapping):
        pairs = list(cast("Mapping[Any, Any]", given).items())
    else:
        pairs = [(path, None) for path in cast("Iterable[Any]", given)]
    return {as_path(path, f"One of {what}"): video for path, video in pairs}


def as_numbers(values: tuple[Any, ...], names: tuple[str, ...], what: str) -> list[float]:
    """Finite numbers, given one by one or all in one list, tuple, array or tensor.

    Parameters
    ----------
    values : as they were given; None for what was not.
    names : of the numbers.
    what : names them together in errors.
    """
    given = [value for value in values if value is not None]
    if given and values[0] is None and len(given) < len(names) <= len(values):
        given = list(values)
    flat: list[Any] = []
    if len(given) == 1 and not isinstance(given[0], (str, bytes)):
        flat = _flat(given[0])
    elif len(given) == len(names):
        flat = given
    if len(flat) != len(names):
        shown = repr(given[0] if len(given) == 1 else tuple(given))
        raise SessionError(
            f"{what} is {len(names)} numbers, {', '.join(names)}, in pixels, got {shown}."
        )
    return [
        as_float(value, f"{name} of {what[0].lower()}{what[1:]}")
        for name, value in zip(names, flat, strict=True)
    ]


def as_points(points: Any, labels: Any = None) -> tuple[list[tuple[float, float]], list[int]]:
    """Points and their labels, given as lists, arrays or tensors.

    Parameters
    ----------
    points : (P, 2) x and y of each; of one point also (2,).
    labels : (P,) numbers; 1 for all if None.

    Raises
    ------
    SessionError
        When these are no points, or there is not a label for each.
    """
    flat = [as_float(value, "A coordinate of a point") for value in _flat(points)]
    if not flat or len(flat) % 2:
        raise SessionError(f"Points are (P, 2) numbers, x and y of each, got {points!r}.")
    places = list(zip(flat[::2], flat[1::2], strict=True))
    if labels is None:
        return places, [1] * len(places)
    numbers = [as_int(value, "A point's label") for value in _flat(labels)]
    if len(numbers) != len(places):
        raise SessionError(
            f"Each point needs a label, got {len(places)} points and {len(numbers)} labels."
        )
    return places, numbers


def as_path_of_stroke(path: Any) -> list[float]:
    """x0, y0, x1, y1… of a stroke, given as a list, an array or a tensor.

    Raises
    ------
    SessionError
        When one of them is no number.
    """
    if isinstance(path, (str, bytes)) or not isinstance(path, Iterable):
        raise SessionError(f"A path is (P, 2) numbers, x and y of each place, got {path!r}.")
    return [as_float(value, "A coordinate of a path") for value in _flat(path)]


def as_objects(objects: Any) -> list[int] | None:
    """Ids of objects, given as one or as any collection; None stays None."""
    if objects is None:
        return None
    objects = _unboxed(objects)
    if isinstance(objects, (str, bytes)) or not isinstance(objects, Iterable):
        objects = (objects,)
    ids = [as_int(one, "An object's id") for one in cast("Iterable[Any]", objects)]
    if not ids:
        raise SessionError("objects is empty: give ids, or None for all that are not locked.")
    return list(dict.fromkeys(ids))


class ById(ReadOnlyDict[int, Any]):
    """Values by object id. What is not there is told in a sentence.

    Parameters
    ----------
    values : by object id.
    instead : what changes them, as the end of a sentence.
    """

    def __init__(self, values: Mapping[int, Any], instead: str) -> None:
        super().__init__(values)
        self._instead = instead

    def explain_missing(self, key: object) -> str:
        """Say that there is no such object, or that this is no id, and which there are."""
        known = f"Objects: {', '.join(map(str, self)) or 'none yet'}."
        try:
            obj = as_int(key, "An object's id")
            return f"There is no object {obj}. {known}"
        except SessionError as error:
            return f"{error} {known}"

    def explain_writing(self) -> str:
        """Say that they are read only, and what changes them."""
        return f"What is read by object id cannot be written: {self._instead}."

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(as_int(key, "An object's id"))
        except SessionError:
            raise UnknownObjectError(self.explain_missing(key)) from None

    def __reduce__(self) -> Any:
        return type(self), (dict(self), self._instead)


class MasksById(ById):
    """Masks by object id. Pickled, or copied deeply, they are a dictionary of arrays."""

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class UnknownObjectError(UnknownKeyError):
    """An id that no object has."""


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _unboxed(value: Any) -> Any:
    """The number in an array or a tensor without dimensions."""
    return value.item() if getattr(value, "shape", None) == () else value


def _flat(value: Any) -> list[Any]:
    """The numbers in a list, an array or a tensor, (4,) or (1, 4) or (2, 2)."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return list(cast("Iterator[Any]", value.ravel()))
    if not isinstance(value, Iterable):
        return [value]
    found: list[Any] = []
    for one in cast("Iterable[Any]", value):
        found += [one] if isinstance(one, (str, bytes)) else _flat(one)
    return found
