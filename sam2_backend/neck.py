"""From four Hiera maps to the three the rest of the network reads."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .hiera import Hiera


class _Lateral(nn.Module):
    def __init__(self, dim: int, dim_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim_out, kernel_size=1)

    def forward(self, x_bchw: Tensor) -> Tensor:
        return self.conv(x_bchw)


class Neck(nn.Module):
    """A feature pyramid (Lin et al. 2017) in which only the stride-16 level looks upward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Checkpoints list the deepest stage first.
        dims = [config.embed_dim * 2**stage for stage in (3, 2, 1, 0)]
        self.convs = nn.ModuleList(_Lateral(dim, config.hidden_dim) for dim in dims)

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 4, 8, 16, 32 -> maps of the hidden width at strides 4, 8, 16."""
        s4, s8, s16, s32 = (
            lateral(x) for lateral, x in zip(reversed(self.convs), features, strict=True)
        )
        return s4, s8, s16 + F.interpolate(s32.float(), scale_factor=2.0, mode="nearest")


class ImageEncoder(nn.Module):
    """Hiera trunk and neck."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Neck(config)

    def forward(self, pixels_bchw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised (B, 3, S, S) -> (B, C, ·, ·) at strides 4, 8 and 16."""
        return self.neck(self.trunk(pixels_bchw))
