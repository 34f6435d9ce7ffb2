"""Decoding of COCO run lengths with bounds checks.

pycocotools writes outside its memory where they are damaged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def decode_run_lengths(
    counts: str | bytes | Sequence[int], hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """Decode the run lengths of an (H, W) mask, by columns, background first.

    Parameters
    ----------
    counts : numbers of pixels, or COCO's compressed text.
    hw : (H, W) in pixels.

    Raises
    ------
    ValueError
        When they are not of this size, or damaged.
    """
    if isinstance(counts, bytes):
        counts = counts.decode("ascii", "replace")
    if isinstance(counts, str):
        lengths = np.array(_decompress(counts), np.int64)
    else:
        try:
            lengths = np.array(counts, np.int64)
        except (TypeError, ValueError, OverflowError):
            lengths = np.zeros((0, 0), np.int64)
        if lengths.ndim != 1:
            raise ValueError("run lengths that are not numbers in a list")
    height, width = hw
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths cover {lengths.sum()} pixels, not {height * width}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def _decompress(counts: str) -> list[int]:
    """Decompress COCO's text.

    Numbers are groups of 5 bits, the lowest first, in characters from "0" on; 32 says that another
    follows, 16 in the last is the sign. From the fourth number on it is the difference to the one
    two before.
    """
    lengths: list[int] = []
    number = bits = 0
    for character in counts:
        group = ord(character) - ord("0")
        if not 0 <= group < 64 or bits > 35:
            raise ValueError("compressed run lengths hold what cannot be there")
        number |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:
            number -= 1 << bits
        lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
        number = bits = 0
    if bits:
        raise ValueError("compressed run lengths end within a number")
    return lengths
