"""Frames that are in memory: arrays, tensors, and lists of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .base import (
    DEFAULT_FPS,
    Kind,
    Picture,
    PicturePath,
    TensorLike,
    Video,
    VideoError,
    check_floats,
    to_rgb,
)
from .images import read_image


class ArrayVideo(Video):
    """Frames of one array, memory-mapped or not; converted one at a time.

    Parameters
    ----------
    array : (T, H, W, C) or (H, W, C) with C one of 1, 3, 4, or grey (T, H, W) or (H, W); uint8,
        bool, or floats in 0..1. Three dimensions that end in 3 or 4 are taken for one picture.
    """

    def __init__(self, array: NDArray[Any], name: str = "array") -> None:
        shape = array.shape
        if array.ndim == 2:
            array = array[None, :, :, None]
        elif array.ndim == 3:
            array = array[None] if shape[-1] in (3, 4) else array[..., None]
        elif array.ndim != 4:
            raise VideoError(
                f"An array must have shape (T, H, W, 3) or (H, W, 3), got {shape} with "
                f"{array.ndim} dimensions."
            )
        if 0 in shape:
            raise VideoError(f"The {name} has no frames or no pixels: its shape is {shape}.")
        if array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
            raise VideoError(
                f"The {name} has shape {shape}, with colour before height and width. Put it "
                "last: array.transpose(0, 2, 3, 1)."
            )
        if array.dtype.kind == "f":
            for frame in array:
                check_floats(frame, f"The {name}")
        elif array.dtype == np.bool_:
            array = array.astype(np.uint8) * 255
        to_rgb(array[:1], f"The {name}")
        super().__init__(len(array), array.shape[2], array.shape[1], DEFAULT_FPS, name)
        self._array = array

    @property
    def _in_memory(self) -> bool:
        # Of a file that is mapped, rows here and there would touch nearly all.
        return not isinstance(self._array, np.memmap)

    def _read(self, frame: int) -> NDArray[np.uint8]:
        return np.ascontiguousarray(to_rgb(self._array[frame], f"Frame {frame}"))


def tensor_video(tensor: TensorLike) -> ArrayVideo:
    """Frames of a torch tensor: as an array, or with colour first, (T, 3, H, W) or (3, H, W)."""
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
        tensor = tensor.float()
    array = tensor.numpy()
    if array.ndim >= 3 and array.shape[-1] not in (1, 3, 4) and array.shape[-3] in (1, 3, 4):
        # (T, H, W) grey would be of that shape too only with 1, 3 or 4 frames.
        array = np.moveaxis(array, -3, -1)
    return ArrayVideo(array, "tensor")


class PictureList(Video):
    """Pictures of a list.

    Parameters
    ----------
    pictures : Pillow images, or arrays as `ArrayVideo` takes for one picture, or paths.
    kind : "images" for pictures that may be of several sizes; frames of a video are of one.
    """

    def __init__(
        self, pictures: Sequence[Picture | PicturePath], kind: Kind = "video", name: str = "list"
    ) -> None:
        if not pictures:
            raise VideoError("The list has no frames: give at least one picture.")
        frames = [_picture(picture, n) for n, picture in enumerate(pictures)]
        height, width = frames[0].shape[:2]
        for n, frame in enumerate(frames):
            if kind == "video" and frame.shape != frames[0].shape:
                raise VideoError(
                    f"Picture {n} of the list is {frame.shape[1]}x{frame.shape[0]}, but the "
                    f"first is {width}x{height}: resize them to one size, or say kind='images' "
                    "if each is on its own."
                )
        sizes = [(frame.shape[1], frame.shape[0]) for frame in frames]
        self.kind = kind
        super().__init__(
            *(len(frames), width, height, DEFAULT_FPS, name), sizes if kind == "images" else None
        )
        self._frames = frames

    @property
    def _in_memory(self) -> bool:
        return True

    def _read(self, frame: int) -> NDArray[np.uint8]:
        return self._frames[frame]


def _picture(picture: Picture | PicturePath, n: int) -> NDArray[np.uint8]:
    if isinstance(picture, (str, os.PathLike)):
        return read_image(Path(picture).expanduser())
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    if isinstance(picture, np.ndarray):
        video = ArrayVideo(picture, f"picture {n} of the list")
    elif hasattr(picture, "detach"):
        video = tensor_video(picture)
    else:
        raise VideoError(
            f"Item {n} of the list is a {type(picture).__name__}: expected a Pillow image, an "
            "(H, W, 3) array or a path."
        )
    if len(video) != 1:
        raise VideoError(
            f"Item {n} of the list holds {len(video)} frames: each item must be one picture."
        )
    return video[0]
