"""Anything that shows frames, as a `Video`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .arrays import ArrayVideo, PictureList, tensor_video
from .base import FrameSource, Kind, Picture, PicturePath, Video, VideoError
from .images import IMAGE_SUFFIXES, ImageFiles
from .live_sources import STREAM_SCHEMES, Capture

__all__ = ["FrameSource", "Video", "VideoError", "open_video"]


def open_video(source: FrameSource, kind: Kind | None = None) -> Video:
    """Open a video, pictures or arrays as a sequence of frames.

    Parameters
    ----------
    source : a path to a video file, to an image or to a folder of images (in natural order);
        an array (T, H, W, 3) or (H, W, 3), or grey without the 3, of uint8 or floats in 0..1;
        a torch tensor, also (T, 3, H, W); a Pillow image; a list of Pillow images, arrays
        or paths of images.
    kind : "video", or "images" for pictures that have nothing to do with each other and may be of
        several sizes; if None, a single frame is a picture and more are a video.

    Returns
    -------
    Video
        ``len(video)`` frames; ``video[i]`` is (H, W, 3) uint8 RGB. Files are read when needed.

    Raises
    ------
    VideoError
        When it cannot be read, with what is wrong and what to do.
    """
    if kind not in (None, "video", "images"):
        raise VideoError(f"kind must be 'video', 'images' or None, got {kind!r}.")
    video = _open(source, kind or "video")
    if kind is None and len(video) == 1 and not isinstance(source, Video):
        kind = "images"
    if kind is not None and video.kind != kind:
        video.kind = kind
        size = video.width, video.height
        video.sizes = [size] * len(video) if kind == "images" else None
    return video


def _open(source: FrameSource, kind: Kind) -> Video:
    if isinstance(source, Video):
        return source
    _refuse_live(source)
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fspath(source)).expanduser()
        video = _open_path(path, kind)
        video.path = path.absolute()
        return video
    if isinstance(source, np.ndarray):
        return ArrayVideo(source)
    if isinstance(source, Image.Image):
        return PictureList([source])
    if isinstance(source, Sequence):
        return _open_list(source, kind)
    if hasattr(source, "detach"):
        return tensor_video(source)
    raise VideoError(
        f"A video cannot be made of a {type(source).__name__}: give a path, an array (T, H, W, "
        "3), a tensor, or a list of Pillow images."
    )


def _refuse_live(source: object) -> None:
    """A source without an end is recorded from when one says so, and as one says."""
    if isinstance(source, (str, os.PathLike)):
        scheme = str(source).partition("://")[0].lower()
        if scheme in STREAM_SCHEMES:
            raise VideoError(f"{source} is a live stream: give LiveVideo({str(source)!r}).")
    elif isinstance(source, int) and not isinstance(source, bool):
        raise VideoError(f"A number is that of a camera: give LiveVideo({source}).")
    elif isinstance(source, Iterator):
        raise VideoError(
            "An iterator of frames has no length. If it ends and its frames fit into memory, give "
            "list(frames); else LiveVideo(frames), which keeps them on disk as they come."
        )
    elif isinstance(source, Capture) and not hasattr(source, "__len__"):
        raise VideoError(
            f"A {type(source).__name__} gives one frame after the other, without a number: give "
            "LiveVideo(capture), or the path of the file that it reads."
        )
    elif callable(source) and not hasattr(source, "__len__"):
        raise VideoError(
            "A function that returns frames is a live source: give LiveVideo(function)."
        )


def _open_list(pictures: Sequence[Picture | PicturePath], kind: Kind) -> Video:
    paths = [Path(one).expanduser() for one in pictures if isinstance(one, (str, os.PathLike))]
    if paths and len(paths) == len(pictures):
        return ImageFiles(paths, "list", kind)
    return PictureList(pictures, kind)


def _open_path(path: Path, kind: Kind) -> Video:
    if not path.exists():
        raise VideoError(
            f"There is no file or folder {path}. Paths start at {Path.cwd()} unless absolute."
        )
    if path.is_dir():
        return ImageFiles.of_folder(path, kind)
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file.")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFiles([path], path.name)
    from .container import FileVideo

    return FileVideo(path)
