"""Which object has a pixel that lies in the masks of several.

What a person has made or vouched for is never cut: brushed, imported and accepted masks, and those
of locked objects, keep their pixels, and two of them may share some. What the model says has the
rest, and of several such masks

1. where a person clicked on one object, it has the contested region around the click;
2. else the larger logit wins, between cells of the network's grid as masks are made;
3. where logits of a mask are not known (of an adopted proposal, of a tracked mask that shows again
   without its correction, of a session that was opened again, of a segmenter that gives none), the
   smaller mask wins: a part lies before the whole;
4. of equals, the larger id wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.masks import Mask

_RUN = np.dtype("<u4")

Pixels = NDArray[np.bool_]
Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of some pixels."""


@dataclass
class MaskPart:
    """The mask of one object in a part of a frame."""

    obj: int
    full_hw: Pixels
    """(h, w) all that the model said."""
    current_hw: Pixels
    """(h, w) what the object has of it now."""
    is_fixed: bool
    """Whether it keeps what it has, as what a person has made or vouched for."""
    area: int = 0
    """Of the whole mask, in pixels."""
    logits: Callable[[Places], NDArray[np.float32]] | None = None
    """Gives the mask logits of pixels of this part, where they are known."""
    clicks_xy: Sequence[tuple[int, int]] = ()
    """Pixels of this part that a person clicked as on the object."""
    remove_specks: Callable[[Pixels], Pixels] | None = None
    """Drops specks of what it is left with, given and returned in this part of the frame."""


def resolve_overlaps(parts: Sequence[MaskPart], region_hw: Pixels) -> list[Pixels]:
    """Decide anew which object has which pixel of a region; outside it, all stay as they are.

    Parameters
    ----------
    parts : of every object that has something there, with ascending ids.
    region_hw : (h, w).

    Returns
    -------
    list of (h, w) bool
        What each object has then.
    """
    free_hw = region_hw.copy()
    for part in parts:
        if part.is_fixed:
            free_hw &= ~part.current_hw
    rivals = [part for part in parts if not part.is_fixed]
    contest = _Contest(rivals, free_hw)
    won = contest.resolve()
    again = False
    for n, part in enumerate(rivals):
        won[n] = np.where(region_hw, won[n], part.current_hw)
        if part.remove_specks is not None and (part.full_hw & region_hw & ~won[n]).any():
            # Specks that are left of it go to who else has them in its mask.
            again |= contest.exclude(n, won[n] & ~part.remove_specks(won[n]))
    if again:
        found = zip(rivals, contest.resolve(), strict=True)
        won = [np.where(region_hw, won_hw, part.current_hw) for part, won_hw in found]
    left = iter(won)
    return [part.current_hw if part.is_fixed else next(left) for part in parts]


