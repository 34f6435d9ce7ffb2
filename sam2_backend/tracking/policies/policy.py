"""The protocol of memory policies. They choose among frame indices and touch no tensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


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
    """Of `previous`, the frames whose memory map is kept, not only their object pointer."""


@dataclass(frozen=True)
class MemorySelection:
    """What one frame attends to, in the order in which the network gets it."""

    memories: Sequence[tuple[int, int]]
    """(slot, frame) of each memory map. The slot chooses the temporal position embedding: 0 for
    the frame just before, 1 for the one before it and so on; the last, `num_memories - 1`, is
    that of conditioning frames."""
    pointers: Sequence[tuple[int, int]]
    """(distance in frames, frame) of each object pointer."""

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
