"""JSON from outside: each value is checked as it is taken, and errors say where it stands."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn, TypeGuard, cast

MAX_WHOLE = 2**53
"""Beyond it, numbers in JSON are no longer exact everywhere."""


class DocumentError(ValueError):
    """Something that a document cannot say; the message names the place and the value."""


class Node:
    """An object of a JSON document, which knows its place for the sake of errors."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            refuse(place, value, "an object")
        self._values = cast("dict[str, object]", value)
        self.place = place

    def has(self, key: str) -> bool:
        return key in self._values

    def child(self, key: str) -> Node:
        return Node(self._get(key), self._at(key))

    def children(self, key: str) -> list[Node]:
        items = self.items(key)
        return [Node(item, f"{self._at(key)}[{n}]") for n, item in enumerate(items)]

    def items(self, key: str) -> list[object]:
        value = self._get(key)
        if not isinstance(value, list):
            refuse(self._at(key), value, "a list")
        return cast("list[object]", value)

    def whole(self, key: str, minimum: int = 0, maximum: int = MAX_WHOLE) -> int:
        return whole_in(self._get(key), self._at(key), minimum, maximum)

    def text(self, key: str, pattern: str | None = None) -> str:
        value = self._get(key)
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            refuse(self._at(key), value, f"text like {pattern}" if pattern else "text")
        return value

    def is_none(self, key: str) -> bool:
        return self._get(key) is None

    def is_text(self, key: str, text: str) -> bool:
        return self._get(key) == text

    def text_or_none(self, key: str) -> str | None:
        return None if self._get(key) is None else self.text(key)

    def flag(self, key: str) -> bool:
        value = self._get(key)
        if not isinstance(value, bool):
            refuse(self._at(key), value, "true or false")
        return value

    def number(self, key: str) -> float:
        return numbers([self._get(key)], self._at(key), 1)[0]

    def numbers(self, key: str, count: int) -> list[float] | None:
        return None if self._get(key) is None else numbers(self._get(key), self._at(key), count)

    def _get(self, key: str) -> object:
        if key not in self._values:
            raise DocumentError(f"{self._at(key)!r} is missing")
        return self._values[key]

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def parse_json(content: bytes, name: str) -> Node:
    """Parse a document whose outermost value is an object.

    Parameters
    ----------
    name : what errors call it.

    Raises
    ------
    DocumentError
        When it is no JSON, or of no object.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{name} is no JSON ({error})") from error
    if not isinstance(value, dict):
        refuse(name, value, "an object")
    return Node(value, "")


def whole_in(value: object, place: str, minimum: int, maximum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        refuse(place, value, f"a whole number from {minimum} to {maximum}")
    return value


def numbers(value: object, place: str, count: int) -> list[float]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    found = [float(item) for item in items if _is_number(item)]
    if len(found) != count or len(items) != count:
        refuse(place, value, f"{count} numbers")
    return found


def _is_number(value: object) -> TypeGuard[int | float]:
    # A whole number can be too large for a float, and true is one too.
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= MAX_WHOLE
    return isinstance(value, float) and math.isfinite(value)


def refuse(place: str, value: object, expected: str) -> NoReturn:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    raise DocumentError(f"{place!r} is {shown}, expected {expected}")
