"""Anything that shows frames, as a `Video`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, cast

from PIL import Image

from .arrays.lists import open_list
from .arrays.readers import open_array
from .arrays.stores import is_in_store, open_store
from .base import FrameSource, Kind, PicturePath, Video, VideoError
from .contrast import ContrastLike
from .live.sources import STREAM_SCHEMES, Capture
from .options import MAX_MEGAPIXELS, OpenOptions, Plane
from .pictures.decoding import picture_format, read_info
from .pictures.images import IMAGE_SUFFIXES, ImageFiles, open_picture_file
from .pictures.pages import TiffStack
from .remote.files import is_url
from .remote.opening import open_url

__all__ = ["FrameSource", "Video", "VideoError", "open_video"]


def open_video(
    source: FrameSource,
    kind: Kind | None = None,
    *,
    contrast: ContrastLike | None = None,
    axes: str | None = None,
    plane: Plane = None,
    max_megapixels: float = MAX_MEGAPIXELS,
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
        several sizes; if None, a single frame is a picture and more are a video.
    contrast : (low, high) in the source's own values, what is shown black and in full colour; or
        a `Contrast`. If None, 8-bit colours are shown as they are, and all else from the 0.1 to
        the 99.9 percentile of the values: of frames all over a video, of each picture its own.
    axes : of an array, a letter each of T (time), Z (planes), C (channels), H or Y, W or X, such
        as "TCHW"; if None they are told by their names or by the shape.
    plane : which plane is shown of arrays and TIFF files that have planes of depth beside times:
        its number, or of a TIFF file "max" for the brightest values of all; the middle one, with
        a warning, if None. Without times, planes are the frames, unless one is named.
    max_megapixels : larger pictures are refused.

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
    options = OpenOptions(axes, _checked(plane), float(max_megapixels))
    video = _open(source, kind or "video", options)
    if not isinstance(source, Video):
        video.options = options
    if kind is None and len(video) == 1 and not isinstance(source, Video):
        kind = "images"
    if kind is not None and video.kind != kind:
        video.kind = kind
        size = video.width, video.height
        video.sizes = [size] * len(video) if kind == "images" else None
    if contrast is not None:
        video.contrast = contrast
    return video


def _checked(plane: Any) -> Plane:
    if plane is None or plane == "max":
        return plane
    if isinstance(plane, bool) or not isinstance(plane, Integral):
        raise VideoError(f"plane must be a number, from 0, or 'max', got {plane!r}.")
    return int(plane)


def _refuse(options: OpenOptions, reason: str) -> None:
    """Raise VideoError where something is said that is for arrays only."""
    if options.axes is not None or options.plane is not None:
        raise VideoError(f"axes= and plane= are for arrays: {reason}.")


def is_there(place: str) -> bool:
    """Whether something is at the location of a video; of a URL that is not known before."""
    return is_url(place) or Path(place).exists() or is_in_store(Path(place))


def _open(source: Any, kind: Kind, options: OpenOptions) -> Video:
    if isinstance(source, Video):
        _refuse(options, "a Video has its own")
        return source
    _refuse_live(source)
    if isinstance(source, (str, os.PathLike)):
        place = os.fspath(cast("PicturePath", source))
        if is_url(place):
            without_axes = replace(options, axes=None)
            return open_url(
                *(place, kind, options.axes, options.plane),
                lambda path, its_kind: _open_path(path, its_kind, without_axes),
            )
        path = Path(place).expanduser()
        try:
            video = _open_path(path, kind, options)
        except OSError as error:
            raise VideoError(f"{path} cannot be opened ({error.strerror or error}).") from error
        video.path = path.absolute()
        video.location = str(video.path)
        return video
    if isinstance(source, Image.Image):
        _refuse(options, "a Pillow image has its own")
        return open_list([source], kind)
    if isinstance(source, Sequence) and not isinstance(source, (bytes, bytearray, memoryview)):
        return _open_list(cast("Sequence[Any]", source), kind, options)
    return open_array(source, options.axes, options.plane)


def _refuse_live(source: object) -> None:
    """A source without an end is recorded from when one says so, and as one says."""
    if isinstance(source, (str, os.PathLike)):
        scheme = str(source).partition("://")[0].lower()
        if scheme in STREAM_SCHEMES:
            raise VideoError(f"{source} is a live stream: give LiveVideo({str(source)!r}).")
    elif isinstance(source, int) and not isinstance(source, bool):
        raise VideoError(f"A number is that of a camera: give LiveVideo({source}).")
    elif isinstance(source, io.IOBase):
        raise VideoError(
            "An open file has no frames of its own: give its path, or write what it holds to one."
        )
    elif isinstance(source, Iterator):
        raise VideoError(
            "An iterator of frames has no length. If it ends and its frames fit into memory, give "
            "list(frames); else LiveVideo(frames), which keeps them on disk as they come."
        )
    elif isinstance(source, Capture) and not _has_frames(source):
        raise VideoError(
            f"A {type(source).__name__} gives one frame after the other, without a number: give "
            "LiveVideo(capture), or the path of the file that it reads."
        )
    elif callable(source) and not _has_frames(source):
        raise VideoError(
            "A function that returns frames is a live source: give LiveVideo(function)."
        )


def _has_frames(source: object) -> bool:
    """Whether it is an array or a reader, whatever else it can do."""
    return hasattr(source, "shape") or hasattr(source, "__len__")


def _open_list(items: Sequence[Any], kind: Kind, options: OpenOptions) -> Video:
    paths = [Path(one).expanduser() for one in items if isinstance(one, (str, os.PathLike))]
    if paths and len(paths) == len(items):
        _refuse(options, "image files have their own")
        if any(is_url(str(one)) for one in items):
            raise VideoError("Of pictures by URL, give the URL of their folder, not a list.")
        for path in paths:
            if path.suffix.lower() not in IMAGE_SUFFIXES and _is_no_picture(path):
                raise VideoError(
                    f"{path} is no picture: a list holds the frames of one video. Open a video "
                    "alone, by its path."
                )
        return ImageFiles(paths, "list", kind, options.max_megapixels)
    if options.plane is not None:
        raise VideoError("plane= is for arrays with planes, not for a list of pictures.")
    return open_list(items, kind, options.axes)


def _is_no_picture(path: Path) -> bool:
    """Whether a file's content is of another kind, such as a video."""
    if not path.is_file() or path.stat().st_size == 0 or picture_format(path) is not None:
        return False
    try:
        read_info(path)
    except VideoError:
        return True
    return False


def _open_path(path: Path, kind: Kind, options: OpenOptions) -> Video:
    if is_in_store(path):
        return open_store(path, options.axes, options.plane)
    if not path.exists():
        raise VideoError(
            f"There is no file or folder {path}. Paths start at {Path.cwd()} unless absolute."
        )
    if path.is_dir():
        pictures = ImageFiles.of_folder(path, kind, options.max_megapixels, options.plane)
        if options.axes is not None or not isinstance(pictures, TiffStack):
            _refuse(options, f"{path} is none")
        return pictures
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file.")
    pictures = open_picture_file(path, kind, options.max_megapixels, options.plane)
    if pictures is not None:
        if options.axes is not None or not isinstance(pictures, TiffStack):
            _refuse(options, f"{path} is none")
        return pictures
    _refuse(options, f"{path} is none")
    from .containers.container import FileVideo

    return FileVideo(path)
