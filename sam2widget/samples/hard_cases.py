"""Clips that are hard for a tracker's memory: balls with a twin that cross, hide and come back.

The first object is the one to follow, the second its twin, which looks the same. All is computed
here, from no asset, and comes out the same on every machine.

>>> from sam2widget.samples.hard_cases import make_hard_case
>>> clip = make_hard_case("twins")
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .sample import HEIGHT, WIDTH, SampleClip

HARD_CASES = ("twins", "occlusion", "reentry")
FPS = 24.0
NAMES = {1: "ball", 2: "twin"}
_RADIUS = 24.0
_GROUND_Y = 170.0
_WALL = slice(150, 390)
"""Columns of the wall that the ball rolls behind."""

_Plane = NDArray[np.floating[Any]]
_Places = list[tuple[int, float, float]]
"""Of the balls on a frame, the farthest first: object, x and y of the centre in pixels."""


def make_hard_case(name: str) -> SampleClip:
    """Make a clip, once in a process.

    Parameters
    ----------
    name : "twins", the ball rolls behind its twin, which comes towards it; "occlusion", it is
        behind a wall for longer than memory reaches, while the twin is in view; "reentry", it
        leaves the picture on the right and comes back on the left, while the twin is in view.

    Raises
    ------
    ValueError
        When there is no clip of that name.
    """
    if name not in HARD_CASES:
        raise ValueError(f"There are the clips {', '.join(HARD_CASES)}, got {name!r}.")
    return _make(name)


@lru_cache(maxsize=len(HARD_CASES))
def _make(name: str) -> SampleClip:
    places = list({"twins": _twins, "occlusion": _occlusion, "reentry": _reentry}[name]())
    shape = len(places), HEIGHT, WIDTH
    frames_thw3 = np.empty((*shape, 3), np.uint8)
    masks = {obj: np.zeros(shape, np.bool_) for obj in NAMES}
    ground_hw3, wall_hw3 = _texture(0, (0.36, 0.46, 0.24)), _texture(1, (0.55, 0.36, 0.30))
    noise = np.random.default_rng(2)
    for frame, balls in enumerate(places):
        picture = ground_hw3.copy()
        for obj, x, y in balls:
            inside = _draw_ball(picture, x, y)
            for mask_thw in masks.values():
                mask_thw[frame] &= ~inside
            masks[obj][frame] = inside
        if name == "occlusion":
            picture[:, _WALL] = wall_hw3[:, _WALL]
            for mask_thw in masks.values():
                mask_thw[frame][:, _WALL] = False
        grain = noise.normal(0.0, 0.01, picture.shape)
        frames_thw3[frame] = np.clip(255 * (picture + grain), 0, 255).astype(np.uint8)
    for array in (frames_thw3, *masks.values()):
        array.flags.writeable = False
    return SampleClip(frames_thw3, masks, FPS, NAMES)


def _twins() -> Iterator[_Places]:
    for t in range(50):
        yield [(1, 40.0 + 8.0 * t, _GROUND_Y), (2, 456.0 - 8.0 * t, _GROUND_Y + 6.0)]


def _occlusion() -> Iterator[_Places]:
    for t in range(68):
        yield [(1, 40.0 + 6.0 * t, _GROUND_Y), (2, 60.0 + 0.4 * t, 60.0)]


def _reentry() -> Iterator[_Places]:
    for t in range(66):
        x = 340.0 + 9.0 * t
        # Out of the picture for as long as it takes to go around.
        yield [(1, x if x < 560.0 else x - 780.0, _GROUND_Y), (2, 240.0 + 0.5 * t, 60.0)]


def _draw_ball(picture: _Plane, at_x: float, at_y: float) -> NDArray[np.bool_]:
    """Draw a striped ball that rolls along x, and return its pixels."""
    covered_hw = np.zeros((HEIGHT, WIDTH), np.bool_)
    left, top = (max(int(at - _RADIUS) - 1, 0) for at in (at_x, at_y))
    part = np.s_[top : int(at_y + _RADIUS) + 2, left : max(int(at_x + _RADIUS) + 2, 0)]
    height, width = picture[part].shape[:2]
    y, x = np.mgrid[0:height, 0:width] + 0.5
    x, y = (x + left - at_x) / _RADIUS, (y + top - at_y) / _RADIUS
    distance = np.hypot(x, y)
    z = np.sqrt(np.clip(1.0 - distance**2, 0.0, 1.0))
    turn = at_x / _RADIUS
    along = np.cos(turn) * x + np.sin(turn) * y
    rgb = np.where((np.abs(along) < 0.28)[..., None], (0.93, 0.90, 0.82), (0.80, 0.22, 0.16))
    light = 0.35 + 0.75 * np.clip(-0.45 * x - 0.6 * y + 0.66 * z, 0.0, 1.0)
    alpha = np.clip((1.0 - distance) * _RADIUS + 0.5, 0.0, 1.0)[..., None]
    picture[part] += alpha * (rgb * light[..., None] - picture[part])
    covered_hw[part] = distance < 1.0
    return covered_hw


def _texture(seed: int, rgb: tuple[float, float, float]) -> _Plane:
    """Make a surface of clouds of two sizes, (H, W, 3) in 0..1."""
    noise = np.random.default_rng(seed).standard_normal((2, HEIGHT, WIDTH))
    fine, coarse = (
        ndimage.gaussian_filter(plane, sigma) * sigma * 2.0
        for plane, sigma in zip(noise, (1.5, 9.0), strict=True)
    )
    brightness = 1.0 + 0.12 * fine + 0.14 * coarse
    return np.clip(brightness[..., None] * np.array(rgb), 0.0, 1.0)
