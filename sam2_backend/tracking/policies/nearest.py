"""The reference's policy with a bound on conditioning frames."""

from __future__ import annotations

from ...network.config import ModelConfig
from .policy import FrameHistory
from .sam2 import Sam2Policy

MAX_CONDITIONING = 4
"""Conditioning frames that a frame attends to at most, unless told otherwise."""


class NearestPolicy(Sam2Policy):
    """As the reference, but attend to the nearest conditioning frames only.

    The time for a tracked frame is then bounded however many frames are prompted. This is the
    official predictor's `max_cond_frames_in_attn`: the nearest prompted frame on each side, then
    the nearest of the others. Prompted frames that are left out and lie among the last tracked
    ones are attended to like those.

    Parameters
    ----------
    config : of the network.
    max_conditioning : at least 2.

    Raises
    ------
    ValueError
        When `max_conditioning` is less than 2.
    """

    def __init__(self, config: ModelConfig, max_conditioning: int = MAX_CONDITIONING) -> None:
        if max_conditioning < 2:
            raise ValueError(f"max_conditioning must be at least 2, got {max_conditioning}.")
        super().__init__(config)
        self.max_conditioning = max_conditioning

    def _conditioning(self, history: FrameHistory) -> list[int]:
        frames, current = history.conditioning, history.frame
        if len(frames) <= self.max_conditioning:
            return list(frames)
        past = max((t for t in frames if t < current), default=None)
        future = min((t for t in frames if t > current), default=None)
        chosen = [t for t in (past, future) if t is not None]
        others = [t for t in frames if t not in chosen]
        others.sort(key=lambda t: abs(t - current))  # stable: at equal distance the one given first
        return chosen + others[: self.max_conditioning - len(chosen)]
