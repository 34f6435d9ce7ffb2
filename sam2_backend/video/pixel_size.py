"""How large a pixel is, as a user or a microscope's file says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias, cast

UNITS = ("pm", "Å", "nm", "µm", "mm", "cm", "m", "km", "in", "ft")
"""Units that are known, as they are written here."""

_ASCII = {"Å": "angstrom", "µm": "um"}

_NAMES = {
    **{unit: unit for unit in UNITS},
    **dict.fromkeys(("um", "\u03bcm", "micron", "microns", "micrometer", "micrometre"), "µm"),
    **dict.fromkeys(("micrometers", "micrometres", "\\u00b5m", "u", "µ", "\u03bc"), "µm"),
    **dict.fromkeys(("nanometer", "nanometre", "nanometers", "nanometres"), "nm"),
    **dict.fromkeys(("picometer", "picometre", "picometers", "picometres"), "pm"),
    **dict.fromkeys(("millimeter", "millimetre", "millimeters", "millimetres"), "mm"),
    **dict.fromkeys(("centimeter", "centimetre", "centimeters", "centimetres"), "cm"),
    **dict.fromkeys(("meter", "metre", "meters", "metres"), "m"),
    **dict.fromkeys(("kilometer", "kilometre", "kilometers", "kilometres"), "km"),
    **dict.fromkeys(("angstrom", "angstroms", "\u212b", "ångström"), "Å"),
    **dict.fromkeys(("inch", "inches", '"'), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
}
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+))?"
_TEXT = re.compile(rf"\s*{_NUMBER}\s*(?:[x×*]\s*{_NUMBER}\s*)?(\D*?)\s*(?:/\s*(?:px|pixel))?\s*")

PixelSizeLike: TypeAlias = "PixelSize | str | Sequence[object]"


@dataclass(frozen=True)
class PixelSize:
    """Width and height of a pixel."""

    x: float
    y: float
    unit: str
    """One of `UNITS`."""
    source: str = ""
    """Which part of a file says so, such as "OME-XML"; "" where a user has said it."""

    @property
    def area(self) -> float:
        """Of a pixel, in the square of the unit."""
        return self.x * self.y

    @property
    def ascii_unit(self) -> str:
        """The unit in ASCII, for names of columns: "um"."""
        return _ASCII.get(self.unit, self.unit)

    def __str__(self) -> str:
        size = f"{self.x:g}" if self.x == self.y else f"{self.x:g} x {self.y:g}"
        return f"{size} {self.unit}"


def as_pixel_size(value: PixelSizeLike) -> PixelSize:
    """The size of a pixel, as a user says it.

    Parameters
    ----------
    value : text such as "0.65 µm", "0.65um" or "0.65 x 0.7 µm" (width x height), the same as
        (0.65, "µm") or (0.65, 0.7, "µm"), or a `PixelSize`.

    Raises
    ------
    ValueError
        When it is no size, or has no unit that is known.
    """
    if isinstance(value, PixelSize):
        return value
    if isinstance(value, Real):
        raise ValueError(
            f"pixel_size={value} has no unit, and a wrong one would be a thousand times off: write "
            f'it as text, such as "{float(value):g} µm".'
        )
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        if match is None:
            raise ValueError(
                f'pixel_size is a number and a unit, such as "0.65 µm", or of width and height '
                f'"0.65 x 0.7 µm", got {value!r}.'
            )
        first, exponent, second, exponent2, unit = match.groups()
        x = float(f"{first}e{exponent or 0}")
        y = x if second is None else float(f"{second}e{exponent2 or 0}")
        return _checked(x, y, unit, value)
    parts = list(cast("Sequence[Any]", value)) if isinstance(value, (list, tuple)) else []
    if len(parts) in (2, 3) and isinstance(parts[-1], str):
        numbers = parts[:-1]
        if not any(isinstance(one, bool) or not isinstance(one, Real) for one in numbers):
            return _checked(float(numbers[0]), float(numbers[-1]), parts[-1], value)
    raise ValueError(f'pixel_size is text such as "0.65 µm" or (0.65, "µm"), got {value!r}.')


def find_pixel_size(x: object, y: object, unit: object, source: str) -> PixelSize | None:
    """The size of a pixel, as a file says it; None where it says nothing that can be.

    Parameters
    ----------
    x, y : width and height; one of them may be missing.
    unit : its name.
    source : what says it, for people.
    """
    x, y = _positive(x), _positive(y)
    name = _unit(str(unit)) if unit else None
    if name is None or (x is None and y is None):
        return None
    return PixelSize(x or cast("float", y), y or cast("float", x), name, source)


def _checked(x: float, y: float, unit: str, value: object) -> PixelSize:
    if not unit.strip():
        raise ValueError(
            f'pixel_size={value!r} has no unit: write it as in "{x:g} µm". Known: '
            f"{', '.join(UNITS)}."
        )
    name = _unit(unit)
    if name is None:
        raise ValueError(
            f"pixel_size={value!r} is in {unit.strip()!r}, which is no unit that is known: "
            f"{', '.join(UNITS)}."
        )
    if _positive(x) is None or _positive(y) is None:
        raise ValueError(f"A pixel is larger than 0, got pixel_size={value!r}.")
    return PixelSize(x, y, name)


def _unit(name: str) -> str | None:
    name = name.strip().rstrip("\0")
    # "M" is no metre and "MM" no millimetre: only whole words are known in any case.
    return _NAMES.get(name) or (_NAMES.get(name.lower()) if len(name) > 2 else None)


def _positive(value: object) -> float | None:
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0 < number < math.inf else None
