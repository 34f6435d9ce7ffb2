"""How sure each mask is, and which to look at next.

A mask's certainty is the product of three shares: that the object is there (the sigmoid of its
score), the predicted IoU, and how well the mask agrees with the neighbouring frames', next to
what is usual for this object. Where the object is judged absent, it is how sure that is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..core.masks import Mask
from .records import Changed, ObjectInfo
from .view import SessionView

NO_MASK, ABSENT, LEAST, MOST = 0, 1, 2, 255
"""Bytes of `Review.levels`: no mask, an absent object, and the range of certainties."""

_RUN = np.dtype("<u4")


class Review:
    """Certainties of all masks of a session, kept up to date as they change. Any thread.

    Parameters
    ----------
    session : whose `Changed` are given to `note`.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._tracks: dict[int, _Track] = {}
        self._changed: dict[int, set[int]] = {}
        self._visited: set[tuple[int, int]] = set()

    def note(self, changed: Changed) -> None:
        """Some results are others; what that means is worked out when it is asked for."""
        with self._lock:
            for obj, frame in changed.results:
                self._changed.setdefault(obj, set()).add(frame)
            self._visited -= changed.results

    def certainty(self, obj: int) -> NDArray[np.float32]:
        """(T,) certainty of an object's masks, 0..1; NaN where there is none."""
        with self._lock:
            return self._track(obj).certainty()

    def levels(self, obj: int) -> NDArray[np.uint8]:
        """(T,) the same in bytes, as they are shown."""
        with self._lock:
            track = self._track(obj)
            certainty_t = track.certainty()
            levels_t = np.full(len(certainty_t), NO_MASK, np.uint8)
            there = np.isfinite(certainty_t)
            scaled = LEAST + np.rint(certainty_t[there] * (MOST - LEAST))
            levels_t[there] = np.where(track.score_t[there] > 0, scaled, ABSENT)
            return levels_t

    def left(self) -> int:
        """How many masks nobody has made or reviewed."""
        return sum(len(self._unreviewed(info.id)) for info in self._objects())

    def next(self) -> tuple[int, int] | None:
        """(object id, frame) of the least certain mask that nobody has made or reviewed, or None.
        Those that were given before come again only when all have been."""
        candidates: list[tuple[float, int, int]] = []
        for info in self._objects():
            certainty_t = self.certainty(info.id)
            candidates += [(float(certainty_t[t]), info.id, t) for t in self._unreviewed(info.id)]
        if not candidates:
            return None
        with self._lock:
            fresh = [one for one in candidates if one[1:] not in self._visited]
            if not fresh:
                self._visited.clear()
            _, obj, frame = min(fresh or candidates)
            self._visited.add((obj, frame))
        return obj, frame

    def _objects(self) -> list[ObjectInfo]:
        return [info for info in self._session.objects if not info.locked]

    def _unreviewed(self, obj: int) -> list[int]:
        prompted = set(self._session.timeline(obj).prompted)
        return [
            t
            for t, result in self._session.results(obj).items()
            if result.state in ("fresh", "stale") and t not in prompted
        ]

    def _track(self, obj: int) -> _Track:
        """Of an object, brought up to date."""
        track = self._tracks.setdefault(obj, _Track(self._session.num_frames))
        track.grow(self._session.num_frames)
        changed = self._changed.pop(obj, None)
        if changed:
            track.update(self._session, obj, changed)
        return track


class _Track:
    """What certainty is made of, by frame of one object; NaN where there is nothing."""

    def __init__(self, num_frames: int) -> None:
        self.score_t, self._iou_t = np.full((2, num_frames), np.nan, np.float32)
        self._agreement_t = np.full(max(num_frames - 1, 0), np.nan, np.float32)
        """IoU of the masks of frames t and t + 1."""

    def grow(self, num_frames: int) -> None:
        """Make room for more frames of a live video."""
        more = num_frames - len(self.score_t)
        if more > 0:
            nothing = np.full(more, np.nan, np.float32)
            self.score_t = np.concatenate((self.score_t, nothing))
            self._iou_t = np.concatenate((self._iou_t, nothing))
            self._agreement_t = np.concatenate((self._agreement_t, nothing))

    def update(self, session: SessionView, obj: int, frames: Iterable[int]) -> None:
        frames = set(frames)
        for t in frames:
            result = session.result(t, obj)
            if result is None or result.state == "rejected":
                self.score_t[t] = self._iou_t[t] = np.nan
            else:
                self.score_t[t], self._iou_t[t] = result.score, result.iou
        if session.kind == "images":
            return
        for t in {pair for frame in frames for pair in (frame - 1, frame)}:
            if 0 <= t < len(self._agreement_t):
                before, after = session.shown_mask(t, obj), session.shown_mask(t + 1, obj)
                if before is None or after is None:
                    self._agreement_t[t] = np.nan
                else:
                    self._agreement_t[t] = mask_iou(before, after)

    def certainty(self) -> NDArray[np.float32]:
        absent = self.score_t <= 0
        there_t = 1 / (1 + np.exp(-np.abs(self.score_t)))
        certainty_t = there_t * np.where(absent, 1, self._iou_t.clip(0, 1)) * self._stability()
        return certainty_t.astype(np.float32)

    def _stability(self) -> NDArray[np.floating]:
        """(T,) agreement with the frames before and after, 1 where it is as usual."""
        padded = np.concatenate(([np.nan], self._agreement_t, [np.nan])).astype(np.float32)
        sides_2t = np.stack((padded[:-1], padded[1:]))
        count = np.isfinite(sides_2t).sum(axis=0)
        known = np.isfinite(self._agreement_t)
        usual = float(np.median(self._agreement_t[known])) if known.any() else 0.0
        mean = np.nansum(sides_2t, axis=0) / np.maximum(count, 1)
        return np.where((count > 0) & (usual > 0), mean / max(usual, 1e-6), 1).clip(0, 1)


def mask_iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one size, from their run lengths; 1 where both are
    empty."""
    ends_a, ends_b = (np.cumsum(np.frombuffer(mask.runs, _RUN), dtype=np.int64) for mask in (a, b))
    ends = np.union1d(ends_a, ends_b)
    inside = (np.searchsorted(ends_a, ends) % 2 == 1) & (np.searchsorted(ends_b, ends) % 2 == 1)
    shared = int(np.diff(ends, prepend=0)[inside].sum())
    union = a.area + b.area - shared
    return shared / union if union else 1.0
