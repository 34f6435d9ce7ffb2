"""What objects stand before: photographs, and ground that runs to a horizon."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .assets import Assets
from .sampling import blur, path, recolor, sample, to_tensor

_GROUND = 0.45
"""Share of scenes with a ground."""
_BLURRED = 0.3
"""Share of scenes that are out of focus."""


def scenery(rng: np.random.Generator, assets: Assets, *, size: int, frames: int) -> Tensor:
    """A background and its camera's motion: (T, 3, size, size) in 0..1."""
    motion = path(rng, frames, scale=(0.55, 1.0), drift=0.05, turn=0.06)
    scene = sample(photo(rng, assets)[None], motion, size)
    if rng.random() < _GROUND:
        scene = _on_ground(rng, assets, scene, motion)
    return blur(scene, rng.uniform(0.5, 2.0)) if rng.random() < _BLURRED else scene


def photo(rng: np.random.Generator, assets: Assets) -> Tensor:
    """A photograph (3, h, w), half the time in another light."""
    picture = to_tensor(assets.photos[int(rng.integers(len(assets.photos)))])
    picture = picture.flip(2) if rng.random() < 0.5 else picture
    return recolor(rng, picture) if rng.random() < 0.5 else picture


def _on_ground(
    rng: np.random.Generator, assets: Assets, behind_t3ss: Tensor, motion_t4: Tensor
) -> Tensor:
    """Lay a ground below a horizon; a steep camera sees nothing else."""
    texture = recolor(rng, to_tensor(assets.grounds[int(rng.integers(len(assets.grounds)))]))
    frames, _, size, _ = behind_t3ss.shape
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    horizon = rng.uniform(-2.5, 0.3)
    _, angle, x, y = (v[:, None, None] for v in motion_t4.unbind(1))
    gx = axis.expand(frames, size, size)
    below = axis[:, None] + 0.3 * angle * gx - horizon
    # A plane at the camera's feet: what is closer to the horizon is farther away.
    depth = 1 / below.clamp(min=0.05)
    zoom = rng.uniform(0.15, 0.6) * (1 - min(horizon, -0.5))
    u, v = (gx * depth + 3 * x) * zoom, (depth * rng.uniform(0.6, 1.2) + 3 * y) * zoom
    grid = torch.stack((u, v), dim=-1)
    near, far = (
        F.grid_sample(
            level[None].expand(frames, -1, -1, -1),
            grid,
            padding_mode="reflection",
            align_corners=False,
        )
        for level in (texture, F.avg_pool2d(texture, 8))
    )
    ground = torch.lerp(near, far, (depth * zoom / 6).clamp(max=1)[:, None])
    return torch.where(below[:, None] > 0, ground, behind_t3ss)
