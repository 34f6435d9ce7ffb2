"""Levels of a pyramid, read in tiles, and a bounded cache of tiles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lru import BytesLru

CACHE_BYTES = 192 * 2**20
"""Of decoded tiles, of all levels of a picture together."""
MAX_BUILT_PIXELS = 16 * 2**20
"""Of a level that is made here where a file has none."""

TileCache = BytesLru[tuple[int, int, int], NDArray[Any]]
"""By level, row and column."""


def make_tile_cache(max_bytes: int = CACHE_BYTES) -> TileCache:
    """Make a cache of tiles, which drops what was used longest ago."""
    return BytesLru(max_bytes, lambda values_hwc: values_hwc.nbytes)


class PyramidLevel(ABC):
    """One size of a picture. Its tiles may be read from any thread.

    Parameters
    ----------
    width, height : in pixels of this level.
    tile_width, tile_height : of what is decoded in one go.
    num_channels, dtype : of its values.
    """

    def __init__(
        self,
        width: int,
        height: int,
        tile_width: int,
        tile_height: int,
        num_channels: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.width, self.height = width, height
        self.tile_width, self.tile_height = tile_width, tile_height
        self.num_channels, self.dtype = num_channels, dtype

    @abstractmethod
    def read_tile(self, row: int, column: int) -> NDArray[Any]:
        """(h, w, C) values of a tile; at the right and below it may end with the picture."""

    def read(
        self, x0: int, y0: int, x1: int, y1: int, number: int, cache: TileCache
    ) -> NDArray[Any]:
        """(y1 - y0, x1 - x0, C) values of a region inside the level, in its pixels.

        Parameters
        ----------
        number : of the level, by which its tiles are kept.
        cache : where tiles are kept.
        """
        shape = y1 - y0, x1 - x0, self.num_channels
        values_hwc = np.zeros(shape, self.dtype)
        for row in range(y0 // self.tile_height, -(-y1 // self.tile_height)):
            for column in range(x0 // self.tile_width, -(-x1 // self.tile_width)):
                key = number, row, column
                tile_hwc = cache.get(key)
                if tile_hwc is None:
                    tile_hwc = self.read_tile(row, column)
                    cache.put(key, tile_hwc)
                top, left = row * self.tile_height, column * self.tile_width
                above, before = max(y0, top), max(x0, left)
                below = min(y1, top + tile_hwc.shape[0])
                after = min(x1, left + tile_hwc.shape[1])
                values_hwc[above - y0 : below - y0, before - x0 : after - x0] = tile_hwc[
                    above - top : below - top, before - left : after - left
                ]
        return values_hwc


class ArrayLevel(PyramidLevel):
    """A level that is in memory.

    Parameters
    ----------
    values_hwc : (H, W, C).
    """

    TILE = 1024

    def __init__(self, values_hwc: NDArray[Any]) -> None:
        height, width, channels = values_hwc.shape
        super().__init__(width, height, self.TILE, self.TILE, channels, values_hwc.dtype)
        self._values_hwc = values_hwc

    def read_tile(self, row: int, column: int) -> NDArray[Any]:
        """See `PyramidLevel.read_tile`."""
        top, left = row * self.TILE, column * self.TILE
        return self._values_hwc[top : top + self.TILE, left : left + self.TILE]


def build_smaller_level(level: PyramidLevel, max_pixels: int = MAX_BUILT_PIXELS) -> ArrayLevel:
    """Make a level of at most so many pixels, each the mean of a block of another level's.

    Each tile is decoded once, and few are kept at a time.
    """
    factor = 1
    while (level.width // factor) * (level.height // factor) > max_pixels:
        factor *= 2
    width, height = max(level.width // factor, 1), max(level.height // factor, 1)
    small = np.zeros((height, width, level.num_channels), level.dtype)
    rows = max(level.tile_height // factor, 1)
    row_bytes = level.width * level.num_channels * level.dtype.itemsize
    cache = make_tile_cache(2 * max(level.tile_height, factor) * row_bytes + 2**20)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = level.read(0, top * factor, width * factor, bottom * factor, 0, cache)
        blocks = band.reshape(bottom - top, factor, width, factor, level.num_channels)
        mean = blocks.mean(axis=(1, 3), dtype=np.float32)
        small[top:bottom] = np.rint(mean) if level.dtype.kind in "ui" else mean
    return ArrayLevel(small)