class _Contest:
    """Pixels that lie in the masks of several objects.

    Parameters
    ----------
    parts : masks, with ascending ids of their objects.
    free_hw : (h, w) pixels that they may have.
    """

    def __init__(self, parts: Sequence[MaskPart], free_hw: Pixels) -> None:
        self._parts = parts
        self._wanted = [part.full_hw & free_hw for part in parts]
        count_hw = np.zeros(free_hw.shape, np.uint16)
        for wanted_hw in self._wanted:
            count_hw += wanted_hw
        rows, columns = np.nonzero(count_hw > 1)
        self._places: Places = rows, columns
        """The K contested pixels."""
        self._wanted_k = [wanted_hw[self._places] for wanted_hw in self._wanted]
        self._logits = [self._logits_of(n) for n in range(len(parts))]

    def resolve(self) -> list[Pixels]:
        """(h, w) what each object has of what it may have."""
        winners_k = self._winners()
        won: list[Pixels] = []
        for n, wanted_hw in enumerate(self._wanted):
            won_hw = wanted_hw.copy()
            won_hw[self._places] = winners_k == n
            won.append(won_hw)
        return won

    def exclude(self, n: int, pixels_hw: Pixels) -> bool:
        """An object does without some pixels; whether there are any."""
        if not pixels_hw.any():
            return False
        self._wanted[n] &= ~pixels_hw
        self._wanted_k[n] &= ~pixels_hw[self._places]
        return True

    def _logits_of(self, n: int) -> NDArray[np.float32] | None:
        """(K,) of the contested pixels; -inf where they are not in the object's mask."""
        logits, wanted_k = self._parts[n].logits, self._wanted_k[n]
        if logits is None:
            return None
        logits_k = np.full(len(wanted_k), -np.inf, np.float32)
        rows, columns = self._places
        logits_k[wanted_k] = logits((rows[wanted_k], columns[wanted_k]))
        return logits_k

    def _winners(self) -> NDArray[np.int32]:
        """(K,) which object has each contested pixel, by its place in the list; -1 for none."""
        winners_k = np.full(len(self._places[0]), -1, np.int32)
        max_logits_k = np.full(len(winners_k), -np.inf, np.float32)
        for n, logits_k in enumerate(self._logits):
            if logits_k is not None:
                better_k = self._wanted_k[n] & (logits_k >= max_logits_k)
                winners_k[better_k] = n
                max_logits_k[better_k] = logits_k[better_k]
        areas = np.array([part.area for part in self._parts])
        for n, part in enumerate(self._parts):
            if part.logits is None:
                smaller_k = (winners_k < 0) | (areas[winners_k] >= part.area)
                winners_k[self._wanted_k[n] & smaller_k] = n
        for n in range(len(self._parts)):
            for clicked_k in self._clicked_regions(n):
                winners_k[clicked_k] = n
        return winners_k

    def _clicked_regions(self, n: int) -> list[Pixels]:
        """(K,) contested regions that a person clicked for this object, and for no other."""
        if not self._parts[n].clicks_xy:
            return []
        wanted_hw = np.zeros(self._wanted[n].shape, np.bool_)
        wanted_hw[self._places] = self._wanted_k[n]
        clicks = [(x, y) for x, y in self._parts[n].clicks_xy if wanted_hw[y, x]]
        if not clicks:
            return []
        from scipy import ndimage

        labels_hw = np.zeros(wanted_hw.shape, np.int32)
        ndimage.label(wanted_hw, np.ones((3, 3), bool), output=labels_hw)
        others = {
            int(labels_hw[y, x])
            for m, part in enumerate(self._parts)
            for x, y in part.clicks_xy
            if m != n and self._wanted[m][y, x]
        }
        regions = {int(labels_hw[y, x]) for x, y in clicks} - others
        return [labels_hw[self._places] == region for region in regions]


def intersection_area(a: Mask, b: Mask) -> int:
    """Pixels that two masks of one size share, from their run lengths."""
    return int(intersection_areas([a], [b])[0])


def intersection_areas(first: Sequence[Mask], second: Sequence[Mask]) -> NDArray[np.int64]:
    """(N,) pixels that each mask shares with the one of the same place in another list.

    Parameters
    ----------
    first, second : N masks each; those of a pair are of one size.
    """
    starts, stops, counts = _object_runs(first)
    other_starts, other_stops, _ = _object_runs(second)
    covered = np.append(0, np.cumsum(other_stops - other_starts))
    other_starts = np.append(other_starts, np.iinfo(np.int64).max)

    def covered_before(places: NDArray[np.int64]) -> NDArray[np.int64]:
        ended = np.searchsorted(other_stops, places, side="right")
        return covered[ended] + np.maximum(places - other_starts[ended], 0)

    shared = np.append(0, np.cumsum(covered_before(stops) - covered_before(starts)))
    return np.diff(shared[np.append(0, np.cumsum(counts))])


def _object_runs(
    masks: Sequence[Mask],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of object pixels begin and end, and how many each mask has.

    The masks are taken as one row of pixels, one after the other.
    """
    even = [one.runs + bytes(len(one.runs) % (2 * _RUN.itemsize)) for one in masks]
    ends = np.cumsum(np.frombuffer(b"".join(even), _RUN), dtype=np.int64)
    counts = np.array([len(runs) // (2 * _RUN.itemsize) for runs in even], np.int64)
    return ends[0::2], ends[1::2], counts
