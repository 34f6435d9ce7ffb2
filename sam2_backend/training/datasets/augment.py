"""Resizing as the network sees it, and the augmentation of clips.

One draw holds for all frames of a clip. The numbers are those of SAM 2's full training (Ravi et
al. 2024, appendix D.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...network.config import IMAGE_MEAN

_FLIP_SHARE = 0.5
_GREY_SHARE = 0.05
_TURN_DEG = 25.0
_SHEAR_DEG = 20.0
_BRIGHTNESS = 0.1
_CONTRAST = 0.03
_SATURATION = 0.03

# How a still picture moves from the first frame of a clip to its last: small against the
# augmentation above, as a hand-held camera would.
_DRIFT_TURN_DEG = 6.0
_DRIFT_SCALE = 0.08
_DRIFT_SHIFT = 0.06
"""As a share of the picture's side."""

_OUTSIDE = tuple(round(255 * mean) for mean in IMAGE_MEAN)
"""Colour of what an affine map brings in from outside: 0 once it is normalised."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Matrix = NDArray[np.float64]
"""(3, 3), homogeneous, from output to source, in pixels from the picture's middle."""


def resize_frame(rgb_hw3: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize a picture (H, W, 3) to (size, size, 3), as the network's video path does."""
    return np.asarray(Image.fromarray(rgb_hw3).resize((size, size)))


def resize_mask(mask_hw: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Resize a mask (H, W) to (size, size): pixels of which it covers at least half."""
    if mask_hw.shape == (size, size):
        return mask_hw
    coverage = Image.fromarray(mask_hw.astype(np.uint8) * 255)
    return np.asarray(coverage.resize((size, size), Image.Resampling.BILINEAR)) >= 128


@dataclass(frozen=True)
class Augmentation:
    """Geometry and colour changes of one clip, drawn at random."""

    maps: tuple[Matrix | None, ...] = (None,)
    """Geometry of each frame; None leaves it as it is. A single one holds for all frames."""
    color: tuple[Matrix, NDArray[np.float64]] | None = None
    """(3, 3) matrix and (3,) offset on RGB in 0..255; None leaves colours as they are."""

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int, frames: int, *, still: bool) -> Augmentation:
        """Draw flip, affine map and colours of a clip; a still picture also moves."""
        base = _flip_turn_shear(rng)
        if still and frames > 1:
            drift = _drift(rng, size)
            steps = np.linspace(0, 1, frames)
            maps = tuple(_similarity(*(drift * step)) @ base for step in steps)
        else:
            maps = (base,)
        return cls(maps, _colors(rng))

    def apply_to_frame(self, rgb_ss3: NDArray[np.uint8], t: int) -> NDArray[np.uint8]:
        """Augment the picture (S, S, 3) of frame t of the clip."""
        inverse = self.maps[min(t, len(self.maps) - 1)]
        if inverse is not None:
            rgb_ss3 = _warp(rgb_ss3, inverse, Image.Resampling.BILINEAR, _OUTSIDE)
        if self.color is not None:
            matrix, offset = (part.astype(np.float32) for part in self.color)
            mixed = rgb_ss3.astype(np.float32) @ matrix.T + offset
            rgb_ss3 = mixed.round().clip(0, 255).astype(np.uint8)
        return rgb_ss3

    def apply_to_mask(self, mask_ss: NDArray[np.bool_], t: int) -> NDArray[np.bool_]:
        """Augment a mask (S, S) on frame t of the clip."""
        inverse = self.maps[min(t, len(self.maps) - 1)]
        if inverse is None:
            return mask_ss
        pixels = mask_ss.astype(np.uint8) * 255
        return _warp(pixels, inverse, Image.Resampling.BILINEAR, 0) >= 128


def _flip_turn_shear(rng: np.random.Generator) -> Matrix:
    flip = -1.0 if rng.random() < _FLIP_SHARE else 1.0
    turn = _similarity(rng.uniform(-_TURN_DEG, _TURN_DEG), 0, 0, 0)
    shear = np.eye(3)
    shear[0, 1] = math.tan(math.radians(rng.uniform(-_SHEAR_DEG, _SHEAR_DEG)))
    return np.diag([flip, 1.0, 1.0]) @ shear @ turn


def _drift(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """(4,) turn in degrees, logarithm of the scale, x and y in pixels."""
    shift = _DRIFT_SHIFT * size
    return rng.uniform(-1, 1, 4) * [_DRIFT_TURN_DEG, _DRIFT_SCALE, shift, shift]


def _similarity(turn_deg: float, log_scale: float, x: float, y: float) -> Matrix:
    cos, sin = (f(math.radians(turn_deg)) * math.exp(log_scale) for f in (math.cos, math.sin))
    return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def _warp(
    pixels: NDArray[np.uint8],
    inverse: Matrix,
    resample: Image.Resampling,
    outside: int | tuple[int, ...],
) -> NDArray[np.uint8]:
    size = len(pixels)
    to_corner, to_middle = np.eye(3), np.eye(3)
    to_corner[:2, 2], to_middle[:2, 2] = size / 2, -size / 2
    coefficients = (to_corner @ inverse @ to_middle)[:2].ravel().tolist()
    warped = Image.fromarray(pixels).transform(
        (size, size), Image.Transform.AFFINE, coefficients, resample, fillcolor=outside
    )
    return np.asarray(warped)


def _colors(rng: np.random.Generator) -> tuple[Matrix, NDArray[np.float64]]:
    """Brightness, contrast around mid-grey, saturation, and now and then no colour at all."""
    brightness, contrast, saturation = (
        1 + rng.uniform(-reach, reach) for reach in (_BRIGHTNESS, _CONTRAST, _SATURATION)
    )
    if rng.random() < _GREY_SHARE:
        saturation = 0.0
    matrix = np.eye(3) * saturation + (1 - saturation) * _LUMA.astype(np.float64)[None]
    return matrix * (brightness * contrast), np.full(3, 127.5 * (1 - contrast))
