"""Anything that shows frames, as a `Video`."""

from __future__ import annotations

import os
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

from .arrays.stores import is_in_store
from .base import FrameSource, Kind, PicturePath, Video
from .contrast import ContrastLike
from .errors import VideoError
from .options import MAX_MEGAPIXELS, PYAV, OpenOptions, Plane
from .pixel_size import PixelSizeLike
from .remote.files import is_url, strip_secrets
from .sources import open_source

__all__ = ["FrameSource", "Video", "VideoError", "open_video"]


def open_video(
    source: FrameSource,
    kind: Kind | None = None,
    *,
    contrast: ContrastLike | None = None,
    axes: str | None = None,
    plane: Plane = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    pixel_size: PixelSizeLike | None = None,
    decoder: str | None = None,
) -> Video:
    """Open a video, pictures or arrays as a sequence of frames.

    Parameters
    ----------
    source : a path or URL of a video file, of an image, of a folder of images (in natural order),
        or of arrays: HDF5, zarr, OME-Zarr, on disk .npy and .npz too; of several in one file the
        one is named after its path, as in "a.h5/film", as is a level of OME-Zarr;
        an array of any library that can be indexed (NumPy, torch, zarr, h5py, dask, xarray…),
        (T, H, W, 3), (T, 3, H, W) or (H, W, 3), or grey without the 3; a reader that gives a
        frame for a number; a Pillow image; a list of Pillow images, arrays or paths of images.
        Arrays are not copied, and read a frame or a chunk at a time.
    kind : "video", or "images" for pictures that have nothing to do with each other and may be of
        several sizes; if None, a single frame is a picture and more are a video. A `Video` that is
        given with another kind or contrast stays as it is: what is returned has them.
    contrast : (low, high) in the source's own values, what is shown black and in full colour; or
        a `Contrast`. If None, 8-bit colours are shown as they are, and all else from the 0.1 to
        the 99.9 percentile of the values: of frames all over a video, of each picture its own.
    axes : of an array, a letter each of T (time), Z (planes), C (channels), H or Y, W or X, such
        as "TCHW"; if None they are told by their names or by the shape.
    plane : which plane is shown of arrays and TIFF files that have planes of depth beside times:
        its number, or of a TIFF file "max" for the brightest values of all; the middle one, with
        a warning, if None. Without times, planes are the frames, unless one is named.
    max_megapixels : larger pictures are refused.
    pixel_size : how large a pixel is, as text such as "0.65 µm", or "0.65 x 0.7 µm" for width and
        height; as (0.65, "µm"); if None, as OME-XML, ImageJ or OME-Zarr have it, where they do.
    decoder : of a video file on this machine: "pyav", as if None; "torchcodec", or with a device
        "torchcodec:cuda", which decodes on an NVIDIA GPU and leaves the frames there for the
        network; or that of an installed source.

    Returns
    -------
    Video
        ``len(video)`` frames; ``video[i]`` is (H, W, 3) uint8 RGB. Files are read when needed.

    Raises
    ------
    VideoError
        When it cannot be read, with what is wrong and what to do.

    Warns
    -----
    UserWarning
        When something had to be guessed, with what to say in its place.
    """
    if kind not in (None, "video", "images"):
        raise VideoError(f"kind must be 'video', 'images' or None, got {kind!r}.")
    if not isinstance(cast(object, max_megapixels), Real) or not max_megapixels > 0:
        raise VideoError(f"max_megapixels must be a number above 0, got {max_megapixels!r}.")
    options = OpenOptions(axes, _checked(plane), float(max_megapixels), decoder)
    video = _open(source, kind or "video", options)
    if decoder not in (None, PYAV, video.decoder):
        raise VideoError(f"decoder= is for video files on this machine, and {video.name} is none.")
    if not isinstance(source, Video):
        video.options = replace(options, decoder=None)
        if kind is None and len(video) == 1:
            kind = "images"
    elif (contrast, pixel_size) != (None, None) or kind not in (None, video.kind):
        video = video.duplicate()  # the caller's stays as it is
    if kind is not None and video.kind != kind:
        video.kind = kind
        size = video.width, video.height
        video.sizes = [size] * len(video) if kind == "images" else None
    if contrast is not None:
        video.contrast = contrast
    if pixel_size is not None:
        try:
            video.pixel_size = pixel_size
        except ValueError as error:
            raise VideoError(str(error)) from error
    return video


def _checked(plane: Any) -> Plane:
    if plane is None or plane == "max":
        return plane
    if isinstance(plane, bool) or not isinstance(plane, Integral):
        raise VideoError(f"plane must be a number, from 0, or 'max', got {plane!r}.")
    return int(plane)


def is_there(place: str) -> bool:
    """Whether something is at the location of a video; of a URL that is not known before."""
    return is_url(place) or Path(place).exists() or is_in_store(Path(place))


def _open(source: Any, kind: Kind, options: OpenOptions) -> Video:
    if isinstance(source, Video):
        options.refuse_for_arrays("a Video has its own")
        return source
    if not isinstance(source, (str, os.PathLike)):
        return open_source(source, kind, options)
    place = os.fspath(cast("PicturePath", source))
    if not place.strip():
        raise VideoError(f"The video's path is empty: {source!r}. '.' is the folder you are in.")
    if is_url(place):
        video = open_source(place, kind, options)
        if video.location is None:
            video.location = strip_secrets(place)
        return video
    path = Path(place).expanduser()
    try:
        video = open_source(path, kind, options)
    except OSError as error:
        raise VideoError(f"{path} cannot be opened ({error.strerror or error}).") from error
    video.path = path.absolute()
    video.location = str(video.path)
    return video
