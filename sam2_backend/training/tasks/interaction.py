"""Simulated users: the first prompt and the clicks that correct it.

As in SAM 2's training (Ravi et al. 2024, appendix D.2); clicks may be biased towards the centre
of a region.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...network.prompt_encoder import BOX_END, BOX_START, NEGATIVE, PAD, POSITIVE

_BOX_NOISE = 0.08
"""Standard deviation of a box's corners, in box sides."""
_EMPTY_WEIGHT = 1e-30
"""Weight of each cell of an empty region."""


def draw_first_prompt(
    masks_nhw: Tensor, *, size: int, box_share: float, center_bias: int
) -> tuple[Tensor, Tensor]:
    """Draw a click or a box for each mask.

    Parameters
    ----------
    masks_nhw : (N, h, w) 0 or 1, at any resolution.
    size : side of the network's input in pixels.
    box_share : probability of a box.
    center_bias : of clicks, towards the inside of the mask, see `draw_click`.

    Returns
    -------
    points_n22 : (N, 2, 2), (x, y) in pixels of the network's input.
    labels_n2 : (N, 2) int64; a click is followed by padding.
    """
    n = len(masks_nhw)
    click = draw_click(masks_nhw, size=size, center_bias=center_bias)
    padding = torch.zeros_like(click)
    box = _boxes(masks_nhw, size=size)
    use_box = (torch.rand(n, device=masks_nhw.device) < box_share)[:, None]
    points = torch.where(use_box[..., None], box, torch.stack((click, padding), dim=1))
    # Constants are filled in on the device: a tensor from the host would be waited for.
    firsts = torch.where(use_box, BOX_START, POSITIVE)
    seconds = torch.where(use_box, BOX_END, PAD)
    return points, torch.cat((firsts, seconds), dim=1)


def draw_corrective_click(
    masks_nhw: Tensor, predicted_nhw: Tensor, *, size: int, center_bias: int
) -> tuple[Tensor, Tensor]:
    """Draw a click in the error region of each mask.

    It is positive where the object was missed, and negative where the background was taken.

    Parameters
    ----------
    masks_nhw, predicted_nhw : (N, h, w) 0 or 1.
    size : side of the network's input in pixels.
    center_bias : of clicks, towards the inside of the error, see `draw_click`.

    Returns
    -------
    points_n12, labels_n1 : one click each, (x, y) in pixels of the network's input. Where nothing
        is wrong, a positive click inside the mask.
    """
    error = (masks_nhw - predicted_nhw).abs()
    flawless = error.flatten(1).sum(1) == 0
    region = torch.where(flawless[:, None, None], masks_nhw, error)
    points = draw_click(region, size=size, center_bias=center_bias)
    cell = size / masks_nhw.shape[-1]
    at = (points / cell).long().clamp(0, masks_nhw.shape[-1] - 1)
    index = at[:, 1:] * masks_nhw.shape[-1] + at[:, :1]
    inside = masks_nhw.flatten(1).gather(1, index) > 0.5
    return points[:, None], torch.where(inside, POSITIVE, NEGATIVE)


def draw_click(regions_nhw: Tensor, *, size: int, center_bias: int) -> Tensor:
    """Draw a point of each region, anywhere if it is empty.

    The probability of a point is proportional to the share of the region around it, to the power
    of `center_bias`: 0 draws uniformly from the region.

    Parameters
    ----------
    regions_nhw : (N, h, w) 0 or 1.
    size : side of the network's input in pixels.
    center_bias : 0 or more.

    Returns
    -------
    Tensor
        (N, 2), (x, y) in pixels of the network's input.
    """
    regions = regions_nhw.float()
    w = regions.shape[-1]
    around = F.avg_pool2d(regions[:, None], 9, stride=1, padding=4)[:, 0]
    weights = (regions * around**center_bias).flatten(1)
    # Of exponential races the winner is drawn by weight (Efraimidis and Spirakis 2006);
    # torch.multinomial would make the host wait for the weights.
    race = torch.empty_like(weights).exponential_()
    index = ((weights + _EMPTY_WEIGHT) / race).argmax(dim=1)
    cell = size / w
    jitter = torch.rand(len(index), 2, device=regions.device)
    return (torch.stack((index % w, index // w), dim=1) + jitter) * cell


def _boxes(masks_nhw: Tensor, *, size: int) -> Tensor:
    """Draw corners (N, 2, 2) of the masks' boxes, with noise."""
    cell = size / masks_nhw.shape[-1]
    index = torch.arange(masks_nhw.shape[-1], device=masks_nhw.device)
    corners = []
    for axis in (1, 2):  # x: columns with something in them; y: rows
        occupied = masks_nhw.amax(dim=axis) > 0.5
        low = torch.where(occupied, index, index[-1]).amin(1)
        high = torch.where(occupied, index, index[0]).amax(1) + 1
        corners.append(torch.stack((low, high), dim=1))
    box = torch.stack(corners, dim=2).float()  # (N, corner, xy)
    side = (box[:, 1] - box[:, 0]).clamp(min=1)[:, None]
    return ((box + torch.randn_like(box) * _BOX_NOISE * side) * cell).clamp(0, size)
