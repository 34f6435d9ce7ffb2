"""Frames that are image files: a folder of them, or one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .base import DEFAULT_FPS, Kind, Video, VideoError
from .lru import BytesLru

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
CACHE_BYTES = 64 * 2**20

_TRANSPOSED = (5, 6, 7, 8)
"""Values of the EXIF orientation tag that swap width and height."""
_ORIENTATION = 0x0112


class ImageFiles(Video):
    """Image files as frames, read when needed.

    Parameters
    ----------
    paths : in order.
    name : to show.
    kind : "images" for pictures that may be of several sizes; frames of a video are of one.
    """

    def __init__(self, paths: Sequence[Path], name: str, kind: Kind = "video") -> None:
        sizes = [_size(path) for path in paths]
        width, height = sizes[0]
        for path, size in zip(paths, sizes, strict=True):
            if kind == "video" and size != (width, height):
                raise VideoError(
                    f"{path} is {size[0]}x{size[1]}, but {paths[0].name} is {width}x{height}: "
                    "all frames of a video must have one size. Are they pictures, each on its "
                    "own? Then say kind='images'."
                )
        self.kind = kind
        super().__init__(
            *(len(paths), width, height, DEFAULT_FPS, name), sizes if kind == "images" else None
        )
        self._paths = paths
        self.names = names_of(paths)
        self._cache = BytesLru[int, NDArray[np.uint8]](CACHE_BYTES, lambda rgb: rgb.nbytes)

    @classmethod
    def of_folder(cls, folder: Path, kind: Kind = "video") -> ImageFiles:
        """The images of a folder, in natural order: 2.jpg comes before 10.jpg."""
        paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        if not paths:
            raise VideoError(
                f"The folder {folder} holds no images: expected files such as 00000.jpg or "
                "frame1.png."
            )
        return cls(sorted(paths, key=lambda path: _natural(path.name)), folder.name, kind)

    def _read(self, frame: int) -> NDArray[np.uint8]:
        rgb = self._cache.get(frame)
        if rgb is None:
            rgb = read_image(self._paths[frame])
            self._cache.put(frame, rgb)
        return rgb


def names_of(paths: Sequence[Path]) -> list[str]:
    """The names of files, with as many folders before a "/" as it takes to tell them apart."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    parts = [path.absolute().parts for path in paths]
    for count in range(2, max(map(len, parts))):
        longer = ["/".join(one[-count:]) for one in parts]
        if len(set(longer)) == len(set(parts)):
            return longer
    return names


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image file as (H, W, 3) uint8 RGB, upright.

    Raises
    ------
    VideoError
        When it cannot be read.
    """
    try:
        image: Image.Image = Image.open(path)
        with image:
            upright = ImageOps.exif_transpose(image) if _has_exif(image) else image
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise _unreadable(path, error) from error


def _size(path: Path) -> tuple[int, int]:
    try:
        image: Image.Image = Image.open(path)
        with image:
            width, height = image.size
            turned = _has_exif(image) and image.getexif().get(_ORIENTATION) in _TRANSPOSED
    except (OSError, SyntaxError) as error:
        raise _unreadable(path, error) from error
    return (height, width) if turned else (width, height)


def _has_exif(image: Image.Image) -> bool:
    """Whether there is some up front: to look further, Pillow decodes the whole picture."""
    return "exif" in image.info


def _unreadable(path: Path, error: Exception) -> VideoError:
    if isinstance(error, FileNotFoundError):
        return VideoError(f"There is no file {path}.")
    reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
    return VideoError(f"{path} cannot be read as an image ({reason}): it may be damaged.")


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [
        (0, int(part)) if part.isdecimal() else (1, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]
