"""Classes and attributes of objects: what they may be, and in which colours they are shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, cast

import numpy as np

from ..core.errors import SessionError
from .records import Attribute, ObjectClass, ObjectInfo

NO_CLASS_COLOR = "#9a9a9a"
"""Of objects without a class, where colours are those of classes."""
MAX_TEXT = 200
"""Characters of a class's or an attribute's name."""


@dataclass(frozen=True)
class Labels:
    """What a file says of objects besides their masks and names."""

    classes: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names of classes by object id."""
    attributes: Mapping[int, Mapping[str, Attribute]] = field(
        default_factory=dict[int, Mapping[str, Attribute]]
    )
    """By object id, then by name."""
    colors: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Of all classes of the file by name, in their order; None where it says none."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def as_color(value: object) -> str:
    """A colour as ``"#rrggbb"`` in small letters.

    Raises
    ------
    SessionError
        When it is written otherwise.
    """
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise SessionError(f"A colour is written like '#2f7ff5', got {value!r}.")
    return value.lower()


def as_classes(value: Any) -> tuple[ObjectClass, ...]:
    """Classes in their order, from what a person gives.

    Parameters
    ----------
    value : names; or colours by name, None for one of the palette.

    Raises
    ------
    SessionError
        When it is neither, a name is blank or comes twice, or a colour is none.
    """
    if isinstance(value, Mapping):
        given = list(cast("Mapping[Any, Any]", value).items())
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        given = [
            (one.name, one.color) if isinstance(one, ObjectClass) else (one, None)
            for one in cast("Iterable[Any]", value)
        ]
    else:
        raise SessionError(
            "Classes are a list of names, such as ['person', 'dog'], or a dictionary of their "
            f"colours by name, got {value!r}."
        )
    classes: list[ObjectClass] = []
    for name, color in given:
        checked = as_name(name, "A class's name")
        if any(one.name == checked for one in classes):
            raise SessionError(f"There are two classes {checked!r}: give each once.")
        color = default_color(len(classes)) if color is None else as_color(color)
        classes.append(ObjectClass(checked, color))
    return tuple(classes)


def as_name(value: object, what: str) -> str:
    """A name of a class or an attribute, without blanks around it.

    Raises
    ------
    SessionError
        When it is no text, blank, too long, or of other than characters in one line.
    """
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > MAX_TEXT or not _is_plain(name):
        raise SessionError(
            f"{what} is a text in one line of 1 to {MAX_TEXT} characters, got {value!r}."
        )
    return name


def as_attributes(given: Mapping[Any, Any]) -> dict[str, Attribute | None]:
    """Attributes by name, each a truth value, a finite number or a text; None takes one away.

    Raises
    ------
    SessionError
        When a value is something else, or a name is none.
    """
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SessionError(
            f"Attributes are values by name, such as occluded=True or {{'occluded': True}}, got "
            f"{given!r}."
        )
    return {
        as_name(name, "An attribute's name"): _as_value(name, one) for name, one in given.items()
    }


def _as_value(name: object, value: object) -> Attribute | None:
    value = value.item() if isinstance(value, np.generic) else value
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str() if _is_plain(value.replace("\n", " ").replace("\t", " ")):
            return value
        case _:
            raise SessionError(
                f"The attribute {name!r} is {value!r}: give True or False, a finite number, a "
                "text, or None to take it away."
            )


def clean_name(text: str) -> str:
    """What a file calls a class or an attribute, as a name that `as_name` takes; "" if it is blank.

    What is no character of a line becomes a blank, and what is too long is cut.
    """
    text = text.encode(errors="replace").decode()
    return " ".join(_CONTROL.sub(" ", text).split())[:MAX_TEXT].strip()


def _is_plain(text: str) -> bool:
    """Whether every file that is written can hold a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return _CONTROL.search(text) is None


def default_color(index: int) -> str:
    """The colour of a class that has none of its own, by its place in the list, from 0."""
    return ObjectInfo.numbered(index + 1).color


def explain_unknown(name: str, classes: Sequence[ObjectClass]) -> str:
    """A sentence that says that there is no such class, which there are, and how to add one."""
    known = [one.name for one in classes]
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"There is no class {name!r}.{hint} Classes: {', '.join(known) or 'none yet'}. Add it with "
        f"w.set_class(obj, {name!r}, add=True), or give all of them: w.classes = ['person', …]."
    )


def color_by_class(
    objects: Iterable[ObjectInfo], classes: Iterable[ObjectClass]
) -> tuple[ObjectInfo, ...]:
    """The objects in the colours of their classes."""
    colors = {one.name: one.color for one in classes}
    return tuple(
        replace(info, color=colors.get(info.class_name, NO_CLASS_COLOR)) for info in objects
    )
