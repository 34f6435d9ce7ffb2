"""Synthetic clips with exact masks: layers before a scene, moving, bending, occluding.

Everything is a function of one random generator, so a clip is reproducible from its seed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .assets import Assets
from .backgrounds import draw_actor, draw_photo, render_background
from .clips import Clip
from .sampling import blur, draw_path, recolor, sample_along, to_tensor

_PHOTO_REGION_SHARE = 0.03
"""Share of clips whose targets are regions of a real photograph. They are regions of one colour:
with many of them a network takes colour for objects."""
_CAMOUFLAGE_SHARE = 0.4
"""Share of layers in the colours of a place in the scene, so that outlines and texture count."""
_ASPECTS = (16 / 9, 4 / 3, 1.0, 9 / 16)
_ASPECT_SHARES = (0.5, 0.2, 0.2, 0.1)
"""Forms of pictures, width to height; the network sees all of them squeezed into a square."""
_MAX_LAYERS = 6
_MIN_VISIBLE_SHARE = 0.3
"""Objects of which no larger share is visible where they are first prompted are no targets."""


class SyntheticClips:
    """Rendered clips as a source.

    Parameters
    ----------
    assets : what to compose them from.
    """

    def __init__(self, assets: Assets) -> None:
        self.assets = assets

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """Render a clip; see `ClipSource`."""
        return render_clip(rng, self.assets, size=size, frames=frames, targets=targets)


def render_clip(
    rng: np.random.Generator, assets: Assets, *, size: int, frames: int, targets: int
) -> Clip:
    """Render one clip.

    Parameters
    ----------
    rng : all of the clip follows from it.
    assets : what it is composed of.
    size : S, side of a picture in pixels.
    frames, targets : T pictures with K targets, which repeat where there are fewer.

    Returns
    -------
    Clip
        (T, 3, S, S) uint8 RGB, and (T, K, S, S) bool.
    """
    if rng.random() < _PHOTO_REGION_SHARE:
        rgb, masks = _photo_regions(rng, assets, size, frames, targets)
    else:
        rgb, masks = _composite(rng, assets, size, frames)
    rgb = _degrade(rng, rgb)
    # Targets must be visible where they are first prompted, and not be the whole picture.
    area = masks[0].mean(axis=(1, 2))
    usable = np.flatnonzero((area > 0.008) & (area < 0.8))
    if len(usable) == 0:
        return render_clip(rng, assets, size=size, frames=frames, targets=targets)
    weight = np.sqrt(area[usable])
    n = min(targets, len(usable))
    chosen = rng.choice(usable, size=n, replace=False, p=weight / weight.sum())
    return Clip(rgb, masks[:, np.resize(chosen, targets)])


def _composite(
    rng: np.random.Generator, assets: Assets, size: int, frames: int
) -> tuple[Tensor, NDArray[np.bool_]]:
    aspect = float(rng.choice(_ASPECTS, p=_ASPECT_SHARES))
    canvas = render_background(rng, assets, size=size, frames=frames, aspect=aspect)
    layers = _draw_layers(rng, assets, canvas[0], frames)
    count = int(rng.integers(1, _MAX_LAYERS + 1))
    top = torch.zeros(frames, size, size, dtype=torch.uint8)
    whole_k: list[Tensor] = []
    for layer_id in range(1, count + 1):
        rgba_t4hw = next(layers)
        # Mostly large objects in the middle, some small ones anywhere.
        scale = float(np.exp(rng.normal(-0.75, 0.5)))
        motion = draw_path(
            rng, frames, scale=(scale * 0.8, scale * 1.2), drift=0.12, turn=0.25, place=0.75
        )
        bend = rng.uniform(0, 0.12)
        layer = sample_along(rgba_t4hw, motion, size, bend=bend, inverse_scale=True, aspect=aspect)
        color, alpha = layer[:, :3], layer[:, 3:]
        if rng.random() < 0.25:
            shadow = torch.roll(blur(alpha, 2.0), (int(size * 0.02), int(size * 0.02)), (2, 3))
            canvas = canvas * (1 - 0.5 * shadow)
        canvas = canvas * (1 - alpha) + color * alpha
        own = alpha[:, 0] > 0.5
        whole_k.append(own[0].sum())
        top = torch.where(own, layer_id, top)
    masks = torch.stack([top == k for k in range(1, count + 1)], dim=1)
    seen_k = masks[0].sum((1, 2)) > _MIN_VISIBLE_SHARE * torch.stack(whole_k)
    return canvas, masks[:, seen_k].numpy()


def _photo_regions(
    rng: np.random.Generator, assets: Assets, size: int, frames: int, targets: int
) -> tuple[Tensor, NDArray[np.bool_]]:
    i = int(rng.integers(len(assets.photos)))
    picture = to_tensor(assets.photos[i])
    labels = np.asarray(assets.regions[i][rng.integers(3)]).astype(np.int32)
    motion = draw_path(rng, frames, scale=(0.4, 0.9), drift=0.08, turn=0.08)
    rgb = sample_along(picture[None], motion, size)
    plane = torch.from_numpy(labels)[None, None].float()
    seen = sample_along(plane, motion, size, nearest=True)[:, 0].long()
    ids, counts = torch.unique(seen[0], return_counts=True)
    likely = ids[(counts > 0.006 * size * size) & (counts < 0.6 * size * size)]
    likely = likely[torch.from_numpy(rng.permutation(len(likely)))][: 2 * targets]
    if len(likely) == 0:
        return _composite(rng, assets, size, frames)
    return rgb, torch.stack([seen == k for k in likely], dim=1).numpy()


def _draw_layers(
    rng: np.random.Generator, assets: Assets, scene_3ss: Tensor, frames: int
) -> Iterator[Tensor]:
    """Draw RGBA layers without end, still (1, 4, h, w) or moving (T, 4, h, w).

    Some repeat the one before, as a distractor.
    """
    last: Tensor | None = None
    while True:
        kind = rng.random()
        if last is not None and kind < 0.1:
            layer = last
        elif kind < 0.45:
            layer = to_tensor(assets.cutouts[assets.cutouts.draw(rng)])[None]
        elif kind < 0.85:
            layer = draw_actor(rng, assets, frames)
        elif kind < 0.94:
            # A piece of a photograph, half the time of the scene itself: camouflage.
            source = scene_3ss if rng.random() < 0.5 else draw_photo(rng, assets)
            layer = _cut_photo(rng, source)[None]
        else:
            layer = torch.cat((_draw_texture(rng), _draw_blob(rng, 96)))[None]
        last = layer
        color, alpha = layer.transpose(0, 1).split((3, 1))
        color = recolor(rng, color)
        if rng.random() < _CAMOUFLAGE_SHARE:
            color = _camouflage(rng, color, alpha[0] > 0.5, scene_3ss)
        layer = torch.cat((color.clamp(0, 1), alpha)).transpose(0, 1)
        yield layer.flip(3) if rng.random() < 0.5 else layer


def _camouflage(
    rng: np.random.Generator, color_3thw: Tensor, opaque_thw: Tensor, scene_3ss: Tensor
) -> Tensor:
    """Draw mean and spread of a layer's colours towards those of a place in the scene."""
    side = scene_3ss.shape[-1] // 3
    y, x = rng.integers(2 * side, size=2)
    place = scene_3ss[:, y : y + side, x : x + side].flatten(1)
    own = color_3thw[:, opaque_thw]
    own = own if own.shape[1] > 1 else color_3thw.flatten(1)
    spread, mean = torch.std_mean(own, dim=1)
    spread_there, mean_there = torch.std_mean(place, dim=1)
    gain = (spread_there + 0.02) / (spread + 0.02)
    flat = color_3thw.flatten(1)
    matched = (flat - mean[:, None]) * gain[:, None] + mean_there[:, None]
    return torch.lerp(flat, matched, rng.uniform(0.4, 1.0)).unflatten(1, color_3thw.shape[1:])


