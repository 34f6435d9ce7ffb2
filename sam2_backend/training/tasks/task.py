"""The contract between the training loop and what it trains."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...arguments import check_whole
from .training_recipe import TrainingRecipe


@dataclass(frozen=True)
class Stage:
    """One stage of training: its data, its length and its learning rate."""

    steps: int
    """How many; where the run has a budget of minutes, `share` says how long it takes."""
    image_size: int
    batch: int
    """Clips a step, on each process."""
    targets: int
    """Objects a picture or clip."""
    frames: int = 1
    """1 trains on pictures, more on clips with memory."""
    picture_share: float = 0.0
    """Share of the steps of a stage of clips that train on pictures all the same (SAM 2,
    appendix D.2, alternates them)."""
    corrections: int | tuple[int, int] = 2
    """Corrective clicks on a picture or a corrected frame; or the smallest and largest number of
    them, between which each step draws."""
    learning_rate: float = 1e-3
    final_rate: float = 0.1
    """Share of the learning rate that is left at the stage's end (cosine)."""
    warm_up: int = 200
    picture_batch: int | None = None
    """Pictures a step where a stage of clips turns to them; as many as clips if None."""
    accumulate: int = 1
    """Parts in which a batch is computed, one after the other, to need less memory."""
    share: float = 1.0
    """Of the minutes of a run with a budget, relative to the other stages'."""
    recipe: TrainingRecipe | None = None
    """How this stage is trained; as the task is if None."""

    def __post_init__(self) -> None:
        check_whole(self.accumulate, "accumulate", 1)
        if not self.share > 0:
            raise ValueError(f"share must be above 0, got {self.share}.")

    def batch_of(self, frames: int) -> int:
        """Size of the batch of a step on clips of so many frames."""
        pictures = frames == 1 and self.picture_batch is not None
        return (self.picture_batch or self.batch) if pictures else self.batch


@dataclass(frozen=True)
class StepResult:
    """Loss and measures of a step, on the device: the host need not wait for them."""

    loss: Tensor
    measures: dict[str, Tensor]
    """Scalars that the log shows beside the loss, by name; NaN where a step has none."""


class Task(nn.Module, ABC):
    """A training task, as a module: its forward pass is the loss of a step."""

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The network that is trained, averaged and saved."""

    @property
    def aux_head(self) -> nn.Module | None:
        """Auxiliary head: learns beside the network and is not used after training."""
        return None

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that a run must be resumed with, by name: plain values and groups of them."""
        return {}

    @abstractmethod
    def begin(self, stage: Stage) -> None:
        """Prepare for the steps of a stage."""

    def draw_plan(self, rng: random.Random, frames: int) -> Hashable:
        """Draw on the host what happens in the next step.

        Steps of equal plans, on batches of equal shapes, run the same operations.

        Parameters
        ----------
        rng : the same on all processes.
        frames : of the step's clips.
        """
        return None

    @abstractmethod
    def forward(self, rgb_bt3ss: Tensor, masks_btkss: Tensor, plan: Any = None) -> StepResult:
        """Compute the loss of a batch.

        Parameters
        ----------
        rgb_bt3ss : (B, T, 3, S, S) uint8 RGB.
        masks_btkss : (B, T, K, S, S) bool.
        plan : from `draw_plan`; drawn here if None.
        """
