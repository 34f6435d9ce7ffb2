"""Which frames of an object are prompted, accepted, rejected, tracked and stale, kept as runs.

A video may have 100,000 frames, and a timeline is shown ten times a second while it is tracked:
runs are kept up to date with each write of a table, not made from all frames when they are read.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from .records import State, Timeline


class FrameRuns:
    """A set of frames, as ascending half-open runs.

    Each change is one slice assignment, so that other threads read it whole.

    Parameters
    ----------
    runs : to begin with: ascending, none touches another.
    """

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._runs = list(runs)

    def __contains__(self, frame: int) -> bool:
        at = _first_after(self._runs, frame)
        return at > 0 and frame < self._runs[at - 1][1]

    def to_list(self) -> list[tuple[int, int]]:
        """A copy of the runs."""
        return self._runs.copy()

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


def _first_after(runs: list[tuple[int, int]], frame: int) -> int:
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

    def accepted(self, obj: int) -> list[tuple[int, int]]:
        """Runs of accepted frames."""
        return self._of(obj).accepted.to_list()

    def rejected(self, obj: int) -> list[tuple[int, int]]:
        """Runs of rejected frames."""
        return self._of(obj).rejected.to_list()

    def stale(self, obj: int) -> list[tuple[int, int]]:
        """Runs of stale frames."""
        return self._of(obj).stale.to_list()

    def set_state(self, obj: int, frame: int, before: State | None, after: State | None) -> None:
        """The result of a frame has another state; None is no result."""
        frames = self._objects.setdefault(obj, _ObjectFrames())
        is_prompted = _contains(frames.prompted, frame)
        self._move(frames, frame, (before, is_prompted), (after, is_prompted))

    def set_prompted(self, obj: int, frame: int, is_prompted: bool, state: State | None) -> None:
        """A frame has prompts now, or none any more.

        Parameters
        ----------
        state : of its result, None where there is none.
        """
        frames = self._objects.setdefault(obj, _ObjectFrames())
        if is_prompted == _contains(frames.prompted, frame):
            return
        if is_prompted:
            insort(frames.prompted, frame)
        else:
            del frames.prompted[bisect_left(frames.prompted, frame)]
        self._move(frames, frame, (state, not is_prompted), (state, is_prompted))

    def _of(self, obj: int) -> _ObjectFrames:
        return self._objects.get(obj) or _ObjectFrames()

    def _move(
        self,
        frames: _ObjectFrames,
        frame: int,
        before: tuple[State | None, bool],
        after: tuple[State | None, bool],
    ) -> None:
        runs_before, runs_after = _runs_of(frames, *before), _runs_of(frames, *after)
        if runs_before is runs_after:
            return
        if runs_before is not None:
            runs_before.discard(frame)
        if runs_after is not None:
            runs_after.add(frame)


def _runs_of(frames: _ObjectFrames, state: State | None, is_prompted: bool) -> FrameRuns | None:
    """Where a frame with this state is listed."""
    if state == "accepted":
        return frames.accepted
    if state == "rejected":
        return frames.rejected
    if state is None or is_prompted:
        return None
    return frames.tracked if state == "fresh" else frames.stale


def _contains(frames: list[int], frame: int) -> bool:
    at = bisect_left(frames, frame)
    return at < len(frames) and frames[at] == frame
