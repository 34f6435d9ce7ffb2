"""A trial of whether a network predicts the same masks in a lower precision."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .sam2 import ImageFeatures, Sam2Model
from .transforms import normalize

MIN_IOU = 0.98
"""Of all masks of the trial together; their smallest weigh least."""
_MAX_SIDE = 256
"""Of the picture: a trial takes a sixteenth of the time that a frame of 1024 pixels takes."""
_CLICKS = 0.25, 0.5, 0.75
"""Rows and columns of clicks, in shares of the picture."""


def masks_agree(model: Sam2Model, dtype: torch.dtype) -> bool:
    """Try whether a network predicts nearly the same masks in float32 and in another precision.

    Clicks on a drawn picture, and tracking each clicked object onto the same picture. The
    network's `runtime` is as before afterwards.

    Parameters
    ----------
    model : with its weights, on its device.
    dtype : the other precision.
    """
    before = model.runtime
    pixels = _draw_picture(min(_MAX_SIDE, model.config.image_size), model.device)
    masks: list[Tensor] = []
    try:
        for precision in (torch.float32, dtype):
            model.runtime = replace(before, dtype=precision)
            with model.runtime.inference():
                masks.append(_predict_masks(model, pixels))
    finally:
        model.runtime = before
    exact, other = masks
    union = (exact | other).sum()
    return bool((exact & other).sum() >= MIN_IOU * union)


def _draw_picture(side: int, device: torch.device) -> Tensor:
    """Draw discs and stripes before a gradient: (1, 3, side, side), normalised."""
    y, x = torch.meshgrid(*[torch.linspace(0, 1, side, device=device)] * 2, indexing="ij")
    rgb = torch.stack((0.2 + 0.3 * x, 0.3 + 0.3 * y, 0.5 - 0.2 * x))
    for n, (cy, cx) in enumerate(((0.25, 0.25), (0.5, 0.7), (0.75, 0.3))):
        disc = (x - cx) ** 2 + (y - cy) ** 2 < (0.1 + 0.03 * n) ** 2
        color = torch.tensor([0.9 - 0.3 * n, 0.2 + 0.3 * n, 0.1], device=device)
        rgb = torch.where(disc, color[:, None, None], rgb)
    stripes = (x > 0.8) & (y > 0.6) & ((y * 20).long() % 2 == 0)
    return normalize(torch.where(stripes, 0.9, rgb)[None])


def _predict_masks(model: Sam2Model, pixels_13ss: Tensor) -> Tensor:
    """Predict candidates of each click, and each clicked object's mask from memory: (K, h, w)."""
    device, size = model.device, model.config.image_size
    features = model.encode_image(pixels_13ss)
    clicked = ImageFeatures(features.s4, features.s8, model.add_no_memory_embed(features.s16))
    shares = torch.tensor(_CLICKS, device=device)
    points_n12 = size * torch.cartesian_prod(shares, shares)[:, None]
    n = len(points_n12)
    labels_n1 = torch.ones(n, 1, dtype=torch.int64, device=device)
    output = model.decode_masks(*clicked[::-1], points_np2=points_n12, labels_np=labels_n1)
    selected = model.select_mask(output, multimask=True, candidate=0)
    memories = model.encode_memory(
        features.s16,
        F.interpolate(selected.logits_n1hw, pixels_13ss.shape[2:], mode="bilinear"),
        selected.object_score_n1.float(),
        binarize=True,
    )
    conditioned = model.condition_on_memory(
        features.s16,
        memories.to(model.runtime.memory_dtype)[:, None],
        torch.zeros(n, 1, dtype=torch.int64, device=device),
        selected.pointer_nc[:, None].float(),
        torch.zeros(n, 1, device=device),
    )
    tracked = model.decode_tracked(conditioned, features.s8, features.s4)
    remembered = model.select_mask(tracked, multimask=True, candidate=0)
    candidates = output.logits_nmhw[:, 1:].flatten(0, 1)
    return torch.cat((candidates.float(), remembered.logits_n1hw[:, 0])) > 0
