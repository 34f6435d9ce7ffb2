"""Synthetic clips with exact masks: layers over a photograph, moving, bending, occluding.

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
from .clips import Clip

_PHOTO_REGION_CLIPS = 0.1
"""Share of clips whose targets are regions of a real photograph. They are regions of one colour:
with many of them a network takes colour for objects."""
_CAMOUFLAGED = 0.4
"""Share of layers in the colours of a place in the scene, so that outlines and texture count."""

_LEAVING = 0.12
"""Share of layers that swing out of the picture."""


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
    """Render one clip with exactly `targets` targets, repeated where it has fewer."""
    if rng.random() < _PHOTO_REGION_CLIPS:
        rgb, masks = _photo_regions(rng, assets, size, frames, targets)
    else:
        rgb, masks = _composite(rng, assets, size, frames)
    rgb = _degrade(rng, rgb)
    # Targets must be visible where they are first prompted, and not be the whole picture.
    area = masks[0].mean(axis=(1, 2))
    usable = np.flatnonzero((area > 0.006) & (area < 0.8))
    if len(usable) == 0:
        return render_clip(rng, assets, size=size, frames=frames, targets=targets)
    weight = np.sqrt(area[usable])
    n = min(targets, len(usable))
    chosen = rng.choice(usable, size=n, replace=False, p=weight / weight.sum())
    return Clip(rgb, masks[:, np.resize(chosen, targets)])


def _composite(
    rng: np.random.Generator, assets: Assets, size: int, frames: int
) -> tuple[Tensor, NDArray[np.bool_]]:
    photo = _photo(rng, assets)
    path = _path(rng, frames, scale=(0.55, 1.0), drift=0.05, turn=0.06)
    canvas = _sample(photo[None], path, size)
    if rng.random() < 0.3:
        canvas = _blur(canvas, rng.uniform(0.5, 2.0))
    layers = _layers(rng, assets, photo, canvas[0], frames)
    count = int(rng.integers(2, 8))
    top = torch.zeros(frames, size, size, dtype=torch.uint8)
    for layer_id in range(1, count + 1):
        rgba_t4hw = next(layers)
        # Mostly large objects in the middle, some small ones anywhere.
        scale = float(np.exp(rng.normal(-0.75, 0.5)))
        path = _path(
            rng, frames, scale=(scale * 0.8, scale * 1.2), drift=0.12, turn=0.25, place=0.75
        )
        layer = _sample(rgba_t4hw, path, size, bend=rng.uniform(0, 0.12), inverse_scale=True)
        color, alpha = layer[:, :3], layer[:, 3:]
        if rng.random() < 0.25:
            shadow = torch.roll(_blur(alpha, 2.0), (int(size * 0.02), int(size * 0.02)), (2, 3))
            canvas = canvas * (1 - 0.5 * shadow)
        canvas = canvas * (1 - alpha) + color * alpha
        top = torch.where(alpha[:, 0] > 0.5, layer_id, top)
    masks = torch.stack([top == k for k in range(1, count + 1)], dim=1)
    return canvas, masks.numpy()


def _photo_regions(
    rng: np.random.Generator, assets: Assets, size: int, frames: int, targets: int
) -> tuple[Tensor, NDArray[np.bool_]]:
    i = int(rng.integers(len(assets.photos)))
    photo = _to_tensor(assets.photos[i])
    labels = np.asarray(assets.regions[i][rng.integers(3)]).astype(np.int32)
    path = _path(rng, frames, scale=(0.4, 0.9), drift=0.08, turn=0.08)
    rgb = _sample(photo[None], path, size)
    plane = torch.from_numpy(labels)[None, None].float()
    seen = _sample(plane, path, size, nearest=True)[:, 0].long()
    ids, counts = torch.unique(seen[0], return_counts=True)
    likely = ids[(counts > 0.006 * size * size) & (counts < 0.6 * size * size)]
    likely = likely[torch.from_numpy(rng.permutation(len(likely)))][: 2 * targets]
    if len(likely) == 0:
        return _composite(rng, assets, size, frames)
    return rgb, torch.stack([seen == k for k in likely], dim=1).numpy()


def _layers(
    rng: np.random.Generator, assets: Assets, photo: Tensor, scene_3ss: Tensor, frames: int
) -> Iterator[Tensor]:
    """RGBA layers without end, still (1, 4, h, w) or moving (T, 4, h, w); some repeat the one
    before, as a distractor."""
    last: Tensor | None = None
    while True:
        kind = rng.random()
        if last is not None and kind < 0.12:
            layer = last
        elif kind < 0.45:
            layer = _to_tensor(assets.cutouts[assets.cutouts.draw(rng)])[None]
        elif kind < 0.78:
            layer = _acted(rng, assets, frames)
        elif kind < 0.93:
            # A piece of a photograph, half the time of the background itself: camouflage.
            source = photo if rng.random() < 0.5 else _photo(rng, assets)
            layer = _photo_piece(rng, source)[None]
        else:
            layer = torch.cat((_texture(rng), _blob(rng, 96)))[None]
        last = layer
        color, alpha = layer.transpose(0, 1).split((3, 1))
        color = _recolor(rng, color)
        if rng.random() < _CAMOUFLAGED:
            color = _camouflage(rng, color, alpha[0] > 0.5, scene_3ss)
        layer = torch.cat((color.clamp(0, 1), alpha)).transpose(0, 1)
        yield layer.flip(3) if rng.random() < 0.5 else layer


def _acted(rng: np.random.Generator, assets: Assets, frames: int) -> Tensor:
    """A sequence of `frames` pictures (T, 4, h, w) of an actor, to and fro where it is short."""
    sequence = assets.actors[assets.actors.draw(rng)]
    last = len(sequence) - 1
    at = np.arange(frames) + rng.integers(max(2 * last, 1))
    to_and_fro = last - np.abs(at % max(2 * last, 1) - last)
    return torch.stack([_to_tensor(sequence[t]) for t in to_and_fro])


def _camouflage(
    rng: np.random.Generator, color_3thw: Tensor, opaque_thw: Tensor, scene_3ss: Tensor
) -> Tensor:
    """A layer's colours with mean and spread drawn towards those of a place in the scene."""
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


