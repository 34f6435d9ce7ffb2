"""The memory bank of one object: its prompted and tracked frames, as long as they are reachable.

SAM 2 (Ravi et al. 2024, section 4) attends to prompted frames, to the memories of the last tracked
frames and to recent object pointers; a `MemoryPolicy` chooses. The bank keeps what a pass in
either direction can still reach from the current frame or from a prompted one, and drops the rest,
so that its size does not grow with the length of the video.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace

from torch import Tensor

from ..network.sam2 import SelectedMask
from .logits_store import LogitsStore, StoredLogits
from .policies.candidates import FrameRecord
from .policies.policy import DecidingPolicy, FrameHistory, MemoryPolicy, MemorySelection
from .stale import find_stale


@dataclass
class MemoryEntry:
    """One object on one frame. Tensors have a batch dimension of 1."""

    pointer: Tensor
    """(1, C) object pointer."""
    object_score: Tensor
    """(1, 1) visibility logit."""
    iou: Tensor
    """(1,) predicted IoU, 0..1."""
    logits: Tensor | StoredLogits | None
    """(1, 1, S/4, S/4) mask logits, float32; None once only the pointer is still reachable."""
    memory: Tensor | None = None
    """(1, D, h, w) memory map; None on a prompted frame until tracking needs it, and once only the
    pointer is still reachable."""
    remembered_as: Tensor | None = None
    """(1, ceil(S * S / 8)) packed bits of the mask that the memory map is made of in place of the
    logits, on the host."""
    record: FrameRecord | None = None
    """With a policy that decides: what it wrote down."""

    def require_logits(self) -> Tensor:
        """Get the logits of an entry that is near enough to have them."""
        assert self.logits is not None, "logits are kept as long as memories are"
        return self.logits.load() if isinstance(self.logits, StoredLogits) else self.logits

    def require_memory(self) -> Tensor:
        """Get the memory map of an entry that was selected, and encoded where it was pending."""
        assert self.memory is not None, "memories are encoded before they are attended to"
        return self.memory


def make_entries(selected: SelectedMask) -> list[MemoryEntry]:
    """Make one entry of each row of a batch."""
    rows = zip(
        *(selected.pointer_nc.float().split(1), selected.object_score_n1.float().split(1)),
        *(selected.ious_n.float().split(1), selected.logits_n1hw.float().split(1)),
        strict=True,
    )
    return [MemoryEntry(*row) for row in rows]


MAX_CONDITIONING_MAPS = 16
"""Memory maps of prompted frames that are kept, those attended to last, and more where more are
attended to at once. Others are encoded again when they are next attended to."""
_UNTRACKED, _FORWARD, _REVERSE = 0, 1, 2


class MemoryBank:
    """The memory of one object.

    Parameters
    ----------
    policy : chooses what a frame attends to, and so how far back entries are kept.
    skips_frames : whether tracking may leave frames out, as of a live video. Distances are then
        counted in frames that are remembered, not in frames of the video, so that what was
        tracked last is attended to however many were skipped since.
    store : takes the logits of prompted frames; they stay in memory if None.
    """

    def __init__(
        self, policy: MemoryPolicy, *, skips_frames: bool = False, store: LogitsStore | None = None
    ) -> None:
        self.policy = policy
        self._reach = max(policy.memory_reach, policy.pointer_reach)
        self._deciding = policy if isinstance(policy, DecidingPolicy) else None
        self._retained: list[int] = []
        """Tracked frames that the policy keeps whole, the nearest to the last one first."""
        self.skips_frames = skips_frames
        self._store = store
        self.conditioning: dict[int, MemoryEntry] = {}
        """Prompted frames, in the order in which they were prompted."""
        self.tracked: dict[int, MemoryEntry] = {}
        """Tracked frames near enough to be attended to again."""
        self._attended: dict[int, None] = {}
        """Prompted frames that were attended to, the last at the end."""
        self._passes = bytearray()
        self._corrected: set[int] = set()
        self.edits = 0
        """Counts the frames that were prompted and forgotten."""

    def condition(self, frame: int, entry: MemoryEntry) -> None:
        """Make a frame a conditioning frame, also when it was tracked before."""
        self.tracked.pop(frame, None)
        if self._store is not None and isinstance(entry.logits, Tensor):
            entry.logits = self._store.put(entry.logits)
        self.conditioning[frame] = entry
        self._corrected.add(frame)
        self.edits += 1

    def track(self, frame: int, entry: MemoryEntry, *, reverse: bool) -> None:
        """Store a tracked frame, and drop what can no longer be reached."""
        self.tracked[frame] = entry
        self._set_pass(frame, _REVERSE if reverse else _FORWARD)
        if self._deciding is not None:
            following = frame + (-1 if reverse else 1)
            self._retained = [*self._deciding.retain(self.history(following, reverse=reverse))]
        self._prune(frame)

    def fork(self) -> MemoryBank:
        """Make a bank that goes on otherwise from what is stored here; the entries are shared."""
        other = copy(self)
        other.conditioning, other.tracked = dict(self.conditioning), dict(self.tracked)
        other._attended = dict(self._attended)
        return other

    def forget(self, frame: int) -> None:
        """Drop all that is stored of one frame."""
        self.conditioning.pop(frame, None)
        self.tracked.pop(frame, None)
        self._corrected.discard(frame)
        self._set_pass(frame, _UNTRACKED)
        self.edits += 1

    def was_tracked(self, frame: int) -> bool:
        """Whether a pass has been over this frame."""
        return self._pass(frame) != _UNTRACKED

    def was_tracked_in_reverse(self, frame: int) -> bool:
        """Whether the last pass over this frame went backward."""
        return self._pass(frame) == _REVERSE

    def entry(self, frame: int) -> MemoryEntry | None:
        """Get what is stored of one frame."""
        return self.conditioning.get(frame) or self.tracked.get(frame)

    def require(self, frame: int) -> MemoryEntry:
        """Get what is stored of a frame that was selected."""
        entry = self.entry(frame)
        assert entry is not None, "frames are selected from those stored"
        return entry

    def drop_corrected_spans(self) -> None:
        """Drop tracked frames that a correction since the last pass has made stale.

        These are the frames from each corrected one outwards to the next prompted one.
        """
        if not self._corrected:
            return
        for stale in find_stale(self.tracked, self.conditioning, self._corrected):
            del self.tracked[stale]
        self._corrected.clear()

    def select(self, frame: int, *, reverse: bool) -> MemorySelection:
        """Let the policy choose what a frame attends to; never itself.

        Parameters
        ----------
        frame : zero-based index.
        reverse : whether tracking comes from later frames.

        Raises
        ------
        ValueError
            When the policy chooses what is not stored.
        """
        history = self.history(frame, reverse=reverse)
        selection = self.policy.select(history)
        usable = {*history.conditioning, *history.with_memory}
        kept = usable.union(history.previous.values())
        for what, frames, stored in (
            ("memory", selection.memories, usable),
            ("object pointer", selection.pointers, kept),
        ):
            missing = [t for _, t in frames if t not in stored]
            if missing:
                raise ValueError(
                    f"The memory policy {type(self.policy).__name__} chose the {what} of frame "
                    f"{missing[0]} for frame {frame}, which is not stored."
                )
        self._drop_maps(t for _, t in selection.memories if t in self.conditioning)
        return selection

    def _drop_maps(self, attended: Iterable[int]) -> None:
        """Drop memory maps of prompted frames that were not attended to for long."""
        now = list(attended)
        for t in now:
            self._attended.pop(t, None)
            self._attended[t] = None
        while len(self._attended) > max(MAX_CONDITIONING_MAPS, len(now)):
            t = next(iter(self._attended))
            del self._attended[t]
            if t in self.conditioning:
                self.conditioning[t].memory = None

    def history(self, frame: int, *, reverse: bool) -> FrameHistory:
        """What the policy is told of the frames that a frame may attend to; see `select`."""
        previous = self._previous(frame, reverse=reverse)
        past = [*previous.values(), *self._retained_before(frame, previous, reverse=reverse)]
        records = {} if self._deciding is None else self._records(past)
        return FrameHistory(
            frame=frame,
            reverse=reverse,
            conditioning=[t for t in self.conditioning if t != frame],
            previous=previous,
            with_memory={
                t for t in past if t in self.conditioning or self.tracked[t].memory is not None
            },
            records=records,
        )

    def _retained_before(
        self, frame: int, previous: Mapping[int, int], *, reverse: bool
    ) -> list[int]:
        """Retained frames on the side that tracking comes from, but not the previous ones."""
        if not self._retained:
            return []
        near = set(previous.values())
        stored = [t for t in self._retained if t in self.tracked and t not in near]
        return sorted(
            (t for t in stored if (t > frame if reverse else t < frame)),
            key=lambda t: abs(t - frame),
        )

    def _records(self, frames: Iterable[int]) -> dict[int, FrameRecord]:
        """What is written down of some stored frames, in their order."""
        found = ((t, self.require(t).record) for t in frames)
        return {t: record for t, record in found if record is not None}

    def entries_without_record(self, frame: int, *, reverse: bool) -> list[MemoryEntry]:
        """Entries on the side that tracking comes from of which nothing is written down yet."""
        stored = (self.require(t) for t in self._previous(frame, reverse=reverse).values())
        return [entry for entry in stored if entry.record is None and entry.logits is not None]

    def _previous(self, frame: int, *, reverse: bool) -> dict[int, int]:
        """Stored frames on the side that tracking comes from, by distance."""
        distances = range(1, self._reach + 1)
        if not self.skips_frames:
            towards_past = 1 if reverse else -1
            frames = ((d, frame + towards_past * d) for d in distances)
            return {d: t for d, t in frames if t in self.tracked or t in self.conditioning}
        stored = sorted({*self.tracked, *self.conditioning, frame}, reverse=not reverse)
        past = stored[stored.index(frame) :]
        return dict(zip(distances, past[1:], strict=False))

    def _prune(self, frame: int) -> None:
        anchors = sorted((*self.conditioning, frame))
        position = self._positions(frame)
        at = [position(t) for t in anchors]
        retained = frozenset(self._retained)
        for t in list(self.tracked):
            distance = _nearest(position(t), at)
            is_retained = t in retained
            if distance > self._reach and not is_retained:
                del self.tracked[t]
            elif distance > self.policy.memory_reach:
                # Another bank may share the entry: it is not changed.
                entry = self.tracked[t]
                memory = entry.memory if is_retained else None
                if entry.logits is not None or entry.memory is not memory:
                    self.tracked[t] = replace(entry, logits=None, memory=memory)

    def _positions(self, frame: int) -> Callable[[int], int]:
        """Map stored frames and this one to what distances are differences of."""
        if not self.skips_frames:
            return lambda t: t
        stored = sorted({*self.tracked, *self.conditioning, frame})
        return {t: n for n, t in enumerate(stored)}.__getitem__

    def _pass(self, frame: int) -> int:
        return self._passes[frame] if frame < len(self._passes) else _UNTRACKED

    def _set_pass(self, frame: int, value: int) -> None:
        if frame >= len(self._passes):
            self._passes.extend(bytes(frame + 1 - len(self._passes)))
        self._passes[frame] = value


def _nearest(t: int, anchors: list[int]) -> int:
    """Distance to the nearest of some ascending positions."""
    at = bisect_left(anchors, t)
    return min(abs(t - anchor) for anchor in anchors[max(at - 1, 0) : at + 1])
