"""Videos that tests write."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_film(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    codec: str = "libx264",
    rate: float = 25,
    pix_fmt: str = "yuv420p",
    **options: object,
) -> Path:
    """Encode (H, W, 3) uint8 frames; `options` are the codec's."""
    with av.open(str(path), "w") as container:
        given = {name: str(value) for name, value in options.items()}
        stream = container.add_stream(codec, rate=Fraction(rate), options=given)
        for n, rgb in enumerate(frames):
            if n == 0:
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt = pix_fmt
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path
