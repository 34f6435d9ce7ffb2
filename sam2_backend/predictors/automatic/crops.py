"""Crops of an image, and the grid of clicks in each.

The crops are those of Kirillov et al. 2023, appendix B.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arguments import check_whole
from ..prompts import are_rows

EDGE_PX = 20.0
"""A mask whose box is within this distance of an edge of its crop may be cut off there."""


class Crop(NamedTuple):
    """A part of an image, in pixels; x1 and y1 are excluded."""

    x0: int
    y0: int
    x1: int
    y1: int
    layer: int
    """0 for the whole image."""

    @property
    def hw(self) -> tuple[int, int]:
        """(H, W)."""
        return self.y1 - self.y0, self.x1 - self.x0


def make_crops(frame_hw: tuple[int, int], layers: int, overlap_ratio: float) -> list[Crop]:
    """Make the crop of the whole image, then each layer's 4, 16, 64… overlapping ones.

    Parameters
    ----------
    frame_hw : (H, W) of the image in pixels.
    layers : how many beside the whole image.
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


def make_point_grid(side: int) -> NDArray[np.float64]:
    """Make the centres of `side` by `side` cells, row by row: (side², 2), (x, y) in 0..1."""
    centres = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(centres, centres)
    return np.stack((x, y), axis=-1).reshape(-1, 2)


def is_cut_off(
    boxes_n4: NDArray[np.float32], crop: Crop, frame_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """Find boxes near an edge of their crop that is no edge of the image: (N,) bool.

    Parameters
    ----------
    boxes_n4 : (N, 4) x0, y0, x1, y1 in pixels of the image.
    crop : that they were found on.
    frame_hw : (H, W) of the image in pixels.
    """
    crop_edges = np.array(crop[:4])
    frame_edges = np.array((0, 0, frame_hw[1], frame_hw[0]))
    near_crop = np.abs(boxes_n4 - crop_edges) <= EDGE_PX
    near_frame = np.abs(boxes_n4 - frame_edges) <= EDGE_PX
    cut_n: NDArray[np.bool_] = np.any(near_crop & ~near_frame, axis=1)
    return cut_n


def make_point_grids(
    points_per_side: int | None,
    point_grids: Sequence[ArrayLike] | None,
    *,
    layers: int,
    downscale: int,
) -> list[NDArray[np.float64]]:
    """Make or check the grid of clicks of each layer of crops.

    Parameters
    ----------
    points_per_side : clicks a row of the grid for the whole image; None with `point_grids`.
    point_grids : for each layer (P, 2) clicks (x, y) in 0..1; None with `points_per_side`.
    layers : how many beside the whole image.
    downscale : each layer has fewer clicks a row by this factor.

    Returns
    -------
    list
        For the whole image and each layer, (P, 2) clicks (x, y) in 0..1.

    Raises
    ------
    ValueError
        When both or none are given, or they have the wrong shape.
    """
    if (points_per_side is None) == (point_grids is None):
        raise ValueError("Give either points_per_side or point_grids, and the other as None.")
    if points_per_side is not None:
        check_whole(points_per_side, "points_per_side", 1)
        check_whole(downscale, "crop_n_points_downscale_factor", 1)
        check_whole(layers, "crop_n_layers", 0)
        return [
            make_point_grid(max(1, int(points_per_side / downscale**layer)))
            for layer in range(layers + 1)
        ]
    grids = [np.asarray(grid, np.float64) for grid in point_grids or ()]
    if len(grids) <= layers or not all(are_rows(grid, 2) for grid in grids):
        raise ValueError(
            f"point_grids must have {layers + 1} arrays (P, 2) of x and y in 0..1, one for each "
            f"layer, got the shapes {[grid.shape for grid in grids]}."
        )
    return grids
