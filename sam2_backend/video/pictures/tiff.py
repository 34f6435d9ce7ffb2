"""TIFF files, of one page or many: OME-TIFF, ImageJ stacks, BigTIFF, plain ones."""

from __future__ import annotations

import html
import io
import itertools
import math
import re
import struct
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ...extras import install_command
from ..base import DEFAULT_FPS
from ..errors import VideoError
from ..options import MAX_MEGAPIXELS, Plane
from ..pixel_size import PixelSize, find_pixel_size
from .decoding import PictureInfo, check_megapixels, no_pillow_limit, upright, values_of

MAX_CHANNELS = 8
"""Of an axis without a name that is taken for channels."""

MAX_COLORS = 4
"""Of ImageJ's channels that are not shown as a composite; more are times: writers call them
channels where nobody names the axes."""

_PLAIN = ("MINISBLACK", "MINISWHITE", "RGB", "CFA", "")
"""Photometric interpretations whose values are what is to be seen; Pillow knows the others."""
_ORIENTATION = 274
_PREVIEW = 1
_MASK = 4
"""Bits of NewSubfileType."""


class TiffFrames:
    """The frames of a TIFF file.

    Of the axes that its metadata names, T is time, or else Z, or else the first of another name;
    C and S are channels. Of several series (scenes, positions) the first is taken; pages of
    several sizes are pictures of their own.

    Parameters
    ----------
    path : of the file.
    max_megapixels : of a page.
    plane : where there are times and planes.
    """

    def __init__(
        self, path: Path, max_megapixels: float = MAX_MEGAPIXELS, plane: Plane = None
    ) -> None:
        self._path = path
        try:
            self._tiff = tifffile.TiffFile(path)
        except tifffile.TiffFileError as error:
            raise ValueError(str(error)) from error
        self._close = weakref.finalize(self, self._tiff.close)
        self._lock = threading.Lock()
        try:
            self._series = [_Series(self._tiff, one, plane) for one in self._choose()]
            self._frames = [(s, t) for s in self._series for t in range(s.num_frames)]
            if len(self._series) > 1:
                self._frames.sort(key=lambda frame: frame[0].page_of(frame[1]))
            for series in self._series:
                check_megapixels(path, series.info.width, series.info.height, max_megapixels)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> TiffFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._close()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def info(self) -> PictureInfo:
        """Of the first frame."""
        info = self._frames[0][0].info
        return PictureInfo(
            info.width, info.height, info.channels, info.dtype, min(len(self._frames), 2)
        )

    @property
    def infos(self) -> list[PictureInfo]:
        """Of each frame."""
        return [series.info for series, _ in self._frames]

    @property
    def guesses(self) -> list[str]:
        """What had to be guessed, as sentences."""
        said = [text for series in self._series for text in series.guesses]
        others = len(self._tiff.series) - 1
        if others > 0 and _has_scenes(self._tiff):
            said.append(f"it holds {others + 1} series, of which the first is opened")
        return said

    @property
    def fps(self) -> float:
        """That ImageJ plays it with, if it says so."""
        fps = (self._tiff.imagej_metadata or {}).get("fps", 0)
        return float(fps) if isinstance(fps, (int, float)) and fps >= 1 else DEFAULT_FPS

    @property
    def pixel_size(self) -> PixelSize | None:
        """As OME-XML or ImageJ have it, or None: other resolutions are what a printer is told."""
        size = find_tiff_pixel_size(self._tiff)
        is_turned = self._series[0].is_turned
        return replace(size, x=size.y, y=size.x) if size and is_turned else size

    @property
    def labels(self) -> list[str] | None:
        """The pages' labels, where each has one of its own."""
        pages = [series.page_of(t) for series, t in self._frames]
        labels: Any = (self._tiff.imagej_metadata or {}).get("Labels")
        if labels is None and "PageName" in self._tiff.pages.first.tags:
            labels = [str(page.aspage().tags.valueof("PageName", "")) for page in self._tiff.pages]
        if not isinstance(labels, (list, tuple)) or len(labels) <= max(pages):
            return None
        found = [str(labels[page]).split("\n")[0].strip() for page in pages]
        return found if all(found) and len(set(found)) == len(found) else None

    @property
    def view(self) -> str:
        """Which of several planes is shown; "" where there is no choice."""
        return self._series[0].view

    def read(self, frame: int) -> NDArray[Any]:
        """(H, W, C) values of a frame; 8-bit colours as (H, W, 3). Any thread."""
        series, t = self._frames[frame]
        with self._lock:
            return series.read(t)

    def _choose(self) -> list[tifffile.TiffPageSeries]:
        """The series that hold the frames, without previews."""
        if _has_scenes(self._tiff):
            return [self._tiff.series[0]]
        whole = [s for s in self._tiff.series if not s.keyframe.subfiletype & (_PREVIEW | _MASK)]
        first: Any = self._tiff.pages.first
        if not whole and first.subifds:
            raise VideoError(
                f"{self._path} shows no more than a preview, as raw pictures of cameras do: "
                "develop it, and open the TIFF or JPEG."
            )
        found = whole or list(self._tiff.series)
        if not found:
            raise VideoError(f"{self._path} has no pictures in it: it may be damaged.")
        return found


