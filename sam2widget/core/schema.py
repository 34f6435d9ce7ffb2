"""JSON from outside, checked against types of msgspec: errors name place and value."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import Meta, inspect

T = TypeVar("T")

MAX_WHOLE = 2**53 - 1
"""Beyond it, numbers in JSON are no longer exact everywhere."""

Whole = Annotated[int, Meta(ge=0, le=MAX_WHOLE)]
"""A whole number from 0 up."""

_MAX_FLOAT = sys.float_info.max

Finite = Annotated[float, Meta(ge=-_MAX_FLOAT, le=_MAX_FLOAT, extra={"expected": "1 number"})]
"""A number that is neither infinite nor NaN. `extra` has what errors say that they expected."""

FiniteFromZero = Annotated[float, Meta(ge=0, le=_MAX_FLOAT)]
"""A number from 0 up, not infinite."""

_PLACE = re.compile(r"^(?P<fault>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.S)
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]")
_FIELD = re.compile(r"^Object (?P<fault>missing required|contains unknown) field `(?P<name>.*)`$")


class SchemaError(ValueError):
    """A value that is not what it should be; the message names its place and the value."""


class MismatchError(SchemaError):
    """A value of another type than its place asks for."""

    def __init__(self, place: str, value: object, expected: str, *, name: str = "it") -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        super().__init__(f"{repr(place) if place else name} is {shown}, expected {expected}")
        self.place, self.value, self.expected = place or name, value, expected


class MissingError(SchemaError):
    """A value that must be there and is not."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place!r} is missing")
        self.place = place


def refuse(place: str, value: object, expected: str) -> NoReturn:
    """Raise MismatchError."""
    raise MismatchError(place, value, expected)


def load_json(content: bytes, name: str) -> object:
    """Parse JSON.

    Parameters
    ----------
    name : what errors call it.

    Raises
    ------
    SchemaError
        When it is none.
    """
    # Not msgspec's: it refuses NaN where a number's place can still be named.
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{name} is no JSON ({error})") from error


def convert(value: object, kind: type[T], name: str = "it") -> T:
    """Make a value of a msgspec type from parsed JSON.

    Parameters
    ----------
    name : what errors call the value itself; its parts are named by their place in it.

    Raises
    ------
    MissingError
        When a field is missing.
    MismatchError
        When a value is not what its place asks for.
    SchemaError
        When it is no JSON.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error), value, kind, name) from error
    except UnicodeEncodeError as error:
        raise SchemaError(f"{name} holds text that is no Unicode ({error})") from error


def _explain(text: str, value: object, kind: type, name: str) -> SchemaError:
    """What a ValidationError says, with the value and in plain words."""
    found = _PLACE.match(text)
    assert found is not None
    field = _FIELD.match(found["fault"])
    place, value, expected = _locate(found["path"] or "", value, _type_info(kind))
    if field is None:
        return MismatchError(place, value, describe(expected), name=name)
    place = f"{place}.{field['name']}" if place else field["name"]
    if field["fault"] == "missing required":
        return MissingError(place)
    return SchemaError(f"{place!r} does not belong there")


def _locate(path: str, value: Any, kind: inspect.Type) -> tuple[str, Any, inspect.Type]:
    """Return place, value and type of what a path of msgspec leads to, or of the tuple around it.

    ``.video.sizes[3][0]`` leads to ``video.sizes[3]``.
    """
    place = ""
    for step in _STEP.finditer(path):
        container = _container(kind, named=step["name"] is not None)
        if isinstance(container, inspect.StructType):
            value = value.get(step["name"])
            kind = next(one.type for one in container.fields if one.encode_name == step["name"])
        elif isinstance(container, inspect.ListType | inspect.VarTupleType):
            value, kind = value[int(step["index"])], container.item_type
        else:
            break
        place += step[0]
    return place.removeprefix("."), value, kind


def _container(kind: inspect.Type, *, named: bool) -> inspect.Type:
    """Of a union the member that has fields, or items."""
    kind = _unwrap(kind)
    if not isinstance(kind, inspect.UnionType):
        return kind
    wanted = inspect.StructType if named else inspect.ListType | inspect.VarTupleType
    return next((one for one in map(_unwrap, kind.types) if isinstance(one, wanted)), kind)


def describe(kind: inspect.Type) -> str:
    """What a type asks for, in words that go on from "expected". Tuples are of numbers."""
    if isinstance(kind, inspect.Metadata) and kind.extra is not None:
        return kind.extra["expected"]
    match _unwrap(kind):
        case inspect.UnionType(types=types):
            return _join([describe(one) for one in types])
        case inspect.LiteralType(values=values):
            return _join([repr(value) for value in values])
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=ge, le=le):
            return f"a whole number from {ge} {'up' if le == MAX_WHOLE else f'to {le}'}"
        case inspect.FloatType(ge=ge, le=le):
            return f"a number from {ge} {'up' if le == _MAX_FLOAT else f'to {le}'}"
        case inspect.StrType(pattern=pattern, max_length=max_length):
            limit = "" if max_length is None else f" of at most {max_length} characters"
            return f"text{limit}" + ("" if pattern is None else f" like {pattern}")
        case inspect.TupleType(item_types=types):
            _, words = describe(types[0]).split(" ", 1)
            return f"{len(types)} {words.replace('number', 'numbers', 1)}"
        case inspect.ListType(max_length=max_length) | inspect.VarTupleType(max_length=max_length):
            return "a list" if max_length is None else f"a list of at most {max_length}"
        case _:
            return "an object"


def _join(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _unwrap(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


_type_info = cache(inspect.type_info)
