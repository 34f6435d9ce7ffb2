"""The reference's policy, as the official predictor configures it (Ravi et al. 2024, section 4)."""

from __future__ import annotations

from ...network.config import ModelConfig
from .policy import FrameHistory, MemorySelection


class Sam2Policy:
    """All prompted frames, the last six tracked frames, and the last fifteen object pointers.

    Prompted frames lend their memory from past and future, but their pointer only where they lie
    on the side that tracking comes from.

    Parameters
    ----------
    config : of the network; its `num_memories`, `tracked_memories` and `max_pointers` are used.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.memory_reach: int = config.tracked_memories
        self.pointer_reach: int = config.max_pointers - 1
        self._conditioning_slot = config.num_memories - 1

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to; see `MemoryPolicy.select`."""
        attended = self._conditioning(history)
        memories = [(self._conditioning_slot, t) for t in attended]
        tracked = {d: t for d, t in history.previous.items() if t not in attended}
        for distance in range(self.memory_reach, 0, -1):
            t = tracked.get(distance)
            if t is not None and t in history.with_memory:
                memories.append((distance - 1, t))

        towards_past = 1 if history.reverse else -1
        distances = [(towards_past * (t - history.frame), t) for t in attended]
        pointers = [(distance, t) for distance, t in distances if distance > 0]
        for distance in range(1, self.pointer_reach + 1):
            if distance in tracked:
                pointers.append((distance, tracked[distance]))
        return MemorySelection(memories, pointers)

    def _conditioning(self, history: FrameHistory) -> list[int]:
        """Conditioning frames to attend to, in the order in which they were prompted."""
        return list(history.conditioning)
