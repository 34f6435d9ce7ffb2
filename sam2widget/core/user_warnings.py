"""Warnings that show the line of a person's cell, or are kept for who has asked in a view."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import cast

_FOLDER = Path(__file__).parents[1]
_COLLECTED: ContextVar[list[str] | None] = ContextVar("sam2widget warnings", default=None)
"""Of this thread, where they are to be collected."""


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning of the line outside of this package that has led here."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(text)
        return
    level, frame = 1, cast("FrameType | None", sys._getframe())  # pyright: ignore[reportPrivateUsage]
    while frame is not None and Path(frame.f_code.co_filename).is_relative_to(_FOLDER):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


@contextmanager
def collect_warnings() -> Generator[list[str], None, None]:
    """Collect this package's warnings of this thread in a list: no cell is there to show them."""
    collected: list[str] = []
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


def warn_renamed(old: str, new: str) -> None:
    """Say that a name is going to disappear, and which one has taken its place."""
    warn(f"{old} is now called {new}; the old name goes with the next release.", DeprecationWarning)