def _photo(rng: np.random.Generator, assets: Assets) -> Tensor:
    photo = _to_tensor(assets.photos[int(rng.integers(len(assets.photos)))])
    photo = photo.flip(2) if rng.random() < 0.5 else photo
    return _recolor(rng, photo) if rng.random() < 0.5 else photo


def _photo_piece(rng: np.random.Generator, photo: Tensor) -> Tensor:
    side = int(rng.integers(64, 200))
    y = int(rng.integers(photo.shape[1] - side))
    x = int(rng.integers(photo.shape[2] - side))
    return torch.cat((photo[:, y : y + side, x : x + side], _blob(rng, side)))


def _blob(rng: np.random.Generator, side: int) -> Tensor:
    """A smooth random shape (1, side, side)."""
    n = int(rng.integers(3, 7))
    noise = torch.from_numpy(rng.normal(size=(1, 1, n, n)).astype(np.float32))
    noise = F.interpolate(noise, (side, side), mode="bicubic", align_corners=True)[0]
    axis = torch.linspace(-1, 1, side)
    radius = (axis[None] ** 2 + axis[:, None] ** 2).sqrt()
    return ((noise * 0.35 + 0.75 - radius) * side / 4).clamp(0, 1)


def _texture(rng: np.random.Generator) -> Tensor:
    """Noise at two scales in two colours: (3, 96, 96)."""
    colors = torch.from_numpy(rng.random((2, 3, 1, 1)).astype(np.float32))
    field = torch.zeros(1, 1, 96, 96)
    for n in (int(rng.integers(2, 8)), int(rng.integers(8, 48))):
        noise = torch.from_numpy(rng.normal(size=(1, 1, n, n)).astype(np.float32))
        field = field + F.interpolate(noise, (96, 96), mode="bilinear", align_corners=True)
    mix = field[0].sigmoid()
    return colors[0] * mix + colors[1] * (1 - mix)


