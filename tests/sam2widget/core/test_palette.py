"""Colours of objects, as people see them who are colour-blind and who are not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sam2widget.annotation.records import ObjectInfo
from sam2widget.core.palette import COLORS, DASHES, color_of, dash_of, ink_on

SEEN_BY = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Matrices on linear RGB, of Machado et al., 2009, for a severity of 1."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def lab(color, matrix):
    """CIELAB of a colour as it is seen."""
    rgb = np.array(list(bytes.fromhex(color[1:]))) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.asarray(matrix) @ linear, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("who", SEEN_BY)
def test_any_two_colours_are_told_apart(who):
    seen = {color: lab(color, SEEN_BY[who]) for color in COLORS}
    apart = {
        (a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in itertools.combinations(COLORS, 2)
    }
    assert min(apart.values()) > 14, min(apart, key=lambda pair: apart[pair])
    assert min(d for (a, b), d in apart.items() if {a, b} <= set(COLORS[:7])) > 16


def test_the_first_colours_are_those_of_okabe_and_ito():
    assert set(COLORS[:7]) == {
        *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    }


def test_no_two_of_many_objects_look_alike():
    many = range(1, len(COLORS) * len(DASHES) + 1)
    assert len({(color_of(n), dash_of(n)) for n in many}) == len(many)
    assert all(dash_of(n) == () for n in range(1, 15))
    assert (color_of(15), dash_of(15)) == (color_of(1), DASHES[1])


def test_an_object_begins_with_its_colour_and_has_its_dash():
    info = ObjectInfo.numbered(16)
    assert (info.color, info.dash) == (color_of(2), DASHES[1])
    assert ObjectInfo(16, "dog", "#123456").dash == DASHES[1]


def test_ink_is_legible_on_every_colour():
    for color in COLORS:
        (lightness, *_), (of_ink, *_) = lab(color, np.eye(3)), lab(ink_on(color), np.eye(3))
        assert abs(lightness - of_ink) > 40
