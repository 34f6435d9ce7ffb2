"""The sample clip "meadow": three objects that cross and hide each other, with their true masks.

A basketball rolls behind a toy car while a fish-shaped kite swims down in front of both. All of it
is computed here, from no asset, and comes out the same on every machine. Shapes are signed
distances in pixels (negative inside), from which both the antialiased edge and the exact mask
follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .sample import HEIGHT, NUM_FRAMES, WIDTH

FPS = 24.0
NAMES = {1: "ball", 2: "car", 3: "kite"}

_HORIZON = 118.0
_PAN_PX = 44.0
_LIGHT = np.array([-0.45, -0.65, 0.61], dtype=np.float32)

_Plane = NDArray[np.floating[Any]]
_Part = tuple[slice, slice]


@dataclass(frozen=True)
class _Layer:
    """One object as painted: its coverage (h, w) in 0..1 and its colour (h, w, 3) in 0..1."""

    alpha: _Plane
    rgb: _Plane


def render() -> tuple[NDArray[np.uint8], dict[int, NDArray[np.bool_]]]:
    """Render RGB frames (T, H, W, 3) uint8, and by object id its visible pixels (T, H, W) bool."""
    frames = np.empty((NUM_FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    masks = {obj: np.zeros((NUM_FRAMES, HEIGHT, WIDTH), dtype=np.bool_) for obj in NAMES}
    panorama = _panorama()
    for frame, time in enumerate(np.linspace(0.0, 1.0, NUM_FRAMES)):
        picture = _panned(panorama, _PAN_PX * time)
        for obj, part, layer in _layers(float(time), picture):
            covered = layer.alpha > 0.5
            for farther in masks.values():
                farther[frame][part] &= ~covered
            masks[obj][frame][part] = covered
            picture[part] = _mix(picture[part], layer.rgb, layer.alpha)
        frames[frame] = _exposed(picture, seed=frame)
    return frames, masks


# --- the objects, far to near -----------------------------------------------------------------


def _layers(time: float, picture: _Plane) -> Iterator[tuple[int, _Part, _Layer]]:
    """Yield (object, part, layer) from the farthest to the nearest; shadows fall on `picture`."""
    ball_x, ball_ground = 66.0 + 356.0 * time, 206.0
    hop = 26.0 * abs(math.sin(3.0 * math.pi * time)) * (1.0 - 0.55 * time)
    _cast_shadow(picture, ball_x + 8.0, ball_ground, 27.0, 6.0)
    part, x, y = _around(ball_x, ball_ground - 29.0 - hop, 32.0, 32.0)
    yield 1, part, _ball(x, y, radius=29.0, turn=7.0 * time)

    car_x, car_ground = 372.0 - 262.0 * time, 240.0 + 0.8 * math.sin(40.0 * time)
    _cast_shadow(picture, car_x + 6.0, car_ground, 86.0, 9.0)
    part, x, y = _around(car_x, car_ground, 82.0, 76.0)
    yield 2, part, _car(x, y, turn=262.0 * time / 15.0)

    kite_x, kite_y = 96.0 + 262.0 * time, 62.0 + 92.0 * math.sin(math.pi * time) ** 2
    part, x, y = _around(kite_x, kite_y, 78.0, 78.0)
    tilt = 0.75 * math.sin(2 * math.pi * time)
    yield 3, part, _kite(x, y, tilt=tilt, phase=21.0 * time)


def _ball(x: _Plane, y: _Plane, radius: float, turn: float) -> _Layer:
    """Draw a basketball: a sphere, turned in the image plane, with four seams."""
    distance = np.hypot(x, y) - radius
    nx, ny = x / radius, y / radius
    nz = np.sqrt(np.clip(1.0 - nx**2 - ny**2, 0.0, 1.0))
    cos, sin = math.cos(turn), math.sin(turn)
    u, v = cos * nx + sin * ny, cos * ny - sin * nx
    seam = np.minimum.reduce([abs(u), abs(v), abs(abs(u) - 0.62 - 0.25 * v**2)])
    grain = _grain(u * 40.0, v * 40.0)
    rgb = _tint(0.86 + 0.16 * grain, (0.86, 0.41, 0.13))
    rgb = _mix(rgb, (0.13, 0.08, 0.06), _step(0.055 - seam, 0.03))
    return _Layer(_edge(distance), _lit(rgb, nx, ny, nz, shine=0.35))


def _car(x: _Plane, y: _Plane, turn: float) -> _Layer:
    """Draw a toy car from the side, driving left; its origin is the ground below its middle."""
    chassis = _rounded_box(x, y + 31.0, 78.0, 17.0, 12.0)
    cabin = _rounded_box(x - 8.0 + 0.28 * (y + 58.0), y + 54.0, 38.0, 17.0, 11.0)
    body = _smooth_union(chassis, cabin, 7.0)
    wheels = [_wheel(x - side, y + 15.0, turn) for side in (-46.0, 45.0)]

    sheen = 0.62 + 0.38 * np.exp(-(((y + 40.0) / 9.0) ** 2)) - 0.006 * (y + 40.0)
    reflection = _grain(x * 0.35 + 90.0, y * 1.4)
    rgb = _tint(np.clip(sheen + 0.12 * reflection, 0.15, 1.3), (0.10, 0.40, 0.62))
    rgb = _mix(rgb, (0.05, 0.12, 0.22), 0.75 * _step(y + 17.0, 5.0))
    glass = _rounded_box(x - 8.0 + 0.28 * (y + 58.0), y + 56.0, 31.0, 10.0, 6.0)
    pillar = abs(x - 9.0) - 2.5
    window = _step(-np.maximum(glass, -pillar), 1.0)
    rgb = _mix(rgb, (0.17, 0.24, 0.30), window)
    rgb = _mix(rgb, (0.85, 0.92, 0.95), 0.5 * window * _step(x - 0.9 * y - 58.0, 9.0))
    rgb = _mix(rgb, (0.98, 0.93, 0.72), _edge(np.hypot((x + 73.0) / 0.7, y + 33.0) - 6.0))
    rgb = _mix(rgb, (0.75, 0.12, 0.10), _edge(_rounded_box(x - 74.0, y + 35.0, 4.0, 5.0, 2.0)))
    for wheel, wheel_rgb in wheels:
        rgb += _edge(wheel)[..., None] * (wheel_rgb - rgb)
    return _Layer(_edge(np.minimum.reduce([body, *(wheel for wheel, _ in wheels)])), rgb)


def _wheel(x: _Plane, y: _Plane, turn: float) -> tuple[_Plane, _Plane]:
    """Give signed distance and colour of a wheel whose hub is the origin; it rolls to the left."""
    radius = np.hypot(x, y)
    spokes = np.cos(5.0 * (np.arctan2(y, x) + turn))
    rgb = _tint(0.9 + 0.1 * _grain(x * 2.0, y * 2.0), (0.12, 0.12, 0.13))
    hub = _step(9.5 - radius, 1.0)
    rgb = _mix(rgb, (0.70, 0.72, 0.74), hub * (0.35 + 0.65 * _step(spokes, 0.5)))
    return radius - 15.0, rgb


def _kite(x: _Plane, y: _Plane, tilt: float, phase: float) -> _Layer:
    """Draw a fish of cloth that swims to the right: the bend of its body travels to the tail."""
    cos, sin = math.cos(tilt), math.sin(tilt)
    along, across = cos * x + sin * y, cos * y - sin * x
    slack = np.clip((46.0 - along) / 92.0, 0.0, 1.3)
    across = across - 11.0 * slack**2 * np.sin(4.0 * slack - phase)

    width = 21.0 * np.sqrt(np.clip(1.0 - ((along - 6.0) / 44.0) ** 2, 0.0, 1.0))
    trunk = np.where(abs(along - 6.0) < 44.0, (abs(across) - width) * 0.85, 99.0)
    fork = np.maximum(abs(along + 47.0) - 17.0, abs(across) - 3.0 - 0.75 * (-30.0 - along))
    dorsal = np.maximum(abs(along - 2.0 - 0.5 * (across + 22.0)) - 13.0, abs(across + 22.0) - 9.0)
    distance = np.minimum.reduce([trunk, fork, dorsal])

    scales = 0.5 + 0.5 * np.cos(along * 0.62) * np.cos(across * 0.62 + 0.3 * along)
    weave = _grain(along * 1.6, across * 1.6)
    rgb = _tint(0.78 + 0.22 * scales + 0.10 * weave, (0.93, 0.70, 0.14))
    rgb = _mix(rgb, (0.82, 0.20, 0.16), _step(np.minimum(-along - 22.0, 99.0), 6.0))
    rgb = _mix(rgb, (0.82, 0.24, 0.18), _step(along - 33.0, 4.0) * 0.85)
    rgb = _mix(rgb, (0.97, 0.95, 0.90), _edge(np.hypot(along - 36.0, across + 5.0) - 5.2))
    rgb = _mix(rgb, (0.08, 0.07, 0.09), _edge(np.hypot(along - 37.0, across + 5.0) - 2.6))
    ny = np.clip(across / 23.0, -1.0, 1.0)
    bend = 0.35 * np.cos(4.0 * slack - phase) * slack
    return _Layer(_edge(distance), _lit(rgb, bend, ny, np.sqrt(1.0 - 0.9 * ny**2), shine=0.1))


# --- the meadow -------------------------------------------------------------------------------


def _panorama() -> _Plane:
    """Draw the background, (H, W + pan, 3) in 0..1: sky with clouds, two rows of hills, meadow."""
    x, y = _pixel_centres(WIDTH + int(_PAN_PX) + 1)
    clouds = _step(_fractal(x * 0.5, y * 1.3) - 0.12, 0.5)
    height = np.clip(y / _HORIZON, 0.0, 1.0)
    sky = _mix(_tint(np.ones_like(y), (0.36, 0.55, 0.80)), (0.78, 0.86, 0.90), height)
    picture = _mix(sky, (0.96, 0.95, 0.93), 0.8 * clouds)

    for base, swell, colour in (
        (92.0, 26.0, (0.50, 0.60, 0.64)),
        (108.0, 18.0, (0.25, 0.38, 0.27)),
    ):
        ridge = base - swell * _fractal(x * 0.28 + 7.0 * base, np.full_like(y, base))
        leaves = _fractal(x * 3.0, y * 3.0 + base)
        picture = _mix(picture, _tint(1.0 + 0.22 * leaves, colour), _edge(ridge - y))

    # A point of the ground under the pixel, in a camera that stands over the meadow.
    depth = 60.0 / np.maximum(y - _HORIZON + 6.0, 1.0)
    blades = _fractal(x * 2.2, y * 1.1)
    patches = _fractal((x - WIDTH / 2) * depth * 0.5, depth * 90.0)
    grass = _tint(0.92 + 0.34 * blades + 0.16 * patches, (0.34, 0.45, 0.17))
    grass = _mix(grass, (0.55, 0.49, 0.30), 0.55 * _step(patches - 0.15, 0.5))
    flowers = _step(_grain(x * 0.9, y * 1.5) - 0.86, 0.05) * _step(y - 150.0, 20.0)
    grass = _mix(grass, (0.93, 0.90, 0.78), flowers)
    return _mix(picture, grass, _edge(_HORIZON - y))


def _panned(panorama: _Plane, shift_px: float) -> _Plane:
    """Cut out the part of the panorama that the camera has after panning, (H, W, 3) in 0..1."""
    whole = int(shift_px)
    part = np.float32(shift_px - whole)
    left = panorama[:, whole : whole + WIDTH]
    return (1 - part) * left + part * panorama[:, whole + 1 : whole + 1 + WIDTH]


def _cast_shadow(picture: _Plane, at_x: float, at_y: float, half_w: float, half_h: float) -> None:
    part, x, y = _around(at_x, at_y, 2.5 * half_w, 2.5 * half_h)
    reach = (x / half_w) ** 2 + (y / half_h) ** 2
    picture[part] *= (1.0 - 0.55 * np.exp(-reach * 1.4))[..., None]


def _exposed(picture: _Plane, seed: int) -> NDArray[np.uint8]:
    """Give what the camera records: with a little blur, vignette, gamma and noise per frame.

    The noise is each frame's own.
    """
    x, y = _pixel_centres()
    soft = ndimage.gaussian_filter(np.clip(picture, 0.0, 1.0), (0.55, 0.55, 0.0))
    vignette = 1.0 - 0.22 * (((x / WIDTH - 0.5) * 2) ** 2 + ((y / HEIGHT - 0.5) * 2) ** 2) / 2
    noise = np.random.default_rng(seed).standard_normal(picture.shape, dtype=np.float32)
    return np.clip(255.0 * soft * vignette[..., None] + 2.5 * noise + 0.5, 0, 255).astype(np.uint8)


# --- brushes ----------------------------------------------------------------------------------


def _pixel_centres(width: int = WIDTH) -> tuple[_Plane, _Plane]:
    y, x = np.mgrid[0:HEIGHT, 0:width].astype(np.float32) + np.float32(0.5)
    return x, y


def _around(at_x: float, at_y: float, half_w: float, half_h: float) -> tuple[_Part, _Plane, _Plane]:
    """Give the part of the frame around a point, and its pixels' (x, y) from that point."""
    top, bottom = max(0, int(at_y - half_h)), min(HEIGHT, int(at_y + half_h) + 1)
    left, right = max(0, int(at_x - half_w)), min(WIDTH, int(at_x + half_w) + 1)
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32) + np.float32(0.5)
    return (slice(top, bottom), slice(left, right)), x - at_x, y - at_y


