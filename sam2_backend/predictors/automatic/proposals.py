"""Proposals: automatic masks, filtered for a person to choose from."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from numpy.typing import ArrayLike

from ...masks.regions import keep_distinct_masks
from ...network.sam2 import ImageFeatures, Sam2Model
from ...network.transforms import as_rgb
from .generator import AutomaticMaskGenerator
from .mask_record import MaskRecord

POINTS_PER_SIDE = 16
LOW_IOU, LOW_STABILITY = 0.5, 0.7
"""Thresholds of predicted IoU and stability, for every model: a person has to reject each wrong
proposal, so that they are higher than a generator's may be."""
MIN_REGION_CELLS = 4
"""Cells of the network's output that proposals and their separate parts have at least."""
SAME_IOU = 0.7
"""Of two proposals that overlap more, the better is kept."""
MAX_PROPOSALS = 64


def propose_masks(
    model: Sam2Model, rgb: ArrayLike, features: ImageFeatures | None = None, **settings: Any
) -> Generator[None, None, list[MaskRecord]]:
    """Propose masks of everything on an image, a batch of clicks a step.

    Parameters
    ----------
    model : from `load_model`.
    rgb, features : as in `AutomaticMaskGenerator.steps`.
    settings : of `AutomaticMaskGenerator`, in place of the defaults for proposals.

    Returns
    -------
    list of MaskRecord
        The return value: at most `MAX_PROPOSALS`, the best first, no two of which are nearly
        equal.
    """
    image = as_rgb(rgb)
    min_area_px = MIN_REGION_CELLS * image.shape[0] * image.shape[1] / model.config.mask_size**2
    defaults: dict[str, Any] = {
        "points_per_side": POINTS_PER_SIDE,
        "pred_iou_thresh": LOW_IOU,
        "stability_score_thresh": LOW_STABILITY,
        "min_mask_region_area": min_area_px,
    }
    generator = AutomaticMaskGenerator(model, **(defaults | settings))
    found = yield from generator.steps(image, features)
    records = [record for record in found if record["area"] >= min_area_px]
    records.sort(key=lambda one: -one["predicted_iou"] * one["stability_score"])
    kept = keep_distinct_masks([one["segmentation"] for one in records], SAME_IOU)
    return [records[n] for n in kept[:MAX_PROPOSALS]]
