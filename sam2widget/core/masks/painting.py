"""Which pixels a brush or a lasso covers, exactly: those whose centre lies inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def rasterize_brush(
    path: Sequence[float], radius: float, height: int, width: int
) -> NDArray[np.bool_]:
    """The pixels that a round brush covers on its way.

    Parameters
    ----------
    path : x0, y0, x1, y1…: where its centre went, in pixels of the frame; one place at least.
    radius : in pixels.
    height, width : of the frame in pixels.

    Returns
    -------
    (H, W) bool: centres no farther than `radius` from the path.
    """
    covered_hw = np.zeros((height, width), np.bool_)
    points_p2 = _points(path)
    # A path of one place is a segment without length.
    ends_p2 = points_p2[1:] if len(points_p2) > 1 else points_p2
    for (x0, y0), (x1, y1) in zip(points_p2, ends_p2, strict=False):
        left, right = _centres(min(x0, x1) - radius, max(x0, x1) + radius + 1, width)
        top, bottom = _centres(min(y0, y1) - radius, max(y0, y1) + radius + 1, height)
        y, x = np.ogrid[top:bottom, left:right]
        dx, dy = x + 0.5 - x0, y + 0.5 - y0
        way_x, way_y = x1 - x0, y1 - y0
        length2 = way_x**2 + way_y**2
        along = np.clip((dx * way_x + dy * way_y) / length2, 0, 1) if length2 else 0.0
        distance2 = (dx - along * way_x) ** 2 + (dy - along * way_y) ** 2
        covered_hw[top:bottom, left:right] |= distance2 <= radius**2
    return covered_hw


def rasterize_polygon(path: Sequence[float], height: int, width: int) -> NDArray[np.bool_]:
    """The pixels inside a closed polygon, also where it goes round more than once.

    Parameters
    ----------
    path : x0, y0, x1, y1…: its corners, in pixels of the frame; three at least.
    height, width : of the frame in pixels.

    Returns
    -------
    (H, W) bool: centres with a winding number other than 0, as canvases fill.
    """
    steps_hw = np.zeros((height, width + 1), np.int32)
    corners_p2 = _points(path)
    for (x0, y0), (x1, y1) in zip(corners_p2, np.roll(corners_p2, -1, axis=0), strict=True):
        top, bottom = _centres(min(y0, y1), max(y0, y1), height)
        if y0 == y1 or top >= bottom:
            continue
        rows = np.arange(top, bottom)
        crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(np.intp)
        steps_hw[rows, columns] += 1 if y1 > y0 else -1
    return np.cumsum(steps_hw[:, :width], axis=1) != 0


def _points(path: Sequence[float]) -> NDArray[np.float64]:
    return np.asarray(path, np.float64).reshape(-1, 2)


def _centres(low: float, high: float, count: int) -> tuple[int, int]:
    """The half-open run of pixels whose centres lie in [low, high)."""
    first, last = (int(np.clip(np.ceil(edge - 0.5), 0, count)) for edge in (low, high))
    return first, last
