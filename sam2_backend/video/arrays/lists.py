"""Frames that are items of a list: pictures, arrays, tensors and paths, mixed as one likes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray
from PIL import Image

from ..base import DEFAULT_FPS, Kind, Picture, PicturePath, Video
from ..contrast import Contrast
from ..errors import VideoError
from ..options import OpenOptions
from ..pictures.decoding import is_turned, read_values, values_of
from .arrays import ArrayVideo
from .values import to_numpy


def open_list(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open a list of Pillow images, arrays or tensors of one picture each, and paths, in any mix.

    See `SourceOpener`. Axes are of each picture, or of all with T before. Arrays are not copied,
    and those that are not in memory are read when they are shown.

    Raises
    ------
    VideoError
        When an item is no picture, or they do not go together.
    """
    if not isinstance(source, Sequence) or isinstance(source, (str, bytes, bytearray, memoryview)):
        return None
    if options.plane is not None:
        raise VideoError("plane= is for arrays with planes, not for a list of pictures.")
    return _open_items(cast("Sequence[Any]", source), kind, options.axes)


def open_pillow_image(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open a Pillow image; see `SourceOpener`."""
    if not isinstance(source, Image.Image):
        return None
    options.refuse_for_arrays("a Pillow image has its own")
    return _open_items([source], kind, None)


def _open_items(pictures: Sequence[Picture | PicturePath], kind: Kind, axes: str | None) -> Video:
    if not pictures:
        raise VideoError("The list has no frames: give at least one picture.")
    if axes is not None and axes[:1] not in ("T", "t"):
        axes = f"T{axes}"
    items = [_item(picture, n) for n, picture in enumerate(pictures)]
    first = items[0]
    is_uniform = all(one.shape == first.shape and one.dtype == first.dtype for one in items)
    return ArrayVideo(items, "list", axes=axes) if is_uniform else PictureList(items, kind, axes)


class PictureList(Video):
    """Pictures of several sizes or types.

    Parameters
    ----------
    items : one picture each.
    kind : "images" for pictures that may be of several sizes; frames of a video are of one.
    axes : of all, T first, if they cannot be told.
    """

    def __init__(self, items: Sequence[Any], kind: Kind, axes: str | None) -> None:
        pictures = [
            ArrayVideo([item], f"picture {n} of the list", axes=axes)
            for n, item in enumerate(items)
        ]
        first = pictures[0]
        for n, one in enumerate(pictures):
            if kind == "video" and (one.width, one.height) != (first.width, first.height):
                raise VideoError(
                    f"Picture {n} of the list is {one.width}x{one.height}, but the first is "
                    f"{first.width}x{first.height}: resize them to one size, or say kind='images' "
                    "if each is on its own."
                )
        sizes = [(one.width, one.height) for one in pictures]
        self.kind = kind
        super().__init__(
            *(len(pictures), first.width, first.height, DEFAULT_FPS, "list"),
            sizes if kind == "images" else None,
        )
        self._pictures = pictures
        self._share_contrast = kind == "video" and _are_all_deep(pictures)

    @property
    def _is_deep(self) -> bool:
        return self.kind == "images" or self._share_contrast

    def automatic_contrast(self, frame: int) -> Contrast | None:
        """See `Video.automatic_contrast`."""
        if self.kind == "images":
            return self._pictures[frame].automatic_contrast(0)
        return super().automatic_contrast(frame)

    def _read(self, frame: int) -> NDArray[Any]:
        picture = self._pictures[frame]
        return picture.raw(0) if self._is_deep else picture[0]


def _are_all_deep(pictures: Sequence[ArrayVideo]) -> bool:
    """Whether one contrast shows all pictures; False where each has colours of its own."""
    contrasts = [picture.contrast for picture in pictures]
    deep = {
        None if one is None else len(one.channels)
        for one in contrasts
        if one is None or one != Contrast.window(0, 1, len(one.channels))
    }
    if deep <= {None}:
        return False
    if len(deep) == 1 and all(one is not None for one in contrasts):
        return True
    raise VideoError(
        "Some pictures of the list have 8-bit colours and others not, or they have different "
        "numbers of channels: give all in one type, or say kind='images' if each is on its own."
    )


def _item(picture: Any, n: int) -> Any:
    """An array of one picture, of any library."""
    if isinstance(picture, (str, os.PathLike)):
        return read_values(Path(os.fspath(picture)).expanduser())
    if isinstance(picture, Image.Image):
        if is_turned(picture):
            warnings.warn(
                "A Pillow image that is to be turned when it is shown, as its EXIF data say, is "
                "taken as it is, as np.asarray takes it. PIL.ImageOps.exif_transpose turns it.",
                stacklevel=5,
            )
        return values_of(picture)
    if not hasattr(picture, "shape"):
        if isinstance(picture, (int, float, str, bytes, list, tuple, dict, type(None))):
            raise VideoError(
                f"Item {n} of the list is a {type(picture).__name__}: expected a Pillow image, an "
                "(H, W, 3) array or a path."
            )
        return to_numpy(picture, f"Item {n} of the list")
    if len(picture.shape) == 4:
        if picture.shape[0] != 1:
            raise VideoError(
                f"Item {n} of the list holds {picture.shape[0]} frames: each item must be one "
                "picture."
            )
        return picture[0]
    return picture
