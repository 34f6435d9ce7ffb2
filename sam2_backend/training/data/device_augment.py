"""Augmentation of pictures and label maps as tensors on a device, without waits for the host.

Coordinates are normalised as those of `grid_sample`: -1 to 1 over the whole picture, from left to
right and top to bottom. A window is a rotated crop of a picture: its centre, half its sides, and
an angle in radians. Clips are flattened: T pictures of the first clip, T of the next, …
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

PASTED = 200
"""Label of the first object that is pasted; the next ones follow. Labels from data are less."""
_MIN_AREA, _MAX_AREA = 0.004, 0.92
"""Of a target on its first picture, as shares of it."""
_UNION_SHARE = 0.15
"""Share of clips that have all labelled objects together as one of the targets."""
_EXCLUDED = -1e9
"""Log-weight of an object that must not be drawn."""


class Random:
    """Random tensors on a device, all from one generator.

    Parameters
    ----------
    generator : on the device.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator, self._device = generator, generator.device

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw numbers of low <= x < high."""
        drawn = torch.rand(*shape, device=self._device, generator=self._generator)
        return drawn * (high - low) + low

    def normal(self, *shape: int, std: float = 1.0, mean: float = 0.0) -> Tensor:
        """Draw normally distributed numbers."""
        drawn = torch.randn(*shape, device=self._device, generator=self._generator)
        return drawn * std + mean

    def chance(self, n: int, share: float) -> Tensor:
        """Draw (n,) bool, each true with probability `share`."""
        return self.uniform(n) < share

    def pick(self, cumulative: Tensor, n: int) -> Tensor:
        """Draw (n,) indices by weights whose running sum is `cumulative`, which ends with 1."""
        found = torch.searchsorted(cumulative, self.uniform(n), right=True)
        return found.clamp(max=len(cumulative) - 1)


@dataclass(frozen=True)
class Windows:
    """N rotated crops, one of each picture; see the module."""

    center_n2: Tensor
    half_n2: Tensor
    angle_n: Tensor
    flip_n: Tensor
    """Bool: mirrored left to right."""

    def matrices(self) -> Tensor:
        """Return (N, 2, 3) maps from output to picture coordinates, for `affine_grid`."""
        cos, sin = self.angle_n.cos(), self.angle_n.sin()
        half_x, half_y = self.half_n2.unbind(1)
        half_x = torch.where(self.flip_n, -half_x, half_x)
        x = torch.stack((half_x * cos, -half_y * sin, self.center_n2[:, 0]), dim=1)
        y = torch.stack((half_x * sin, half_y * cos, self.center_n2[:, 1]), dim=1)
        return torch.stack((x, y), dim=1)


def draw_windows(rng: Random, n: int, *, min_side: float, max_side: float = 1.0) -> Windows:
    """Draw windows of random size, shape and place within the picture, a little turned.

    Parameters
    ----------
    n : how many.
    min_side, max_side : as shares of the picture's; each doubling is as likely.
    """
    side = rng.uniform(n, low=math.log(min_side), high=math.log(max_side)).exp()
    shape = rng.normal(n, std=0.09).exp()
    half = torch.stack((side * shape, side / shape), dim=1).clamp(max=1.0)
    center = rng.uniform(n, 2, low=-1.0) * (1 - half)
    return Windows(center, half, rng.normal(n, std=0.12), rng.chance(n, 0.5))


def draw_windows_around(
    rng: Random, center_n2: Tensor, half_n2: Tensor, *, min_side: float, max_side: float = 1.0
) -> Windows:
    """Draw windows that show given boxes, most of them the whole of it.

    Parameters
    ----------
    center_n2, half_n2 : (N, 2) centres and half sides of the boxes.
    min_side, max_side : see `draw_windows`.
    """
    n = len(center_n2)
    drawn = draw_windows(rng, n, min_side=min_side, max_side=max_side)
    whole = rng.chance(n, 0.85)[:, None]
    half = torch.maximum(drawn.half_n2, (half_n2 * 1.15).clamp(max=1.0) * whole)
    slack = (half - 0.8 * half_n2).clamp(min=0.05)
    near = center_n2 + rng.uniform(n, 2, low=-1.0) * slack
    center = torch.minimum(torch.maximum(near, half - 1), 1 - half)
    return Windows(center, half, drawn.angle_n, drawn.flip_n)


def move_windows(rng: Random, windows: Windows, frames: int) -> Windows:
    """Move windows on smooth paths, as a hand-held camera would: N * frames of them."""
    n = len(windows.angle_n)
    t = torch.arange(frames, device=windows.angle_n.device, dtype=torch.float32)[None]
    shift, turn = rng.normal(n, 1, 2, std=0.04), rng.normal(n, 1, std=0.02)
    zoom = rng.normal(n, 1, std=0.02)
    half = (windows.half_n2[:, None] * (zoom * t).exp()[..., None]).clamp(max=1.0)
    center = windows.center_n2[:, None] + shift * t[..., None]
    center = torch.minimum(torch.maximum(center, half - 1), 1 - half)
    angle = windows.angle_n[:, None] + turn * t
    flip = windows.flip_n[:, None].expand(n, frames)
    parts = (part.flatten(0, 1) for part in (center, half, angle, flip))
    return Windows(*parts)


def repeat_windows(windows: Windows, frames: int) -> Windows:
    """Repeat windows for all frames of each clip: N * frames of them."""
    parts = windows.center_n2, windows.half_n2, windows.angle_n, windows.flip_n
    return Windows(*(repeat_rows(part, frames) for part in parts))


def repeat_rows(x: Tensor, times: int) -> Tensor:
    """Repeat each row of x, one copy after the other."""
    return x[:, None].expand(-1, times, *x.shape[1:]).flatten(0, 1)


def sample_windows(pictures_n4hw: Tensor, windows: Windows, size: int) -> tuple[Tensor, Tensor]:
    """Crop and resize pictures and their labels.

    Parameters
    ----------
    pictures_n4hw : (N, 4, H, W) uint8, RGB and labels.
    windows : N of them.
    size : S, side of the crops in pixels.

    Returns
    -------
    rgb_n3ss : (N, 3, S, S) float in 0..1, reflected outside the picture.
    labels_nss : (N, S, S) float, 0 outside the picture.
    """
    shape = [len(pictures_n4hw), 1, size, size]
    grid = F.affine_grid(windows.matrices(), shape, align_corners=False)
    pixels = pictures_n4hw.float()
    rgb = F.grid_sample(pixels[:, :3] / 255, grid, padding_mode="reflection", align_corners=False)
    labels = F.grid_sample(pixels[:, 3:], grid, mode="nearest", align_corners=False)
    return rgb, labels[:, 0]


def paste(
    rng: Random,
    rgb_n3ss: Tensor,
    labels_nss: Tensor,
    sources_b4hw: Tensor,
    objects_b5: Tensor,
    *,
    label: int,
    frames: int,
    share: float,
) -> tuple[Tensor, Tensor]:
    """Paste an object over each of a share of B clips, on a smooth path through its frames.

    Parameters
    ----------
    rgb_n3ss, labels_nss : (B * T, 3, S, S) and (B * T, S, S), pictures and their labels.
    sources_b4hw : (B, 4, H, W) uint8, the pictures that the objects are cut out of.
    objects_b5 : (B, 5), the object's label there, and centre and half sides of its box.
    label : that it gets.
    frames : T.
    share : probability that a clip gets its object.

    Returns
    -------
    rgb_n3ss, labels_nss : with the objects.
    """
    b, size = len(sources_b4hw), rgb_n3ss.shape[-1]
    t = torch.arange(frames, device=rgb_n3ss.device, dtype=torch.float32)[None]
    half = rng.uniform(b, low=math.log(0.1), high=math.log(0.55)).exp()
    grown = half[:, None] * (rng.normal(b, 1, std=0.05) * t).exp()
    wave = torch.sin(rng.uniform(b, 1, high=2 * math.pi) + rng.uniform(b, 1, low=0.2, high=1.4) * t)
    place = (
        rng.uniform(b, 1, 2, low=-0.85, high=0.85)
        + rng.normal(b, 1, 2, std=0.1) * t[..., None]
        + rng.normal(b, 1, 2, std=0.08) * wave[..., None]
    )
    angle = rng.normal(b, 1, std=0.2) + rng.normal(b, 1, std=0.05) * t
    # Output to source: a unit of output is so many of the source, and the object's centre lies at
    # its place.
    scale = (objects_b5[:, 3:].amax(dim=1, keepdim=True) / grown).flatten()
    flip = repeat_rows(rng.chance(b, 0.5), frames)
    origin = torch.zeros_like(place).flatten(0, 1)
    windows = Windows(origin, torch.stack((scale, scale), dim=1), angle.flatten(), flip)
    matrices = windows.matrices()
    turned = (matrices[:, :, :2] @ place.flatten(0, 1)[..., None])[..., 0]
    offset = repeat_rows(objects_b5[:, 1:3], frames) - turned
    matrices = torch.cat((matrices[:, :, :2], offset[..., None]), dim=2)

    grid = F.affine_grid(matrices, [b * frames, 1, size, size], align_corners=False)
    color = sources_b4hw[:, :3].float() / 255
    light = rng.normal(b, 3, 1, 1, std=0.12, mean=1.0), rng.normal(b, 1, 1, 1, std=0.06)
    color = (color * light[0] + light[1]).clamp(0, 1)
    cut = (sources_b4hw[:, 3:] == objects_b5[:, 0, None, None, None]) & rng.chance(b, share)[
        :, None, None, None
    ]
    color = F.grid_sample(
        repeat_rows(color, frames), grid, padding_mode="border", align_corners=False
    )
    alpha = F.grid_sample(repeat_rows(cut.float(), frames), grid, align_corners=False)
    labels = torch.where(alpha[:, 0] > 0.5, float(label), labels_nss)
    return torch.lerp(rgb_n3ss, color, alpha), labels


def change_light(rng: Random, rgb_n3ss: Tensor, frames: int) -> Tensor:
    """Change light, contrast and saturation of each clip (0..1), and add some blur and noise."""
    b = len(rgb_n3ss) // frames

    def each(drawn: Tensor) -> Tensor:
        return drawn[:, None, :, None, None]

    x = rgb_n3ss.unflatten(0, (b, frames))
    gray = x.mean(dim=2, keepdim=True)
    x = torch.lerp(gray, x, each(rng.uniform(b, 1, low=0.3, high=1.4)))
    contrast = each(rng.uniform(b, 1, low=0.65, high=1.35))
    brightness = each(rng.normal(b, 1, std=0.09, mean=0.5))
    x = (x * each(rng.normal(b, 3, std=0.1, mean=1.0)) - 0.5) * contrast + brightness
    x = x.clamp(1e-4, 1) ** each(rng.normal(b, 1, std=0.15)).exp()
    x = x.flatten(0, 1)
    is_soft = repeat_rows(rng.chance(b, 0.2), frames)[:, None, None, None]
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = 0.02 * repeat_rows(rng.chance(b, 0.3), frames)[:, None, None, None]
    return (torch.where(is_soft, soft, x) + noise * rng.normal(*x.shape)).clamp(0, 1)


def choose_targets(rng: Random, labels_btss: Tensor, targets: int) -> Tensor:
    """Choose objects that are visible on the first picture of each clip: (B, T, K, S, S) bool.

    Large ones are a little more likely; where there are fewer, they repeat; where there are none,
    masks are empty. Now and then all of them together are one.
    """
    b, size = len(labels_btss), labels_btss.shape[-1]
    first = labels_btss[:, 0].flatten(1).long()
    areas = torch.zeros(b, 256, device=first.device)
    areas = areas.scatter_add_(1, first, torch.ones_like(first, dtype=torch.float32)) / size**2
    fits = (areas > _MIN_AREA) & (areas < _MAX_AREA)
    fits[:, 0].fill_(False)
    # The largest of perturbed logarithms are a draw by weight without repetition (Gumbel).
    perturbed = 0.3 * areas.clamp(min=1e-9).log() - (-rng.uniform(b, 256, low=1e-6).log()).log()
    found = torch.where(fits, perturbed, _EXCLUDED).topk(targets, dim=1)
    ids = torch.where(found.values > _EXCLUDED, found.indices, found.indices[:, :1])
    any_fits = fits.any(dim=1, keepdim=True)
    ids = torch.where(any_fits, ids, -1)
    masks = labels_btss[:, :, None] == ids[:, None, :, None, None]
    joined = (any_fits[:, 0] & rng.chance(b, _UNION_SHARE))[:, None, None, None]
    everything = (labels_btss > 0) & (labels_btss < PASTED)
    union = torch.where(joined, everything, masks[:, :, 0])
    return torch.cat((union[:, :, None], masks[:, :, 1:]), dim=2)
