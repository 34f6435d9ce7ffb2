"""Which frames of an object are prompted, accepted, rejected, tracked and stale, kept as runs.

A video may have 100,000 frames, and a timeline is shown ten times a second while it is tracked:
runs are kept up to date with each write of a table, not made from all frames when they are read.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from .records import Run, State, Timeline


class FrameRuns:
    """A set of frames, as ascending half-open runs.

    Each change is one slice assignment, so that other threads read it whole.

    Parameters
    ----------
    runs : to begin with: ascending, none touches another.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._runs = list(runs)

    def __contains__(self, frame: int) -> bool:
        at = _first_after(self._runs, frame)
        return at > 0 and frame < self._runs[at - 1][1]

    def to_list(self) -> list[Run]:
        """A copy of the runs."""
        return self._runs.copy()

    def assign(self, frames: Collection[int]) -> None:
        """Hold these frames, in any order, in place of those there are."""
        frames_n = np.sort(np.fromiter(frames, np.int64, len(frames)))
        is_last_n = np.diff(frames_n, append=np.inf) > 1
        is_first_n = np.diff(frames_n, prepend=-np.inf) > 1
        stops = frames_n[is_last_n] + 1
        self._runs[:] = zip(frames_n[is_first_n].tolist(), stops.tolist(), strict=True)

    def add(self, frame: int) -> None:
        """Add a frame, which joins the runs that it touches."""
        runs = self._runs
        first = last = _first_after(runs, frame)
        start, stop = frame, frame + 1
        if first > 0 and runs[first - 1][1] >= frame:
            first -= 1
            start, stop = runs[first][0], max(stop, runs[first][1])
        if last < len(runs) and runs[last][0] == frame + 1:
            stop = runs[last][1]
            last += 1
        runs[first:last] = [(start, stop)]

    def discard(self, frame: int) -> None:
        """Take a frame out, if it is there; its run may fall into two."""
        runs = self._runs
        at = _first_after(runs, frame) - 1
        if at < 0 or frame >= runs[at][1]:
            return
        start, stop = runs[at]
        sides = ((start, frame), (frame + 1, stop))
        runs[at : at + 1] = [side for side in sides if side[0] < side[1]]


def _first_after(runs: list[Run], frame: int) -> int:
    """Index of the first run that begins after a frame."""
    return bisect_left(runs, (frame + 1, 0))


class _ObjectFrames:
    """Of one object."""

    def __init__(self) -> None:
        self.prompted: list[int] = []
        self.accepted = FrameRuns()
        self.rejected = FrameRuns()
        self.tracked = FrameRuns()
        self.stale = FrameRuns()
        self.anchors = FrameRuns()
        self.settled = FrameRuns()


class TimelineIndex:
    """Timelines of all objects, told of each change of a frame."""

    def __init__(self) -> None:
        self._objects: dict[int, _ObjectFrames] = {}

    def get(self, obj: int) -> Timeline:
        """A copy of an object's timeline; an empty one where nothing is known of it."""
        frames = self._of(obj)
        runs = (frames.accepted, frames.rejected, frames.tracked, frames.stale)
        return Timeline(frames.prompted.copy(), *(one.to_list() for one in runs))

    def prompted(self, obj: int) -> list[int]:
        """Prompted frames, ascending."""
        return self._of(obj).prompted.copy()

    def tracked(self, obj: int) -> list[Run]:
        """Runs of frames that are tracked and not stale."""
        return self._of(obj).tracked.to_list()

    def stale(self, obj: int) -> list[Run]:
        """Runs of stale frames."""
        return self._of(obj).stale.to_list()

    def anchors(self, obj: int) -> list[Run]:
        """Runs of frames that it is tracked from: prompted or accepted, not rejected."""
        return self._of(obj).anchors.to_list()

    def settled(self, obj: int) -> list[Run]:
        """Runs of frames that are not to be tracked: prompted, or with a result not stale."""
        return self._of(obj).settled.to_list()

    def fill(self, obj: int, prompted: Collection[int], states: Mapping[int, State]) -> None:
        """Set all that there is of an object, in place of what was known.

        It says what `set_prompted` and `set_state` of each frame would, and is soon done.

        Parameters
        ----------
        prompted : frames with prompts, in any order.
        states : of results, by frame.
        """
        frames = _ObjectFrames()
        frames.prompted = sorted(prompted)
        known = frozenset(prompted)
        alike: dict[tuple[State | None, bool], list[int]] = defaultdict(list)
        for frame, state in states.items():
            alike[state, frame in known].append(frame)
        alike[None, True] += known - states.keys()
        listed: dict[FrameRuns, list[int]] = defaultdict(list)
        for is_of, some in alike.items():
            for runs in _lists_of(frames, *is_of):
                listed[runs] += some
        for runs, some in listed.items():
            runs.assign(some)
        self._objects[obj] = frames

    def set_state(self, obj: int, frame: int, before: State | None, after: State | None) -> None:
        """The result of a frame has another state; None is no result."""
        frames = self._ensure(obj)
        is_prompted = _contains(frames.prompted, frame)
        self._move(frames, frame, (before, is_prompted), (after, is_prompted))

    def set_prompted(self, obj: int, frame: int, is_prompted: bool, state: State | None) -> None:
        """A frame has prompts now, or none any more.

        Parameters
        ----------
        state : of its result, None where there is none.
        """
        frames = self._ensure(obj)
        if is_prompted == _contains(frames.prompted, frame):
            return
        if is_prompted:
            insort(frames.prompted, frame)
        else:
            del frames.prompted[bisect_left(frames.prompted, frame)]
        self._move(frames, frame, (state, not is_prompted), (state, is_prompted))

    def _ensure(self, obj: int) -> _ObjectFrames:
        frames = self._objects.get(obj)
        if frames is None:
            frames = self._objects[obj] = _ObjectFrames()
        return frames

    def _of(self, obj: int) -> _ObjectFrames:
        return self._objects.get(obj) or _ObjectFrames()

    def _move(
        self,
        frames: _ObjectFrames,
        frame: int,
        before: tuple[State | None, bool],
        after: tuple[State | None, bool],
    ) -> None:
        listed_before, listed_after = _lists_of(frames, *before), _lists_of(frames, *after)
        for runs in listed_before:
            if runs not in listed_after:
                runs.discard(frame)
        for runs in listed_after:
            if runs not in listed_before:
                runs.add(frame)


def _lists_of(
    frames: _ObjectFrames, state: State | None, is_prompted: bool
) -> tuple[FrameRuns, ...]:
    """Where a frame with this state is listed."""
    if state == "accepted":
        return frames.accepted, frames.anchors, frames.settled
    if state == "rejected":
        return frames.rejected, frames.settled
    if is_prompted:
        return frames.anchors, frames.settled
    if state == "fresh":
        return frames.tracked, frames.settled
    return () if state is None else (frames.stale,)


def _contains(frames: list[int], frame: int) -> bool:
    at = bisect_left(frames, frame)
    return at < len(frames) and frames[at] == frame
