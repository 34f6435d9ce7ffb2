"""Anything that shows frames, as a `Video`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .arrays import ArrayVideo, PictureList, tensor_video
from .base import FrameSource, Kind, Picture, PicturePath, Video, VideoError
from .contrast import ContrastLike
from .decoding import MAX_MEGAPIXELS, Plane
from .images import ImageFiles, open_picture_file

__all__ = ["FrameSource", "Video", "VideoError", "open_video"]


def open_video(
    source: FrameSource,
    kind: Kind | None = None,
    *,
    contrast: ContrastLike | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    plane: Plane = None,
) -> Video:
    """Open a video, pictures or arrays as a sequence of frames.

    Parameters
    ----------
    source : a path to a video file, to an image or to a folder of images (in natural order);
        an array (T, H, W, 3) or (H, W, 3), or grey without the 3, of uint8 or floats in 0..1;
        a torch tensor, also (T, 3, H, W); a Pillow image; a list of Pillow images, arrays
        or paths of images.
    kind : "video", or "images" for pictures that have nothing to do with each other and may be of
        several sizes; if None, a single frame is a picture and more are a video.
    contrast : (low, high) in the source's own values, what is shown black and in full colour; or
        a `Contrast`. If None, 8-bit colours are shown as they are, and all else from the 0.1 to
        the 99.9 percentile of the values: of frames all over a video, of each picture its own.
    max_megapixels : larger pictures are refused.
    plane : of a TIFF file with times and planes, which plane is shown; the middle one if None,
        "max" the brightest values of all.

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
    video = _open(source, kind or "video", max_megapixels, plane)
    if kind is None and len(video) == 1 and not isinstance(source, Video):
        kind = "images"
    if kind is not None and video.kind != kind:
        video.kind = kind
        size = video.width, video.height
        video.sizes = [size] * len(video) if kind == "images" else None
    if contrast is not None:
        video.contrast = contrast
    return video


def _open(source: FrameSource, kind: Kind, max_megapixels: float, plane: Plane) -> Video:
    if isinstance(source, Video):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fspath(source)).expanduser()
        video = _open_path(path, kind, max_megapixels, plane)
        video.path = path.absolute()
        return video
    if isinstance(source, np.ndarray):
        return ArrayVideo(source)
    if isinstance(source, Image.Image):
        return PictureList([source])
    if isinstance(source, Sequence):
        return _open_list(source, kind, max_megapixels)
    if hasattr(source, "detach"):
        return tensor_video(source)
    raise VideoError(
        f"A video cannot be made of a {type(source).__name__}: give a path, an array (T, H, W, "
        "3), a tensor, or a list of Pillow images."
    )


def _open_list(
    pictures: Sequence[Picture | PicturePath], kind: Kind, max_megapixels: float
) -> Video:
    paths = [Path(one).expanduser() for one in pictures if isinstance(one, (str, os.PathLike))]
    if paths and len(paths) == len(pictures):
        return ImageFiles(paths, "list", kind, max_megapixels)
    return PictureList(pictures, kind)


def _open_path(path: Path, kind: Kind, max_megapixels: float, plane: Plane) -> Video:
    if not path.exists():
        raise VideoError(
            f"There is no file or folder {path}. Paths start at {Path.cwd()} unless absolute."
        )
    if path.is_dir():
        return ImageFiles.of_folder(path, kind, max_megapixels)
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file.")
    pictures = open_picture_file(path, kind, max_megapixels, plane)
    if pictures is not None:
        return pictures
    from .container import FileVideo

    return FileVideo(path)
