"""Specks and pinholes: below which size they are dropped."""

from __future__ import annotations

import math

import numpy as np

from ..errors import SessionError

CLEANED_SHARE = 0.01
"""Specks and pinholes below this share of a mask's area are dropped by default."""


def as_cleaning(size: object) -> float:
    """Below which size specks and pinholes are dropped: False is not at all, True the default.

    Raises
    ------
    SessionError
        When it is no such size.
    """
    if isinstance(size, bool):
        return CLEANED_SHARE if size else 0.0
    if isinstance(size, (int, float, np.number)) and 0 <= float(size) < math.inf:
        return float(size)
    raise SessionError(
        f"clean_masks must be True, False, a size in pixels from 1 up, or below 1 a share of the "
        f"mask's area, got {size!r}."
    )
