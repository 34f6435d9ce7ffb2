"""The policy of SAM 2, as the official predictor configures it (Ravi et al. 2024, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from ...network.config import ModelConfig
from .policy import FrameHistory, MemorySelection

MAX_CONDITIONING = 8
"""Conditioning frames that a frame attends to at most, unless told otherwise."""


class PlainPolicy:
    """The prompted frames, the last six tracked frames, and the last fifteen object pointers.

    Prompted frames lend their memory from past and future, but their pointer only where they lie
    on the side that tracking comes from. Where there are more than `max_conditioning` of them, the
    nearest on each side and then the nearest of the others are attended to, as by the official
    predictor's `max_cond_frames_in_attn`: the time for a tracked frame is bounded. Prompted frames
    that are left out and lie among the last tracked ones are attended to like those.

    Parameters
    ----------
    config : of the network; its `num_memories`, `tracked_memories` and `max_pointers` are used.
    max_conditioning : at least 2.

    Raises
    ------
    ValueError
        When `max_conditioning` is less than 2.
    """

    def __init__(self, config: ModelConfig, max_conditioning: int = MAX_CONDITIONING) -> None:
        if max_conditioning < 2:
            raise ValueError(f"max_conditioning must be at least 2, got {max_conditioning}.")
        self.max_conditioning = max_conditioning
        self.memory_reach: int = config.tracked_memories
        self.pointer_reach: int = config.max_pointers - 1
        self.max_pointer_distance = self.pointer_reach
        self.conditioning_slot = config.num_memories - 1

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to; see `MemoryPolicy.select`."""
        attended = self.choose_conditioning(history)
        memories = [(self.conditioning_slot, t) for t in attended]
        for distance in range(self.memory_reach, 0, -1):
            t = history.previous.get(distance)
            if t is not None and t not in attended and t in history.with_memory:
                memories.append((distance - 1, t))
        return MemorySelection(memories, self.choose_pointers(history, attended))

    def choose_conditioning(self, history: FrameHistory) -> list[int]:
        """Conditioning frames to attend to; where none is left out, in the order of prompting."""
        frames, current = history.conditioning, history.frame
        if len(frames) <= self.max_conditioning:
            return list(frames)
        past = max((t for t in frames if t < current), default=None)
        future = min((t for t in frames if t > current), default=None)
        chosen = [t for t in (past, future) if t is not None]
        others = [t for t in frames if t not in chosen]
        others.sort(key=lambda t: abs(t - current))  # stable: at equal distance the one given first
        return chosen + others[: self.max_conditioning - len(chosen)]

    def choose_pointers(
        self, history: FrameHistory, attended: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Pointers to attend to: of the conditioning frames before, and of the last frames.

        Parameters
        ----------
        attended : conditioning frames whose memory is attended to.
        """
        towards_past = 1 if history.reverse else -1
        distances = [(towards_past * (t - history.frame), t) for t in attended]
        pointers = [(distance, t) for distance, t in distances if distance > 0]
        for distance in range(1, self.max_pointer_distance + 1):
            t = history.previous.get(distance)
            if t is not None and t not in attended:
                pointers.append((distance, t))
        return pointers
