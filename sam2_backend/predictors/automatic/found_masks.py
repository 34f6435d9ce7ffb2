"""Masks of the automatic generator on their way: decoded, scored, kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...masks.regions import keep_distinct_boxes
from .crops import Crop


class DecodedMasks(NamedTuple):
    """N masks of one crop as the network predicts them."""

    logits_nhw: Tensor
    """(N, S/4, S/4)."""
    ious_n: NDArray[np.float32]
    """Predicted IoU, 0..1."""
    person_scores_n: NDArray[np.float32]
    """How much each is one whole person, 0..1."""
    points_n2: NDArray[np.float32]
    """The click (x, y) that gave each, in pixels of the crop."""


class ScoredMasks(NamedTuple):
    """The same with stability and box, which are measured at the crop's size."""

    logits_nhw: Tensor
    ious_n: NDArray[np.float32]
    person_scores_n: NDArray[np.float32]
    points_n2: NDArray[np.float32]
    stabilities_n: NDArray[np.float32]
    """IoU of the masks of two thresholds, 0..1."""
    boxes_n4: NDArray[np.float32]
    """x0, y0, x1, y1 in pixels of the image."""

    def take(self, index: NDArray[Any]) -> ScoredMasks:
        """Select masks by indices or flags."""
        logits_nhw, *others = self
        on_device = torch.as_tensor(index, device=logits_nhw.device)
        return ScoredMasks(logits_nhw[on_device], *(part[index] for part in others))


@dataclass(frozen=True)
class KeptMask:
    """A mask of the whole image, and what its record needs."""

    mask_hw: NDArray[np.bool_]
    box_4: NDArray[np.float32]
    """x0, y0, x1, y1 in pixels of the image."""
    iou: float
    person_score: float
    stability: float
    point_2: NDArray[np.float32]
    """(x, y) in pixels of the image."""
    crop: Crop


def suppress_overlaps(
    kept: list[KeptMask], scores_n: NDArray[np.float32], max_iou: float
) -> list[KeptMask]:
    """Drop masks whose box overlaps one of a higher score by more than `max_iou`."""
    if not kept:
        return kept
    boxes_n4 = np.stack([one.box_4 for one in kept])
    return [kept[n] for n in keep_distinct_boxes(boxes_n4, scores_n, max_iou)]


# As bytes, because PyTorch reduces them several times faster than booleans.


def count_pixels(masks_nhw: Tensor) -> Tensor:
    """Count the pixels of (N, H, W) bool masks: (N,) int32."""
    return masks_nhw.view(torch.uint8).flatten(1).sum(1, dtype=torch.int32)


def find_boxes(masks_nhw: Tensor) -> Tensor:
    """Find the first and last column and row of (N, H, W) bool masks.

    Returns
    -------
    (N, 4) float x0, y0, x1, y1 in pixels; zeros for empty masks.
    """
    masks_nhw = masks_nhw.view(torch.uint8)
    (x0, x1), (y0, y1) = _find_ends(masks_nhw.amax(1)), _find_ends(masks_nhw.amax(2))
    return torch.stack((x0, y0, x1, y1), dim=1).float()


def _find_ends(line_nl: Tensor) -> tuple[Tensor, Tensor]:
    """Find the first and last 1 in each row; zeros where there is none."""
    last = line_nl.shape[1] - 1 - line_nl.flip(1).argmax(dim=1)
    return line_nl.argmax(dim=1), last * line_nl.amax(1)