def _cut_photo(rng: np.random.Generator, photo_3hw: Tensor) -> Tensor:
    _, h, w = photo_3hw.shape
    side = int(rng.integers(min(h, w) // 4, min(h, w) // 2))
    y, x = int(rng.integers(h - side)), int(rng.integers(w - side))
    return torch.cat((photo_3hw[:, y : y + side, x : x + side], _draw_blob(rng, side)))


def _draw_blob(rng: np.random.Generator, side: int) -> Tensor:
    """Draw a smooth random shape (1, side, side)."""
    n = int(rng.integers(3, 7))
    noise = torch.from_numpy(rng.normal(size=(1, 1, n, n)).astype(np.float32))
    noise = F.interpolate(noise, (side, side), mode="bicubic", align_corners=True)[0]
    axis = torch.linspace(-1, 1, side)
    radius = (axis[None] ** 2 + axis[:, None] ** 2).sqrt()
    return ((noise * 0.35 + 0.75 - radius) * side / 4).clamp(0, 1)


def _draw_texture(rng: np.random.Generator) -> Tensor:
    """Draw noise at two scales in two colours: (3, 96, 96)."""
    colors = torch.from_numpy(rng.random((2, 3, 1, 1)).astype(np.float32))
    field = torch.zeros(1, 1, 96, 96)
    for n in (int(rng.integers(2, 8)), int(rng.integers(8, 48))):
        noise = torch.from_numpy(rng.normal(size=(1, 1, n, n)).astype(np.float32))
        field = field + F.interpolate(noise, (96, 96), mode="bilinear", align_corners=True)
    mix = field[0].sigmoid()
    return colors[0] * mix + colors[1] * (1 - mix)


def _degrade(rng: np.random.Generator, rgb_t3ss: Tensor) -> NDArray[np.uint8]:
    """Add light, defocus, noise and JPEG, as cameras do."""
    size = rgb_t3ss.shape[-1]
    if rng.random() < 0.4:  # a slope of light over the picture
        axis = torch.linspace(-1, 1, size)
        slope = rng.normal(0, 0.25) * axis[:, None] + rng.normal(0, 0.25) * axis[None]
        rgb_t3ss = rgb_t3ss * (1 + slope)
    if rng.random() < 0.35:
        rgb_t3ss = blur(rgb_t3ss, rng.uniform(0.3, 1.2))
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(0.005, 0.05), tuple(rgb_t3ss.shape))
        rgb_t3ss = rgb_t3ss + torch.from_numpy(noise.astype(np.float32))
    pixels = (rgb_t3ss.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    if rng.random() < 0.3:
        quality = int(rng.integers(25, 90))
        pixels = np.stack([_compress_as_jpeg(frame, quality) for frame in pixels])
    return pixels


def _compress_as_jpeg(rgb_3ss: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(rgb_3ss.transpose(1, 2, 0)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)).transpose(2, 0, 1)
