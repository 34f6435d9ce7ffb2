"""The image encoder: Hiera, and a neck that makes three feature maps of its four."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .hiera import Hiera
from .precision import Conv2d, PrecisionModule, is_predicting


class _Lateral(PrecisionModule):
    def __init__(self, dim: int, dim_out: int) -> None:
        super().__init__()
        self.conv = Conv2d(dim, dim_out, kernel_size=1)

    def forward(self, x_bchw: Tensor) -> Tensor:
        return self.conv(x_bchw)

    def fused_projection(self, x_bchw: Tensor, next_conv: nn.Conv2d) -> Tensor:
        """Apply this and another 1x1 convolution as the single one that they amount to."""
        assert self.conv.bias is not None and next_conv.bias is not None
        bias, next_bias = self.conv.bias, next_conv.bias

        def fuse() -> tuple[Tensor, Tensor]:
            next_weight = next_conv.weight.flatten(1)
            weight = next_weight @ self.conv.weight.flatten(1)
            return weight, F.linear(bias, next_weight, next_bias)

        weights = self.conv.weight, bias, next_conv.weight, next_bias
        weight, bias_c = self.derive("fused projection", fuse, *weights)
        return F.linear(x_bchw.permute(0, 2, 3, 1), weight, bias_c).permute(0, 3, 1, 2)


class Neck(nn.Module):
    """A feature pyramid (Lin et al. 2017) with a top-down path into stride 16 only."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Checkpoints list the deepest stage first.
        dims = [config.embed_dim * 2**stage for stage in (3, 2, 1, 0)]
        self.convs = nn.ModuleList(_Lateral(dim, config.hidden_dim) for dim in dims)

    def forward(
        self, features: list[Tensor], conv_s4: nn.Conv2d, conv_s8: nn.Conv2d
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Merge four maps into three.

        Parameters
        ----------
        features : (B, C_i, S/s, S/s) maps of the trunk at strides s of 4, 8, 16 and 32.
        conv_s4, conv_s8 : the mask decoder's 1x1 convolutions of its high-resolution features,
            which are applied here, once an image.

        Returns
        -------
        s4, s8, s16
            (B, C/8, S/4, S/4), (B, C/4, S/8, S/8) and (B, C, S/16, S/16); C is the hidden width.
        """
        s32_lateral, s16_lateral, s8_lateral, s4_lateral = cast("Iterable[_Lateral]", self.convs)
        s4, s8, s16, s32 = features
        lateral = s32_lateral(s32)
        if not is_predicting():
            lateral = lateral.float()  # under autocast the sum is in float32, as the official one
        upper = F.interpolate(lateral, scale_factor=2.0, mode="nearest")
        return (
            s4_lateral.fused_projection(s4, conv_s4),
            s8_lateral.fused_projection(s8, conv_s8),
            s16_lateral(s16) + upper,
        )


class ImageEncoder(nn.Module):
    """Hiera trunk and neck."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Neck(config)

    def forward(
        self, pixels_bchw: Tensor, conv_s4: nn.Conv2d, conv_s8: nn.Conv2d
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode normalised images (B, 3, S, S) at strides 4, 8 and 16; see `Neck.forward`."""
        return self.neck(self.trunk(pixels_bchw), conv_s4, conv_s8)
