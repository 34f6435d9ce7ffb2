"""Conversion between images and tensors: size, colour, coordinates.

The official image path resizes the float tensor (bilinear, antialiased), its video path the
uint8 frame with Pillow's bicubic filter. Both are kept: parity needs the very same resize.
`bicubic` is the second on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..kernels.transfer import copy_to_device
from .bicubic import resize_bicubic
from .config import IMAGE_MEAN, IMAGE_STD


def normalize(pixels_bchw: Tensor) -> Tensor:
    """Normalise (B, 3, H, W) RGB in 0..1 by ImageNet's mean and standard deviation."""
    mean_311, std_311 = _image_statistics(pixels_bchw.device)
    return (pixels_bchw - mean_311) / std_311


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _image_statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(values, device=device) for values in (IMAGE_MEAN, IMAGE_STD))
    return mean[:, None, None], std[:, None, None]


def image_to_input(rgb_hw3: NDArray[np.uint8], size: int, device: torch.device) -> Tensor:
    """Resize and normalise an image as the image path does: (1, 3, size, size)."""
    return normalize(resize_smoothly(_to_float(np.array(rgb_hw3)[None], device), size))


def frame_to_input(rgb_hw3: NDArray[np.uint8], size: int, device: torch.device) -> Tensor:
    """Resize and normalise a frame as the video path does: (1, 3, size, size)."""
    return frames_to_input([rgb_hw3], size, device)


def resize_frame(rgb_hw3: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize an (H, W, 3) frame to the network's square by Pillow's bicubic filter, as uint8."""
    return np.array(Image.fromarray(rgb_hw3).resize((size, size)))


def frames_to_input(
    frames: Sequence[NDArray[np.uint8] | Tensor], size: int, device: torch.device
) -> Tensor:
    """Resize and normalise B frames as the video path does: (B, 3, size, size).

    Parameters
    ----------
    frames : (H, W, 3) uint8 of any sizes: arrays, which Pillow resizes, or tensors, which are
        resized on the device.
    """
    if not any(isinstance(frame, Tensor) for frame in frames):
        resized = np.stack([resize_frame(np.asarray(frame), size) for frame in frames])
        return normalize(_to_float(resized, device))
    on_device = (torch.as_tensor(frame).to(device, non_blocking=True) for frame in frames)
    # One after the other: whole numbers take four times the bytes of pixels.
    pixels = torch.cat([resize_bicubic(frame[None], (size, size)) for frame in on_device])
    return normalize(pixels.float() / 255)


def mask_to_input(mask_hw: NDArray[np.bool_], size: int, device: torch.device) -> Tensor:
    """Resize an (H, W) mask as a prompt of the video path: (1, 1, size, size), 0 or 1."""
    mask = torch.from_numpy(np.ascontiguousarray(mask_hw)).to(device).float()[None, None]
    return (resize_smoothly(mask, size) >= 0.5).float()


def resize_smoothly(x_nchw: Tensor, size: int) -> Tensor:
    """Resize (N, C, H, W) to (N, C, size, size): bilinear, antialiased."""
    # Apple's GPUs have no such resize.
    source = x_nchw.cpu() if x_nchw.device.type == "mps" else x_nchw
    resized = F.interpolate(
        source, size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
    return resized.to(x_nchw.device)


def points_to_model(points_px: NDArray[np.float32], frame_hw: tuple[int, int], size: int) -> Tensor:
    """Scale (..., 2) points (x, y) from pixels of the frame to those of the network's input."""
    height, width = frame_hw
    points = torch.from_numpy(np.asarray(points_px, dtype=np.float32))
    return points / torch.tensor([width, height], dtype=torch.float32) * size


def logits_to_masks(logits_n1hw: Tensor, frame_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize (N, 1, h, w) logits to a frame's (H, W), and cut them at 0: (N, H, W) bool."""
    logits = F.interpolate(logits_n1hw.float(), frame_hw, mode="bilinear", align_corners=False)
    masks_nhw = logits[:, 0] > 0
    if masks_nhw.device.type == "cpu":
        return masks_nhw.numpy()
    return unpack_bits(pack_bits(masks_nhw).cpu().numpy(), frame_hw)


def pack_bits(masks_nhw: Tensor) -> Tensor:
    """Pack (N, H, W) bool as `numpy.packbits` does: (N, ceil(H * W / 8)) uint8.

    An eighth of the bytes to copy off a device.
    """
    bits = F.pad(masks_nhw.flatten(1).to(torch.uint8), (0, -masks_nhw[0].numel() % 8))
    return (bits.unflatten(1, (-1, 8)) * _bit_values(bits.device)).sum(dim=2, dtype=torch.uint8)


def unpack_bits(packed: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Unpack what `pack_bits` packed: (N, H, W) bool."""
    bits = np.unpackbits(packed, axis=1, count=size_hw[0] * size_hw[1])
    return bits.view(bool).reshape(-1, *size_hw)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _bit_values(device: torch.device) -> Tensor:
    return torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device=device)


def as_rgb(image: object) -> NDArray[np.uint8]:
    """Check that an image is an (H, W, 3) uint8 array, and return it.

    Parameters
    ----------
    image : anything that NumPy takes for an array, in RGB.

    Raises
    ------
    ValueError
        When it has another shape or type, or no pixels.
    """
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise ValueError(
            f"A picture must be an (H, W, 3) uint8 array in RGB, got shape {array.shape} of "
            f"{array.dtype}. Convert it first, e.g. np.asarray(Image.open(path).convert('RGB'))."
        )
    return array


def _to_float(rgb_bhw3: NDArray[np.uint8], device: torch.device) -> Tensor:
    pixels = copy_to_device(torch.from_numpy(rgb_bhw3), device)
    return pixels.permute(0, 3, 1, 2).float() / 255
