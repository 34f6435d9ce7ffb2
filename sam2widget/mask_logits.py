"""Mask logits as they are kept beside a mask: what decides between objects that claim a pixel."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 32.0
"""Logits are kept within ± this, as predictors hand them back for refinement."""
_STEPS = 127
_LEVEL = 1
"""Of deflate: fast."""

Box = tuple[int, int, int, int]
"""y0, x0, y1, x1; the last two are not included."""


@dataclass(frozen=True)
class MaskLogits:
    """The logits of one mask near where they are above 0, on the network's grid, in steps that are
    fine around 0 and coarse where the network is sure. Immutable, about as large as the mask.

    Parameters
    ----------
    height, width : of the grid, which covers the whole frame.
    box : of the cells that are kept.
    packed : their steps, int8, deflated.
    """

    height: int
    width: int
    box: Box
    packed: bytes

    @classmethod
    def pack(cls, logits_hw: NDArray[np.float32]) -> MaskLogits:
        """Of an (h, w) grid of logits."""
        height, width = logits_hw.shape
        above_hw = logits_hw > 0
        rows, columns = above_hw.any(axis=1).nonzero()[0], above_hw.any(axis=0).nonzero()[0]
        if not len(rows):
            return cls(height, width, (0, 0, 0, 0), b"")
        # With a rim: between a cell inside and one outside, both count.
        y0, x0 = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
        y1, x1 = min(int(rows[-1]) + 2, height), min(int(columns[-1]) + 2, width)
        part_hw = logits_hw[y0:y1, x0:x1].clip(-LARGEST, LARGEST)
        near_hw = np.pad(above_hw[y0:y1, x0:x1], 1)
        near_hw = near_hw[:-2] | near_hw[1:-1] | near_hw[2:]
        near_hw = near_hw[:, :-2] | near_hw[:, 1:-1] | near_hw[:, 2:]
        steps_hw = np.rint(np.sign(part_hw) * np.sqrt(np.abs(part_hw) / LARGEST) * _STEPS)
        steps_hw[~near_hw] = -_STEPS
        packed = zlib.compress(steps_hw.astype(np.int8).tobytes(), _LEVEL)
        return cls(height, width, (y0, x0, y1, x1), packed)

    def sample(self, box: Box, size_hw: tuple[int, int]) -> NDArray[np.float32]:
        """Logits of the pixels in a box, between cells as the mask itself was made.

        Parameters
        ----------
        box : in pixels of the frame.
        size_hw : (H, W) of the frame.

        Returns
        -------
        (h, w) float32, of the box.
        """
        y0, x0, y1, x1 = box
        rows = _places(y0, y1, size_hw[0], self.height)
        columns = _places(x0, x1, size_hw[1], self.width)
        known_hw = np.full((rows[1][-1] + 1 - rows[0][0], columns[1][-1] + 1 - columns[0][0]), 0.0)
        known_hw -= LARGEST
        top, left, bottom, right = self.box
        if self.packed:
            steps = np.frombuffer(zlib.decompress(self.packed), np.int8).astype(np.float32)
            steps_hw = steps.reshape(bottom - top, right - left)
            part_hw = np.sign(steps_hw) * (steps_hw / _STEPS) ** 2 * LARGEST
            first_row, first_column = int(rows[0][0]), int(columns[0][0])
            a, b = max(top, first_row), min(bottom, first_row + known_hw.shape[0])
            c, d = max(left, first_column), min(right, first_column + known_hw.shape[1])
            if a < b and c < d:
                known_hw[a - first_row : b - first_row, c - first_column : d - first_column] = (
                    part_hw[a - top : b - top, c - left : d - left]
                )
        (low, high, share), first = rows, rows[0][0]
        between_hw = known_hw[low - first] * (1 - share)[:, None]
        between_hw += known_hw[high - first] * share[:, None]
        (low, high, share), first = columns, columns[0][0]
        sampled_hw = between_hw[:, low - first] * (1 - share) + between_hw[:, high - first] * share
        return sampled_hw.astype(np.float32)


def _places(
    start: int, stop: int, size: int, cells: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Of pixels, the cells before and after their centres, and how near the second is, 0..1."""
    at = ((np.arange(start, stop) + 0.5) * cells / size - 0.5).clip(0, cells - 1)
    low = np.floor(at)
    cell = low.astype(np.intp)
    return cell, np.minimum(cell + 1, cells - 1), at - low
