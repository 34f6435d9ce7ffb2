"""Proposes everything on a frame with one of transformers' video models, as with our own.

A grid of single clicks, each of which may mean three masks (Kirillov et al. 2023, section 5), with
the grid and the thresholds of `sam2_backend.predictors.automatic.proposals`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_backend.masks.regions import (
    keep_distinct_boxes,
    keep_distinct_masks,
    remove_small_regions,
)
from sam2_backend.predictors.automatic.crops import make_point_grids
from sam2_backend.predictors.automatic.found_masks import count_pixels, find_boxes
from sam2_backend.predictors.automatic.proposals import (
    LOW_IOU,
    LOW_STABILITY,
    MAX_PROPOSALS,
    MIN_REGION_CELLS,
    POINTS_PER_SIDE,
    SAME_IOU,
)

from ..segmenter import Proposed
from .decoder_hooks import hooks_of

SAME_BOX_IOU = 0.7
"""Of two masks whose boxes overlap more, the better is kept."""
CPU_BATCH, GPU_BATCH = 16, 64
"""Clicks that are decoded at once."""


class _Found(NamedTuple):
    """Masks of some clicks at the network's resolution."""

    logits_nhw: Tensor
    ious_n: Tensor
    stabilities_n: Tensor
    boxes_n4: Tensor
    """x0, y0, x1, y1 in pixels of the frame."""


def propose_masks(
    model: Any, session: Any, frame: int, side: int, size_hw: tuple[int, int]
) -> Generator[None, None, list[Proposed]]:
    """Propose masks of everything on a frame, the best first, a batch of clicks a step.

    Parameters
    ----------
    model : one of transformers' video segmentation models.
    session : an inference session of the video, without objects.
    side : of the network's input in pixels.
    size_hw : (H, W) of the frame in pixels.
    """
    (grid_n2,) = make_point_grids(POINTS_PER_SIDE, None, layers=0, downscale=1)
    points_n2 = torch.from_numpy(np.asarray(grid_n2, np.float32)) * side
    batches: list[_Found] = []
    for points in points_n2.split(CPU_BATCH if model.device.type == "cpu" else GPU_BATCH):
        batches.append(_search(model, session, frame, points.to(model.device), size_hw))
        yield
    found = _Found(*(torch.cat(part) for part in zip(*batches, strict=True)))
    kept = keep_distinct_boxes(
        found.boxes_n4.cpu().numpy(), found.ious_n.cpu().numpy(), SAME_BOX_IOU
    )
    return _finish(found, kept, size_hw)


@torch.inference_mode()
def _search(
    model: Any, session: Any, frame: int, points_p2: Tensor, size_hw: tuple[int, int]
) -> _Found:
    """Masks of some clicks that are good enough."""
    features, _ = model._prepare_vision_features(session, frame, 1)
    coarse, *fine = [
        one.permute(1, 2, 0).reshape(1, -1, *feature_hw)
        for one, feature_hw in zip(
            (features[-1] + model.no_memory_embedding, *features[:-1]),
            (model.backbone_feature_sizes[-1], *model.backbone_feature_sizes[:-1]),
            strict=True,
        )
    ]
    labels = torch.ones(1, len(points_p2), 1, dtype=torch.int32, device=points_p2.device)
    with hooks_of(model):  # nobody watches the decoder meanwhile
        sparse, dense = model.prompt_encoder(
            input_points=points_p2[None, :, None],
            input_labels=labels,
            input_boxes=None,
            input_masks=None,
        )
        masks, ious, _, visible = model.mask_decoder(
            image_embeddings=coarse,
            image_positional_embeddings=model.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            high_resolution_features=fine,
        )
    good_pm = (ious[0] > LOW_IOU) & (visible[0] > 0)
    logits_nhw, ious_n = masks[0][good_pm].float(), ious[0][good_pm].float()
    stabilities, boxes = [logits_nhw.new_zeros(0)], [logits_nhw.new_zeros(0, 4)]
    for logits in logits_nhw.split(1):
        resized = _resize(logits, size_hw)
        stabilities.append(count_pixels(resized > 1) / count_pixels(resized > -1))
        boxes.append(find_boxes(resized > 0))
    found = _Found(logits_nhw, ious_n, torch.cat(stabilities), torch.cat(boxes))
    good_n = found.stabilities_n >= LOW_STABILITY
    return _Found(*(part[good_n] for part in found))


def _finish(
    found: _Found, kept: NDArray[np.integer[Any]], size_hw: tuple[int, int]
) -> list[Proposed]:
    """The masks that are large enough and differ, at the size of the frame, the best first."""
    proposed: list[Proposed] = []
    side = found.logits_nhw.shape[-1]
    min_area_px = MIN_REGION_CELLS * size_hw[0] * size_hw[1] / side**2
    for n in kept:
        mask_hw = (_resize(found.logits_nhw[n : n + 1], size_hw)[0] > 0).cpu().numpy()
        mask_hw, _ = remove_small_regions(mask_hw, min_area_px)
        if np.count_nonzero(mask_hw) >= min_area_px:
            numbers = float(found.ious_n[n]), float(found.stabilities_n[n])
            proposed.append(Proposed(mask_hw, *numbers))
    proposed.sort(key=lambda one: -one.iou * one.stability)
    distinct = keep_distinct_masks([one.to_array() for one in proposed], SAME_IOU)
    return [proposed[n] for n in distinct[:MAX_PROPOSALS]]


def _resize(logits_nhw: Tensor, size_hw: tuple[int, int]) -> Tensor:
    return F.interpolate(logits_nhw[:, None], size_hw, mode="bilinear", align_corners=False)[:, 0]
