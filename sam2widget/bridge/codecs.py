"""Bytes for the browser."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 80
"""A 720p frame takes about 100 kB and 5 ms; lossless formats take ten times as long."""
REDUCED_QUALITY = 60
REDUCED_SIDE = 960
"""About what the stage has; a 1080p frame is halved, and takes a fifth of its bytes and time."""


def encode_jpeg(rgb_hw3: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Encode an (H, W, 3) uint8 RGB frame."""
    buffer = io.BytesIO()
    Image.fromarray(rgb_hw3).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_reduced_jpeg(rgb_hw3: NDArray[np.uint8]) -> bytes:
    """Encode an (H, W, 3) uint8 RGB frame that is seen for a moment: smaller and coarser.

    Its sides are divided by the least whole number that leaves at most `REDUCED_SIDE` pixels.
    """
    height, width = rgb_hw3.shape[:2]
    factor = -(-max(height, width) // REDUCED_SIDE)
    picture = Image.fromarray(rgb_hw3)
    buffer = io.BytesIO()
    (picture.reduce(factor) if factor > 1 else picture).save(
        buffer, "JPEG", quality=REDUCED_QUALITY
    )
    return buffer.getvalue()
