"""A clip to compare on: any deterministic pixels do, since the weights are random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def drifting_texture(
    num_frames: int, height: int, width: int, *, seed: int = 0
) -> list[NDArray[np.uint8]]:
    """Frames (H, W, 3) of a smooth texture over which another one drifts."""
    rng = np.random.default_rng(seed)

    def texture() -> NDArray[np.uint8]:
        coarse = rng.integers(0, 256, (9, 16, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((width, height)))

    still, moving = texture(), texture()
    y, x = np.mgrid[:height, :width]
    frames = []
    for t in range(num_frames):
        centre_y, centre_x = height * (0.4 + 0.02 * t), width * (0.25 + 0.04 * t)
        radius = 0.25 * height
        inside = (y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2
        shifted = np.roll(moving, (2 * t, 3 * t), (0, 1))
        frames.append(np.where(inside[..., None], shifted, still))
    return frames


def disc(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.bool_]:
    """(H, W) mask of a disc; centre and radius are shares of width and height."""
    rows, columns = np.mgrid[:height, :width]
    return (rows - y * height) ** 2 + (columns - x * width) ** 2 < (radius * height) ** 2
