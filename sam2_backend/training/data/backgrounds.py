"""Backgrounds of synthetic clips: photographs, ground up to a horizon, and crowds."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .assets import Assets
from .sampling import blur, draw_path, recolor, sample_along, to_tensor

_GROUND_SHARE = 0.45
"""Share of scenes with a ground."""
_CROWD_SHARE = 0.2
"""Share of scenes with small actors in them, which are no targets."""
_MAX_CROWD = 12
_BLUR_SHARE = 0.3
"""Share of scenes that are out of focus."""


def render_background(
    rng: np.random.Generator, assets: Assets, *, size: int, frames: int, aspect: float
) -> Tensor:
    """Render a background as a moving camera sees it: (T, 3, size, size) in 0..1."""
    motion = draw_path(rng, frames, scale=(0.55, 1.0), drift=0.05, turn=0.06)
    scene = sample_along(draw_photo(rng, assets)[None], motion, size, aspect=aspect)
    if rng.random() < _GROUND_SHARE:
        scene = _add_ground(rng, assets, scene, motion, aspect)
    if rng.random() < _CROWD_SHARE:
        scene = _add_crowd(rng, assets, scene, aspect)
    return blur(scene, rng.uniform(0.5, 2.0)) if rng.random() < _BLUR_SHARE else scene


def draw_photo(rng: np.random.Generator, assets: Assets) -> Tensor:
    """Draw a photograph (3, h, w) in 0..1, half the time in another light."""
    picture = to_tensor(assets.photos[int(rng.integers(len(assets.photos)))])
    picture = picture.flip(2) if rng.random() < 0.5 else picture
    return recolor(rng, picture) if rng.random() < 0.5 else picture


def draw_actor(rng: np.random.Generator, assets: Assets, frames: int) -> Tensor:
    """Draw an actor (T, 4, h, w), RGBA in 0..1, played to and fro where it is short."""
    sequence = assets.actors[assets.actors.draw(rng)]
    last = len(sequence) - 1
    at = np.arange(frames) + rng.integers(max(2 * last, 1))
    to_and_fro = last - np.abs(at % max(2 * last, 1) - last)
    return torch.stack([to_tensor(sequence[t]) for t in to_and_fro])


def _add_ground(
    rng: np.random.Generator,
    assets: Assets,
    behind_t3ss: Tensor,
    motion_t4: Tensor,
    aspect: float,
) -> Tensor:
    """Draw a ground below a horizon; a steep camera sees nothing else."""
    texture = recolor(rng, to_tensor(assets.grounds[int(rng.integers(len(assets.grounds)))]))
    frames, _, size, _ = behind_t3ss.shape
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    horizon = rng.uniform(-2.5, 0.3)
    _, angle, x, y = (v[:, None, None] for v in motion_t4.unbind(1))
    gx = axis.expand(frames, size, size) * aspect
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


def _add_crowd(
    rng: np.random.Generator, assets: Assets, scene_t3ss: Tensor, aspect: float
) -> Tensor:
    """Add small actors, more or less in a row."""
    frames, _, size, _ = scene_t3ss.shape
    row, tall = rng.uniform(-0.7, 0.5), rng.uniform(0.08, 0.25)
    for _ in range(int(rng.integers(3, _MAX_CROWD))):
        motion = draw_path(rng, frames, scale=(tall * 0.8, tall * 1.2), drift=0.02, turn=0.05)
        motion[:, 2] += float(rng.uniform(-1, 1)) - motion[0, 2]
        motion[:, 3] += float(rng.normal(row, 0.1)) - motion[0, 3]
        actor = draw_actor(rng, assets, frames)
        layer = sample_along(actor, motion, size, inverse_scale=True, aspect=aspect)
        scene_t3ss = torch.lerp(scene_t3ss, layer[:, :3], layer[:, 3:])
    return scene_t3ss
