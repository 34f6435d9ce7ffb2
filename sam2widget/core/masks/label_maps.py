"""Label maps: arrays and pictures that hold one object a pixel, and what they leave out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

_MAX_NAMED = 3
_REASONS = {
    False: "What the model says does not overlap with w.non_overlapping = True.",
    True: "Masks that were imported, painted, accepted or locked may overlap.",
}
"""By whether masks of the model are kept from overlapping already."""


class OverlapCounter:
    """Counts the pixels that labels of overlapping objects hide of each other."""

    def __init__(self) -> None:
        self._pixels: Counter[tuple[int, int]] = Counter()
        """By ids of the object that shows and of the one that it covers."""
        self._frames: dict[tuple[int, int], set[int]] = defaultdict(set)

    def add(self, frame: int, obj: int, labels_n: NDArray[np.int32]) -> None:
        """Count labels that an object is painted over on a frame."""
        found = np.unique(labels_n[labels_n > 0], return_counts=True)
        for other, count in zip(*(values.tolist() for values in found), strict=True):
            self._pixels[obj, other] += count
            self._frames[obj, other].add(frame)

    def describe(self, names: Mapping[int, str], what: str, *, non_overlapping: bool) -> str:
        """Who shows where objects overlap, and how often; "" where they do not.

        Parameters
        ----------
        names : of objects, by id.
        what : holds one object a pixel.
        non_overlapping : whether what the model says is kept from overlapping.
        """
        if not self._pixels:
            return ""
        frames = set[int]().union(*self._frames.values())
        listed = [
            f"object {obj} ({names[obj]}) shows on {count:,} pixels of object {other} "
            f"({names[other]}) on {_frames(len(self._frames[obj, other]))}"
            for (obj, other), count in self._pixels.most_common(_MAX_NAMED)
        ]
        rest = len(self._pixels) - len(listed)
        more = f"; and {rest} more pairs" if rest > 1 else "; and 1 more pair" if rest else ""
        return (
            f"Objects overlap on {_frames(len(frames))}, and {what} holds one object a pixel: the "
            f"larger id shows. So {'; '.join(listed)}{more}. A format that keeps every mask, such "
            f"as COCO, has both. {_REASONS[non_overlapping]}"
        )


def paint_labels(
    size_hw: tuple[int, int],
    masks: Iterable[tuple[int, NDArray[np.bool_]]],
    frame: int = 0,
    overlaps: OverlapCounter | None = None,
) -> NDArray[np.int32]:
    """(H, W) object ids, 0 for background; where two overlap, the later shows.

    Parameters
    ----------
    masks : ids with their (H, W) masks, ascending.
    overlaps : counts what is painted over.
    """
    labels_hw = np.zeros(size_hw, np.int32)
    for obj, mask_hw in masks:
        if overlaps is not None:
            overlaps.add(frame, obj, labels_hw[mask_hw])
        labels_hw[mask_hw] = obj
    return labels_hw


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
