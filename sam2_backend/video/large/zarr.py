"""Levels of OME-Zarr, read a chunk at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import VideoError
from .levels import PyramidLevel

MIN_TILE, MAX_TILE = 256, 2048
"""Sides of what is read in one go; smaller chunks are read several at a time."""


class ZarrLevel(PyramidLevel):
    """One array of a multiscale picture.

    Parameters
    ----------
    array : of zarr, with axes of `axes`.
    axes : a letter for each: Y and X, perhaps C, and others of length 1.
    name : of the picture, for errors.
    """

    def __init__(self, array: Any, axes: str, name: str = "The array") -> None:
        self._array, self._axes, self._name = array, axes, name
        sizes = dict(zip(axes, array.shape, strict=True))
        chunks = dict(zip(axes, array.chunks, strict=True))
        channels = int(sizes.get("C", 1))
        dtype = np.dtype(array.dtype).newbyteorder("=")
        self._is_grey = channels == 1 and dtype == np.uint8
        super().__init__(
            *(int(sizes["X"]), int(sizes["Y"]), _tile(chunks["X"]), _tile(chunks["Y"])),
            *(3 if self._is_grey else channels, dtype),
        )

    def read_tile(self, row: int, column: int) -> NDArray[Any]:
        """See `PyramidLevel.read_tile`."""
        top, left = row * self.tile_height, column * self.tile_width
        at: dict[str, Any] = {
            "Y": slice(top, min(top + self.tile_height, self.height)),
            "X": slice(left, min(left + self.tile_width, self.width)),
            "C": slice(None),
        }
        try:
            values = np.asarray(self._array[tuple(at.get(axis, 0) for axis in self._axes)])
        except MemoryError:
            raise
        except Exception as error:  # of damaged data, a codec raises what it likes
            raise VideoError(
                f"{self._name} is damaged ({type(error).__name__}: {error})."
            ) from error
        left_axes = [axis for axis in self._axes if axis in at]
        if "C" not in left_axes:
            values, left_axes = values[..., None], [*left_axes, "C"]
        values = values.transpose([left_axes.index(axis) for axis in "YXC"])
        if self._is_grey:
            values = np.repeat(values, 3, axis=-1)
        return np.ascontiguousarray(values, self.dtype)


def can_be_read(array: Any, axes: str) -> bool:
    """Whether an array is one picture: height, width, perhaps channels, and numbers in it.

    A damaged store may have a group in its place, or anything as sizes: zarr 2 takes them as said.
    """
    shape, chunks = (getattr(array, name, ()) for name in ("shape", "chunks"))
    sizes = dict(zip(axes, shape, strict=False))
    others = [size for axis, size in sizes.items() if axis not in "YXC"]
    return (
        len(set(axes)) == len(shape) == len(chunks)
        and all(isinstance(size, int) and size > 0 for size in (*shape, *chunks))
        and {"Y", "X"} <= sizes.keys()
        and all(size == 1 for size in others)
        and np.dtype(array.dtype).kind in "uif"
    )


def _tile(chunk: int) -> int:
    chunk = int(chunk)
    if chunk >= MIN_TILE:
        return min(chunk, MAX_TILE)
    return chunk * -(-MIN_TILE // chunk)
