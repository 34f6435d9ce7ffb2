"""Reading pictures, masks, videos and JSON, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image

from .records import DatasetError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
MASK_SUFFIXES = IMAGE_SUFFIXES - {".jpeg", ".jpg"}
"""Not JPEG: its losses would make values between object and background."""

VOID = 255
"""In an indexed mask: pixels that belong to nothing for certain."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    with _open(path, "an image") as image:
        return np.asarray(image.convert("RGB"))


def read_mask(path: Path, shape: tuple[int, int], *, binary: bool) -> dict[int, NDArray[np.bool_]]:
    """The (H, W) masks in a file, by object id.

    Parameters
    ----------
    shape : (H, W) of the picture that it belongs to.
    binary : all that is not black is object 1; else each value but 0 and 255 is an object.
    """
    with _open(path, "a mask") as image:
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


def read_json(path: Path, what: str) -> Any:
    """Parse a JSON file; `what` says in errors what it should hold."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be opened ({error.strerror}): expected {what}."
        ) from error
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON ({error}): expected {what}.") from error


def read_video_frames(path: Path, frames: Sequence[int], fps: float) -> list[NDArray[np.uint8]]:
    """Decode frames of a video of constant rate.

    Parameters
    ----------
    frames : zero-based, ascending.
    fps : the video's rate in frames per second.

    Returns
    -------
    list
        (H, W, 3) RGB of each.
    """
    found: dict[int, NDArray[np.uint8]] = {}
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            base = stream.time_base
            assert base is not None, "a video stream has a unit of time"
            origin = stream.start_time or 0
            container.seek(origin + int(frames[0] / fps / base), stream=stream, backward=True)
            for picture in container.decode(stream):
                if picture.pts is None:
                    continue
                at = round((picture.pts - origin) * base * fps)
                if at in frames:
                    found[at] = picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                if at >= frames[-1]:
                    break
    except (FFmpegError, IndexError) as error:
        raise DatasetError(f"{path} cannot be read as a video ({error}).") from error
    missing = [frame for frame in frames if frame not in found]
    if missing:
        raise DatasetError(
            f"{path} has no frame {missing[0]} at {fps:g} frames per second, which is annotated: "
            "expected the video as it was released, complete and at its own rate."
        )
    return [found[frame] for frame in frames]


def list_folder(folder: Path, what: str) -> list[Path]:
    """What is in a folder, by name; `what` says in errors what it should hold."""
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}: expected {what}.")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _open(path: Path, what: str) -> Image.Image:
    try:
        image: Image.Image = Image.open(path)
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise DatasetError(f"There is no {path}: expected {what}.") from error
        raise DatasetError(f"{path} cannot be read as {what} ({error}).") from error
    return image
