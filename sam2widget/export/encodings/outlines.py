"""Masks as polygons, and polygons as masks.

The polygons go half way between pixel centres, so that filling them by pixel centres gives the very
mask.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from ...core.masks.painting import rasterize_polygon
from ..reading.entries import EntryError

NO_PIXEL = "whose corners enclose no pixel of the picture, left out"
"""Said of polygons that are not there to be seen."""
_SMALL = 8
"""Sides of a picture, in pixels, in which a polygon may lie within one pixel."""


def find_polygons(mask_hw: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Find the polygon of each separate part of a (H, W) mask: (P, 2) corners (x, y) in pixels.

    The pixels are those of the frame, with pixel centres at +0.5. A hole is reached by a cut from
    the outline and back.
    """
    padded = np.pad(mask_hw, 1).astype(np.float64)
    generator = contour_generator(z=padded, fill_type=FillType.OuterOffset)
    filled: Any = generator.filled(0.5, np.inf)
    return [
        _joined([points_p2[a:b] for a, b in pairwise(bounds)]) - 0.5
        for points_p2, bounds in zip(*filled, strict=True)
    ]


def join_polygons(mask_hw: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Join all parts of a (H, W) mask in one polygon: (P, 2) corners (x, y) in pixels.

    The cuts between the parts have no width.
    """
    return _joined(find_polygons(mask_hw))


def fill(points_p2: NDArray[np.float64], hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Give the (H, W) mask, bool, of the pixels whose centres a polygon (P, 2) encloses."""
    return rasterize_polygon(points_p2.ravel().tolist(), *hw)


def fill_shape(points_p2: NDArray[np.float64], hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill a polygon of a file as `fill` does: (P, 2) corners in pixels give a (H, W) mask.

    Raises
    ------
    EntryError
        When its corners are shares of width and height.
    """
    if len(points_p2) > 2 and min(hw) > _SMALL and (points_p2 >= 0).all() and points_p2.max() <= 1:
        raise EntryError("its polygon has corners between 0 and 1: expected pixels, not shares")
    return fill(points_p2, hw)


def _joined(rings: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Join rings: each is reached from those before it by the shortest cut there and back."""
    joined, *others = rings
    for ring in others:
        distances = ((joined[:, None] - ring[None]) ** 2).sum(axis=2)
        at, begin = np.unravel_index(int(distances.argmin()), distances.shape)
        body = ring[:-1] if (ring[0] == ring[-1]).all() else ring
        turned = np.roll(body, -int(begin) % len(body), axis=0)
        joined = np.concatenate((joined[: at + 1], turned, turned[:1], joined[at:]))
    return joined
