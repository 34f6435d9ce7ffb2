"""How a frame's values are spread, for the control of contrast."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Contrast, Video

from .protocol import ChannelEntry, Levels, ReplyTo

BINS = 64
SAMPLED_PIXELS = 2**18


def make_levels(video: Video, frame: int, reply_to: ReplyTo) -> tuple[Levels, list[bytes]]:
    """The message that tells a frame's levels, and its buffers."""
    values = video.sample(frame)
    stride = max(int((values.shape[0] * values.shape[1] / SAMPLED_PIXELS) ** 0.5), 1)
    values_nc = values[::stride, ::stride].reshape(-1, values.shape[-1])
    colors = values.dtype == np.uint8 and values.shape[-1] == 3
    contrast = video.contrast_of(frame) or Contrast.window(0, 255, values.shape[-1])
    lows: list[float] = []
    highs: list[float] = []
    buffers: list[bytes] = []
    for n, channel in enumerate(contrast.channels):
        low, high, heights = _spread(values_nc[:, n], (0.0, 255.0) if colors else None)
        lows.append(min(low, channel.low))
        highs.append(max(high, channel.high))
        if (lows[n], highs[n]) != (low, high):
            _, _, heights = _spread(values_nc[:, n], (lows[n], highs[n]))
        buffers.append(heights.tobytes())
    entries = [ChannelEntry(**asdict(channel)) for channel in contrast.channels]
    automatic = video.chosen_contrast is None
    whole = values.dtype.kind in "ui"
    return Levels(reply_to, frame, automatic, whole, lows, highs, entries), buffers


def _spread(
    values: NDArray[Any], ends: tuple[float, float] | None
) -> tuple[float, float, NDArray[np.uint8]]:
    """Least and largest value, and heights of the bins between, 0..255."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    known = known.astype(np.float64)
    if ends is None:
        ends = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if ends[0] == ends[1]:
            ends = ends[0], float(np.nextafter(ends[1] + 1, np.inf))
    counts, _ = np.histogram(known, BINS, ends)
    # Square roots: else one bin of background hides all others.
    heights = np.sqrt(counts / max(counts.max(), 1)) * 255
    return *ends, np.rint(heights).astype(np.uint8)
