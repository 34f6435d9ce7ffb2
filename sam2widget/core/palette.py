"""Colours and dashes by which objects are told apart, also by people who are colour-blind.

The first seven colours are those of Okabe and Ito ("Color Universal Design", 2008) but for black,
which is not seen on pictures. Seven lighter and darker ones of the same hues follow, chosen to lie
far from all others as people with protanopia, deuteranopia and tritanopia see them. After these
fourteen, colours come again, and outlines and lines are dashed.
"""

from __future__ import annotations

COLORS = (
    *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    *("#d5ecfa", "#8a3d00", "#ecb78c", "#8f5575", "#003f62", "#fbf8d0", "#00674b"),
)
"""``"#rrggbb"``; an object begins with the one of its id, and keeps the one that is saved."""

DASHES: tuple[tuple[int, ...], ...] = ((), (9, 4), (3, 3), (12, 3, 3, 3))
"""Lengths on and off along a line that is 2 wide; none is a solid line."""


def color_of(obj: int) -> str:
    """The colour that an object of this id begins with, ``"#rrggbb"``."""
    return COLORS[(obj - 1) % len(COLORS)]


def dash_of(obj: int) -> tuple[int, ...]:
    """How lines of an object of this id are dashed, as one of `DASHES`."""
    return DASHES[(obj - 1) // len(COLORS) % len(DASHES)]


def ink_on(color: str) -> str:
    """What is legible on a colour: "#000000" or "#ffffff"."""
    red, green, blue = bytes.fromhex(color[1:])
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"
