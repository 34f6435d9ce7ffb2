"""Recipes of promptable training: how users are simulated, and the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...arguments import check_whole
from ...renamed import renamed_arguments


@dataclass(frozen=True)
class Losses:
    """Kind and weights of the mask decoder's losses."""

    kind: Literal["balanced", "focal", "sharp"]
    """"focal": focal and dice loss on the best of three candidates where the prompt is
    ambiguous, on the single mask elsewhere (SAM 2, appendix D.2). From scratch that collapses
    to empty masks, and it leaves logits near 0. "balanced" learns at once: cross-entropy in
    which object and background weigh the same, and dice, on the single mask always and on the
    candidates where the prompt is ambiguous. "sharp" is for the last stages: plain cross-entropy
    and dice on the masks that "focal" supervises, and the predicted IoU of every mask after every
    kind of prompt, so that logits are far from 0 and predicted IoUs can be relied on."""
    pixel: float = 1.0
    """Weight of the focal loss or cross-entropy."""
    dice: float = 1.0
    iou: float = 1.0
    """Weight of the predicted IoU's absolute error."""
    occlusion: float = 1.0
    """Weight of the object score's cross-entropy."""
    boundary: float = 0.0
    """Of "sharp" alone: how much more a pixel near the outline weighs than another."""


@renamed_arguments(clips="clip_protocol", inside="center_bias")
@dataclass(frozen=True)
class TrainingRecipe:
    """How a promptable network is trained; `SAM2`, `FROM_SCRATCH` and `SHARP` are ready-made."""

    losses: Losses
    clip_protocol: Literal["first-frame", "interactive"]
    """"first-frame": prompts and corrections on the first frame, then tracking, at a random
    stride. "interactive": prompts and corrections on several frames, see `interactive.py`."""
    mask_share: float = 0.5
    """Share of clips that are prompted with the true mask (SAM 2, appendix D.2)."""
    box_share: float = 0.5
    """Share of boxes among first prompts that are no masks."""
    center_bias: int = 0
    """How much clicks prefer the inside of a region to its border; 0 is not at all."""
    reverse_share: float = 0.5
    """Share of clips whose time runs backward; of "interactive" ones only."""
    grouping: float = 0.0
    """Weight of the image encoder's auxiliary loss, see `grouping.py`."""
    prompted_frames: int = 2
    """Largest number of frames of an "interactive" clip that get prompts, or corrections."""

    def __post_init__(self) -> None:
        check_whole(self.prompted_frames, "prompted_frames", 1)


SAM2 = TrainingRecipe(losses=Losses("focal", pixel=20.0), clip_protocol="interactive")
"""As SAM 2 was trained (Ravi et al. 2024, appendix D.2), for a network that segments already."""

SHARP = TrainingRecipe(
    losses=Losses("sharp", pixel=5.0, boundary=2.0),
    clip_protocol="interactive",
    box_share=0.4,
    center_bias=2,
    mask_share=0.35,
)
"""To end with: masks with sharp edges, and predicted IoUs that say how good they are."""

FROM_SCRATCH = TrainingRecipe(
    losses=Losses("balanced"),
    clip_protocol="first-frame",
    box_share=0.35,
    center_bias=4,
    reverse_share=0.0,
    grouping=1.0,
)
"""For random weights; the centre bias of clicks and the auxiliary loss of the image encoder were
measured to help a small network."""
