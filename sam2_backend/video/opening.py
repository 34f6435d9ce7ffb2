"""Anything that shows frames, as a `Video`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from PIL import Image

from .base import FrameSource, Kind, PicturePath, Video, VideoError
from .images import IMAGE_SUFFIXES, ImageFiles
from .lists import open_list
from .readers import open_array
from .remote import open_url
from .remote_file import is_url
from .stores import is_in_store, open_store

__all__ = ["FrameSource", "Video", "VideoError", "open_video"]


def open_video(
    source: FrameSource,
    kind: Kind | None = None,
    *,
    axes: str | None = None,
    z: int | None = None,
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
    axes : of an array, a letter each of T (time), Z (planes), C (channels), H or Y, W or X, such
        as "TCHW"; if None they are told by their names or by the shape.
    z : the plane to show of an array that has planes beside times. Without times, planes are the
        frames.

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
    video = _open(source, kind or "video", axes, z)
    if kind is None and len(video) == 1 and not isinstance(source, Video):
        kind = "images"
    if kind is not None and video.kind != kind:
        video.kind = kind
        size = video.width, video.height
        video.sizes = [size] * len(video) if kind == "images" else None
    return video


def _open(source: Any, kind: Kind, axes: str | None, z: int | None) -> Video:
    if isinstance(source, Video):
        _refuse(axes, z, "a Video has its own")
        return source
    if isinstance(source, (str, os.PathLike)):
        place = os.fspath(cast("PicturePath", source))
        if is_url(place):
            return open_url(place, kind, axes, z, lambda path, k: _open_path(path, k, None, None))
        path = Path(place).expanduser()
        video = _open_path(path, kind, axes, z)
        video.path = path.absolute()
        video.location = str(video.path)
        return video
    if isinstance(source, Image.Image):
        _refuse(axes, z, "a Pillow image has its own")
        return open_list([source], kind)
    if isinstance(source, Sequence) and not isinstance(source, (bytes, bytearray, memoryview)):
        return _open_list(cast("Sequence[Any]", source), kind, axes, z)
    return open_array(source, axes, z)


def is_there(place: str) -> bool:
    """Whether something is at the location of a video; of a URL that is not known before."""
    return is_url(place) or Path(place).exists() or is_in_store(Path(place))


def _refuse(axes: str | None, z: int | None, reason: str) -> None:
    if axes is not None or z is not None:
        raise VideoError(f"axes= and z= are for arrays: {reason}.")


def _open_list(items: Sequence[Any], kind: Kind, axes: str | None, z: int | None) -> Video:
    paths = [Path(one).expanduser() for one in items if isinstance(one, (str, os.PathLike))]
    if paths and len(paths) == len(items):
        _refuse(axes, z, "image files have their own")
        if any(is_url(str(one)) for one in items):
            raise VideoError("Of pictures by URL, give the URL of their folder, not a list.")
        return ImageFiles(paths, "list", kind)
    if z is not None:
        raise VideoError("z= is for arrays with planes, not for a list of pictures.")
    return open_list(items, kind, axes)


def _open_path(path: Path, kind: Kind, axes: str | None, z: int | None) -> Video:
    store = open_store(path, axes, z)
    if store is not None:
        return store
    if not path.exists():
        raise VideoError(
            f"There is no file or folder {path}. Paths start at {Path.cwd()} unless absolute."
        )
    _refuse(axes, z, f"{path} is none")
    if path.is_dir():
        return ImageFiles.of_folder(path, kind)
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file.")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFiles([path], path.name)
    from .container import FileVideo

    return FileVideo(path)