def _recolor(rng: np.random.Generator, rgb: Tensor) -> Tensor:
    gain = torch.from_numpy(rng.normal(1, 0.12, (3, 1)).astype(np.float32))
    saturation = rng.uniform(0.3, 1.4)
    contrast, brightness = rng.uniform(0.7, 1.3), rng.normal(0, 0.08)
    # One product of matrices: on whole photographs this is what rendering takes longest for.
    matrix = torch.eye(3) * saturation + (1 - saturation) / 3
    offset = torch.full((3, 1), 0.5 + brightness - 0.5 * contrast)
    mixed = torch.addmm(offset, matrix * gain * contrast, rgb.flatten(1))
    return mixed.clamp_(0, 1).unflatten(1, rgb.shape[1:])


def _path(
    rng: np.random.Generator,
    frames: int,
    *,
    scale: tuple[float, float],
    drift: float,
    turn: float,
    place: float | None = None,
) -> Tensor:
    """A smooth path of scale, angle and place: (T, 4) scale, angle, x, y; places in -1..1.

    Some of those with a `place` swing far enough to leave the picture, and mostly come back.
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


def _sample(
    source_tchw: Tensor,
    path_t4: Tensor,
    size: int,
    *,
    bend: float = 0.0,
    inverse_scale: bool = False,
    nearest: bool = False,
) -> Tensor:
    """Look at a picture (1, C, h, w), or at one a step (T, C, h, w), along a path.

    Returns (T, C, size, size).

    A background is seen through a window of the path's scale and stays within its borders; a
    layer (`inverse_scale`) is itself of that scale, transparent outside, bent by a smooth wave.
    """
    frames = len(path_t4)
    scale, angle, x, y = path_t4.unbind(1)
    cos, sin = angle.cos(), angle.sin()
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    gy, gx = torch.meshgrid(axis, axis, indexing="ij")
    gx, gy = gx.expand(frames, -1, -1), gy.expand(frames, -1, -1)
    x, y, cos, sin, scale = (v[:, None, None] for v in (x, y, cos, sin, scale))
    h, w = source_tchw.shape[2:]
    if inverse_scale:
        gx, gy = gx - x, gy - y
        if bend:
            gx = gx + bend * (3 * gy + 5 * x).sin()
            gy = gy + bend * (3 * gx - 4 * y).cos()
        u, v = (cos * gx + sin * gy) / scale, (cos * gy - sin * gx) / scale
        longest = max(h, w)
        u, v = u * longest / w, v * longest / h
    else:
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


def _degrade(rng: np.random.Generator, rgb_t3ss: Tensor) -> NDArray[np.uint8]:
    """Light, defocus, noise and JPEG, as cameras add them."""
    size = rgb_t3ss.shape[-1]
    if rng.random() < 0.4:  # a slope of light over the picture
        axis = torch.linspace(-1, 1, size)
        slope = rng.normal(0, 0.25) * axis[:, None] + rng.normal(0, 0.25) * axis[None]
        rgb_t3ss = rgb_t3ss * (1 + slope)
    if rng.random() < 0.35:
        rgb_t3ss = _blur(rgb_t3ss, rng.uniform(0.3, 1.2))
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(0.005, 0.05), tuple(rgb_t3ss.shape))
        rgb_t3ss = rgb_t3ss + torch.from_numpy(noise.astype(np.float32))
    pixels = (rgb_t3ss.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    if rng.random() < 0.3:
        quality = int(rng.integers(25, 90))
        pixels = np.stack([_jpeg(frame, quality) for frame in pixels])
    return pixels


def _jpeg(rgb_3ss: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(rgb_3ss.transpose(1, 2, 0)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)).transpose(2, 0, 1)


def _blur(x: Tensor, sigma: float) -> Tensor:
    reach = max(int(2 * sigma), 1)
    axis = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(axis**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    c = x.shape[1]
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, kernel.expand(c, 1, 1, -1), groups=c)
    return F.conv2d(x, kernel[:, None].expand(c, 1, -1, 1), groups=c)


def _to_tensor(pixels_hwc: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(pixels_hwc)).permute(2, 0, 1).float() / 255
