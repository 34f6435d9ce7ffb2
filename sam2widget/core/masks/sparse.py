"""Masks of pictures that are too large for arrays: run lengths combined, cropped and scaled.

Boxes are y0, x0, y1, x1, as of `Mask.box`; windows are x0, y0, x1, y1. The last two of both are not
included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mask import Mask

_RUN = np.dtype("<u4")
ROWS_AT_ONCE = 1024
"""That are scaled in one go."""

Box = tuple[int, int, int, int]
Intervals = tuple[NDArray[np.int64], NDArray[np.int64]]
"""First pixels of runs of an object, counted row by row, and the pixels after their last."""


def find_intervals(mask: Mask) -> Intervals:
    """Find where the runs of an object begin and end."""
    ends = np.frombuffer(mask.runs, _RUN).cumsum(dtype=np.int64)
    starts, stops = ends[0:-1:2], ends[1::2]
    inside = starts < stops
    return starts[inside], stops[inside]


def build_mask(
    starts: NDArray[np.int64], stops: NDArray[np.int64], height: int, width: int
) -> Mask:
    """Build a mask of ascending runs that do not overlap, but may touch."""
    if not len(starts):
        return Mask.empty(height, width)
    apart = starts[1:] != stops[:-1]
    starts = starts[np.concatenate(([True], apart))]
    stops = stops[np.concatenate((apart, [True]))]
    bounds = np.stack((starts, stops), axis=1).ravel()
    if bounds[-1] < height * width:
        bounds = np.append(bounds, height * width)
    return Mask(height, width, np.diff(bounds, prepend=0).astype(_RUN).tobytes())


def place_mask(part_hw: NDArray[np.bool_], y0: int, x0: int, height: int, width: int) -> Mask:
    """Give the mask of a frame that has this content at a place, and nothing else."""
    steps = np.diff(np.pad(part_hw, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, columns = np.nonzero(steps)
    flat = (rows + y0).astype(np.int64) * width + columns + x0
    return build_mask(flat[0::2], flat[1::2], height, width)


def place_window(window: Box, height: int, width: int) -> Mask:
    """Give the mask of all pixels of a window."""
    x0, y0, x1, y1 = window
    rows = np.arange(y0, y1, dtype=np.int64) * width
    return build_mask(rows + x0, rows + x1, height, width)


def unite(a: Mask, b: Mask) -> Mask:
    """Give the pixels of either of two masks of one size."""
    return _combine(a, b, np.logical_or)


def intersect(a: Mask, b: Mask) -> Mask:
    """Give the pixels of both of two masks of one size."""
    return _combine(a, b, np.logical_and)


def subtract(a: Mask, b: Mask) -> Mask:
    """Give the pixels of a mask that another of its size has not."""
    return _combine(a, b, np.greater)


def _combine(a: Mask, b: Mask, combine: Callable[..., NDArray[np.bool_]]) -> Mask:
    if a.shape != b.shape:
        raise ValueError(f"The masks are of two sizes: {a!r} and {b!r}.")
    bounds_a, bounds_b = (np.stack(find_intervals(one), axis=1).ravel() for one in (a, b))
    bounds = np.union1d(bounds_a, bounds_b)
    if not len(bounds):
        return Mask.empty(*a.shape)
    in_a, in_b = (np.searchsorted(one, bounds, "right") % 2 == 1 for one in (bounds_a, bounds_b))
    inside = combine(in_a, in_b)  # from each bound to the next
    changes = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0))
    return build_mask(bounds[changes[0::2]], bounds[changes[1::2]], *a.shape)


def contains(mask: Mask, x: float, y: float) -> bool:
    """Whether a place, in pixels of the frame, lies in a mask."""
    column, row = min(int(x), mask.width - 1), min(int(y), mask.height - 1)
    return bool(_values_at(mask, np.array([row * mask.width + column]))[0])


def touches_edge(mask: Mask, window: Box) -> bool:
    """Whether a mask ends at an edge of a window that is none of the frame's."""
    x0, y0, x1, y1 = window
    rows, columns = np.arange(y0, y1, dtype=np.int64), np.arange(x0, x1, dtype=np.int64)
    # Whether there is something beyond, the pixels at the edge, and how far it is to those beyond.
    edges = [
        (y0 > 0, y0 * mask.width + columns, -mask.width),
        (y1 < mask.height, (y1 - 1) * mask.width + columns, mask.width),
        (x0 > 0, rows * mask.width + x0, -1),
        (x1 < mask.width, rows * mask.width + x1 - 1, 1),
    ]
    return any(
        bool((_values_at(mask, pixels) & ~_values_at(mask, pixels + step)).any())
        for is_cut, pixels, step in edges
        if is_cut
    )


