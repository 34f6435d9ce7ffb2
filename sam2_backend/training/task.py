"""The contract between the training loop and what it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one kind of data."""

    steps: int
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
    corrections: int = 2
    """Corrective clicks a picture, or a corrected frame."""
    learning_rate: float = 1e-3
    final_rate: float = 0.1
    """Share of the learning rate that is left at the stage's end (cosine)."""
    warm_up: int = 200


@dataclass(frozen=True)
class StepResult:
    """Loss and what to watch."""

    loss: Tensor
    measures: dict[str, float]
    """What the log shows beside the loss, by name; absent where a step says nothing of it."""


class Task(nn.Module, ABC):
    """What one training step does, as a module: its forward pass is the loss."""

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """What is trained, averaged and saved."""

    @property
    def scaffold(self) -> nn.Module | None:
        """What learns beside the network and is of no use after training."""
        return None

    @abstractmethod
    def begin(self, stage: Stage) -> None:
        """Get ready for the steps of a stage."""

    @abstractmethod
    def forward(self, rgb_bt3ss: Tensor, masks_btkss: Tensor) -> StepResult:
        """Loss of a batch: (B, T, 3, S, S) uint8 and (B, T, K, S, S) bool, as `Clip` has them."""