def find_tiff_pixel_size(tiff: tifffile.TiffFile) -> PixelSize | None:
    """The size of a pixel of an open file as OME-XML or ImageJ have it, or None."""
    if tiff.is_ome:
        return _ome_pixel_size(tiff.ome_metadata or "")
    return _imagej_pixel_size(tiff) if tiff.is_imagej else None


def _has_scenes(tiff: tifffile.TiffFile) -> bool:
    """Whether metadata, and not the pages' sizes, tell the series."""
    return (
        tiff.is_ome or tiff.is_imagej or tiff.series[0].kind not in ("generic", "uniform", "shaped")
    )


class _Series:
    """Pages of one size, along axes."""

    def __init__(
        self, tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, plane: Plane
    ) -> None:
        self._path = Path(tiff.filehandle.path)
        self._series = series
        page: Any = series.keyframe
        self._page = page
        axes, shape = series.axes, series.shape
        if "Y" not in axes or "X" not in axes:
            raise VideoError(f"{self._path} has axes {axes}, of which none are height and width.")
        self._axes, self._shape = axes, shape
        self._orientation = int(page.tags.valueof(_ORIENTATION, 1))
        self._photometric = getattr(page.photometric, "name", str(page.photometric or ""))
        self._samples = shape[axes.index("S")] if "S" in axes else 1
        # A palette for values of 16 bits is how a microscope shows them; Pillow knows none.
        is_plain = self._photometric in _PLAIN or (
            self._photometric == "PALETTE" and page.bitspersample > 8
        )
        self._by_pillow = not is_plain or (page.dtype == np.uint8 and page.bitspersample < 8)
        dtype = np.dtype(np.uint8) if page.dtype is None else np.dtype(page.dtype)
        if dtype.kind not in "biuf":
            raise VideoError(
                f"{self._path} holds values of type {dtype}: give a real part of it as an array."
            )
        self._shows_one_by_one = (
            (tiff.imagej_metadata or {}).get("mode", "grayscale") == "grayscale"
            and tiff.is_imagej
            and "C" in axes
            and shape[axes.index("C")] > MAX_COLORS
        )
        self.guesses: list[str] = []
        if self._photometric in ("CFA", "LINEAR_RAW"):
            self.guesses.append(
                "its values are a sensor's behind its colour filter, shown as grey: develop it, "
                "and open the TIFF or JPEG, to see colours"
            )
        self.view = ""
        self._time, self._channels = self._roles(plane)
        self._fixed = self._planes(plane)
        self._kept = self._colors_of(page)
        self._byteorder = tiff.byteorder
        self.num_frames = 1 if self._time is None else shape[self._time]
        height, width = shape[axes.index("Y")], shape[axes.index("X")]
        self.is_turned = self._orientation in (5, 6, 7, 8)
        if self.is_turned:
            height, width = width, height
        channels = self._kept * math.prod(shape[n] for n in self._channels)
        if self._by_pillow or (channels == 1 and (dtype == np.uint8 or dtype == np.bool_)):
            channels, dtype = 3, np.dtype(np.uint8)
        self.info = PictureInfo(width, height, channels, dtype.newbyteorder("="))

    def page_of(self, frame: int) -> int:
        """Index in the file of a frame's first page."""
        lead = self._lead()
        page = self._series.pages[self._number(self._places(frame, lead))] if lead else self._page
        index = getattr(page, "index", 0)
        return index if isinstance(index, int) else index[0]

    def read(self, frame: int) -> NDArray[Any]:
        parts: list[NDArray[Any]] = []
        ranges = [range(self._shape[n]) for n in self._channels]
        for chosen in itertools.product(*ranges):
            at = dict(zip(self._channels, chosen, strict=True))
            if self._time is not None:
                at[self._time] = frame
            part: NDArray[Any] | None = None
            for fixed in self._fixed:
                found = self._part({**at, **fixed})
                part = found if part is None else np.maximum(part, found)
            assert part is not None
            parts.append(part)
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        if self._photometric == "MINISWHITE" and not self._by_pillow:
            values = _inverted(values, self._page.bitspersample)
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * 255
        if values.dtype == np.uint8 and values.shape[-1] == 1:
            values = np.repeat(values, 3, axis=-1)
        return upright(values.astype(values.dtype.newbyteorder("="), copy=False), self._orientation)

    def _roles(self, plane: Plane) -> tuple[int | None, list[int]]:
        """Return which axis is time, or None, and which are channels.

        Planes are times where there are no others, unless one of them is asked for.
        """
        axes, shape = self._axes, self._shape
        channels = [n for n, axis in enumerate(axes) if axis in "CE"]
        others = [n for n, axis in enumerate(axes) if axis not in "YXSCE" and shape[n] > 1]
        if plane is not None:
            others = [n for n in others if axes[n] != "Z"]
        named = [n for name in "TZ" for n in others if axes[n] == name]
        time = (named or others or [None])[0]
        if time is None and self._shows_one_by_one and len(channels) == 1:
            (time,), channels = channels, []
            self.guesses.append(
                f"its {shape[time]} channels, shown one at a time, are taken for times"
            )
        unnamed = [n for n in others if n != time and axes[n] in "QI"]
        if unnamed and not channels and shape[unnamed[-1]] <= MAX_CHANNELS:
            channels = unnamed[-1:]
            self.guesses.append(
                f"its axes have no names: of shape {shape}, axis {time} is taken for time and axis "
                f"{channels[0]} for channels"
            )
        return time, channels

    def _planes(self, plane: Plane) -> list[dict[int, int]]:
        """Indices of all that is neither time nor channels, as often as there are planes."""
        left = [
            n
            for n, axis in enumerate(self._axes)
            if axis not in "YXS" and n != self._time and n not in self._channels
        ]
        fixed = dict.fromkeys(left, 0)
        if plane not in (None, 0, "max") and not any(self._axes[n] == "Z" for n in left):
            raise VideoError(f"plane={plane} was given, but {self._path} has no planes (Z).")
        for n in left:
            axis, size = self._axes[n], self._shape[n]
            if size > 1 and axis != "Z":
                self.guesses.append(f"of the {size} along its axis {axis}, the first is shown")
        for n in left:
            size = self._shape[n]
            if size == 1 or self._axes[n] != "Z":
                continue
            if plane == "max":
                self.view = "planemax"
                return [{**fixed, n: z} for z in range(size)]
            if plane is None:
                plane = size // 2
                self.guesses.append(
                    f"it has {self._shape[self._time or 0]} times and {size} planes: the frames "
                    f"are the times, of which plane {plane} is shown. Choose another with plane=, "
                    "such as plane=0, or the brightest of all with plane='max'"
                )
            elif not 0 <= plane < size:
                raise VideoError(f"{self._path} has planes 0 to {size - 1}, got plane={plane}.")
            fixed[n], self.view = plane, f"plane{plane}"
        return [fixed]

    def _colors_of(self, page: Any) -> int:
        """How many of a pixel's samples are shown: transparency is dropped."""
        extra = [int(kind) for kind in page.extrasamples]
        if self._photometric == "RGB" and self._samples == 4:
            return 3
        if extra and extra[-1] in (1, 2):
            return self._samples - 1
        return self._samples

    @cached_property
    def _memory(self) -> NDArray[Any] | None:
        """The values as an array in the file, where they lie there as they are."""
        offset, page = self._series.dataoffset, self._page
        whole_bytes = page.bitspersample in (8, 16, 32, 64)
        if offset is None or self._by_pillow or not whole_bytes or not page.dtype:
            return None
        dtype = np.dtype(self._byteorder + page.dtype.char)
        return np.memmap(self._path, dtype, "r", offset, self._shape)

    def _lead(self) -> list[int]:
        """Axes along which there are pages."""
        if len(self._series.pages) < 2:
            return []
        return list(range(len(self._shape) - len(self._page.shape)))

    def _places(self, frame: int, lead: Sequence[int]) -> list[int]:
        at = {**self._fixed[0], **({} if self._time is None else {self._time: frame})}
        return [at.get(n, 0) for n in lead]

    def _number(self, places: Sequence[int]) -> int:
        return int(np.ravel_multi_index(places, self._shape[: len(places)])) if places else 0

    def _part(self, at: dict[int, int]) -> NDArray[Any]:
        """(H, W, S) at a place along all other axes."""
        if self._memory is not None:
            index = tuple(at.get(n, slice(None)) for n in range(len(self._shape)))
            # A copy: a part of the map that is kept would keep the file open.
            return self._arranged(np.array(self._memory[index]), self._shape, at)
        lead = self._lead()
        page: Any = self._series.pages[self._number([at[n] for n in lead])]
        if page is None:
            raise VideoError(f"{self._path} lacks a page of its series.")
        if self._by_pillow:
            return self._ask_pillow(page)
        try:
            values = page.asarray()
        except (ValueError, NotImplementedError, ImportError) as error:
            return self._without_codec(page, error)
        trailing = tuple(at.get(n, slice(None)) for n in range(len(lead), len(self._shape)))
        return self._arranged(values.reshape(self._shape[len(lead) :])[trailing], self._shape, at)

    def _arranged(
        self, values: NDArray[Any], shape: Sequence[int], at: dict[int, int]
    ) -> NDArray[Any]:
        """Height, width and samples in this order, without transparency."""
        left = [self._axes[n] for n in range(len(shape)) if n not in at]
        if "S" not in left:
            return values.transpose([left.index("Y"), left.index("X")])[..., None]
        order = [left.index(axis) for axis in "YXS"]
        return values.transpose(order)[..., : self._kept]

    def _ask_pillow(self, page: Any) -> NDArray[Any]:
        if _is_plain_ycbcr(page):
            # Pillow before 13 looks for a fourth sample of each pixel.
            values = page.asarray()
            ycbcr = Image.frombytes("YCbCr", values.shape[1::-1], values.tobytes())
            return np.asarray(ycbcr.convert("RGB"))
        source: Any = self._path
        if self._orientation != 1:
            # How Pillow turns pages differs between versions and modes: it is not told to.
            tag = page.aspage().tags[_ORIENTATION]
            data = bytearray(self._path.read_bytes())
            data[tag.valueoffset : tag.valueoffset + 2] = struct.pack(
                page.parent.byteorder + "H", 1
            )
            source = io.BytesIO(data)
        with no_pillow_limit():
            image: Image.Image = Image.open(source)
            with image:
                image.seek(page.index if isinstance(page.index, int) else page.index[0])
                return values_of(image)

    def _without_codec(self, page: Any, error: Exception) -> NDArray[Any]:
        """Values that need a codec which is not here: Pillow has some, but not for all depths."""
        if "imagecodecs" not in str(error):
            raise error
        try:
            values = self._ask_pillow(page)
        except (OSError, SyntaxError, ValueError):
            values = np.empty(0)
        same_depth = values.dtype == self.info.dtype or self.info.dtype == np.bool_
        if values.ndim != 3 or not same_depth or values.shape[-1] < self._kept:
            name = getattr(page.compression, "name", page.compression)
            raise VideoError(
                f"{self._path} is compressed ({name}) in a way that imagecodecs reads: run "
                f"{install_command('imagecodecs')}, and restart the kernel."
            ) from error
        if self._photometric == "MINISWHITE":  # Pillow has inverted those of 8 bits
            values = _inverted(values, 8) if values.dtype == np.uint8 else values
        return values[..., : self._kept]


