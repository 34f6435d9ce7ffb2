"""Records of the automatic mask generator, and the encodings of their masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import NotRequired

OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]


class MaskRecord(TypedDict):
    """One of the masks found. Keys and units are the official generator's."""

    segmentation: Any
    """(H, W) bool, or its run lengths as a dictionary: see `output_mode`."""
    area: int
    """In pixels."""
    bbox: list[float]
    """x, y, width and height, from the first column and row to the last."""
    predicted_iou: float
    """The model's own estimate of the mask's quality, 0..1."""
    point_coords: list[list[float]]
    """The click that gave it, [[x, y]] in pixels."""
    stability_score: float
    """IoU of the masks of two thresholds, 0..1."""
    crop_box: list[float]
    """x, y, width and height of the crop that it was found on."""
    person_score: NotRequired[float]
    """How much it is one whole person, 0..1; there only if the model has a person head."""


def _uncompressed_rle(mask_hw: NDArray[np.bool_]) -> dict[str, Any]:
    """Encode run lengths by columns, background first, as COCO has them."""
    flat = mask_hw.ravel(order="F")
    bounds = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]))
    counts = np.diff(bounds).tolist()
    return {"size": list(mask_hw.shape), "counts": [0, *counts] if flat[0] else counts}


def _coco_rle(mask_hw: NDArray[np.bool_]) -> dict[str, Any]:
    """Encode pycocotools' compressed run lengths, as text that JSON can hold."""
    from pycocotools import mask as coco_mask  # tracking does without

    encoded: Any = coco_mask.encode(np.asfortranarray(mask_hw, np.uint8))
    return {"size": list(encoded["size"]), "counts": str(encoded["counts"], "ascii")}


ENCODERS: dict[OutputMode, Callable[[NDArray[np.bool_]], Any]] = {
    "binary_mask": lambda mask_hw: mask_hw,
    "uncompressed_rle": _uncompressed_rle,
    "coco_rle": _coco_rle,
}
