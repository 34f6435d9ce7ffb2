"""What is decided on the host before a training step: all that its shapes follow from.

A step whose plan is known has fixed shapes and needs no value from the device, so that the host
never waits within it and a GPU may replay it (see `graphs.py`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from .training_recipe import TrainingRecipe

MAX_STRIDE = 3
"""A clip may stand for one in which only every so many frames were seen."""


@dataclass(frozen=True)
class ImagePlan:
    """A step on pictures: a click or a box, and clicks that correct the answers."""

    corrections: int


@dataclass(frozen=True)
class FirstFramePlan:
    """A step on clips that are prompted and corrected on their first frame alone."""

    corrections: int
    from_mask: bool
    """Whether tracking begins from the true mask rather than from the last answer."""
    stride: int
    """Frames of the clip that is meant from one frame to the next."""


@dataclass(frozen=True)
class InteractivePlan:
    """A step on clips of which several frames are prompted and corrected."""

    corrections: int
    """Clicks a corrected frame."""
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
    rng : of the host.
    frames : of the clips; 1 for pictures.
    corrections : corrective clicks, or the least and the most of them.
    """
    least, most = (corrections, corrections) if isinstance(corrections, int) else corrections
    clicks = rng.randint(least, most)
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
    most = min(recipe.prompted_frames, frames - 1)
    prompts = rng.randint(1, most)
    corrected = rng.randint(prompts, most)
    prompted = (0, *others[: prompts - 1])
    if rng.random() < recipe.mask_share:
        return InteractivePlan(corrections, "mask", prompted, ())
    kind: Literal["click", "box"] = "box" if rng.random() < recipe.box_share else "click"
    return InteractivePlan(corrections, kind, prompted, (0, *others[: corrected - 1]))
