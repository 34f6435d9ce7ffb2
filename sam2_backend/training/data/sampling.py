"""Sampling of pictures along smooth paths, and changes of their light."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

_LEAVING = 0.12
"""Share of layers that swing out of the picture."""


def draw_path(
    rng: np.random.Generator,
    frames: int,
    *,
    scale: tuple[float, float],
    drift: float,
    turn: float,
    place: float | None = None,
) -> Tensor:
    """Draw a smooth path: (T, 4) scale, angle in radians, x, y; places in -1..1.

    Parameters
    ----------
    rng : all of the path follows from it.
    frames : T.
    scale : smallest and largest.
    drift, turn : standard deviations of motion and rotation.
    place : how far from the middle it begins; within the picture's borders if None. Some of
        those with a place swing far enough to leave the picture, and mostly come back.
    """
    start, end = (float(rng.uniform(*scale)) for _ in range(2))
    end = start + (end - start) * 0.5
    angle = rng.normal(0, turn)
    margin = max(1 - start, 0.0) if place is None else place
    x, y = rng.uniform(-margin, margin, 2)
    dx, dy = rng.normal(0, drift, 2)
    dturn = rng.normal(0, turn / 3)
    t = np.linspace(0, 1, frames) if frames > 1 else np.zeros(1)
    far = place is not None and rng.random() < _LEAVING
    swing = rng.uniform(0.6, 1.8) if far else drift * 0.5
    wave = np.sin(2 * np.pi * (t * rng.uniform(0.3, 1.2) + rng.random())) * swing
    steps = max(frames - 1, 1)
    columns = (
        start + (end - start) * t,
        angle + dturn * t * steps / 2,
        x + dx * t * steps / 2 + wave,
        y + dy * t * steps / 2 - wave,
    )
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))


def sample_along(
    source_tchw: Tensor,
    path_t4: Tensor,
    size: int,
    *,
    bend: float = 0.0,
    inverse_scale: bool = False,
    nearest: bool = False,
    aspect: float = 1.0,
) -> Tensor:
    """Sample a picture (1, C, h, w), or one a frame (T, C, h, w), along a path.

    A background is seen through a window of the path's scale and stays within its borders; a
    layer (`inverse_scale`) is itself of that scale, transparent outside, bent by a smooth wave.
    With an `aspect`, that of width to height, a picture of that form is squeezed into the square,
    as the network sees it.

    Returns
    -------
    Tensor
        (T, C, size, size).
    """
    frames = len(path_t4)
    scale, angle, x, y = path_t4.unbind(1)
    cos, sin = angle.cos(), angle.sin()
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    gy, gx = torch.meshgrid(axis, axis, indexing="ij")
    gx, gy = gx.expand(frames, -1, -1), gy.expand(frames, -1, -1)
    wide, high = aspect**0.5, aspect**-0.5
    x, y, cos, sin, scale = (v[:, None, None] for v in (x, y, cos, sin, scale))
    h, w = source_tchw.shape[2:]
    if inverse_scale:
        gx, gy = (gx - x) * wide, (gy - y) * high
        if bend:
            gx = gx + bend * (3 * gy + 5 * x).sin()
            gy = gy + bend * (3 * gx - 4 * y).cos()
        u, v = (cos * gx + sin * gy) / scale, (cos * gy - sin * gx) / scale
        longest = max(h, w)
        u, v = u * longest / w, v * longest / h
    else:
        gx, gy = gx * wide, gy * high
        u, v = scale * (cos * gx + sin * gy), scale * (cos * gy - sin * gx)
        shortest = min(h, w)
        u, v = u * shortest / w + x, v * shortest / h + y
    grid = torch.stack((u, v), dim=-1)
    return F.grid_sample(
        source_tchw.expand(frames, -1, -1, -1),
        grid,
        mode="nearest" if nearest else "bilinear",
        padding_mode="zeros" if inverse_scale else "reflection",
        align_corners=False,
    )


def recolor(rng: np.random.Generator, rgb: Tensor) -> Tensor:
    """Change light, contrast and saturation of a picture (3, …) in 0..1."""
    gain = torch.from_numpy(rng.normal(1, 0.12, (3, 1)).astype(np.float32))
    saturation = rng.uniform(0.3, 1.4)
    contrast, brightness = rng.uniform(0.7, 1.3), rng.normal(0, 0.08)
    # One product of matrices: on whole photographs this is what rendering takes longest for.
    matrix = torch.eye(3) * saturation + (1 - saturation) / 3
    offset = torch.full((3, 1), 0.5 + brightness - 0.5 * contrast)
    mixed = torch.addmm(offset, matrix * gain * contrast, rgb.flatten(1))
    return mixed.clamp_(0, 1).unflatten(1, rgb.shape[1:])


def blur(x: Tensor, sigma: float) -> Tensor:
    """Blur pictures (N, C, h, w) by a Gaussian; sigma in pixels."""
    reach = max(int(2 * sigma), 1)
    axis = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(axis**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    c = x.shape[1]
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, kernel.expand(c, 1, 1, -1), groups=c)
    return F.conv2d(x, kernel[:, None].expand(c, 1, -1, 1), groups=c)


def to_tensor(pixels_hwc: NDArray[np.generic]) -> Tensor:
    """Convert (H, W, C) uint8 to (C, H, W) float in 0..1."""
    return torch.from_numpy(np.array(pixels_hwc)).permute(2, 0, 1).float() / 255
