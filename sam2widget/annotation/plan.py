"""Which frames are tracked, in which order and direction.

A video may have 100,000 frames, and is planned anew after each edit: all of this is done with runs
of frames, of which there are few.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .records import Direction, Run

_END = sys.maxsize
"""After all frames."""


@dataclass(frozen=True)
class Step:
    """Objects that are tracked onto one frame together."""

    frame: int
    objs: tuple[int, ...]
    reverse: bool


@dataclass(frozen=True)
class Sweep:
    """The same objects, tracked over frames that follow each other."""

    frames: range
    """In the order in which they are tracked."""
    objs: tuple[int, ...]
    reverse: bool


class Plan:
    """Steps that are taken one by one.

    Parameters
    ----------
    sweeps : in their order.
    """

    def __init__(self, sweeps: Iterable[Sweep] = ()) -> None:
        self._sweeps = list(sweeps)[::-1]
        self._num_steps = sum(len(sweep.frames) for sweep in self._sweeps)

    def __len__(self) -> int:
        return self._num_steps

    def __iter__(self) -> Iterator[Step]:
        for sweep in reversed(self._sweeps):
            for frame in sweep.frames:
                yield Step(frame, sweep.objs, sweep.reverse)

    def peek(self) -> Step | None:
        """Get the first step, which stays; None where there is none."""
        return next(iter(self), None)

    def take(self) -> Step:
        """Take the first step out. There must be one."""
        sweep = self._sweeps.pop()
        if len(sweep.frames) > 1:
            self._sweeps.append(Sweep(sweep.frames[1:], sweep.objs, sweep.reverse))
        self._num_steps -= 1
        return Step(sweep.frames[0], sweep.objs, sweep.reverse)


def make_plan(
    pending: Mapping[int, Iterable[Run]],
    anchors: Mapping[int, Sequence[Run]],
    direction: Direction,
) -> Plan:
    """Plan a propagation: one ascending sweep over the video, then a descending one.

    Each frame is tracked from its object's nearest anchor, the earlier where two are as near.
    A direction other than "both" looks for anchors on one side only; frames that have none
    there are left out.

    Parameters
    ----------
    pending : runs of frames to track by object, ascending.
    anchors : runs of prompted and accepted frames by object, ascending. None of them is pending.
    direction : which way to track.
    """
    forward: list[tuple[Run, int]] = []
    backward: list[tuple[Run, int]] = []
    for obj, runs in pending.items():
        ahead, behind = _spans(anchors[obj], direction)
        runs = list(runs)
        forward += ((run, obj) for run in intersect(runs, ahead))
        backward += ((run, obj) for run in intersect(runs, behind))
    order = list(pending)
    return Plan(
        [
            *(Sweep(range(*run), objs, False) for run, objs in _together(forward, order)),
            *(
                Sweep(range(*run)[::-1], objs, True)
                for run, objs in reversed(_together(backward, order))
            ),
        ]
    )


def neighbours(frame: int, anchors: Sequence[Run]) -> tuple[int | None, int | None]:
    """The nearest anchor before a frame and the nearest after it.

    Parameters
    ----------
    anchors : runs of frames, ascending.
    """
    at = bisect_left(anchors, (frame, 0))
    earlier = min(anchors[at - 1][1], frame) - 1 if at else None
    near = anchors[max(at - 1, 0) : at + 2]
    later = next((max(start, frame + 1) for start, stop in near if stop > frame + 1), None)
    return earlier, later


def invert(runs: Iterable[Run], start: int, stop: int) -> list[Run]:
    """Runs of the frames from `start` to just before `stop` that are in none of some runs.

    Parameters
    ----------
    runs : ascending.
    """
    found: list[Run] = []
    for first, end in runs:
        if first >= stop:
            break
        if start < first:
            found.append((start, first))
        start = max(start, end)
    return [*found, (start, stop)] if start < stop else found


def intersect(runs: Sequence[Run], others: Sequence[Run]) -> Iterator[Run]:
    """Runs of the frames that are in both, ascending as both are."""
    n = m = 0
    while n < len(runs) and m < len(others):
        start, stop = max(runs[n][0], others[m][0]), min(runs[n][1], others[m][1])
        if start < stop:
            yield start, stop
        if runs[n][1] < others[m][1]:
            n += 1
        else:
            m += 1


def _spans(anchors: Sequence[Run], direction: Direction) -> tuple[list[Run], list[Run]]:
    """Runs of frames that are tracked ascending, and those that are tracked descending."""
    ahead: list[Run] = []
    behind: list[Run] = []
    if not anchors:
        return ahead, behind
    if direction != "forward":
        behind.append((0, anchors[0][0]))
    for (_, start), (stop, _) in pairwise(anchors):
        # The anchors are start - 1 and stop; a frame in the middle is tracked from the earlier.
        middle = (start - 1 + stop) // 2 + 1
        if direction != "both":
            middle = stop if direction == "forward" else start
        ahead.append((start, middle))
        behind.append((middle, stop))
    if direction != "backward":
        ahead.append((anchors[-1][1], _END))
    return ahead, behind


def _together(
    runs: Iterable[tuple[Run, int]], order: Sequence[int]
) -> list[tuple[Run, tuple[int, ...]]]:
    """Join runs of several objects: ascending runs with all objects of each, in this order."""
    changes: defaultdict[int, set[int]] = defaultdict(set)
    for (start, stop), obj in runs:
        changes[start] ^= {obj}
        changes[stop] ^= {obj}
    found: list[tuple[Run, tuple[int, ...]]] = []
    objs: set[int] = set()
    start = 0
    for frame in sorted(changes):
        if objs:
            found.append(((start, frame), tuple(obj for obj in order if obj in objs)))
        objs ^= changes[frame]
        start = frame
    return found
