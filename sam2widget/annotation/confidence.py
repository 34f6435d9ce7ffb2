"""How sure each mask is, and which to review next.

A mask's confidence is the product of three shares: that the object is there (the sigmoid of its
score), the predicted IoU, and how well the mask agrees with the neighbouring frames', next to
what is usual for this object. Where the object is judged absent, it is how sure that is.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.masks import Mask
from .overlaps import intersection_area, intersection_areas
from .records import Changed, ObjectInfo
from .view import SessionView

NO_MASK, ABSENT, MIN_LEVEL, MAX_LEVEL = 0, 1, 2, 255
"""Bytes of `Review.levels`: no mask, an absent object, and the range of confidences."""


PAIRS_AT_ONCE = 4096
"""Masks that are compared with their neighbours in one go: more would take more memory."""


class Review:
    """Confidences of all masks of a session, kept up to date as they change. Any thread.

    Parameters
    ----------
    session : whose `Changed` are given to `note`.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._tracks: dict[int, _Track] = {}
        self._changed: dict[int, set[int]] = {}
        """Frames of each object of `_tracks` whose results are others since it was looked at."""
        self._visited: dict[int, set[int]] = {}
        """Frames of each object that `next_unreviewed` has given."""

    def note(self, changed: Changed) -> None:
        """Some results are others; what that means is worked out when it is asked for."""
        with self._lock:
            if not self._tracks and not self._visited:
                return  # each object is looked at as a whole when it is first asked for
            for obj, frames in changed.results.by_object.items():
                if obj in self._tracks:
                    self._changed.setdefault(obj, set()).update(frames)
                if obj in self._visited:
                    self._visited[obj].difference_update(frames)

    def num_waiting(self, obj: int) -> int:
        """How many masks of an object are to be looked at before its confidences are known."""
        with self._lock:
            if obj not in self._tracks:
                return len(self._session.results(obj))
            return len(self._changed.get(obj, ()))

    def confidence(self, obj: int) -> NDArray[np.float32]:
        """(T,) confidence of an object's masks, 0..1; NaN where there is none."""
        with self._lock:
            return self._track(obj).confidence()

    def levels(self, obj: int) -> NDArray[np.uint8]:
        """(T,) the same in bytes, as they are shown."""
        with self._lock:
            return self._track(obj).levels()

    def num_unreviewed(self) -> int:
        """How many masks nobody has made or reviewed."""
        return sum(b - a for info in self._objects() for a, b in self._unreviewed_runs(info.id))

    def next_unreviewed(self) -> tuple[int, int] | None:
        """(object id, frame) of the least certain mask that nobody has made or reviewed, or None.

        Those that were given before come again only when all have been.
        """
        found = self._min_confident()
        if found is None and self._visited:
            with self._lock:
                self._visited.clear()
            found = self._min_confident()
        if found is not None:
            obj, frame = found
            with self._lock:
                self._visited.setdefault(obj, set()).add(frame)
        return found

    def _min_confident(self) -> tuple[int, int] | None:
        """(object id, frame) of the least certain of the masks that were not given before."""
        candidates: list[tuple[float, int, int]] = []
        for info in self._objects():
            confidence_t = self.confidence(info.id)
            with self._lock:
                visited = np.array(sorted(self._visited.get(info.id, ())), np.intp)
            is_left_t = np.zeros(len(confidence_t), np.bool_)
            for start, stop in self._unreviewed_runs(info.id):
                is_left_t[start:stop] = True
            is_left_t[visited] = False
            left = np.flatnonzero(is_left_t)
            if len(left):
                frame = int(left[np.argmin(confidence_t[left])])
                candidates.append((float(confidence_t[frame]), info.id, frame))
        return min(candidates)[1:] if candidates else None

    def _objects(self) -> list[ObjectInfo]:
        return [info for info in self._session.objects if not info.locked]

    def _unreviewed_runs(self, obj: int) -> list[tuple[int, int]]:
        timeline = self._session.timeline(obj)
        return timeline.tracked + timeline.stale

    def _track(self, obj: int) -> _Track:
        """Of an object, brought up to date."""
        track = self._tracks.get(obj)
        # First of all, as a live video may grow meanwhile.
        changed = self._session.results(obj) if track is None else self._changed.pop(obj, ())
        track = track or _Track(self._session.num_frames)
        track.grow(self._session.num_frames)
        if changed:
            track.update(self._session, obj, changed)
        self._tracks[obj] = track
        return track


