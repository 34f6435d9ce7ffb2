"""Losses of the mask decoder: masks, predicted IoUs and object scores."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...network.mask_decoder import DecoderOutput
from .training_recipe import Losses

_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 2.0
"""Lin et al. 2017 (arXiv 1708.02002), section 4.1."""
_BOUNDARY_CELLS = 1
"""How far from the outline a cell of the mask still counts as near it."""


def balanced_bce(logits_nmhw: Tensor, targets_n1hw: Tensor) -> Tensor:
    """Compute the cross-entropy in which object and background weigh the same: (N, M).

    From scratch, focal loss at 20:1 collapses to empty masks; this learns at once.
    """
    targets = targets_n1hw.expand_as(logits_nmhw)
    loss = F.binary_cross_entropy_with_logits(logits_nmhw, targets, reduction="none")
    share = targets_n1hw.mean(dim=(2, 3), keepdim=True).clamp(0.02, 0.98)
    weight = targets / (2 * share) + (1 - targets) / (2 * (1 - share))
    return (loss * weight).mean(dim=(2, 3))


def boundary_bce(logits_nmhw: Tensor, targets_n1hw: Tensor, *, boundary: float) -> Tensor:
    """Compute the cross-entropy in which cells near the outline weigh more: (N, M).

    Parameters
    ----------
    logits_nmhw : (N, M, h, w).
    targets_n1hw : (N, 1, h, w), 0..1.
    boundary : by how much more than others, which weigh 1. The mean weight is 1 again.
    """
    targets = targets_n1hw.expand_as(logits_nmhw)
    loss = F.binary_cross_entropy_with_logits(logits_nmhw, targets, reduction="none")
    if not boundary:
        return loss.mean(dim=(2, 3))
    side = 2 * _BOUNDARY_CELLS + 1
    highest = F.max_pool2d(targets_n1hw, side, stride=1, padding=_BOUNDARY_CELLS)
    lowest = -F.max_pool2d(-targets_n1hw, side, stride=1, padding=_BOUNDARY_CELLS)
    weight = 1 + boundary * (highest - lowest)
    return (loss * weight).mean(dim=(2, 3)) / weight.mean(dim=(2, 3))


def focal_loss(logits_nmhw: Tensor, targets_n1hw: Tensor) -> Tensor:
    """Compute the focal loss, in which pixels that are right hardly count: (N, M)."""
    targets = targets_n1hw.expand_as(logits_nmhw)
    loss = F.binary_cross_entropy_with_logits(logits_nmhw, targets, reduction="none")
    p = logits_nmhw.sigmoid()
    wrong = p * (1 - targets) + (1 - p) * targets
    alpha = _FOCAL_ALPHA * targets + (1 - _FOCAL_ALPHA) * (1 - targets)
    return (alpha * wrong**_FOCAL_GAMMA * loss).mean(dim=(2, 3))


def dice_loss(logits_nmhw: Tensor, targets_n1hw: Tensor) -> Tensor:
    """Compute one minus the soft Dice coefficient: (N, M)."""
    p = logits_nmhw.sigmoid()
    overlap = (p * targets_n1hw).sum(dim=(2, 3))
    total = p.sum(dim=(2, 3)) + targets_n1hw.sum(dim=(2, 3))
    return 1 - (2 * overlap + 1) / (total + 1)


def compute_iou(logits_nmhw: Tensor, targets_n1hw: Tensor) -> Tensor:
    """Compute the intersection over union of the thresholded masks: (N, M)."""
    predicted, truth = logits_nmhw > 0, targets_n1hw > 0.5
    overlap = (predicted & truth).sum(dim=(2, 3)).float()
    union = (predicted | truth).sum(dim=(2, 3)).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0)


def decoder_loss(
    output: DecoderOutput, targets_n1hw: Tensor, *, ambiguous_n: Tensor, losses: Losses
) -> tuple[Tensor, Tensor]:
    """Compute the loss of one prediction, and the IoU of its single mask.

    The object score is supervised always, masks and predicted IoUs where the object is visible.

    Parameters
    ----------
    output : raw decoder output.
    targets_n1hw : (N, 1, S/4, S/4), 0..1; all zeros where the object is absent.
    ambiguous_n : (N,) bool: one click or none. There the best of the three candidates, by mask
        loss, is supervised (SAM, section 3).
    losses : kind and weights.

    Returns
    -------
    loss : scalar.
    ious_n : (N,) of the single mask.
    """
    logits = output.logits_nmhw.float()
    present = (targets_n1hw.flatten(1).amax(1) > 0.5).float()
    if losses.kind == "sharp":
        pixel = boundary_bce(logits, targets_n1hw, boundary=losses.boundary)
    else:
        pixel = (balanced_bce if losses.kind == "balanced" else focal_loss)(logits, targets_n1hw)
    masks = losses.pixel * pixel + losses.dice * dice_loss(logits, targets_n1hw)
    actual = compute_iou(logits, targets_n1hw)
    best = masks[:, 1:].min(dim=1).values
    iou_error = (output.ious_nm.float() - actual).abs()
    if losses.kind == "balanced":
        # The other candidates get a little too, lest one of them stops learning.
        candidates = 0.9 * best + 0.1 * masks[:, 1:].mean(dim=1)
        mask_loss = masks[:, 0] + candidates * ambiguous_n
        iou_error = iou_error[:, 0] + iou_error[:, 1:].mean(dim=1) * ambiguous_n
    else:
        mask_loss = torch.where(ambiguous_n, best, masks[:, 0])
        iou_error = iou_error.mean(dim=1)  # of every mask, whatever the prompt
    score = output.object_score_n1[:, 0].float()
    occlusion = F.binary_cross_entropy_with_logits(score, present)
    weight = present / present.sum().clamp(min=1)
    loss = (weight * (mask_loss + losses.iou * iou_error)).sum() + losses.occlusion * occlusion
    return loss, actual[:, 0]
