"""The memory encoder: a frame and its mask as one memory map (Ravi et al. 2024, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .layers import LayerNorm2d, apply_in_chunks
from .precision import Conv2d, Linear, PrecisionModule


class MaskDownsampler(nn.Module):
    """Four strided convolutions from an (N, 1, S, S) mask to (N, C, S/16, S/16)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for _ in range(4):
            layers += [
                Conv2d(channels, channels * 4, kernel_size=3, stride=2, padding=1),
                LayerNorm2d(channels * 4),
                nn.GELU(),
            ]
            channels *= 4
        self.encoder = nn.Sequential(*layers, Conv2d(channels, dim, kernel_size=1))

    def forward(self, mask_n1hw: Tensor) -> Tensor:
        """Encode (N, 1, S, S) masks: (N, C, S/16, S/16)."""
        return self.encoder(mask_n1hw)


class ConvNeXtBlock(PrecisionModule):
    """Liu et al. 2022 (arXiv 2201.03545)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Transform an (N, C, H, W) map."""
        x = self.norm(self.dwconv(x_nchw)).permute(0, 2, 3, 1)
        update = apply_in_chunks(self._mlp, x.flatten(0, 2), self.pwconv1.out_features)
        return x_nchw + update.view(x.shape).permute(0, 3, 1, 2)

    def _mlp(self, x_rc: Tensor) -> Tensor:
        gamma = self.derive("gamma", lambda: self.gamma, self.gamma)
        return gamma * self.pwconv2(self.act(self.pwconv1(x_rc)))


class _Fuser(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNeXtBlock(dim), ConvNeXtBlock(dim))

    def forward(self, x_nchw: Tensor) -> Tensor:
        return self.layers(x_nchw)


class MemoryEncoder(nn.Module):
    """Encodes unconditioned image features and a mask as a memory map."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.mask_downsampler = MaskDownsampler(dim)
        self.pix_feat_proj = Conv2d(dim, dim, kernel_size=1)
        self.fuser = _Fuser(dim)
        self.out_proj = Conv2d(dim, config.memory_dim, kernel_size=1)

    def forward(self, s16_nchw: Tensor, mask_n1hw: Tensor) -> Tensor:
        """Encode memories.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) unconditioned features.
        mask_n1hw : (N, 1, 16h, 16w) mask, scaled as in `Sam2Model.encode_memory`.

        Returns
        -------
        (N, D, h, w).
        """
        x = self.pix_feat_proj(s16_nchw) + self.mask_downsampler(mask_n1hw)
        return self.out_proj(self.fuser(x))
