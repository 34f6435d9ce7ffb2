"""What several formats need of folders and files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ..records import SessionError

JPEG_QUALITY = 95
MOST_PIXELS = 2**28
"""Of a mask that is read: what says that it has more is damaged, or means harm."""


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """The object that a JSON file holds.

    Parameters
    ----------
    keys : that it must have.

    Raises
    ------
    SessionError
        When it cannot be read, holds no object, or lacks a key.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(document, dict):
        raise SessionError(f"{path} holds a JSON {type(document).__name__}, not an object.")
    for key in keys:
        if key not in document:
            raise SessionError(f"{path} has no {key!r}.")
    return cast("dict[str, Any]", document)


def reason(error: Exception) -> str:
    """Why something could not be read, in words."""
    said = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
    return said or type(error).__name__


def check_size(hw: tuple[int, int]) -> None:
    """Raise ValueError where no picture is (H, W) pixels large."""
    height, width = hw
    if height < 1 or width < 1 or height * width > MOST_PIXELS:
        raise ValueError(f"a mask of {width} x {height} pixels")


def pick_folder(folder: Path) -> Path:
    """A folder with PNGs, or the only one in it that has some."""
    if not folder.is_dir():
        raise SessionError(f"There is no folder {folder}.")
    if any(folder.glob("*.png")):
        return folder
    found = sorted(one for one in folder.iterdir() if one.is_dir() and any(one.glob("*.png")))
    if len(found) != 1:
        listed = ", ".join(one.name for one in found[:5]) or "none"
        raise SessionError(
            f"Expected PNGs in {folder}, or one folder of them, and found {listed}: give the "
            "folder of one video."
        )
    return found[0]


def list_pngs(folder: Path) -> Iterator[tuple[int, Path]]:
    """Frame and file, by frame: the number in the file's name."""
    files = {frame_number(file): file for file in folder.glob("*.png")}
    yield from sorted(files.items())


def frame_number(file: Path) -> int:
    """The frame that a file is named by, as in `00012.png` and `frame_000012.txt`."""
    digits = file.stem[len(file.stem.rstrip("0123456789")) :]
    if not digits:
        raise SessionError(f"{file} is not named by a frame, as 00012{file.suffix} is.")
    return int(digits)
