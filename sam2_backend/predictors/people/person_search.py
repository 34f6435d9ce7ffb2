"""Search for people in an image by the model's person head."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from ...kernels.out_of_memory import AdaptiveBatcher
from ...network.prompt_encoder import BOX_END, BOX_START
from ...network.sam2 import ImageFeatures, Sam2Model
from ...network.transforms import as_rgb, image_to_input
from ..automatic.crops import make_point_grid
from ..prompt_batches import prompt_batch_size
from ..prompts import REFINEMENT_CLAMP

POINTS_PER_SIDE = 18
MIN_SCORE = 0.15
"""Masks of a lower score are no people."""
MIN_CELLS = 8
"""Cells, of two by two of the network's output, that a person covers at least."""
MAX_MASKS = 400
"""Masks kept, the best ones."""
MAX_PROMPTS = 16
"""Masks that become prompts again, no two of which are nearly equal."""
SAME_IOU, VOTING_IOU = 0.6, 0.5
"""IoUs above which two masks are one prompt, and above which they vote on each other."""


class PersonMasks(NamedTuple):
    """N masks, the highest score first."""

    logits_nhw: Tensor
    """(N, S/4, S/4); above 0 inside."""
    scores_n: Tensor
    """(N,) how much each is one whole person, 0..1."""

    def take(self, index: Tensor) -> PersonMasks:
        """Select masks by indices or flags."""
        return PersonMasks(*(part[index] for part in self))


def search_people(model: Sam2Model, rgb: ArrayLike) -> PersonMasks:
    """Search for people from a grid of clicks, then again from the masks that were found.

    Predicted IoU and stability are ignored: of a person in clothes of many colours the model is
    least sure of the whole. The best masks are prompts again, each with the box around it. All
    masks of a person then vote on its outline.

    Parameters
    ----------
    model : with a person head.
    rgb : (H, W, 3) uint8, RGB.

    Returns
    -------
    PersonMasks
        At most `MAX_MASKS`; many are of the same person.

    Raises
    ------
    ValueError
        When it is no such image.
    """
    size, device = model.config.image_size, model.device
    batcher = AdaptiveBatcher(device, max_size=prompt_batch_size(model))
    with model.runtime.inference():
        features = model.encode_image(image_to_input(as_rgb(rgb), size, device))
        features = features._replace(s16=model.add_no_memory_embed(features.s16))

        def decode(points_np2: Tensor, labels_p: list[int], masks: Tensor | None) -> PersonMasks:
            labels = torch.tensor(labels_p, device=device).expand(len(points_np2), -1)
            return _decode(model, features, points_np2, labels, masks)

        def search(count: int, work: Callable[[Tensor], PersonMasks]) -> PersonMasks:
            found = batcher.map(work, torch.arange(count, device=device))
            return _take_best(list(found), MAX_MASKS)

        clicks = torch.as_tensor(make_point_grid(POINTS_PER_SIDE), dtype=torch.float32) * size
        clicks = clicks.to(device)[:, None]
        found = search(len(clicks), lambda n: decode(clicks[n], [1], None))
        if not len(found.scores_n):
            return found
        prompts = found.take(_distinct(found)).logits_nhw
        boxes = _boxes_of(prompts > 0) * (size / model.config.mask_size)
        masks = prompts[:, None].clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
        again = search(len(boxes), lambda n: decode(boxes[n], [BOX_START, BOX_END], masks[n]))
        return _vote(_take_best([found, again], MAX_MASKS))


def _decode(
    model: Sam2Model,
    features: ImageFeatures,
    points_np2: Tensor,
    labels_np: Tensor,
    masks_n1hw: Tensor | None,
) -> PersonMasks:
    """Decode some prompt sets, and keep the candidates that may be people."""
    state = model.run_transformer(
        features.s16, points_np2=points_np2, labels_np=labels_np, mask_logits_n1hw=masks_n1hw
    )
    scores_nm = model.sam_mask_decoder.person_scores(state.tokens_nmc)[:, 1:].float()
    rows = (
        (scores_nm >= MIN_SCORE).any(dim=1).nonzero()[:, 0]
    )  # masks of the others are not predicted
    scores_nm = scores_nm[rows]
    logits_nmhw = model.predict_masks(state.take(rows), features.s8, features.s4).logits_nmhw
    logits_nmhw = logits_nmhw[:, 1:].float()
    good_nm = scores_nm >= MIN_SCORE
    found = PersonMasks(logits_nmhw[good_nm], scores_nm[good_nm])
    return found.take(_raster(found).sum(dim=1) >= MIN_CELLS)


def _take_best(batches: list[PersonMasks], count: int) -> PersonMasks:
    """Join batches and take the masks of the highest scores."""
    found = PersonMasks(*(torch.cat(part) for part in zip(*batches, strict=True)))
    return found.take(found.scores_n.argsort(descending=True, stable=True)[:count])


def _raster(found: PersonMasks) -> Tensor:
    """Rasterise masks coarsely: (N, L) share of each cell that is inside."""
    return F.avg_pool2d((found.logits_nhw > 0).float()[:, None], 2).flatten(1)


def _overlaps(found: PersonMasks) -> Tensor:
    """Estimate the IoU of each mask with each: (N, N)."""
    inside_nl = (_raster(found) >= 0.5).float()
    shared = inside_nl @ inside_nl.T
    areas = inside_nl.sum(dim=1)
    return shared / (areas[:, None] + areas[None] - shared).clamp(min=1)


def _distinct(found: PersonMasks) -> Tensor:
    """Indices of the best masks, no two of which are nearly equal."""
    same = (_overlaps(found) > SAME_IOU).cpu().numpy()
    kept: list[int] = []
    for n in range(len(same)):
        if not same[n, kept].any():
            kept.append(n)
        if len(kept) == MAX_PROMPTS:
            break
    return torch.tensor(kept, device=found.scores_n.device)


def _vote(found: PersonMasks) -> PersonMasks:
    """Average each mask with those that overlap it much, weighted by their scores.

    The score of a mask that few others overlap is lowered.
    """
    weights_nn = (_overlaps(found) > VOTING_IOU) * found.scores_n**4
    weights_nn.fill_diagonal_(0).diagonal().copy_(found.scores_n**4)  # tiny ones have no raster
    votes_n = weights_nn.sum(dim=1)
    scores_n = (weights_nn @ found.scores_n) / votes_n * (votes_n / (1 + votes_n))
    probabilities_nl = found.logits_nhw.sigmoid().flatten(1)
    means_nl = weights_nn @ probabilities_nl / votes_n[:, None]
    logits_nhw = means_nl.logit(eps=1e-6).view_as(found.logits_nhw)
    return _take_best([PersonMasks(logits_nhw, scores_n)], len(scores_n))


def _boxes_of(masks_nhw: Tensor) -> Tensor:
    """Find the corners (x, y) of boxes around masks that are not empty: (N, 2, 2), in cells."""

    def ends(line_nl: Tensor) -> tuple[Tensor, Tensor]:
        line_nl = line_nl.to(torch.uint8)
        return line_nl.argmax(dim=1), line_nl.shape[1] - line_nl.flip(1).argmax(dim=1)

    (x0, x1), (y0, y1) = ends(masks_nhw.any(dim=1)), ends(masks_nhw.any(dim=2))
    return torch.stack((x0, y0, x1, y1), dim=1).view(-1, 2, 2).float()
