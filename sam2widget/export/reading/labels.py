"""Classes and attributes of objects in files: what other programs say of each mask is gathered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from ...annotation.classes import Labels, clean_name
from ...annotation.records import Attribute

_LISTED = 4


class LabelReader:
    """Gathers the classes and attributes of objects, mask by mask.

    An object's attributes are those that are the same on all of its masks. Of one that changes over
    time, or is neither a truth value, a number nor a text, `notes` tells that it is left out.

    Parameters
    ----------
    where : the file, in sentences.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._classes: dict[int, str] = {}
        self._attributes: dict[int, dict[str, Attribute]] = {}
        self._colors: dict[str, str | None] = {}
        self._changing: dict[tuple[int, str], None] = {}
        self._odd: dict[str, None] = {}

    def add_classes(self, names: Iterable[str] | Mapping[str, str | None]) -> None:
        """Add classes of the file to the list, in their order; colours by name, or names alone."""
        colors = names if isinstance(names, Mapping) else dict.fromkeys(names)
        for name, color in colors.items():
            if clean_name(name):
                self._colors.setdefault(clean_name(name), color)

    def set_class(self, obj: int, name: object) -> None:
        """Say of which class an object is; a blank name says nothing."""
        cleaned = clean_name(name) if isinstance(name, str) else ""
        if cleaned:
            self._classes[obj] = cleaned
            self.add_classes([cleaned])

    def add_attributes(self, obj: int, attributes: object) -> None:
        """Add what is said of one mask of an object."""
        if not isinstance(attributes, Mapping):
            return
        known = self._attributes.setdefault(obj, {})
        for key, said in cast("Mapping[Any, Any]", attributes).items():
            name, value = clean_name(str(key)), _clean_value(said)
            if not name or said is None:
                continue
            if value is None:
                self._odd[name] = None
            elif repr(known.setdefault(name, value)) != repr(value):
                self._changing[obj, name] = None

    @property
    def labels(self) -> Labels:
        """What was gathered."""
        attributes = {
            obj: {name: one for name, one in known.items() if (obj, name) not in self._changing}
            for obj, known in self._attributes.items()
        }
        return Labels(
            self._classes, {obj: one for obj, one in attributes.items() if one}, self._colors
        )

    @property
    def notes(self) -> list[str]:
        """What was left out, in sentences."""
        changing = dict.fromkeys(name for _, name in self._changing)
        why = {
            "change over time": list(changing),
            "are lists or objects": [name for name in self._odd if name not in changing],
        }
        return [
            f"{self._where} has attributes that {reason}, left out: {', '.join(names[:_LISTED])}"
            f"{', …' if len(names) > _LISTED else ''}."
            for reason, names in why.items()
            if names
        ]


def _clean_value(value: object) -> Attribute | None:
    """A value that an attribute can have; None where this is no such value."""
    if isinstance(value, str):
        lines = value.encode(errors="replace").decode().splitlines()
        return "\n".join("".join(c if c >= " " else " " for c in line) for line in lines)
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return None