class _Track:
    """What confidence is made of, by frame of one object; NaN where there is nothing.

    Per frame it is kept up to date; what is usual for the object concerns all of its frames.
    """

    def __init__(self, num_frames: int) -> None:
        self._masks: list[Mask | None] = [None] * num_frames
        """That were compared last: what is accepted, say, keeps its mask."""
        self._is_present_t = np.zeros(num_frames, np.bool_)
        """Judged visible."""
        self._alone_t = np.full(num_frames, np.nan, np.float32)
        """Confidence without agreement."""
        self._agreement_t = np.full(num_frames, np.nan, np.float32)
        """IoU of the masks of frames t and t + 1; the last one is always NaN."""
        self._sides_t = np.full(num_frames, np.nan, np.float32)
        """Mean agreement with the frames before and after."""
        self._agreements: list[float] = []
        """All that are known, ascending."""

    def grow(self, num_frames: int) -> None:
        """Add frames of a live video."""
        more = num_frames - len(self._alone_t)
        if more > 0:
            nothing = np.full(more, np.nan, np.float32)
            self._masks += [None] * more
            self._is_present_t = np.concatenate((self._is_present_t, np.zeros(more, np.bool_)))
            self._alone_t = np.concatenate((self._alone_t, nothing))
            self._agreement_t = np.concatenate((self._agreement_t, nothing))
            self._sides_t = np.concatenate((self._sides_t, nothing))

    def update(self, session: SessionView, obj: int, frames: Iterable[int]) -> None:
        """Read the results of some frames anew."""
        frames = list(frames)
        changed: set[int] = set()
        said: list[tuple[float, float]] = []
        for t in frames:
            result = session.result(t, obj)
            if result is None or result.state == "rejected":
                mask = None
                said.append((math.nan, math.nan))
            else:
                mask = result.mask
                said.append((result.score, result.iou))
            if mask is not self._masks[t]:
                self._masks[t] = mask
                changed.add(t)
        scores_n, ious_n = np.array(said, float).reshape(-1, 2).T
        self._is_present_t[frames] = scores_n > 0
        sure_n = 1 / (1 + np.exp(-np.abs(scores_n)))
        self._alone_t[frames] = sure_n * np.where(scores_n > 0, np.clip(ious_n, 0, 1), 1)
        if session.kind == "images":
            return
        last = len(self._agreement_t) - 1
        pairs = sorted({t for frame in changed for t in (frame - 1, frame) if 0 <= t < last})
        for n in range(0, len(pairs), PAIRS_AT_ONCE):
            self._compare(pairs[n : n + PAIRS_AT_ONCE])

    def _compare(self, pairs: list[int]) -> None:
        """Set how well the masks of frames t and t + 1 agree, for each t."""
        shown: list[int] = []
        first: list[Mask] = []
        second: list[Mask] = []
        for t in pairs:
            before, after = self._masks[t], self._masks[t + 1]
            if before is not None and after is not None:
                shown.append(t)
                first.append(before)
                second.append(after)
        ious = dict(zip(shown, mask_ious(first, second).tolist() if shown else (), strict=True))
        for t in pairs:
            self._set_agreement(t, ious.get(t, math.nan))
        sides = np.unique([(t, t + 1) for t in pairs])
        # Before the first comes the last, which is a NaN.
        around_2n = self._agreement_t[np.stack((sides - 1, sides))].astype(np.float64)
        known_n = np.isfinite(around_2n).sum(0)
        self._sides_t[sides] = np.where(
            known_n > 0, np.nansum(around_2n, axis=0) / np.maximum(known_n, 1), np.nan
        )

    def confidence(self) -> NDArray[np.float32]:
        """(T,) 0..1; NaN where there is no mask."""
        usual = self._usual_agreement()
        if usual <= 0:
            return self._alone_t.copy()
        stability_t = np.minimum(self._sides_t / np.float32(max(usual, 1e-6)), np.float32(1))
        stability_t[np.isnan(stability_t)] = 1
        return self._alone_t * stability_t

    def levels(self) -> NDArray[np.uint8]:
        """(T,) as bytes, see `ABSENT`."""
        confidence_t = self.confidence()
        is_there_t = np.isfinite(confidence_t)
        scaled_t = np.rint(np.nan_to_num(confidence_t) * (MAX_LEVEL - MIN_LEVEL))
        levels_t = scaled_t.astype(np.uint8) + np.uint8(MIN_LEVEL)
        levels_t[is_there_t & ~self._is_present_t] = ABSENT
        levels_t[~is_there_t] = NO_MASK
        return levels_t

    def _usual_agreement(self) -> float:
        """Their median; 0 where none is known."""
        known = self._agreements
        if not known:
            return 0.0
        middle = len(known) // 2
        return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2

    def _set_agreement(self, t: int, value: float) -> None:
        before, after = float(self._agreement_t[t]), float(np.float32(value))
        if not math.isnan(before):
            del self._agreements[bisect_left(self._agreements, before)]
        if not math.isnan(after):
            insort(self._agreements, after)
        self._agreement_t[t] = after


def mask_ious(first: Sequence[Mask], second: Sequence[Mask]) -> NDArray[np.float64]:
    """(N,) intersection over union of each mask with the one of the same place in another list."""
    shared_n = intersection_areas(first, second)
    areas_n = np.array([a.area + b.area for a, b in zip(first, second, strict=True)], np.int64)
    union_n = areas_n - shared_n
    return np.where(union_n > 0, shared_n / np.maximum(union_n, 1), 1.0)


def mask_iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one size; 1 where both are empty."""
    shared = intersection_area(a, b)
    union = a.area + b.area - shared
    return shared / union if union else 1.0
