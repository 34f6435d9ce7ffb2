"""Labels and attributes of CVAT's XML, which become classes and attributes of objects."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from .....annotation.records import Attribute
from ....reading.labels import LabelReader

WRITER, OURS = "written_by", "sam2widget"
"""What of the file's `<meta>` says that it is one of ours."""
OBJECT_NAME = "object_name"
"""The attribute that holds the name of an object that has a class."""


class LabelsOfShapes:
    """What the labels and attributes of shapes say of objects.

    Parameters
    ----------
    path : of the file.
    root : what is in it.
    """

    def __init__(self, path: Path, root: Xml.Element) -> None:
        self.reader = LabelReader(str(path))
        self._is_own = root.findtext(f"meta/{WRITER}") == OURS
        self._input_types: dict[tuple[str, str], str] = {}
        listed = next(iter(root.iterfind("meta/*/labels")), ())
        for label in listed:
            name = label.findtext("name") or ""
            attributes = label.findall("attributes/attribute")
            kinds = {
                one.findtext("name") or "": one.findtext("input_type") or "" for one in attributes
            }
            self._input_types |= {(name, attribute): kind for attribute, kind in kinds.items()}
            # A label of ours without it is the name of an object that has no class.
            if OBJECT_NAME in kinds or not self._is_own:
                self.reader.add_classes({name: _color(label)})

    def add(self, obj: int, label: str, shape: Xml.Element) -> str:
        """Add what a shape says of its object, and return the object's name."""
        found = {
            one.get("name") or "": self._value(label, one) for one in shape.findall("attribute")
        }
        name = str(found.pop(OBJECT_NAME, "")) if self._is_own else ""
        if name or not self._is_own:
            self.reader.set_class(obj, label)
        self.reader.add_attributes(obj, found)
        return name or label

    def _value(self, label: str, attribute: Xml.Element) -> Attribute:
        text = attribute.text or ""
        kind = attribute.get("type") or self._input_types.get(
            (label, attribute.get("name") or ""), ""
        )
        if kind in ("checkbox", "bool"):
            return text.strip().lower() == "true"
        if kind in ("number", "int", "float"):
            try:
                value = float(text)
                is_int = kind != "float" and value.is_integer()
                return int(text) if is_int and text.strip().lstrip("-").isdecimal() else value
            except (ValueError, OverflowError):
                return text
        return text


def _color(label: Xml.Element) -> str | None:
    """The colour of a label as ``"#rrggbb"``; None where it has none of this form."""
    color = (label.findtext("color") or "").lower()
    digits = color.removeprefix("#")
    is_color = len(color) == 7 and len(digits) == 6 and all(c in "0123456789abcdef" for c in digits)
    return color if is_color else None
