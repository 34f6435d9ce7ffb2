"""What policies have in common that attend to the last frames that were good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from .candidates import FrameRecord
from .plain import PlainPolicy
from .policy import FrameHistory, MemorySelection


class SelectivePolicy(PlainPolicy, ABC):
    """The prompted frames and object pointers of `PlainPolicy`, and the last good tracked frames.

    As many memories as in SAM 2, however far back the good frames are.
    """

    @abstractmethod
    def is_good(self, record: FrameRecord) -> bool:
        """Whether the memory of a frame is worth attending to."""

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to; see `MemoryPolicy.select`."""
        attended = self.choose_conditioning(history)
        recent = [t for t in self.find_good(history) if t not in attended][: self.memory_reach]
        memories = [
            *((self.conditioning_slot, t) for t in attended),
            *reversed(list(enumerate(recent))),
        ]
        return MemorySelection(memories, self.choose_pointers(history, attended))

    def find_good(self, history: FrameHistory) -> list[int]:
        """All good frames whose memory is kept, the nearest first."""
        return [
            t
            for t, record in history.records.items()
            if t in history.with_memory and self.is_good(record)
        ]

    def retain(self, history: FrameHistory) -> Collection[int]:
        """Keep the last good frames; see `DecidingPolicy.retain`."""
        tracked = [t for t in self.find_good(history) if t not in history.conditioning]
        return tracked[: self.memory_reach]
