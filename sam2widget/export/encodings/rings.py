"""Outlines of masks along the edges of pixels, found from run lengths, with their holes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...core.masks import Mask
from ...core.masks.sparse import find_intervals

Ring = NDArray[np.float64]
"""(P, 2) corners (x, y) in pixels, the first not repeated."""


@dataclass
class OutlinePolygon:
    """One separate part of a mask. Its rings do not touch themselves."""

    outline: Ring
    holes: list[Ring] = field(default_factory=list[Ring])


def trace_polygons(mask: Mask) -> list[OutlinePolygon]:
    """Find the parts of a mask, whose rings go along the edges of its pixels.

    No array of the mask is made, so that it may be one of a slide. Pixels that touch at a corner
    alone are parts of their own, or joined there by rings that touch.
    """
    rings = [_without_straight(ring) for ring in _trace(mask)]
    areas = [_signed_area(ring) for ring in rings]
    order = np.argsort([-area for area in areas], kind="stable")
    polygons = [OutlinePolygon(rings[n]) for n in order if areas[n] > 0]
    boxes = np.array([(*one.outline.min(axis=0), *one.outline.max(axis=0)) for one in polygons])
    for n in order:
        if areas[n] >= 0:
            continue
        # The pixel above a hole's uppermost edge is of the part that it is a hole of.
        left, top = rings[n][np.lexsort(rings[n].T)[0]]
        x, y = float(left) + 0.5, float(top) - 0.5
        around = (boxes[:, 0] < x) & (x < boxes[:, 2]) & (boxes[:, 1] < y) & (y < boxes[:, 3])
        for m in np.flatnonzero(around)[::-1].tolist():  # the smallest first
            if _encloses(polygons[m].outline, x, y):
                polygons[m].holes.append(rings[n])
                break
    return polygons


def simplify_ring(ring: Ring, tolerance: float) -> Ring:
    """Leave out corners that are no farther than so many pixels from the line without them.

    By the algorithm of Douglas and Peucker, from the corners farthest from each other on.
    """
    if tolerance <= 0 or len(ring) < 5:
        return ring
    far = int(((ring - ring[0]) ** 2).sum(axis=1).argmax())
    closed = np.concatenate((ring, ring[:1]))
    kept = np.zeros(len(closed), bool)
    kept[[0, far, len(ring)]] = True
    waiting = [(0, far), (far, len(ring))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        start, way = closed[first], closed[last] - closed[first]
        away = closed[first + 1 : last] - start
        length = float(np.hypot(*way))
        cross = np.abs(away[:, 0] * way[1] - away[:, 1] * way[0])
        distance = cross / length if length else np.hypot(away[:, 0], away[:, 1])
        worst = int(distance.argmax())
        if distance[worst] > tolerance:
            middle = first + 1 + worst
            kept[middle] = True
            waiting += [(first, middle), (middle, last)]
    found = closed[kept][:-1]
    return found if len(found) > 2 else ring


def _trace(mask: Mask) -> Iterable[Ring]:
    """Closed ways along edges, the object to the right of each: y grows downwards."""
    stride = mask.width + 1
    begins, ends = _edges(mask)
    following: dict[int, list[int]] = {}
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        following.setdefault(begin, []).append(end)
    for first in begins.tolist():
        while following.get(first):
            way, places = [first], {first: 0}
            at = following[first].pop()
            while True:
                if at in places:  # a ring is closed; where the way goes on, from there
                    begin = places[at]
                    corners = np.array(way[begin:], np.int64)
                    yield np.stack((corners % stride, corners // stride), axis=1).astype(np.float64)
                    for place in way[begin + 1 :]:
                        del places[place]
                    del way[begin + 1 :]
                    if len(way) == 1:
                        break
                else:
                    places[at] = len(way)
                    way.append(at)
                at = following[way[-1]].pop()


def _edges(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where edges between pixels of the object and others begin and end, as numbers of corners."""
    rows, lefts, rights = _row_runs(mask)
    stride = mask.width + 1
    # Along a line between two rows, what lies above and below changes at the ends of runs.
    places = np.concatenate(
        [(rows + down) * stride + x for down in (0, 1) for x in (lefts, rights)]
    )
    is_above = np.repeat([False, True], 2 * len(rows))
    corners, number = np.unique(places, return_inverse=True)
    above = np.zeros(len(corners), np.int64)
    below = np.zeros(len(corners), np.int64)
    np.add.at(above, number[is_above], 1)
    np.add.at(below, number[~is_above], 1)
    in_above, in_below = np.cumsum(above) % 2 == 1, np.cumsum(below) % 2 == 1
    top = np.flatnonzero(in_below & ~in_above)
    bottom = np.flatnonzero(in_above & ~in_below)
    begins = [corners[top], corners[bottom + 1]]
    ends = [corners[top + 1], corners[bottom]]
    begins += [(rows + 1) * stride + lefts, rows * stride + rights]
    ends += [rows * stride + lefts, (rows + 1) * stride + rights]
    return np.concatenate(begins), np.concatenate(ends)


def _row_runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, first column and the one after the last of runs that each lie in one row."""
    starts, stops = find_intervals(mask)
    first, last = starts // mask.width, (stops - 1) // mask.width
    counts = last - first + 1
    number = np.repeat(np.arange(len(starts)), counts)
    rows = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts) + first[number]
    lefts = np.where(rows == first[number], starts[number] - rows * mask.width, 0)
    rights = np.where(rows == last[number], stops[number] - rows * mask.width, mask.width)
    return rows, lefts, rights


def _without_straight(ring: Ring) -> Ring:
    """A ring without the corners at which it goes straight on."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    return ring[turns]


def _signed_area(ring: Ring) -> float:
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _encloses(ring: Ring, x: float, y: float) -> bool:
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    at = x0[crosses] + (y - y0[crosses]) * (x1 - x0)[crosses] / (y1 - y0)[crosses]
    return bool((at > x).sum() % 2)
