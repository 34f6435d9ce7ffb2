"""Where automatic masks are looked for: crops of a picture, and a grid of clicks in each.

The crops are those of Kirillov et al. 2023, appendix B.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EDGE_PX = 20.0
"""A mask whose box comes this near to an edge of its crop may be cut off there."""


class Crop(NamedTuple):
    """A part of a picture, in pixels; x1 and y1 are outside it."""

    x0: int
    y0: int
    x1: int
    y1: int
    layer: int
    """0 for the whole picture."""

    @property
    def hw(self) -> tuple[int, int]:
        """(H, W)."""
        return self.y1 - self.y0, self.x1 - self.x0


def crops_of(frame_hw: tuple[int, int], layers: int, overlap_ratio: float) -> list[Crop]:
    """The picture itself, then each layer's 4, 16, 64… overlapping crops.

    Parameters
    ----------
    frame_hw : (H, W) of the picture.
    layers : how many beside the picture itself.
    overlap_ratio : how far the crops of the first layer overlap, over the shorter side; those
        of each further layer half as far.
    """
    height, width = frame_hw
    crops = [Crop(0, 0, width, height, 0)]
    for layer in range(1, layers + 1):
        side = 2**layer
        overlap = int(overlap_ratio * min(frame_hw) * 2 / side)
        crop_h, crop_w = (math.ceil((overlap * (side - 1) + length) / side) for length in frame_hw)
        for column, row in product(range(side), repeat=2):
            x0, y0 = (crop_w - overlap) * column, (crop_h - overlap) * row
            crops.append(Crop(x0, y0, min(x0 + crop_w, width), min(y0 + crop_h, height), layer))
    return crops


def point_grid(side: int) -> NDArray[np.float64]:
    """(side², 2) the centres of `side` by `side` cells, (x, y) in 0..1, row by row."""
    centres = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(centres, centres)
    return np.stack((x, y), axis=-1).reshape(-1, 2)


def is_cut_off(
    boxes_n4: NDArray[np.float32], crop: Crop, frame_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """(N,) which boxes come near to an edge of their crop that is none of the picture.

    Parameters
    ----------
    boxes_n4 : x0, y0, x1, y1 in pixels of the picture.
    """
    crop_edges = np.array(crop[:4])
    frame_edges = np.array((0, 0, frame_hw[1], frame_hw[0]))
    near_crop = np.abs(boxes_n4 - crop_edges) <= EDGE_PX
    near_frame = np.abs(boxes_n4 - frame_edges) <= EDGE_PX
    cut_n: NDArray[np.bool_] = np.any(near_crop & ~near_frame, axis=1)
    return cut_n
