"""Plans of training steps: decisions made on the host that all shapes of a step follow from.

A step whose plan is known has fixed shapes and needs no value from the device, so that the host
never waits within it and a GPU may replay it (see `graphs.py`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from .training_recipe import TrainingRecipe

MAX_STRIDE = 3
"""Largest step between two frames of a clip, in frames of the video that it stands for."""


@dataclass(frozen=True)
class ImagePlan:
    """A step on pictures: a click or a box, and corrective clicks."""

    corrections: int


@dataclass(frozen=True)
class FirstFramePlan:
    """A step on clips that are prompted and corrected on their first frame alone."""

    corrections: int
    from_mask: bool
    """Whether tracking begins from the true mask rather than from the last prediction."""
    stride: int
    """Step between two frames of the clip, in frames of the video that it stands for."""


@dataclass(frozen=True)
class InteractivePlan:
    """A step on clips of which several frames are prompted and corrected."""

    corrections: int
    """Clicks on each corrected frame."""
    prompt: Literal["mask", "click", "box"]
    prompted: tuple[int, ...]
    """Frames that are prompted before tracking begins; the first is always one of them."""
    corrected: tuple[int, ...]
    """Frames with corrective clicks: none after masks, else these and maybe tracked ones."""


Plan = ImagePlan | FirstFramePlan | InteractivePlan


def draw_plan(
    rng: random.Random, recipe: TrainingRecipe, *, frames: int, corrections: int | tuple[int, int]
) -> Plan:
    """Draw what happens in one step.

    Parameters
    ----------
    rng : of the host, not of the device.
    recipe : its protocol and shares are used.
    frames : of the clips; 1 for pictures.
    corrections : corrective clicks, or the smallest and largest number of them.
    """
    low, high = (corrections, corrections) if isinstance(corrections, int) else corrections
    clicks = rng.randint(low, high)
    if frames == 1:
        return ImagePlan(clicks)
    if recipe.clip_protocol == "first-frame":
        return FirstFramePlan(clicks, rng.random() < recipe.mask_share, rng.randint(1, MAX_STRIDE))
    return draw_interactive_plan(rng, recipe, frames=frames, corrections=clicks)


def draw_interactive_plan(
    rng: random.Random, recipe: TrainingRecipe, *, frames: int, corrections: int
) -> InteractivePlan:
    """Draw prompts and corrections of a clip; at least one frame is left to be tracked."""
    others = rng.sample(range(1, frames), frames - 1)
    max_prompts = min(recipe.prompted_frames, frames - 1)
    prompts = rng.randint(1, max_prompts)
    corrected = rng.randint(prompts, max_prompts)
    prompted = (0, *others[: prompts - 1])
    if rng.random() < recipe.mask_share:
        return InteractivePlan(corrections, "mask", prompted, ())
    kind: Literal["click", "box"] = "box" if rng.random() < recipe.box_share else "click"
    return InteractivePlan(corrections, kind, prompted, (0, *others[: corrected - 1]))
