"""Checks of what a video predictor is given; they refuse before anything changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import ArgumentError, check_flag
from ..masks.mask_input import wrong_shape
from ..masks.postprocessing import MaskCleaner
from ..tracking.frame_encoder import Frames

_FIXED = ("model", "frames", "tracker", "prompts", "objects", "frame_hw")
"""Attributes of what a predictor is made of, which nothing changes afterwards."""
_SETTINGS = (
    "cache_bytes",
    "sizes_hw",
    "fill_holes",
    "remove_specks",
    "memory_policy",
    "fetch_logits",
)
"""Arguments that are no attributes: set afterwards, they would do nothing. A subclass may have
attributes of these names."""


def check_setting(name: str, value: object) -> object:
    """Return what an attribute is to be; refuse a value that it cannot have."""
    if name == "non_overlapping":
        return check_flag(value, name)
    if name == "cleaner" and not isinstance(value, MaskCleaner):
        raise ArgumentError(f"cleaner is a MaskCleaner(fill_holes, remove_specks), got {value!r}.")
    return value


def check_may_change(name: str, class_name: str, *, is_subclass: bool) -> None:
    """Refuse to set an attribute of a predictor that is made, where that would do nothing."""
    if name in _FIXED or (name in _SETTINGS and not is_subclass):
        raise AttributeError(
            f"{name} of a {class_name} cannot be set: make another one of it. "
            "cleaner, non_overlapping and exclusive_memory may be changed."
        )


def choose_sizes(
    sizes_hw: Sequence[tuple[int, int]] | None, frames: Frames
) -> Sequence[tuple[int, int]] | None:
    """Return (H, W) of each frame, the video's own if None; refuse what is no such list."""
    if sizes_hw is None:
        return getattr(frames, "sizes_hw", None)
    try:
        is_sizes = np.shape(sizes_hw) == (len(frames), 2)
    except ValueError:
        is_sizes = False
    if not is_sizes:
        raise ValueError(
            f"sizes_hw must be (H, W) of each of the {len(frames)} frames, got {sizes_hw!r}."
        )
    return sizes_hw


def check_given(points: object, box: object) -> None:
    """Refuse prompts that are neither points nor a box."""
    if points is None and box is None:
        raise ValueError("There is nothing to add: give points with labels, or a box.")


def as_flags(mask: ArrayLike, frame_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Convert a known mask, (H, W) of its frame."""
    flags_hw = np.asarray(mask)
    if flags_hw.shape != frame_hw:
        raise wrong_shape(flags_hw.shape, frame_hw)
    return flags_hw.astype(bool)
