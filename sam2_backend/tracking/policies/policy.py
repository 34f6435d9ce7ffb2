"""The protocols of memory policies. They choose among frames and masks, and touch no tensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from .candidates import CandidateMasks, FrameRecord


@dataclass(frozen=True)
class FrameHistory:
    """The frames of one object that a frame may attend to; the frame itself is not among them."""

    frame: int
    """Zero-based index of the current frame."""
    reverse: bool
    """Whether tracking comes from later frames."""
    conditioning: Sequence[int]
    """Prompted frames, past and future, in the order in which they were prompted."""
    previous: Mapping[int, int]
    """Prompted and tracked frames on the side that tracking comes from, by their distance in
    frames, 1 and up. Where frames of a live video were skipped, distances count those that are
    remembered."""
    with_memory: Collection[int]
    """Frames whose memory map is kept, not only their object pointer: of `previous`, and of those
    that the policy retains."""
    records: Mapping[int, FrameRecord] = field(default_factory=dict)
    """With a `DecidingPolicy`: what was written down of the frames on the side that tracking comes
    from, of `previous` and retained ones, by frame, the nearest first."""


@dataclass(frozen=True)
class MemorySelection:
    """What one frame attends to, in the order in which the network gets it."""

    memories: Sequence[tuple[int, int]]
    """(slot, frame) of each memory map. The slot chooses the temporal position embedding: 0 for
    the frame just before, 1 for the one before it and so on; the last, `num_memories - 1`, is
    that of conditioning frames."""
    pointers: Sequence[tuple[int, int]]
    """(distance in frames, frame) of each object pointer."""
    weights: Sequence[float] = ()
    """Factor of each memory map; nothing where all are 1."""

    @property
    def layout(self) -> tuple[int, int]:
        """Numbers of memories and pointers; objects of equal layout are one batch."""
        return len(self.memories), len(self.pointers)


@runtime_checkable
class MemoryPolicy(Protocol):
    """Chooses which memories and object pointers a frame attends to.

    Examples
    --------
    Attend to prompted frames and the frame just before alone:

    >>> class ShortMemory:
    ...     memory_reach = pointer_reach = 1
    ...
    ...     def select(self, history):
    ...         last = [t for d, t in history.previous.items() if d == 1]
    ...         conditioning = [(6, t) for t in history.conditioning]
    ...         recent = [(0, t) for t in last if t not in history.conditioning]
    ...         return MemorySelection(conditioning + recent, [(1, t) for t in last])
    >>> video = VideoPredictor(model, frames, memory_policy=ShortMemory())
    """

    @property
    def memory_reach(self) -> int:
        """Largest distance in frames of a tracked frame whose memory map is kept."""
        ...

    @property
    def pointer_reach(self) -> int:
        """Largest distance in frames of a tracked frame whose object pointer is kept."""
        ...

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to.

        Parameters
        ----------
        history : what is remembered of one object.

        Returns
        -------
        MemorySelection
            Of frames in `history`; memories of conditioning frames and of `with_memory` only.
        """
        ...


@dataclass(frozen=True)
class TrackedPath:
    """One course of an object up to a frame, and what the network offers to go on with."""

    history: FrameHistory
    """What the course remembers."""
    candidates: CandidateMasks
    """The masks that the network predicts from it."""
    score: float = 0.0
    """That the decision before has given it; 0 where the course begins."""


@dataclass(frozen=True)
class Decision:
    """A candidate that an object goes on with."""

    path: int
    """Index of the course that it continues."""
    candidate: int
    """Index of the mask, 0 to 2."""
    record: FrameRecord
    """What is to be remembered of the decision."""
    score: float = 0.0
    """Of the course that goes on so."""


@runtime_checkable
class DecidingPolicy(MemoryPolicy, Protocol):
    """A policy that also chooses among the network's masks, and what is kept for longer.

    The plain way of SAM 2, without such a policy, is to take the mask of the highest predicted IoU.
    A policy holds no state of a video: what it needs of earlier frames it writes into records.
    """

    def decide(self, paths: Sequence[TrackedPath]) -> Sequence[Decision]:
        """Choose how an object goes on.

        Parameters
        ----------
        paths : at least one; more where the decision before has given more.

        Returns
        -------
        Sequence
            At least one decision, the best first, whose mask is the result. Each becomes a path.
        """
        ...

    def retain(self, history: FrameHistory) -> Collection[int]:
        """Choose tracked frames that are kept also where they are out of reach.

        Parameters
        ----------
        history : as the next frame will have it.
        """
        ...
