"""How a promptable network practises: what simulated users do and what an answer costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Losses:
    """What an answer of the mask decoder costs."""

    kind: Literal["balanced", "focal"]
    """"focal": focal and dice loss on the best of three candidates where the prompt is
    ambiguous, on the single mask elsewhere (SAM 2, appendix D.2). From scratch that collapses
    to empty masks; "balanced" learns at once: cross-entropy in which object and background
    weigh the same, and dice, on the single mask always and on the candidates where the prompt
    is ambiguous."""
    pixel: float = 1.0
    """Weight of the focal loss or cross-entropy."""
    dice: float = 1.0
    iou: float = 1.0
    """Weight of the predicted IoU's absolute error."""
    occlusion: float = 1.0
    """Weight of the object score's cross-entropy."""


@dataclass(frozen=True)
class Practice:
    """One way to practise. `SAM2` and `FROM_SCRATCH` are the two that are meant."""

    losses: Losses
    clips: Literal["first-frame", "interactive"]
    """"first-frame": one talk about the first frame, then tracking, at a random speed.
    "interactive": prompts and corrections on several frames, see `interactive.py`."""
    mask_share: float = 0.5
    """Share of clips that are prompted with the true mask (SAM 2, appendix D.2)."""
    box_share: float = 0.5
    """Share of boxes among first prompts that are no masks."""
    inside: int = 0
    """How much clicks prefer the inside of a region to its rim; 0 is not at all."""
    reverse_share: float = 0.5
    """Share of clips whose time runs backward; of "interactive" ones only."""
    grouping: float = 0.0
    """Weight of the dense lesson for the image encoder, see `grouping.py`."""
    prompted_frames: int = 2
    """Most frames of an "interactive" clip that get prompts, and most that get corrections."""

    def __post_init__(self) -> None:
        if self.prompted_frames < 1:
            raise ValueError(f"prompted_frames must be at least 1, got {self.prompted_frames}.")


SAM2 = Practice(losses=Losses("focal", pixel=20.0), clips="interactive")
"""As SAM 2 was trained (Ravi et al. 2024, appendix D.2), for a network that segments already."""

FROM_SCRATCH = Practice(
    losses=Losses("balanced"),
    clips="first-frame",
    box_share=0.35,
    inside=4,
    reverse_share=0.0,
    grouping=1.0,
)
"""For random weights; that clicks prefer the inside, and the dense lesson for the image encoder,
were measured to help a small network."""