def _is_plain_ycbcr(page: Any) -> bool:
    """Whether a page is luma and chroma of 8 bits, one of each for a pixel, uncompressed."""
    first = page.keyframe  # whose tags it shares, and the only one that may have them
    return (
        getattr(first.photometric, "name", "") == "YCBCR"
        and first.compression == 1
        and first.subsampling == (1, 1)
        and first.dtype == np.uint8
        and len(first.shape) == 3
        and first.shape[-1] == 3
    )


def _ome_pixel_size(xml: str) -> PixelSize | None:
    """Of the first picture; without a unit it is micrometres, as the schema has it."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml)
    said: dict[str, str] = dict(
        re.findall(r"""\b(PhysicalSize[XY](?:Unit)?)\s*=\s*["']([^"']*)["']""", pixels[0])
        if pixels
        else ()
    )
    x, y = said.get("PhysicalSizeX"), said.get("PhysicalSizeY")
    unit = html.unescape(said.get("PhysicalSizeXUnit", "µm"))
    if html.unescape(said.get("PhysicalSizeYUnit", unit)) != unit:
        return None
    return find_pixel_size(x, y, unit, "OME-XML")


def _imagej_pixel_size(tiff: tifffile.TiffFile) -> PixelSize | None:
    """From pixels a unit; inches are what a printer is told."""
    unit = str((tiff.imagej_metadata or {}).get("unit", ""))
    tags: Any = tiff.pages.first.tags
    x, y = (_inverse(tags.valueof(name)) for name in ("XResolution", "YResolution"))
    size = find_pixel_size(x, y, unit, "ImageJ metadata")
    return None if size is None or size.unit == "in" else size


def _inverse(ratio: Any) -> float | None:
    """1 over a number of two parts, such as (1000, 65)."""
    return ratio[1] / ratio[0] if isinstance(ratio, tuple) and ratio[0] else None


def _inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    if values.dtype == np.bool_:
        return ~values
    if values.dtype.kind != "u":
        return -values
    return (np.array(2**bits - 1, values.dtype) - values).astype(values.dtype)
