"""Which frames are tracked, in which order and direction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .records import Direction


@dataclass(frozen=True)
class Step:
    """Objects that are tracked onto one frame together."""

    frame: int
    objs: tuple[int, ...]
    reverse: bool


def make_plan(
    pending: Mapping[int, Iterable[int]],
    anchors: Mapping[int, Sequence[int]],
    direction: Direction,
) -> list[Step]:
    """Plan a propagation: one ascending sweep over the video, then a descending one.

    Each frame is tracked from its object's nearest anchor, the earlier where two are as near.
    A direction other than "both" looks for anchors on one side only; frames that have none
    there are left out.

    Parameters
    ----------
    pending : frames to track, by object.
    anchors : prompted and accepted frames by object, ascending. None of them is pending.
    direction : which way to track.
    """
    forward: dict[int, list[int]] = {}
    backward: dict[int, list[int]] = {}
    for obj, frames in pending.items():
        for frame in frames:
            earlier, later = neighbours(frame, anchors[obj])
            if direction == "forward":
                later = None
            elif direction == "backward":
                earlier = None
            if earlier is not None and (later is None or frame - earlier <= later - frame):
                forward.setdefault(frame, []).append(obj)
            elif later is not None:
                backward.setdefault(frame, []).append(obj)
    return [Step(frame, tuple(forward[frame]), False) for frame in sorted(forward)] + [
        Step(frame, tuple(backward[frame]), True) for frame in sorted(backward, reverse=True)
    ]


def neighbours(frame: int, anchors: Sequence[int]) -> tuple[int | None, int | None]:
    """The nearest anchor before a frame and the nearest after it."""
    at = bisect_left(anchors, frame)
    return (anchors[at - 1] if at else None), (anchors[at] if at < len(anchors) else None)
