"""Pillow's bicubic resize on any device, to the bit.

The official video path resizes frames by Pillow, which multiplies whole numbers: so can a GPU. What
it resizes itself it need not be sent at the network's size, and no core of the host is kept busy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import PIL
import torch
from torch import Tensor

_PILLOW = int(PIL.__version__.partition(".")[0])
_BITS = 22
"""Of the fraction of a weight: with 8 of a pixel and one of the sum 31 bits are enough."""
_SHARPNESS = -0.5
"""Of the cubic: Pillow's, and that of Keys 1981."""
_SUPPORT = 2.0
"""Pixels on each side that the cubic reaches."""


def resize_bicubic(frames_bhwc: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Resize frames as `PIL.Image.resize` does by its bicubic filter: (B, C, size_hw) uint8.

    Parameters
    ----------
    frames_bhwc : (B, H, W, C) uint8.
    size_hw : (H, W) in pixels.
    """
    x = frames_bhwc.permute(0, 3, 1, 2).to(torch.int32)
    steps = [(3, size_hw[1]), (2, size_hw[0])]
    if _begins_with_rows(x.shape[2:], size_hw):  # it rounds in between: the order counts
        steps.reverse()
    for dim, size in steps:
        if x.shape[dim] != size:
            x = _resize_along(x, dim, size)
    return x.to(torch.uint8)


def _begins_with_rows(from_hw: Sequence[int], to_hw: Sequence[int]) -> bool:
    """Whether Pillow resizes the height first: since 13, where most of what goes is rows."""
    fewer_rows, fewer_columns = (a - b for a, b in zip(from_hw, to_hw, strict=True))
    return _PILLOW >= 13 and fewer_rows > 2 * max(fewer_columns, 0)


def _resize_along(x_bchw: Tensor, dim: int, size: int) -> Tensor:
    pixels_ks, weights_ks = _taps(x_bchw.shape[dim], size, x_bchw.device)
    shape = [size if axis == dim else 1 for axis in range(x_bchw.ndim)]
    half = 1 << (_BITS - 1)
    total = torch.full((), half, dtype=torch.int32, device=x_bchw.device)
    for pixels_s, weights_s in zip(pixels_ks, weights_ks, strict=True):
        total = torch.addcmul(total, x_bchw.index_select(dim, pixels_s), weights_s.view(shape))
    return (total >> _BITS).clamp(0, 255)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _taps(size_in: int, size_out: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Pixels that each new one is a sum of, and their weights: (K, size_out) int64 and int32."""
    scale = size_in / size_out
    stretch = max(scale, 1.0)
    reach = _SUPPORT * stretch
    taps = math.ceil(reach) * 2 + 1
    pixels = torch.zeros(taps, size_out, dtype=torch.int64)
    weights = torch.zeros(taps, size_out, dtype=torch.int32)
    for n in range(size_out):
        center = (n + 0.5) * scale
        first = max(int(center - reach + 0.5), 0)
        last = min(int(center + reach + 0.5), size_in)
        raw = [_cubic((t - center + 0.5) / stretch) for t in range(first, last)]
        total = sum(raw)
        for k, value in enumerate(raw):
            scaled = value / total * (1 << _BITS)
            pixels[k, n] = first + k
            weights[k, n] = int(scaled + math.copysign(0.5, scaled))
    return pixels.to(device), weights.to(device)


def _cubic(x: float) -> float:
    """Weight at a distance of x pixels (Keys 1981)."""
    x, a = abs(x), _SHARPNESS
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    if x < 2.0:
        return (((x - 5) * x + 8) * x - 4) * a
    return 0.0
