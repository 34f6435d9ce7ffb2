"""Automatic masks, tidied up for a person to choose from."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from numpy.typing import ArrayLike

from .automatic import AutomaticMaskGenerator
from .mask_record import MaskRecord
from .model import ImageFeatures, Sam2Model
from .regions import keep_distinct_masks
from .transforms import as_rgb

PROPOSING: dict[str, Any] = {
    "points_per_side": 16,
    "pred_iou_thresh": 0.5,
    "stability_score_thresh": 0.7,
}
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
    settings : of `AutomaticMaskGenerator`. Where nothing is said, thresholds are low for the
        sake of small models, which are less sure of themselves: a better mask of the same thing
        wins all the same.

    Returns
    -------
    list of MaskRecord
        At the generator's end, at most `MOST_PROPOSALS`, the best first, none of which is nearly
        another.
    """
    image = as_rgb(rgb)
    crumb_px = CRUMB_CELLS * image.shape[0] * image.shape[1] / model.config.mask_size**2
    generator = AutomaticMaskGenerator(
        model, **({**PROPOSING, "min_mask_region_area": crumb_px} | settings)
    )
    found = yield from generator.steps(image, features)
    records = [record for record in found if record["area"] >= crumb_px]
    records.sort(key=lambda one: -one["predicted_iou"] * one["stability_score"])
    kept = keep_distinct_masks([one["segmentation"] for one in records], SAME_IOU)
    return [records[n] for n in kept[:MOST_PROPOSALS]]
