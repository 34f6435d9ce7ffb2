"""Opens pictures that are too large to be decoded whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..arrays.stores import ZARR_FILES, import_extra
from ..base import Kind, PicturePath
from ..errors import VideoError
from ..options import MAX_MEGAPIXELS, OpenOptions
from ..pictures.decoding import detect_picture_format, readable
from .image import LargeImage
from .zarr import ZarrLevel, can_be_read

LARGE_MEGAPIXELS = 16.0
"""Tiled and pyramidal pictures of more are read by region, in millions of pixels."""


def open_large_image(path: PicturePath, *, max_megapixels: float = MAX_MEGAPIXELS) -> LargeImage:
    """Open a picture of any size to be read by region.

    Parameters
    ----------
    path : of a tiled or pyramidal TIFF (also OME-TIFF, slides such as SVS, GeoTIFF and COG), or of
        an OME-Zarr picture.
    max_megapixels : of what may be read as a whole, by ``image[0]``.

    Raises
    ------
    VideoError
        When it cannot be read by region, with why and what to do.

    Examples
    --------
    >>> slide = open_large_image("slide.svs")
    >>> rgb_hw3 = slide.read_region(20_000, 12_000, 24_096, 16_096, size=(1024, 1024))
    """
    where = Path(os.fspath(path)).expanduser()
    options = OpenOptions(max_megapixels=float(max_megapixels))
    found = _open(where, options, above=0.0)
    if found is None:
        raise VideoError(
            f"{where} cannot be read by region: expected a TIFF of one picture (tiled or with "
            "smaller levels best), or OME-Zarr, without times and planes of depth."
        )
    return found


def open_if_large(source: Any, kind: Kind, options: OpenOptions) -> LargeImage | None:
    """Open the path of a large picture; see `SourceOpener`.

    Smaller ones, and those that have no tiles, are left to others.

    Raises
    ------
    VideoError
        When it is one, and cannot be read by region.
    """
    if not isinstance(source, Path) or options.axes is not None or options.plane is not None:
        return None
    return _open(source, options, above=LARGE_MEGAPIXELS)


def _open(path: Path, options: OpenOptions, *, above: float) -> LargeImage | None:
    image: LargeImage | None = None
    if path.is_dir() and any((path / name).is_file() for name in ZARR_FILES):
        image = _open_zarr(path, options, above)
    elif path.is_file() and path.stat().st_size and detect_picture_format(path) == "tiff":
        with readable(path):
            image = _open_tiff(path, options, above)
    if image is not None:
        image.path = path.absolute()
        image.location = str(image.path)
        image.options = options
    return image


def _open_tiff(path: Path, options: OpenOptions, above: float) -> LargeImage | None:
    # Here: who opens no TIFF need not wait for its library.
    from ..pictures.tiff import find_tiff_pixel_size
    from .tiff import TiffPyramid

    pyramid = TiffPyramid(path)
    image: LargeImage | None = None
    try:
        first: Any = pyramid.tiff.series[0].keyframe if pyramid.tiff.series else None
        if first is None or not _is_wanted(first, options, above):
            return None
        levels = pyramid.find_levels()
        if levels is None:
            return None
        image = LargeImage(
            *(levels, path.name),
            files=[path],
            georeference=pyramid.georeference,
            max_megapixels=options.max_megapixels,
        )
        image.found_pixel_size = pyramid.pixel_size or find_tiff_pixel_size(pyramid.tiff)
        return image
    finally:
        if image is None:
            pyramid.close()
        else:
            image.keep_open = pyramid


def _is_wanted(page: Any, options: OpenOptions, above: float) -> bool:
    """Whether a file is read by region: where it is large, and has tiles or is too large whole."""
    megapixels = page.imagewidth * page.imagelength / 1e6
    if above == 0:
        return True
    if megapixels <= above:
        return False
    return page.is_tiled or megapixels > options.max_megapixels


def _open_zarr(path: Path, options: OpenOptions, above: float) -> LargeImage | None:
    from ..arrays.ome_zarr import find_levels

    zarr = import_extra("zarr", f"{path} is a zarr store")
    try:
        top = zarr.open(str(path), mode="r")
        found = find_levels(top)
    except VideoError:
        raise
    except Exception:
        return None  # what opens arrays says what is wrong
    if found is None:
        return None
    if not all(can_be_read(array, found.axes) for array in found.arrays):
        return None
    levels = [ZarrLevel(array, found.axes, path.name) for array in found.arrays]
    largest = max(levels, key=lambda level: level.width)
    if largest.width * largest.height / 1e6 <= above:
        return None
    same = largest.num_channels, largest.dtype
    image = LargeImage(
        *([one for one in levels if (one.num_channels, one.dtype) == same], path.name),
        max_megapixels=options.max_megapixels,
    )
    image.found_pixel_size = found.pixel_size
    contrast = found.make_contrast(largest.num_channels)
    if contrast is not None and image.needs_contrast:
        image.contrast = contrast
    return image
