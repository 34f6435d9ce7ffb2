"""Pages of a TIFF file that belong together: which of their axes is time, and their values."""

from __future__ import annotations

import io
import itertools
import math
import struct
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ...extras import install_command
from ..errors import VideoError
from ..options import Plane
from .decoding import PictureInfo, no_pillow_limit, upright, values_of

MAX_CHANNELS = 8
"""Of an axis without a name that is taken for channels."""

MAX_COLORS = 4
"""Of ImageJ's channels that are not shown as a composite; more are times: writers call them
channels where nobody names the axes."""

_PLAIN = ("MINISBLACK", "MINISWHITE", "RGB", "CFA", "")
"""Photometric interpretations whose values are what is to be seen; Pillow knows the others."""
_ORIENTATION = 274


class TiffSeries:
    """Pages of one size, along axes, as frames.

    Parameters
    ----------
    tiff : the open file.
    series : of the file.
    plane : where there are times and planes.

    Raises
    ------
    VideoError
        When it has no height and width, values that are no numbers, or not that plane.
    """

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

    @property
    def are_times(self) -> bool:
        """Whether frames are times by the file's own account, not planes that stand for them."""
        return self._time is not None and self._axes[self._time] == "T"

    def page_of(self, frame: int) -> int:
        """Index in the file of a frame's first page."""
        lead = self._lead()
        page = self._series.pages[self._number(self._places(frame, lead))] if lead else self._page
        index = getattr(page, "index", 0)
        return index if isinstance(index, int) else index[0]

    def read(self, frame: int) -> NDArray[Any]:
        """(H, W, C) values of a frame; 8-bit colours as (H, W, 3). One thread at a time."""
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


def _inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    if values.dtype == np.bool_:
        return ~values
    if values.dtype.kind != "u":
        return -values
    return (np.array(2**bits - 1, values.dtype) - values).astype(values.dtype)
