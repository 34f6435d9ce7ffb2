"""TIFF files, of one page or many: OME-TIFF, ImageJ stacks, BigTIFF, plain ones."""

from __future__ import annotations

import html
import re
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray

from ..base import DEFAULT_FPS
from ..errors import VideoError
from ..options import MAX_MEGAPIXELS, Plane
from ..pixel_size import PixelSize, find_pixel_size
from ..times import find_seconds
from .decoding import PictureInfo, check_megapixels
from .tiff_series import TiffSeries

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
            self._series = [TiffSeries(self._tiff, one, plane) for one in self._choose()]
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
    def interval_s(self) -> float | None:
        """Seconds from one frame to the next as OME-XML or ImageJ have it, or None."""
        if len(self._series) > 1 or not self._series[0].are_times:
            return None
        if self._tiff.is_ome:
            return _ome_interval_s(self._tiff.ome_metadata or "")
        said = self._tiff.imagej_metadata or {}
        return find_seconds(said.get("finterval"), str(said.get("tunit", "sec")))

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


def _ome_pixel_size(xml: str) -> PixelSize | None:
    """Of the first picture; without a unit it is micrometres, as the schema has it."""
    said = _ome_pixels(xml)
    x, y = said.get("PhysicalSizeX"), said.get("PhysicalSizeY")
    unit = html.unescape(said.get("PhysicalSizeXUnit", "µm"))
    if html.unescape(said.get("PhysicalSizeYUnit", unit)) != unit:
        return None
    return find_pixel_size(x, y, unit, "OME-XML")


def _ome_interval_s(xml: str) -> float | None:
    """Of the first picture; without a unit it is seconds, as the schema has it."""
    said = _ome_pixels(xml)
    return find_seconds(
        said.get("TimeIncrement"), html.unescape(said.get("TimeIncrementUnit", "s"))
    )


def _ome_pixels(xml: str) -> dict[str, str]:
    """The attributes of the first picture's pixels."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml)
    return dict(re.findall(r"""\b(\w+)\s*=\s*["']([^"']*)["']""", pixels[0]) if pixels else ())


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
