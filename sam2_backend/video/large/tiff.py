"""Tiles of TIFF files: pyramids of slides and OME-TIFF, COG, plain tiled ones."""

from __future__ import annotations

import re
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ...extras import install_command
from ..errors import VideoError
from ..georeference import GeoReference, find_georeference
from ..pixel_size import PixelSize, find_pixel_size
from .levels import PyramidLevel

MAX_PIECE_PIXELS = 32 * 2**20
"""Of a tile or a strip: more is decoded for each look at a part of it."""
_SAME_ASPECT = 0.02
_ORIENTATION = 274
_PLAIN = ("MINISBLACK", "RGB", "YCBCR", "MINISWHITE")


class TiffLevel(PyramidLevel):
    """One level: pages of one size, whose samples and pages are channels.

    Parameters
    ----------
    pages : tiled, or with strips.
    lock : held while the file is read.
    """

    def __init__(self, pages: list[Any], lock: threading.Lock) -> None:
        first = pages[0]
        self._pages, self._lock = pages, lock
        self._is_planar = first.planarconfig == 2 and first.samplesperpixel > 1
        samples = int(first.samplesperpixel)
        kept = 3 if first.photometric.name == "RGB" and samples == 4 else samples
        self._samples, self._kept = samples, kept
        width, height = int(first.imagewidth), int(first.imagelength)
        if first.is_tiled:
            tile_width, tile_height = int(first.tilewidth), int(first.tilelength)
        else:
            tile_width, tile_height = width, min(int(first.rowsperstrip), height)
        self._across = -(-width // tile_width)
        self._down = -(-height // tile_height)
        self._inverts = first.photometric.name == "MINISWHITE"
        dtype: np.dtype[Any] = np.dtype(first.dtype).newbyteorder("=")
        channels = kept * len(pages)
        self._is_grey = channels == 1 and dtype.kind in "ub" and dtype.itemsize == 1
        if self._is_grey:
            channels, dtype = 3, np.dtype(np.uint8)
        super().__init__(width, height, tile_width, tile_height, channels, dtype)

    def read_tile(self, row: int, column: int) -> NDArray[Any]:
        """See `PyramidLevel.read_tile`."""
        index = row * self._across + column
        planes = self._kept if self._is_planar else 1
        parts = [
            self._decode(page, index + plane * self._across * self._down)
            for page in self._pages
            for plane in range(planes)
        ]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        height = min(self.tile_height, self.height - row * self.tile_height)
        width = min(self.tile_width, self.width - column * self.tile_width)
        values = values[:height, :width]
        samples = self._kept * len(self._pages)
        if values.shape != (height, width, samples):
            raise VideoError(
                f"{self._pages[0].parent.filename} is damaged: a part of {width}x{height} has the "
                f"shape {values.shape}."
            )
        if self._inverts:
            values = ~values if values.dtype.kind in "ub" else -values
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * 255
        if self._is_grey:
            values = np.repeat(values, 3, axis=-1)
        return np.ascontiguousarray(values, self.dtype)

    def _decode(self, page: Any, index: int) -> NDArray[Any]:
        """(h, w, S) values of one piece; zeros where a file leaves it out."""
        samples = 1 if self._is_planar else self._kept
        if index >= min(len(page.dataoffsets), len(page.databytecounts)):
            raise VideoError(f"{page.parent.filename} is damaged: it lists too few of its parts.")
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if not count:
            return np.zeros((self.tile_height, self.tile_width, samples), page.dtype)
        try:
            with self._lock:
                file = page.parent.filehandle
                if offset + count > file.size:
                    raise ValueError("it ends too early")
                file.seek(offset)
                data = file.read(count)
            piece = page.decode(
                data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
            )[0]
        except (ValueError, NotImplementedError, ImportError) as error:
            if "imagecodecs" not in str(error):
                raise VideoError(f"{page.parent.filename} is damaged: {error}.") from error
            name = getattr(page.compression, "name", page.compression)
            raise VideoError(
                f"{page.parent.filename} is compressed ({name}) in a way that imagecodecs reads: "
                f"run {install_command('imagecodecs')}, and restart the kernel."
            ) from error
        except Exception as error:  # of damaged data, a codec raises what it likes
            raise VideoError(f"{page.parent.filename} is damaged: {error}.") from error
        if piece is None:
            return np.zeros((self.tile_height, self.tile_width, samples), page.dtype)
        return piece[0][..., :samples]


class TiffPyramid:
    """The levels of the largest picture in a TIFF file.

    Parameters
    ----------
    path : of the file.

    Raises
    ------
    VideoError
        When it is stored in pieces that are too large to be read by region.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tiff = tifffile.TiffFile(path)
        self._close = weakref.finalize(self, self.tiff.close)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        self._close()

    def find_levels(self) -> list[PyramidLevel] | None:
        """Find the levels, largest first; None where the file is no single picture of channels."""
        series = self.tiff.series[0]
        groups = [_pages_of(level) for level in series.levels]
        if any(group is None for group in groups):
            return None
        known = [group for group in groups if group]
        if len(known) == 1:
            known += _other_sizes(self.tiff, known[0])
        first = known[0][0]
        photometric = getattr(first.photometric, "name", "")
        plain = photometric in _PLAIN and first.tags.valueof(_ORIENTATION, 1) == 1
        if not plain or first.dtype is None or np.dtype(first.dtype).kind not in "buif":
            return None
        if first.bitspersample not in (8, 16, 32, 64):
            return None
        levels: list[PyramidLevel] = [TiffLevel(pages, self._lock) for pages in known]
        _refuse_large_pieces(self.path, levels[0], is_tiled=first.is_tiled)
        same = levels[0].num_channels, levels[0].dtype
        return [one for one in levels if (one.num_channels, one.dtype) == same]

    @property
    def georeference(self) -> GeoReference | None:
        """Where the pixels lie on the earth, as GeoTIFF tags say."""
        page: Any = self.tiff.pages.first
        return find_georeference(page.geotiff_tags if page.is_geotiff else None)

    @property
    def pixel_size(self) -> PixelSize | None:
        """As Aperio's slides, or the GeoTIFF's system in metres, have it."""
        page: Any = self.tiff.pages.first
        said = re.search(r"\bMPP\s*=\s*([\d.]+)", str(page.description or ""))
        if said and str(page.description).startswith("Aperio"):
            return find_pixel_size(said[1], said[1], "µm", "the slide's metadata")
        found = self.georeference
        if found is None or not found.is_projected:
            return None
        unit = int((page.geotiff_tags or {}).get("ProjLinearUnitsGeoKey", 0) or 0)
        a, b, _, d, e, _ = found.transform
        if unit != 9001 or b or d:  # metres, along the axes
            return None
        return find_pixel_size(abs(a), abs(e), "m", "GeoTIFF tags")


def _pages_of(series: Any) -> list[Any] | None:
    """The pages of a level, each a channel or samples; None where there are times or planes."""
    axes, shape = series.axes, series.shape
    if "Y" not in axes or "X" not in axes:
        return None
    for axis, size in zip(axes, shape, strict=True):
        if axis not in "YXSC" and size > 1:
            return None
    pages = [page.aspage() if hasattr(page, "aspage") else page for page in series.pages]
    return pages if all(page is not None for page in pages) else None


def _other_sizes(tiff: tifffile.TiffFile, first: list[Any]) -> list[list[Any]]:
    """Smaller tiled pages of the same picture, where nothing in the file ties them together."""
    if len(first) > 1:
        return []
    page = first[0]
    found: list[list[Any]] = []
    for one in tiff.pages:
        other: Any = one.aspage() if hasattr(one, "aspage") else one
        if other is None or other.imagewidth >= page.imagewidth or not other.is_tiled:
            continue
        along_x, along_y = page.imagewidth / other.imagewidth, page.imagelength / other.imagelength
        if abs(along_x / along_y - 1) < _SAME_ASPECT and not int(other.subfiletype) & 4:
            found.append([other])
    return found


def _refuse_large_pieces(path: Path, level: PyramidLevel, *, is_tiled: bool) -> None:
    pixels = level.tile_width * level.tile_height
    if pixels <= MAX_PIECE_PIXELS:
        return
    what = "tiles" if is_tiled else "strips"
    raise VideoError(
        f"{path} is {level.width}x{level.height} and stored in {what} of "
        f"{level.tile_width}x{level.tile_height}, so that each look at a part of it would decode "
        f"{pixels / 1e6:.0f} megapixels: write it with tiles, for instance with gdal_translate "
        f"{path.name} tiled.tif -of COG, or vips tiffsave {path.name} tiled.tif --tile --pyramid."
    )
