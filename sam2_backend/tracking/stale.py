"""Which tracked frames a later prompt has made stale."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Collection, Iterable


def find_stale(
    tracked: Collection[int], conditioning: Collection[int], corrected: Iterable[int]
) -> set[int]:
    """Find the tracked frames from each corrected one outwards to the next prompted one.

    Parameters
    ----------
    tracked : frames that are remembered as tracked.
    conditioning : prompted frames.
    corrected : those of them that were prompted since the last pass.
    """
    fixed = sorted(conditioning)
    stale: set[int] = set()
    for frame in corrected:
        at = bisect_left(fixed, frame)
        first = fixed[at - 1] if at else -1
        last = fixed[at + 1] if at + 1 < len(fixed) else sys.maxsize
        stale.update(t for t in tracked if first < t < last)
    return stale
