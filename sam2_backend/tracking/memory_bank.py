"""What is remembered of one object, and which of it a frame may look at.

SAM 2 (Ravi et al. 2024, section 4): the prompted frames, the last six tracked frames, and the
object pointers of the last fifteen frames and of earlier prompted ones. The bank keeps what a pass
in either direction can still reach from the current frame or from a prompted one, and drops the
rest, so that its size does not grow with the length of the video.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class MemoryEntry:
    """One object on one frame. Tensors have a batch dimension of 1."""

    pointer: Tensor
    """(1, C)."""
    object_score: Tensor
    """(1, 1) visibility logit."""
    iou: float
    """Predicted IoU."""
    logits: Tensor | None
    """(1, 1, S/4, S/4) mask logits; None once only the pointer is still reachable."""
    memory: Tensor | None = None
    """(1, D, h, w); None on a prompted frame until tracking first needs it."""
    remembered_as: Tensor | None = None
    """(1, 1, S, S) mask, 0 or 1, that memory holds in place of that of the logits."""


@dataclass(frozen=True)
class Recall:
    """What one frame looks at, in the order the network expects."""

    memories: list[tuple[int, MemoryEntry]]
    """Slot in time (see `Sam2Model.condition_on_memory`) and entry."""
    pointers: list[tuple[int, MemoryEntry]]
    """Distance in frames and entry."""

    @property
    def layout(self) -> tuple[int, int]:
        """Objects of equal layout can be batched."""
        return len(self.memories), len(self.pointers)


_UNTRACKED, _FORWARD, _REVERSE = 0, 1, 2


@dataclass
class MemoryBank:
    """The memory of one object.

    Parameters
    ----------
    num_frames : length of the video; of one that grows, any that it will not reach.
    num_memories : slots in time; the last is that of conditioning frames.
    max_pointers : most recent pointers that are looked at.
    tracked_memories : frames just before that are looked at, fewer than slots.
    skips : whether frames are left out while tracking. Distances are then counted in frames that
        are remembered, not in frames of the video: what was tracked last is looked at however
        many were left out since.
    """

    num_frames: int
    num_memories: int
    max_pointers: int
    tracked_memories: int
    skips: bool = False
    conditioning: dict[int, MemoryEntry] = field(default_factory=dict)
    """By frame, for prompted frames; in the order in which they were prompted."""
    tracked: dict[int, MemoryEntry] = field(default_factory=dict)
    """By frame, for tracked frames near enough to be looked at again."""
    _passes: bytearray = field(default_factory=bytearray, init=False)
    _corrected: set[int] = field(default_factory=set, init=False)

    def condition(self, frame: int, entry: MemoryEntry) -> None:
        """Make a frame a conditioning frame, also when it was tracked before."""
        self.tracked.pop(frame, None)
        self.conditioning[frame] = entry
        self._corrected.add(frame)

    def track(self, frame: int, entry: MemoryEntry, *, reverse: bool) -> None:
        """Remember a tracked frame and forget what can no longer be reached."""
        self.tracked[frame] = entry
        self._set_pass(frame, _REVERSE if reverse else _FORWARD)
        self._prune(frame)

    def forget(self, frame: int) -> None:
        """Drop all that is known of one frame."""
        self.conditioning.pop(frame, None)
        self.tracked.pop(frame, None)
        self._corrected.discard(frame)
        self._set_pass(frame, _UNTRACKED)

    def was_tracked(self, frame: int) -> bool:
        """Whether a pass has been over this frame."""
        return self._pass(frame) != _UNTRACKED

    def was_tracked_in_reverse(self, frame: int) -> bool:
        """Whether the last pass over this frame went backward."""
        return self._pass(frame) == _REVERSE

    def entry(self, frame: int) -> MemoryEntry | None:
        """What is known of one frame."""
        return self.conditioning.get(frame) or self.tracked.get(frame)

    def drop_corrected_spans(self) -> None:
        """Forget tracked frames that a correction since the last pass has made stale: from
        each corrected frame outwards to the next prompted one."""
        if not self._corrected:
            return
        fixed = sorted(self.conditioning)
        for frame in self._corrected:
            at = bisect_left(fixed, frame)
            first = fixed[at - 1] if at else -1
            last = fixed[at + 1] if at + 1 < len(fixed) else self.num_frames
            for stale in [t for t in self.tracked if first < t < last]:
                del self.tracked[stale]
        self._corrected.clear()

    def recall(self, frame: int, *, reverse: bool) -> Recall:
        """What `frame` may look at when tracking goes forward or in reverse; not at itself."""
        before = self._before(frame, reverse=reverse)
        others = {t: entry for t, entry in self.conditioning.items() if t != frame}
        memories = [(self.num_memories - 1, entry) for entry in others.values()]
        for distance in range(self.tracked_memories, 0, -1):
            entry = before(distance)
            # Far behind the last pass, only the pointers of neighbours are kept.
            if entry is not None and entry.memory is not None:
                memories.append((distance - 1, entry))

        # Prompted frames of the future lend their memory, but not their pointer.
        pointers = [
            (abs(frame - t), entry)
            for t, entry in others.items()
            if (t > frame if reverse else t < frame)
        ]
        for distance in range(1, self.pointer_reach + 1):
            entry = before(distance)
            if entry is not None:
                pointers.append((distance, entry))
        return Recall(memories, pointers)

    @property
    def pointer_reach(self) -> int:
        """Frames back to the farthest tracked pointer that is looked at."""
        return min(self.num_frames, self.max_pointers) - 1

    def _prune(self, frame: int) -> None:
        anchors = sorted((*self.conditioning, frame))
        place = self._places(frame)
        at = [place(t) for t in anchors]
        for t in list(self.tracked):
            distance = _nearest(place(t), at)
            if distance > self.pointer_reach:
                del self.tracked[t]
            elif distance > self.tracked_memories:
                self.tracked[t].memory = self.tracked[t].logits = None

    def _before(self, frame: int, *, reverse: bool) -> Callable[[int], MemoryEntry | None]:
        """Gives what was tracked at a distance from a frame, on the side that tracking is from."""
        towards_past = 1 if reverse else -1
        if not self.skips:
            return lambda distance: self.tracked.get(frame + towards_past * distance)
        known = sorted({*self.tracked, *self.conditioning, frame}, reverse=not reverse)
        past = known[known.index(frame) :]

        def find(distance: int) -> MemoryEntry | None:
            return self.tracked.get(past[distance]) if distance < len(past) else None

        return find

    def _places(self, frame: int) -> Callable[[int], int]:
        """Gives where a frame that is remembered, or this one, is in the order of distances."""
        if not self.skips:
            return lambda t: t
        known = sorted({*self.tracked, *self.conditioning, frame})
        return {t: n for n, t in enumerate(known)}.__getitem__

    def _pass(self, frame: int) -> int:
        return self._passes[frame] if frame < len(self._passes) else _UNTRACKED

    def _set_pass(self, frame: int, value: int) -> None:
        if frame >= len(self._passes):
            self._passes.extend(bytes(frame + 1 - len(self._passes)))
        self._passes[frame] = value


def _nearest(t: int, anchors: list[int]) -> int:
    at = bisect_left(anchors, t)
    return min(abs(t - anchor) for anchor in anchors[max(at - 1, 0) : at + 1])


def used_memories(recalls: Iterable[Recall]) -> list[MemoryEntry]:
    """Every entry whose memory map some recall needs."""
    return [entry for recall in recalls for _, entry in recall.memories]
