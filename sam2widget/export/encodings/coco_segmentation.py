"""Masks as the ``segmentation`` of COCO's JSON, which SA-V has too: polygons and run lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.masks.run_lengths import decode_run_lengths

from ..reading.entries import EntryError, check_size
from ..wording import shorten
from .outlines import fill_shape


def encode(mask_hw: NDArray[np.bool_]) -> Any:
    """Encode a (H, W) mask as the run lengths of pycocotools."""
    from pycocotools import mask as coco_mask  # other formats do without

    return coco_mask.encode(np.asfortranarray(mask_hw, np.uint8))


def as_text(encoded: Any) -> dict[str, Any]:
    """Give run lengths from `encode` as JSON has them, with their counts as text."""
    return {"size": [int(n) for n in encoded["size"]], "counts": str(encoded["counts"], "ascii")}


def decode(said: Any, hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Give the (H, W) mask, bool, of polygons or of run lengths, compressed or not.

    Raises
    ------
    EntryError
        When they are not of this size, or damaged.
    """
    check_size(hw)
    if isinstance(said, list):
        parts = said if said and isinstance(said[0], list) else [said] if said else []
        masks = [fill_shape(_corners(part), hw) for part in parts]
        return np.any([np.zeros(hw, bool), *masks], axis=0)
    if not isinstance(said, dict) or not {"size", "counts"} <= said.keys():  # panoptic COCO, too
        raise EntryError(
            f"its segmentation is {shorten(said)}, neither polygons nor run lengths with size and "
            "counts"
        )
    if said["size"] != list(hw):
        raise EntryError(f"run lengths of {shorten(said['size'])} for a picture of {list(hw)}")
    try:
        return decode_run_lengths(said["counts"], hw)
    except ValueError as error:
        raise EntryError(str(error)) from error


def _corners(part: Any) -> NDArray[np.float64]:
    try:
        corners_p2 = np.array(part, np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError) as error:
        raise EntryError(f"its polygon {shorten(part)} is not x and y of corners") from error
    if not np.isfinite(corners_p2).all():
        raise EntryError("its polygon has corners that are not finite")
    return corners_p2
