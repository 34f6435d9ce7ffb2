"""Automatic masks, tidied up for a person to choose from."""

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
"""From which on masks are proposed, by whatever model: a person is to choose from them, and would
have to reject the many that a generator may keep for the sake of the few."""
CRUMB_CELLS = 4
"""Proposals and their parts have as many cells of the network's output at least."""
SAME_IOU = 0.7
"""Of two proposals that overlap more, the better is kept."""
MOST_PROPOSALS = 64


def propose_masks(
    model: Sam2Model, rgb: ArrayLike, features: ImageFeatures | None = None, **settings: Any
) -> Generator[None, None, list[MaskRecord]]:
    """Masks of everything on a picture, tidied up for a person to choose from.

    Parameters
    ----------
    rgb, features : as in `AutomaticMaskGenerator.steps`.
    settings : of `AutomaticMaskGenerator`, in place of what is right to choose from.

    Returns
    -------
    list of MaskRecord
        At the generator's end, at most `MOST_PROPOSALS`, the best first, none of which is nearly
        another.
    """
    image = as_rgb(rgb)
    crumb_px = CRUMB_CELLS * image.shape[0] * image.shape[1] / model.config.mask_size**2
    defaults: dict[str, Any] = {
        "points_per_side": POINTS_PER_SIDE,
        "pred_iou_thresh": LOW_IOU,
        "stability_score_thresh": LOW_STABILITY,
        "min_mask_region_area": crumb_px,
    }
    generator = AutomaticMaskGenerator(model, **(defaults | settings))
    found = yield from generator.steps(image, features)
    records = [record for record in found if record["area"] >= crumb_px]
    records.sort(key=lambda one: -one["predicted_iou"] * one["stability_score"])
    kept = keep_distinct_masks([one["segmentation"] for one in records], SAME_IOU)
    return [records[n] for n in kept[:MOST_PROPOSALS]]
