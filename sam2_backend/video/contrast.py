"""How values of any type and number of channels become 8-bit colours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PERCENTILES = 0.1, 99.9
"""Of the values of a video, what is shown black and what in full colour by default."""
WHITE = ("#ffffff",)
RGB = ("#ff0000", "#00ff00", "#0000ff")
MANY = ("#ff0000", "#00ff00", "#0000ff", "#00ffff", "#ff00ff", "#ffff00", "#ffffff")
"""Colours of channels by default: of one, of three, and of another number."""


@dataclass(frozen=True)
class Channel:
    """How the values of one channel are shown."""

    low: float
    """What is shown black, in the source's own values."""
    high: float
    """What is shown in full colour; above `low`."""
    gamma: float = 1.0
    """Exponent of what lies between, 0..1; below 1 is brighter."""
    color: str = "#ffffff"
    """``"#rrggbb"``; the channels' colours are added up."""
    visible: bool = True

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"A contrast window needs low < high, got {self.low:g} and {self.high:g}."
            )
        if not 0.05 <= self.gamma <= 20:
            raise ValueError(f"A gamma lies between 0.05 and 20, got {self.gamma:g}.")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.color):
            raise ValueError(f"A colour is written like '#2f7ff5', got {self.color!r}.")

    def weigh(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Values as shares of full colour, 0..1, of the same shape. NaN is 0."""
        share = values.astype(np.float32)
        share -= self.low
        share /= self.high - self.low
        np.clip(share, 0, 1, out=share)
        share[np.isnan(share)] = 0
        if self.gamma != 1:
            np.power(share, self.gamma, out=share)
        return share


@dataclass(frozen=True)
class Contrast:
    """A window of values for each channel."""

    channels: tuple[Channel, ...]

    @classmethod
    def of(cls, samples: Iterable[NDArray[Any]]) -> Contrast:
        """The window from the 0.1 to the 99.9 percentile of some frames.

        Parameters
        ----------
        samples : (H, W, C) each, with the same C. Colours (C = 3) share one window.
        """
        frames = [np.asarray(sample) for sample in samples]
        num_channels = frames[0].shape[-1]
        values_nc = np.concatenate([frame.reshape(-1, num_channels) for frame in frames])
        if num_channels == 3:
            return cls.window(*_window(values_nc), 3)
        colors = _colors(num_channels)
        return cls(tuple(Channel(*_window(values_nc[:, n]), color=c) for n, c in enumerate(colors)))

    @classmethod
    def window(cls, low: float, high: float, num_channels: int) -> Contrast:
        """The same window for every channel, in the colours that `of` gives them."""
        return cls(tuple(Channel(low, high, color=color) for color in _colors(num_channels)))

    def render(self, values_hwc: NDArray[Any]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of (H, W, C) values."""
        if values_hwc.shape[-1] != len(self.channels):
            raise ValueError(
                f"The contrast is of {len(self.channels)} channels, the frame has "
                f"{values_hwc.shape[-1]}."
            )
        rgb = np.zeros((*values_hwc.shape[:2], 3), np.float32)
        for n, channel in enumerate(self.channels):
            if channel.visible:
                color = np.frombuffer(bytes.fromhex(channel.color[1:]), np.uint8)
                rgb += channel.weigh(values_hwc[..., n])[..., None] * color.astype(np.float32)
        return np.rint(np.minimum(rgb, 255, out=rgb)).astype(np.uint8)


def _colors(num_channels: int) -> list[str]:
    colors = {1: WHITE, 3: RGB}.get(num_channels, MANY)
    return [colors[n % len(colors)] for n in range(num_channels)]


def _window(values: NDArray[Any]) -> tuple[float, float]:
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, PERCENTILES))
    if low < high:
        return low, high
    # Almost all is one value: what differs from it must still be seen.
    low, high = float(known.min()), float(known.max())
    return (low, high) if low < high else (low, low + 1)
