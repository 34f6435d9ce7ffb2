"""Bytes for the browser."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 80
"""A 720p frame takes about 100 kB and 5 ms; lossless formats take ten times as long."""


def encode_jpeg(rgb_hw3: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Encode an (H, W, 3) uint8 RGB frame."""
    buffer = io.BytesIO()
    Image.fromarray(rgb_hw3).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