def _edge(distance: _Plane) -> _Plane:
    """Give a shape's coverage of a pixel, 0..1, at this signed distance; edges are a pixel wide."""
    return np.clip(0.5 - distance, 0.0, 1.0)


def _step(value: _Plane, width: float) -> _Plane:
    """Give a smooth step from 0 to 1 around zero."""
    t = np.clip(value / width * 0.5 + 0.5, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _tint(brightness: _Plane, colour: tuple[float, float, float]) -> _Plane:
    return brightness[..., None] * np.array(colour, dtype=np.float32)


def _mix(rgb: _Plane, other: _Plane | tuple[float, float, float], weight: _Plane) -> _Plane:
    return rgb + weight[..., None] * (np.asarray(other, dtype=np.float32) - rgb)


def _lit(rgb: _Plane, nx: _Plane, ny: _Plane, nz: _Plane, shine: float) -> _Plane:
    """Shade colours after Lambert and Blinn, by the sun behind the viewer's left shoulder."""
    facing = np.clip(nx * _LIGHT[0] + ny * _LIGHT[1] + nz * _LIGHT[2], 0.0, 1.0)
    half = _LIGHT + np.array([0.0, 0.0, 1.0], dtype=np.float32)
    half /= np.linalg.norm(half)
    glint = shine * np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0.0, 1.0) ** 24
    return rgb * (0.38 + 0.72 * facing)[..., None] + glint[..., None]


