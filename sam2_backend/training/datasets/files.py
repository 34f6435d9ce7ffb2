"""Pictures, masks, videos and JSON of data sets, with errors that name the file.

Pictures and videos are read as `open_video` reads them, so that a network learns from the pixels
that the predictors show it: upright, and those of more than 8 bits with their contrast. Masks
are read here: their values are object numbers, which must not become colours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...video import VideoError, open_video
from .records import DatasetError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
MASK_SUFFIXES = IMAGE_SUFFIXES - {".jpeg", ".jpg"}
"""Not JPEG: its losses would make values between object and background."""

VOID = 255
"""In an indexed mask: pixels that belong to nothing for certain."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture, upright: (H, W, 3) uint8 RGB.

    Raises
    ------
    DatasetError
        When the file is missing or damaged.
    """
    if not path.is_file():
        raise DatasetError(f"There is no {path}: expected an image.")
    try:
        return open_video(path, "images")[0]
    except VideoError as error:
        raise DatasetError(str(error)) from error


def read_mask(path: Path, shape: tuple[int, int], *, binary: bool) -> dict[int, NDArray[np.bool_]]:
    """Read the masks in a file, by object id.

    Parameters
    ----------
    path : of the file.
    shape : (H, W) of the picture that it belongs to.
    binary : all that is not black is object 1; else each value but 0 and `VOID` is an object.

    Returns
    -------
    dict
        (H, W) bool of each object that has a pixel.

    Raises
    ------
    DatasetError
        When the file is missing, damaged, of another size or no mask.
    """
    with _open(path) as image:
        if not binary and image.mode not in ("P", "L", "1"):
            raise DatasetError(
                f"{path} has the colours of a picture (mode {image.mode}): expected a mask whose "
                "pixels are object numbers, such as an indexed PNG."
            )
        values = np.asarray(image if image.mode in ("P", "L", "1") else image.convert("L"))
    if values.shape != shape:
        raise DatasetError(
            f"{path} is {values.shape[1]}x{values.shape[0]}: expected {shape[1]}x{shape[0]}, the "
            "size of its picture."
        )
    if binary:
        mask: NDArray[np.bool_] = values != 0
        return {1: mask} if mask.any() else {}
    return {int(v): values == v for v in np.unique(values) if v not in (0, VOID)}


def read_json(path: Path, expected: str) -> Any:
    """Parse a JSON file.

    Parameters
    ----------
    path : of the file.
    expected : what it should hold, for errors.

    Raises
    ------
    DatasetError
        When it cannot be opened, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be opened ({error.strerror}): expected {expected}."
        ) from error
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON ({error}): expected {expected}.") from error


def read_video_frames(path: Path, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Decode some frames of a video.

    Parameters
    ----------
    path : of the video file.
    frames : frame indices, zero-based, ascending.

    Returns
    -------
    list
        (H, W, 3) uint8 RGB of each.

    Raises
    ------
    DatasetError
        When it is no video, or lacks one of the frames.
    """
    try:
        # Opened anew each time: a video keeps decoded frames, and a data set has thousands.
        video = open_video(path, "video")
        missing = next((frame for frame in frames if frame >= len(video)), None)
        if missing is not None:
            raise DatasetError(
                f"{path} has no frame {missing} at {video.fps:g} frames per second, which is "
                "annotated: expected the video as it was released, complete and at its own rate."
            )
        return [video[frame] for frame in frames]
    except VideoError as error:
        raise DatasetError(str(error)) from error


def list_folder(folder: Path, expected: str) -> list[Path]:
    """List what is in a folder, by name, but for what is hidden.

    Parameters
    ----------
    folder : to list.
    expected : what it should hold, for errors.

    Raises
    ------
    DatasetError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}: expected {expected}.")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _open(path: Path) -> Image.Image:
    """Open a mask with Pillow."""
    try:
        image: Image.Image = Image.open(path)
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise DatasetError(f"There is no {path}: expected a mask.") from error
        raise DatasetError(f"{path} cannot be read as a mask ({error}).") from error
    return image
