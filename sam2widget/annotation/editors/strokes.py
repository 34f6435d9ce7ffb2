"""Strokes of a brush and outlines of a lasso, and which pixels of a frame they cover."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...core.errors import SessionError
from ...core.masks import Mask, painting
from ...core.masks.sparse import place_mask
from ..records import Shape


def check_stroke(shape: str, path: Sequence[float], radius: float) -> None:
    """Raise SessionError where nothing can be drawn so; parameters as in `rasterize_stroke`."""
    if shape not in ("brush", "polygon"):
        raise SessionError(f"One paints with a 'brush' or a 'polygon', got {shape!r}.")
    if len(path) % 2 or not all(map(math.isfinite, path)):
        raise SessionError("A path is x0, y0, x1, y1…: finite numbers, two a place.")
    if shape == "brush" and not (path and 0 < radius < math.inf):
        raise SessionError(
            f"A brush needs a place and a radius above 0, got {len(path) // 2} and {radius:g}."
        )
    if shape == "polygon" and len(path) < 6:
        raise SessionError(f"A polygon needs three corners, got {len(path) // 2}.")


def rasterize_stroke(
    shape: Shape, path: Sequence[float], radius: float, height: int, width: int
) -> Mask:
    """What a stroke covers, drawn in the part of the frame that it goes through.

    Parameters
    ----------
    shape : "brush" or "polygon".
    path : x0, y0, x1, y1… in pixels of the frame: the brush's way, or the polygon's corners.
    radius : of the brush in pixels.
    height, width : of the frame.
    """
    places_p2 = np.asarray(path, np.float64).reshape(-1, 2)
    (left, top), (right, bottom) = places_p2.min(axis=0) - radius, places_p2.max(axis=0) + radius
    x0, x1 = (int(np.clip(value, 0, width)) for value in (np.floor(left), np.ceil(right) + 1))
    y0, y1 = (int(np.clip(value, 0, height)) for value in (np.floor(top), np.ceil(bottom) + 1))
    if x0 >= x1 or y0 >= y1:
        return Mask.empty(height, width)
    moved = (places_p2 - (x0, y0)).ravel().tolist()
    if shape == "brush":
        covered_hw = painting.rasterize_brush(moved, radius, y1 - y0, x1 - x0)
    else:
        covered_hw = painting.rasterize_polygon(moved, y1 - y0, x1 - x0)
    return place_mask(covered_hw, y0, x0, height, width)