def _rounded_box(x: _Plane, y: _Plane, half_w: float, half_h: float, radius: float) -> _Plane:
    over_x, over_y = abs(x) - half_w + radius, abs(y) - half_h + radius
    outside = np.hypot(np.maximum(over_x, 0.0), np.maximum(over_y, 0.0))
    return outside + np.minimum(np.maximum(over_x, over_y), 0.0) - radius


def _smooth_union(a: _Plane, b: _Plane, radius: float) -> _Plane:
    blend = np.clip(0.5 + 0.5 * (b - a) / radius, 0.0, 1.0)
    return b + (a - b) * blend - radius * blend * (1.0 - blend)


@lru_cache(maxsize=1)
def _lattice() -> _Plane:
    return np.random.default_rng(2).uniform(-1.0, 1.0, (128, 128)).astype(np.float32)


def _grain(x: _Plane, y: _Plane) -> _Plane:
    """Give value noise in -1..1 that varies over one unit."""
    return ndimage.map_coordinates(_lattice(), [y, x], order=1, mode="grid-wrap")


def _fractal(x: _Plane, y: _Plane) -> _Plane:
    """Give five octaves of noise in about -1..1; the largest features are 32 units wide."""
    total = np.zeros_like(x)
    for octave in range(5):
        scale = 2.0 ** (octave - 5)
        total += _grain(x * scale + 17.0 * octave, y * scale + 5.0 * octave) * 0.55**octave
    return total * np.float32(0.6)
