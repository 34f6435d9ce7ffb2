"""Values of pictures: made 8-bit RGB, and thinned out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import VideoError

SAMPLED_PIXELS = 2**16
"""How many pixels of a frame a contrast is chosen by."""


def thin_out(values_hwc: NDArray[Any]) -> NDArray[Any]:
    """`SAMPLED_PIXELS` of a picture or a few more, evenly."""
    pixels = values_hwc.shape[0] * values_hwc.shape[1]
    stride = max(int((pixels / SAMPLED_PIXELS) ** 0.5), 1)
    return values_hwc[::stride, ::stride]


def to_rgb(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Make RGB of a grey, RGB or RGBA picture or stack of pictures.

    Parameters
    ----------
    array : (..., H, W, C), C one of 1, 3, 4; uint8, or floats in 0..1.
    what : names it in errors.

    Returns
    -------
    ndarray
        (..., H, W, 3) uint8; the very array where it is that already. Transparency is dropped.

    Raises
    ------
    VideoError
        When it has another number of channels or type, or floats outside 0..1.
    """
    channels = array.shape[-1]
    if channels not in (1, 3, 4):
        raise VideoError(
            f"{what} must have 1, 3 or 4 channels last, got shape {array.shape}. Put time "
            "first and colour last: (T, H, W, 3)."
        )
    if array.dtype.kind == "f":
        array = _floats_to_bytes(array, what)
    elif array.dtype != np.uint8:
        raise VideoError(
            f"{what} must be uint8, or floats in 0..1, got {array.dtype}. Scale it to 0..255 and "
            "convert it with .astype('uint8')."
        )
    if channels == 1:
        return np.repeat(array, 3, axis=-1)
    return array[..., :3]


def check_floats(array: NDArray[Any], what: str) -> None:
    """Raise VideoError unless all values are in 0..1."""
    low, high = float(array.min()), float(array.max())
    if np.isnan(low) or np.isnan(high):
        raise VideoError(f"{what} holds NaN: replace it first, for instance with np.nan_to_num.")
    if low < 0 or high > 1:
        raise VideoError(
            f"{what} holds floats from {low:g} to {high:g}, but floats must lie in 0..1. Divide "
            "by 255, or convert 0..255 with .astype('uint8')."
        )


def _floats_to_bytes(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    check_floats(array, what)
    return np.rint(array * 255).astype(np.uint8)
