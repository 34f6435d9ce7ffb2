"""A picture that is read by region, at the level of a pyramid that fits the size asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..base import DEFAULT_FPS, Video
from ..errors import VideoError
from ..georeference import GeoReference
from ..identity import identify_values
from ..options import MAX_MEGAPIXELS
from ..pixels import SAMPLED_PIXELS, thin_out
from .levels import PyramidLevel, build_smaller_level, make_tile_cache

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 of a part of a picture in its pixels; the last two are not included."""

MAX_PIXELS = 2**32 - 1
"""Run lengths of masks have 32 bits."""
OVERVIEW_SIDE = 2048
"""Longer side of what is shown of the whole picture, in pixels."""
MAX_SMALLEST_PIXELS = 64 * 2**20
"""A smallest level of more pixels gets one below it: an overview would decode it whole."""
MAX_UNPYRAMIDED_MEGAPIXELS = 2500.0
"""Without smaller levels, more is refused: each pixel is decoded for the first overview."""


class LargeImage(Video):
    """One picture, which is never decoded whole: a "video" of one frame.

    ``read_region`` gives parts of it. Its frame, ``image[0]``, is given only where the picture has
    no more than `max_megapixels`; views of all of it are those of `overview`.

    Parameters
    ----------
    levels : of one picture, the largest first.
    name : to show.
    files : that it is read from; none where it is in a store of many.
    georeference : where its pixels lie on the earth.
    max_megapixels : of what may be read as a whole.
    """

    def __init__(
        self,
        levels: Sequence[PyramidLevel],
        name: str,
        *,
        files: Sequence[Path] = (),
        georeference: GeoReference | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        self.levels = sorted(levels, key=lambda level: -level.width)
        first = self.levels[0]
        size = first.width, first.height
        for level in self.levels:
            if level.width < 1 or level.height < 1:
                raise VideoError(
                    f"{name} is damaged: it has a level of {level.width}x{level.height} pixels."
                )
        super().__init__(1, *size, DEFAULT_FPS, name, [size])
        if first.width * first.height > MAX_PIXELS:
            raise VideoError(
                f"{name} is {first.width}x{first.height}: masks count up to {MAX_PIXELS:,} pixels. "
                "Open a smaller level of it, or a part."
            )
        self.kind = "images"
        self.names = [name]
        self.georeference = georeference
        self._max_megapixels = max_megapixels
        self._source_files = list(files)
        self.tiles = make_tile_cache()
        """Decoded tiles, bounded in bytes."""
        self._with_smaller_level(first)

    def _with_smaller_level(self, first: PyramidLevel) -> None:
        smallest = self.levels[-1]
        if smallest.width * smallest.height <= MAX_SMALLEST_PIXELS:
            return
        if smallest.width * smallest.height > MAX_UNPYRAMIDED_MEGAPIXELS * 1e6:
            raise VideoError(
                f"{self.name} is {first.width}x{first.height} and has no smaller levels, so each "
                "look at all of it would decode all of it: write a pyramid, for instance with "
                f"gdaladdo {self.name} 2 4 8 16 32, or vips tiffsave with --tile --pyramid."
            )
        self.levels.append(build_smaller_level(smallest))

    keep_open: object = None
    """What ends with the picture: its file."""

    @property
    def _files(self) -> Sequence[Path]:
        return self._source_files

    def _identify(self) -> str:
        if self._source_files:
            return super()._identify()
        return identify_values(self.sample(0), (self.width, self.height))

    @property
    def needs_contrast(self) -> bool:
        """Whether its values are other than 8-bit colours."""
        return self._is_deep

    @property
    def num_megapixels(self) -> float:
        """Of the whole, in millions."""
        return self.width * self.height / 1e6

    @property
    def can_be_read_whole(self) -> bool:
        """Whether ``image[0]`` gives all of it."""
        return self.num_megapixels <= self._max_megapixels

    # Regions

    def read_region(
        self, x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Read a part of the picture as (h, w, 3) uint8 RGB.

        Parameters
        ----------
        x0, y0, x1, y1 : in pixels of the picture; the last two are not included.
        size : width and height of what is returned; those of the part if None.

        Raises
        ------
        VideoError
            When the part is empty or lies outside the picture, or cannot be decoded.
        """
        return self.show(self.read_values(x0, y0, x1, y1, size))

    def read_values(
        self, x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] | None = None
    ) -> NDArray[Any]:
        """Read the same as (h, w, C) values of the source, without a contrast."""
        if not (0 <= x0 < x1 <= self.width and 0 <= y0 < y1 <= self.height):
            raise VideoError(
                f"There is no part ({x0}, {y0}, {x1}, {y1}) of {self.name}: it has x from 0 to "
                f"{self.width} and y from 0 to {self.height}."
            )
        width, height = size or (x1 - x0, y1 - y0)
        number, level = self._level_for(max(min((x1 - x0) / width, (y1 - y0) / height), 1))
        along_x, along_y = level.width / self.width, level.height / self.height
        left, top = x0 * along_x, y0 * along_y
        right, bottom = x1 * along_x, y1 * along_y
        box = (
            min(int(left), level.width - 1),
            min(int(top), level.height - 1),
            min(max(-int(-right // 1), int(left) + 1), level.width),
            min(max(-int(-bottom // 1), int(top) + 1), level.height),
        )
        values = level.read(*box, number, self.tiles)
        inside = left - box[0], top - box[1], right - box[0], bottom - box[1]
        return _resize(values, inside, (width, height))

    def overview(self, side: int = OVERVIEW_SIDE) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB of the whole picture, its longer side at most so many pixels."""
        share = min(side / max(self.width, self.height), 1)
        size = max(round(self.width * share), 1), max(round(self.height * share), 1)
        return self.read_region(0, 0, self.width, self.height, size)

    def _level_for(self, factor: float) -> tuple[int, PyramidLevel]:
        """The smallest level that is not coarser than one pixel for `factor` of the largest."""
        fitting = [
            (n, level)
            for n, level in enumerate(self.levels)
            if self.width / level.width <= factor * 1.05  # a level is a rounded half of another
        ]
        return fitting[-1]

    # What a video is asked

    @property
    def _is_deep(self) -> bool:
        first = self.levels[0]
        return first.dtype != np.uint8 or first.num_channels != 3

    def _part_of(self, frame: int) -> Iterator[NDArray[Any]]:
        share = (4 * SAMPLED_PIXELS / (self.width * self.height)) ** 0.5
        size = max(round(self.width * share), 1), max(round(self.height * share), 1)
        yield thin_out(self.read_values(0, 0, self.width, self.height, size))

    def read_progressive(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.read_progressive`: the overview."""
        self._check(frame)
        yield frame, self.overview()

    def thumbnails(
        self, frames: Sequence[int], height: int
    ) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.thumbnails`."""
        size = max(round(self.width * height / self.height), 1), height
        for frame in frames:
            yield frame, self.read_region(0, 0, self.width, self.height, size)

    def show_as_opened(self, frame: int) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB of the overview with its automatic contrast, whatever is chosen."""
        contrast = self.automatic_contrast(frame)
        values = self.sample(frame)
        return values if contrast is None else contrast.render(values)

    def _num_channels(self, frame: int) -> int:
        return self.levels[0].num_channels

    def sample(self, frame: int) -> NDArray[Any]:
        """(h, w, C) values of the overview, which stand for all of them."""
        self._check(frame)
        share = min(OVERVIEW_SIDE / max(self.width, self.height), 1)
        size = max(round(self.width * share), 1), max(round(self.height * share), 1)
        return self.read_values(0, 0, self.width, self.height, size)

    def _read(self, frame: int) -> NDArray[Any]:
        if not self.can_be_read_whole:
            raise VideoError(
                f"{self.name} is {self.width}x{self.height}: {self.num_megapixels:.0f} megapixels "
                f"are not read as a whole, {self._max_megapixels:g} would be. Read a part of it, "
                "with read_region(x0, y0, x1, y1), or all of it small, with overview()."
            )
        return self.read_values(0, 0, self.width, self.height)


def _resize(
    values_hwc: NDArray[Any], inside: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[Any]:
    """A part of some values, in pixels, at another size: means where it is made smaller."""
    height, width = values_hwc.shape[:2]
    if inside == (0, 0, width, height) and size == (width, height):
        return values_hwc
    shrinks = inside[2] - inside[0] > size[0] or inside[3] - inside[1] > size[1]
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    box = inside[0], inside[1], min(inside[2], width), min(inside[3], height)
    dtype = values_hwc.dtype
    if dtype == np.uint8 and values_hwc.shape[2] == 3:
        picture = Image.fromarray(np.ascontiguousarray(values_hwc))
        return np.asarray(picture.resize(size, how, box=box))
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(values_hwc[..., n], np.float32)).resize(
                size, how, box=box
            )
        )
        for n in range(values_hwc.shape[2])
    ]
    resized = np.stack(channels, axis=-1)
    return np.rint(resized).astype(dtype) if dtype.kind in "uib" else resized.astype(dtype)
