"""Warnings that show the line of a person's cell."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import cast

_FOLDER = Path(__file__).parents[1]


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning of the line outside of this package that has led here."""
    level, frame = 1, cast("FrameType | None", sys._getframe())  # pyright: ignore[reportPrivateUsage]
    while frame is not None and Path(frame.f_code.co_filename).is_relative_to(_FOLDER):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def warn_renamed(old: str, new: str) -> None:
    """Say that a name is going to disappear, and which one has taken its place."""
    warn(f"{old} is now called {new}; the old name goes with the next release.", DeprecationWarning)