def sample_mask(mask: Mask, window: Box, height: int, width: int) -> NDArray[np.bool_]:
    """Give (height, width) bool of a window of a mask, each pixel that at its middle."""
    x0, y0, x1, y1 = window
    rows = y0 + ((np.arange(height) + 0.5) * (y1 - y0) / height).astype(np.int64)
    columns = x0 + ((np.arange(width) + 0.5) * (x1 - x0) / width).astype(np.int64)
    return _values_at(mask, rows[:, None] * mask.width + columns[None])


def crop_mask(mask: Mask, box: Box) -> NDArray[np.bool_]:
    """Give (h, w) bool of a box of a mask."""
    y0, x0, y1, x1 = box
    return sample_mask(mask, (x0, y0, x1, y1), y1 - y0, x1 - x0)


def replace_part(mask: Mask, y0: int, x0: int, part_hw: NDArray[np.bool_]) -> Mask:
    """Give a mask with another content at a place."""
    height, width = part_hw.shape
    window = place_window((x0, y0, x0 + width, y0 + height), *mask.shape)
    return unite(subtract(mask, window), place_mask(part_hw, y0, x0, *mask.shape))


def scale_to_window(small_hw: NDArray[np.bool_], window: Box, height: int, width: int) -> Mask:
    """Give the mask of a frame that has a smaller one, enlarged, in a window.

    Its edge goes where a bilinear interpolation is one half, which is found in each row without an
    array of the window: that could be the size of a slide.
    """
    x0, y0, x1, y1 = window
    wide, high = x1 - x0, y1 - y0
    if small_hw.shape == (high, wide):
        return place_mask(small_hw, y0, x0, height, width)
    starts: list[NDArray[np.int64]] = []
    stops: list[NDArray[np.int64]] = []
    used = np.flatnonzero(small_hw.any(axis=1))
    if not len(used):
        return Mask.empty(height, width)
    along = high / small_hw.shape[0]
    first = max(int((used[0] - 1) * along), 0)
    last = min(int((used[-1] + 2) * along) + 1, high)
    values = small_hw.astype(np.float32)
    for top in range(first, last, ROWS_AT_ONCE):
        rows = np.arange(top, min(top + ROWS_AT_ONCE, last))
        begin, end = _row_runs(values, rows, high, wide)
        at = (rows[begin[0]] + y0).astype(np.int64) * width + x0
        starts.append(at + begin[1])
        stops.append(at + end)
    return build_mask(np.concatenate(starts), np.concatenate(stops), height, width)


def _row_runs(
    values: NDArray[np.float32], rows: NDArray[Any], high: int, wide: int
) -> tuple[tuple[NDArray[np.intp], NDArray[np.int64]], NDArray[np.int64]]:
    """Which row each run is of, where it begins, and where it ends."""
    count_y, count_x = values.shape
    at = np.clip((rows + 0.5) * count_y / high - 0.5, 0, count_y - 1)
    above = at.astype(np.intp)
    below = np.minimum(above + 1, count_y - 1)
    share = (at - above).astype(np.float32)[:, None]
    level = values[above] * (1 - share) + values[below] * share - 0.5
    inside = level > 0
    steps = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, column = np.nonzero(steps)  # between the samples column - 1 and column
    left, right = np.maximum(column - 1, 0), np.minimum(column, count_x - 1)
    a, b = level[row, left], level[row, right]
    change = np.where(a == b, 1, a - b)
    crossing = (left + a / change + 0.5) * wide / count_x - 0.5
    crossing = np.where(column == 0, 0, np.where(column == count_x, wide, crossing))
    place = np.clip(np.ceil(crossing), 0, wide).astype(np.int64)
    begin, end = place[0::2], place[1::2]
    kept = begin < end
    return (row[0::2][kept], begin[kept]), end[kept]


def _values_at(mask: Mask, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    bounds = np.frombuffer(mask.runs, _RUN).cumsum(dtype=np.int64)
    return np.searchsorted(bounds, pixels, "right") % 2 == 1
