"""How values of any type and number of channels become 8-bit colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..arguments import check_flag

PERCENTILES = 0.1, 99.9
"""Of the values of a video, what is shown black and what in full colour by default."""
LEVELS = 256
"""Whole numbers that span no more than these are all kept: 8 bits have room for each."""
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
        check_flag(self.visible, "visible")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour's parts, 0..255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue

    def weigh(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Values as shares of full colour, 0..1, of the same shape. NaN is 0."""
        # Large whole numbers that lie close together are one and the same as 32-bit floats.
        exact = np.float32 if values.dtype.itemsize <= 2 or values.dtype == np.float32 else float
        with np.errstate(over="ignore", invalid="ignore"):
            share = values.astype(exact)
            share -= self.low
            share /= self.high - self.low
        np.clip(share, 0, 1, out=share)
        np.nan_to_num(share, copy=False, nan=0)
        if self.gamma != 1:
            np.power(share, self.gamma, out=share)
        return share.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Contrast:
    """A window of values for each channel."""

    channels: tuple[Channel, ...]

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("A contrast needs a channel.")

    @classmethod
    def of(cls, samples: Iterable[NDArray[Any]]) -> Contrast:
        """Return the contrast whose window is the 0.1 to the 99.9 percentile of some frames.

        Of whole numbers that span no more than 256 levels, it is the window that keeps them all.
        All values count that are finite, those of padding and of saturated pixels too.

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

    def fit(self, num_channels: int) -> Contrast | None:
        """Return the same contrast for pictures of another number of channels, or None.

        It is None where the channels do not share one window.
        """
        if num_channels == len(self.channels):
            return self
        first, *others = self.channels
        if any((c.low, c.high, c.gamma) != (first.low, first.high, first.gamma) for c in others):
            return None
        return Contrast(tuple(replace(first, color=color) for color in _colors(num_channels)))

    def render(self, values_hwc: NDArray[Any]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of (H, W, C) values."""
        if values_hwc.shape[-1] != len(self.channels):
            raise ValueError(
                f"The contrast is of {len(self.channels)} channels, the frame has "
                f"{values_hwc.shape[-1]}."
            )
        if not values_hwc.dtype.isnative:
            values_hwc = values_hwc.astype(values_hwc.dtype.newbyteorder("="))
        shown = [(n, channel) for n, channel in enumerate(self.channels) if channel.visible]
        if len(shown) == 1 and shown[0][1].color.lower() == WHITE[0]:
            n, channel = shown[0]
            grey_hw = _part(values_hwc[..., n], channel, 255)
            rgb = np.empty((*grey_hw.shape, 3), np.uint8)
            for part in range(3):  # several times as quick as one assignment
                rgb[..., part] = grey_hw
            return rgb
        rgb = np.zeros((*values_hwc.shape[:2], 3), np.uint8)
        for part in range(3):
            lit = [(n, channel) for n, channel in shown if channel.rgb[part]]
            if len(lit) == 1:
                n, channel = lit[0]
                rgb[..., part] = _part(values_hwc[..., n], channel, channel.rgb[part])
            elif lit:
                total_hw = np.zeros(values_hwc.shape[:2], np.float32)
                for n, channel in lit:
                    total_hw += channel.rgb[part] * _share(values_hwc[..., n], channel)
                rgb[..., part] = np.rint(np.minimum(total_hw, 255, out=total_hw))
        return rgb


ContrastLike: TypeAlias = Contrast | Sequence[float]
"""A contrast, or low and high for all channels."""


def as_contrast(given: object, num_channels: int) -> Contrast:
    """Check what a user gives for a contrast.

    Parameters
    ----------
    given : a `Contrast`, or (low, high) in the source's own values.
    num_channels : of the source.

    Raises
    ------
    ValueError
        When it is neither, or low is not below high.
    """
    if isinstance(given, Contrast):
        return given
    try:
        low, high = (float(value) for value in given)  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    except (TypeError, ValueError):
        raise ValueError(
            f"A contrast is (low, high) in the video's own values, such as (100, 4000), or a "
            f"Contrast, or None for an automatic one; got {given!r}."
        ) from None
    return Contrast.window(low, high, num_channels)


def _colors(num_channels: int) -> list[str]:
    colors = {1: WHITE, 3: RGB}.get(num_channels, MANY)
    return [colors[n % len(colors)] for n in range(num_channels)]


def _window(values: NDArray[Any]) -> tuple[float, float]:
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return 0.0, 1.0
    lowest, highest = float(known.min()), float(known.max())
    if known.dtype.kind in "ui" and highest - lowest < LEVELS:
        return (lowest, highest) if lowest < highest else (lowest, lowest + 1)
    if known.dtype.kind == "f":
        known = known.astype(np.float64, copy=False)
    low, high = (float(value) for value in np.percentile(known, PERCENTILES))
    if low < high:
        return low, high
    # Almost all is one value: what differs from it must still be seen.
    return (lowest, highest) if lowest < highest else (lowest, _above(lowest))


def _above(value: float) -> float:
    """A number that is larger, also where adding one changes nothing."""
    return max(value + 1, float(np.nextafter(value, np.inf)))


def _has_table(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "ui" and dtype.itemsize <= 2


def _share(values_hw: NDArray[Any], channel: Channel) -> NDArray[np.float32]:
    if not _has_table(values_hw.dtype):
        return channel.weigh(values_hw)
    return np.take(_shares(channel, values_hw.dtype.str), _indices(values_hw))


def _part(values_hw: NDArray[Any], channel: Channel, full: int) -> NDArray[np.uint8]:
    """One part of a colour, which is `full` where the value is high."""
    if not _has_table(values_hw.dtype):
        return np.rint(channel.weigh(values_hw) * full).astype(np.uint8)
    return np.take(_parts(channel, full, values_hw.dtype.str), _indices(values_hw))


def _indices(values_hw: NDArray[Any]) -> NDArray[Any]:
    """Of values in a table of all that their type has room for."""
    unsigned = np.dtype(f"u{values_hw.dtype.itemsize}")
    return np.ascontiguousarray(values_hw).view(unsigned)


@lru_cache(64)
def _shares(channel: Channel, dtype: str) -> NDArray[np.float32]:
    kind = np.dtype(dtype)
    unsigned = np.dtype(f"u{kind.itemsize}")
    return channel.weigh(np.arange(2 ** (8 * kind.itemsize), dtype=unsigned).view(kind))


@lru_cache(64)
def _parts(channel: Channel, full: int, dtype: str) -> NDArray[np.uint8]:
    return np.rint(_shares(channel, dtype) * full).astype(np.uint8)
