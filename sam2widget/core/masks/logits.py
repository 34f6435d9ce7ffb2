"""Mask logits as they are kept beside a mask.

They decide between objects that claim a pixel, and how soft the edges of mattes are.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 32.0
"""Logits are kept within ± this, as predictors hand them back for refinement."""
MAX_SIDE = 2**14
"""Of a grid of logits, in cells."""
LARGEST_ERROR = 0.25
"""Of logits that are kept: half of the largest step."""
SOFTEST = -6.0
"""Logits below are as good as outside: of a quarter of a per cent."""
_STEPS = 127
_NO_STEP = b"\x80"
"""-128, which int8 has and ±`_STEPS` has not."""
_LEVEL = 1
"""Of deflate: fast."""
_RIM = 8
"""Cells around those above 0 of which soft ones are kept."""
_OUTSIDE = -64
"""The step of what is not kept: a logit of -8, to which edges fade out."""

Box = tuple[int, int, int, int]
"""y0, x0, y1, x1; the last two are not included."""


@dataclass(frozen=True)
class MaskLogits:
    """The logits of one mask, on the network's grid, as far out as its edges fade.

    They are kept in steps that are fine around 0 and coarse where the network is sure. Immutable,
    about as large as the mask.

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
        y0, x0 = max(int(rows[0]) - _RIM, 0), max(int(columns[0]) - _RIM, 0)
        y1, x1 = min(int(rows[-1]) + 1 + _RIM, height), min(int(columns[-1]) + 1 + _RIM, width)
        part_hw = logits_hw[y0:y1, x0:x1].clip(-LARGEST, LARGEST)
        # Between a cell inside and one outside, both count.
        near_hw, around_hw = (_grow(above_hw[y0:y1, x0:x1], cells) for cells in (1, _RIM))
        steps_hw = np.rint(np.sign(part_hw) * np.sqrt(np.abs(part_hw) / LARGEST) * _STEPS)
        steps_hw[~(near_hw | (around_hw & (part_hw > SOFTEST)))] = _OUTSIDE
        packed = zlib.compress(steps_hw.astype(np.int8).tobytes(), _LEVEL)
        return cls(height, width, (y0, x0, y1, x1), packed)

    def check(self) -> None:
        """Raise ValueError where this is nothing that `pack` makes, as in a file from elsewhere.

        No more is unpacked than there are cells.
        """
        y0, x0, y1, x1 = self.box
        if not (0 < self.height <= MAX_SIDE and 0 < self.width <= MAX_SIDE):
            raise ValueError(f"a grid of {self.height}x{self.width}")
        if not (0 <= y0 <= y1 <= self.height and 0 <= x0 <= x1 <= self.width):
            raise ValueError(f"cells {self.box} of a grid of {self.height}x{self.width}")
        num_cells = (y1 - y0) * (x1 - x0)
        if not (num_cells or self.packed):
            return
        unpacking = zlib.decompressobj()
        try:
            steps = unpacking.decompress(self.packed, num_cells + 1)
        except zlib.error as error:
            raise ValueError(f"cells that cannot be unpacked: {error}") from error
        if len(steps) != num_cells or not unpacking.eof or unpacking.unused_data:
            raise ValueError(f"{len(steps)} cells or other data, for {num_cells} cells")
        if _NO_STEP in steps:
            raise ValueError(f"a step beyond {_STEPS}")

    def box_px(self, size_hw: tuple[int, int]) -> Box | None:
        """Box in pixels of a frame of (H, W), beyond which the logits say outside; None if empty.

        Pixels lie between the centres of cells: those of a cell around are included.
        """
        if not self.packed:
            return None
        y0, x0, y1, x1 = self.box
        height, width = size_hw
        down, across = height / self.height, width / self.width
        return (
            max(math.floor((y0 - 1) * down), 0),
            max(math.floor((x0 - 1) * across), 0),
            min(math.ceil((y1 + 1) * down), height),
            min(math.ceil((x1 + 1) * across), width),
        )

    def at(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], size_hw: tuple[int, int]
    ) -> NDArray[np.float32]:
        """(K,) logits of pixels, between cells as the mask itself was made.

        Parameters
        ----------
        rows, columns : (K,) of the pixels, or (h, 1) and (w,) of those of a box: (h, w) logits.
        size_hw : (H, W) of the frame.
        """
        if not self.packed:
            return np.full(np.broadcast_shapes(rows.shape, columns.shape), -LARGEST, np.float32)
        y0, x0, y1, x1 = self.box
        # With a rim of what lies farther outside.
        steps_hw = np.full((y1 - y0 + 2, x1 - x0 + 2), _OUTSIDE, np.int8)
        kept = np.frombuffer(zlib.decompress(self.packed), np.int8)
        steps_hw[1:-1, 1:-1] = kept.reshape(y1 - y0, x1 - x0)
        levels = np.arange(-_STEPS, _STEPS + 1, dtype=np.float32) / _STEPS
        logits_hw = (np.sign(levels) * levels**2 * LARGEST)[steps_hw.astype(np.intp) + _STEPS]
        top, bottom, down = _between(rows, size_hw[0], self.height, y0, y1)
        left, right, across = _between(columns, size_hw[1], self.width, x0, x1)
        upper = logits_hw[top, left] * (1 - across) + logits_hw[top, right] * across
        lower = logits_hw[bottom, left] * (1 - across) + logits_hw[bottom, right] * across
        return (upper * (1 - down) + lower * down).astype(np.float32)


def _grow(cells_hw: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Give the cells, and those so near to one, also across corners."""
    from scipy import ndimage  # which takes long to import

    grown_hw = cells_hw.view(np.uint8)
    for axis in (0, 1):
        grown_hw = ndimage.maximum_filter1d(grown_hw, 2 * distance + 1, axis, mode="constant")
    return grown_hw.view(np.bool_)


def _between(
    pixels: NDArray[np.intp], size: int, cells: int, start: int, stop: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return (K,) cells before and after the centres of pixels, and how near the second is, 0..1.

    Cells are indices of those from start to stop and a rim.
    """
    at = ((pixels + 0.5) * (cells / size) - 0.5).clip(0, cells - 1)
    low = np.floor(at)
    share = (at - low).astype(np.float32)
    first = low.astype(np.intp)
    second = np.minimum(first + 1, cells - 1)
    last = stop - start + 1
    return (first - start + 1).clip(0, last), (second - start + 1).clip(0, last), share
