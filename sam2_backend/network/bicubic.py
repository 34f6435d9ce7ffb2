"""Pillow's bicubic resize on any device, to the bit.

The official video path resizes frames by Pillow, which multiplies whole numbers: so can a GPU. What
it resizes itself it need not be sent at the network's size, and no core of the host is kept busy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
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
    centers = (np.arange(size_out) + 0.5) * scale
    first = np.maximum((centers - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centers + reach + 0.5).astype(np.int64), size_in)
    pixels_ks = first + np.arange(math.ceil(reach) * 2 + 1)[:, None]
    is_used_ks = pixels_ks < last
    raw_ks = np.where(is_used_ks, _cubic((pixels_ks - centers + 0.5) / stretch), 0.0)
    # The sum of the first taps on: another order may round otherwise.
    scaled_ks = raw_ks / np.cumsum(raw_ks, axis=0)[-1] * (1 << _BITS)
    weights_ks = (scaled_ks + np.copysign(0.5, scaled_ks)).astype(np.int32)
    pixels_ks = np.where(is_used_ks, pixels_ks, 0)
    return torch.from_numpy(pixels_ks).to(device), torch.from_numpy(weights_ks).to(device)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights at distances of x pixels (Keys 1981)."""
    x, a = np.abs(x), _SHARPNESS
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
