"""Positions as vectors: sine embeddings, rotary tables and random Fourier features.

Tables depend on sizes alone and are computed once, outside inference mode, so that the same
table can serve prediction and training. They stay: CUDA graphs read them.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from .precision import PrecisionModule

_TEMPERATURE = 10_000.0


@cache
@torch.inference_mode(False)
def sine_embedding_2d(channels: int, *, height: int, width: int, device: torch.device) -> Tensor:
    """Compute the sine embedding of a grid (Carion et al. 2020), positions scaled to 0..2π.

    Returns
    -------
    (channels, height, width) float32; the first half of the channels encodes y, the second x.
    """

    def encode(n: int) -> Tensor:
        position = torch.arange(1, n + 1, dtype=torch.float32, device=device)
        position = position / (n + 1e-6) * (2 * math.pi)
        angles = position[:, None] / _frequencies(channels // 2, device)
        return torch.stack((angles[:, 0::2].sin(), angles[:, 1::2].cos()), dim=2).flatten(1)

    y = encode(height)[:, None].expand(height, width, -1)
    x = encode(width)[None].expand(height, width, -1)
    return torch.cat((y, x), dim=2).permute(2, 0, 1).contiguous()


def sine_embedding_1d(position: Tensor, channels: int) -> Tensor:
    """Compute the sine embedding of scalars: (...) -> (..., channels), sines first."""
    angles = position[..., None] / _frequencies(channels // 2, position.device)
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


@cache
@torch.inference_mode(False)
def _frequencies(n: int, device: torch.device) -> Tensor:
    index = torch.arange(n, dtype=torch.float32, device=device)
    return _TEMPERATURE ** (2 * (index // 2) / n)


class RotaryTable(NamedTuple):
    """Angles of a rotary position embedding, for N positions and C channels."""

    cos: Tensor
    sin: Tensor
    """(N, C / 2) each."""
    freqs_cis: Tensor | None
    """(N, C / 2) cos + i·sin: complex numbers are multiplied in one pass. None on Apple's GPUs,
    which lack them."""


@cache
@torch.inference_mode(False)
def rotary_table(
    dim: int, *, height: int, width: int, device: torch.device, pooling: int = 1
) -> RotaryTable:
    """Compute the axial rotary embedding of a grid (Heo et al. 2024, RoPE-ViT).

    The first half of the channel pairs is rotated by x, the second by y.

    Parameters
    ----------
    dim : channels C, of one head.
    height, width : of the grid, in cells.
    pooling : side of the squares that each cell stands for; it is rotated as their centre.
    """
    frequency = 1.0 / _TEMPERATURE ** (torch.arange(0, dim, 4).float()[: dim // 4] / dim)
    index = torch.arange(height * width, dtype=torch.float32)
    x = torch.outer(_center(index % width, pooling), frequency)
    y = torch.outer(_center(torch.div(index, width, rounding_mode="floor"), pooling), frequency)
    angles = torch.cat((x, y), dim=-1)
    cos, sin = angles.cos().to(device), angles.sin().to(device)
    return RotaryTable(cos, sin, None if device.type == "mps" else torch.complex(cos, sin))


def _center(index: Tensor, pooling: int) -> Tensor:
    return index * pooling + (pooling - 1) / 2


def rotate(x: Tensor, table: RotaryTable) -> Tensor:
    """Rotate neighbouring channel pairs of x (..., N, C) by its position, in float32."""
    pairs = x.float().unflatten(-1, (-1, 2))
    if table.freqs_cis is not None and not torch.compiler.is_compiling():
        rotated_pairs = torch.view_as_complex(pairs.contiguous()) * table.freqs_cis
        return torch.view_as_real(rotated_pairs).flatten(-2).type_as(x)
    even, odd = pairs.unbind(-1)
    cos, sin = table.cos, table.sin
    rotated = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return rotated.flatten(-2).type_as(x)


class RandomFourierFeatures(PrecisionModule):
    """Fixed random frequencies that encode points of the unit square (Tancik et al. 2020)."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, channels // 2))

    def forward(self, points_norm: Tensor) -> Tensor:
        """Encode (..., 2) points (x, y) in 0..1: (..., channels)."""
        angles = 2 * math.pi * ((2 * points_norm - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat((angles.sin(), angles.cos()), dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """Encode the cell centres of a grid: (1, channels, height, width)."""
        return self.derive(
            f"grid {height} x {width}",
            lambda: self._grid_of(height, width),
            self.positional_encoding_gaussian_matrix,
        )

    def _grid_of(self, height: int, width: int) -> Tensor:
        device = self.positional_encoding_gaussian_matrix.device
        y = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
        x = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
        points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        return self(points).permute(2, 0, 1)[None]
