"""Formats that need a library which may not be installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

LIBRARIES = {"exr": "OpenEXR", "geff": "geff", "imagej": "roifile"}
"""By the format's name."""


def need_library_of(name: str) -> None:
    """Skip the test where the library of a format is not installed."""
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])


def is_usable(name: str) -> bool:
    """Whether a format needs no library, or its library is installed."""
    return name not in LIBRARIES or find_spec(LIBRARIES[name]) is not None
