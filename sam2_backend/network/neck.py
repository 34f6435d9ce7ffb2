"""From four Hiera maps to the three the rest of the network reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

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

    def narrowed(self, x_bchw: Tensor, narrow: nn.Conv2d) -> Tensor:
        """This and another 1x1 convolution, as the one that they make together."""
        assert self.conv.bias is not None
        narrowing = narrow.weight.flatten(1)
        weight = narrowing @ self.conv.weight.flatten(1)
        bias = F.linear(self.conv.bias, narrowing, narrow.bias)
        return F.linear(x_bchw.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)


class Neck(nn.Module):
    """A feature pyramid (Lin et al. 2017) in which only the stride-16 level looks upward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Checkpoints list the deepest stage first.
        dims = [config.embed_dim * 2**stage for stage in (3, 2, 1, 0)]
        self.convs = nn.ModuleList(_Lateral(dim, config.hidden_dim) for dim in dims)

    def forward(
        self, features: list[Tensor], narrow_s4: nn.Conv2d, narrow_s8: nn.Conv2d
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 4, 8, 16, 32 -> those at strides 4 and 8 as the mask decoder's 1x1
        convolutions leave them, and that of the hidden width at stride 16."""
        s32_lateral, s16_lateral, s8_lateral, s4_lateral = cast("Iterable[_Lateral]", self.convs)
        s4, s8, s16, s32 = features
        upper = F.interpolate(s32_lateral(s32).float(), scale_factor=2.0, mode="nearest")
        return (
            s4_lateral.narrowed(s4, narrow_s4),
            s8_lateral.narrowed(s8, narrow_s8),
            s16_lateral(s16) + upper,
        )


class ImageEncoder(nn.Module):
    """Hiera trunk and neck."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Neck(config)

    def forward(
        self, pixels_bchw: Tensor, narrow_s4: nn.Conv2d, narrow_s8: nn.Conv2d
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised (B, 3, S, S) -> maps at strides 4, 8 and 16; see `Neck.forward`."""
        return self.neck(self.trunk(pixels_bchw), narrow_s4, narrow_s8)
