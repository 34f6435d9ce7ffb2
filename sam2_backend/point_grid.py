"""Masks of everything on a picture, from a plain grid of single clicks (Kirillov et al. 2023,
section 5, without crops)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .model import ImageFeatures, Sam2Model
from .transforms import logits_to_masks

SIDE = 16
"""Clicks in each row and column of the grid."""
MIN_IOU, MIN_STABILITY = 0.5, 0.7
"""Predicted IoU and stability below which a mask is not proposed. They are low for the sake of
small models, which are less sure of themselves: a better mask of the same thing always wins."""
STABILITY_OFFSET = 1.0
"""Logits above and below 0 at which a mask is cut to see how stable it is."""
SAME_IOU = 0.7
"""Of two masks that overlap more, the better is kept."""
MIN_CELLS = 4
"""Cells of the network's output that a mask must have."""
MAX_PROPOSALS = 64


@dataclass(frozen=True)
class Proposal:
    """One of the masks found on a picture."""

    mask: NDArray[np.bool_]
    """(H, W) bool, in pixels of the picture."""
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """IoU of the masks of two thresholds, 0..1."""


@dataclass
class _Found:
    """N masks, the best first."""

    logits_nhw: Tensor
    ious_n: Tensor
    stabilities_n: Tensor

    def __len__(self) -> int:
        return len(self.ious_n)

    def take(self, index: Tensor) -> _Found:
        return _Found(self.logits_nhw[index], self.ious_n[index], self.stabilities_n[index])

    def joined(self, other: _Found) -> _Found:
        return _Found(
            torch.cat((self.logits_nhw, other.logits_nhw)),
            torch.cat((self.ious_n, other.ious_n)),
            torch.cat((self.stabilities_n, other.stabilities_n)),
        )


def propose_masks(
    model: Sam2Model, features: ImageFeatures, frame_hw: tuple[int, int]
) -> Generator[None, None, list[Proposal]]:
    """Find masks of everything on a picture, in steps of one row of the grid.

    Parameters
    ----------
    model : whose decoder is asked.
    features : of the picture, one row.
    frame_hw : (H, W) of the picture in pixels.

    Returns
    -------
    list of Proposal
        At most `MAX_PROPOSALS` that hardly overlap, the best first.
    """
    side = model.config.mask_size
    kept = _Found(*(torch.zeros(shape, device=model.device) for shape in ((0, side, side), 0, 0)))
    centres = (torch.arange(SIDE, device=model.device) + 0.5) * model.config.image_size / SIDE
    for y in centres:
        points_np2 = torch.stack((centres, y.expand(SIDE)), dim=1)[:, None]
        kept = _distinct(kept.joined(_decode(model, features, points_np2)))
        yield
    kept = kept.take(torch.arange(min(len(kept), MAX_PROPOSALS)))
    return [
        Proposal(logits_to_masks(logits[None, None], frame_hw)[0], float(iou), float(stability))
        for logits, iou, stability in zip(
            kept.logits_nhw, kept.ious_n, kept.stabilities_n, strict=True
        )
    ]


def _decode(model: Sam2Model, features: ImageFeatures, points_np2: Tensor) -> _Found:
    """All good masks of some single clicks."""
    n = len(points_np2)
    with model.runtime.inference():
        output = model.decode_masks(
            model.condition_on_nothing(features.s16).expand(n, -1, -1, -1),
            features.s8,
            features.s4,
            points_np2=points_np2,
            labels_np=torch.ones(n, 1, dtype=torch.int64, device=points_np2.device),
        )
        logits = output.logits_nmhw[:, 1:].flatten(0, 1).float()
        ious = output.ious_nm[:, 1:].flatten().float()
        inner = (logits > STABILITY_OFFSET).flatten(1).sum(1).float()
        outer = (logits > -STABILITY_OFFSET).flatten(1).sum(1).float()
        stabilities = inner / outer.clamp(min=1)
        is_there = (output.object_score_n1 > 0).expand(-1, 3).flatten()
        is_good = (
            is_there & (ious >= MIN_IOU) & (stabilities >= MIN_STABILITY) & (inner >= MIN_CELLS)
        )
        return _Found(logits, ious, stabilities).take(is_good)


def _distinct(found: _Found) -> _Found:
    """The best masks of each place, the best of all first."""
    if not len(found):
        return found
    found = found.take((found.ious_n * found.stabilities_n).argsort(descending=True, stable=True))
    masks_nl = (found.logits_nhw > 0).flatten(1).float()
    areas = masks_nl.sum(1)
    shared = masks_nl @ masks_nl.T
    ious_nn = (shared / (areas[:, None] + areas - shared).clamp(min=1)).cpu().numpy()
    kept: list[int] = []
    for n in range(len(found)):
        if len(kept) < 2 * MAX_PROPOSALS and (ious_nn[n, kept] <= SAME_IOU).all():
            kept.append(n)
    return found.take(torch.tensor(kept, device=found.ious_n.device))
