"""Entries of files that other programs wrote: each is checked as it is taken."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...core.errors import SessionError
from ..wording import shorten

MAX_PIXELS = 2**28
"""Of a mask that is read: what says that it has more is damaged, or means harm."""


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Read the object that a JSON file holds.

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
    except (OSError, ValueError, RecursionError) as error:
        raise SessionError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(document, dict):
        raise SessionError(f"{path} holds a JSON {type(document).__name__}, not an object.")
    for key in keys:
        if key not in document:
            raise SessionError(f"{path} has no {key!r}.")
    return cast("dict[str, Any]", document)


def find_json_keys(path: Path) -> tuple[type, frozenset[str]]:
    """Find what a JSON file holds: its type, and its keys; of a list, those of the first entry.

    What cannot be read is of the type None and has no keys. A file is parsed once for all that ask.
    """
    try:
        state = path.stat()
    except OSError:
        return type(None), frozenset()
    return _find_json_keys(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _find_json_keys(path: Path, _changed_ns: int, _size: int) -> tuple[type, frozenset[str]]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return type(None), frozenset()
    first = document[0] if isinstance(document, list) and document else document
    return type(document), frozenset(first) if isinstance(first, dict) else frozenset()


class EntryError(ValueError):
    """An entry of a file that is wrong; the message is part of a sentence that names both."""


def describe_error(error: Exception) -> str:
    """Say why something could not be read, in words that are not Python's."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, (EntryError, OSError)):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    return "a value in it is not what this format has there"


def as_id(value: object) -> int | str:
    """Give an id of a file as a whole number or a word: 3 for 3, 3.0 and "3", else a word.

    Raises
    ------
    EntryError
        When it is neither number nor word.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, np.integer)):
        raise EntryError(f"an id is a number or a word, not {shorten(value)}")
    try:
        number = float(value)
        if number.is_integer():
            return int(value) if not isinstance(value, str) else int(number)
    except (ValueError, OverflowError):
        pass
    return str(value)


def as_number(value: object, what: str) -> int:
    """Give a whole number of a file, which may have it as 3.0 or "3", too.

    Raises
    ------
    EntryError
        When it is none; it says `what`.
    """
    found = None if value is None or isinstance(value, (list, dict)) else as_id(value)
    if not isinstance(found, int):
        raise EntryError(f"its {what} is {shorten(value)}, not a whole number")
    return found


def check_size(hw: tuple[int, int]) -> None:
    """Raise ValueError where no picture is (H, W) pixels large."""
    height, width = hw
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise EntryError(f"a mask of {width} x {height} pixels")


def check_frame_size(hw: tuple[int, int], frame_hw: tuple[int, int], where: str) -> None:
    """Raise SessionError where masks are of another size than their frame; it says `where`."""
    if hw != frame_hw:
        turned = " Width and height are the other way round." if hw == frame_hw[::-1] else ""
        raise SessionError(
            f"{where} has {hw[1]} x {hw[0]} pixels, its frame {frame_hw[1]} x {frame_hw[0]}: "
            f"masks are of the frame's size. Scale them, or give the pictures that they are "
            f"of as the video.{turned}"
        )
