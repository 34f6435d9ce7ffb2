"""Masks as regions: their boxes, their overlap, their small parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_NEIGHBOURS_8 = np.ones((3, 3), bool)
_RASTER = 256


def keep_distinct_boxes(
    boxes_n4: NDArray[np.float32], scores_n: NDArray[np.float32], max_iou: float
) -> NDArray[np.int64]:
    """Non-maximum suppression: indices of the boxes to keep, the best score first; of two whose
    IoU is more than `max_iou` the better one stays, at equal scores the earlier.

    Parameters
    ----------
    boxes_n4 : x0, y0, x1, y1.
    """
    order = np.argsort(-scores_n, kind="stable")
    x0, y0, x1, y1 = boxes_n4[order].astype(np.float32).T
    areas = (x1 - x0) * (y1 - y0)
    alive = np.ones(len(order), bool)
    kept = []
    for n in range(len(order)):
        if not alive[n]:
            continue
        kept.append(n)
        wide = np.minimum(x1[n], x1[n:]) - np.maximum(x0[n], x0[n:])
        high = np.minimum(y1[n], y1[n:]) - np.maximum(y0[n], y0[n:])
        shared = wide.clip(min=0) * high.clip(min=0)
        with np.errstate(invalid="ignore"):  # two boxes without area: both stay
            alive[n:] &= ~(shared / (areas[n] + areas[n:] - shared) > max_iou)
    return order[kept]


def keep_distinct_masks(masks: Sequence[NDArray[np.bool_]], max_iou: float) -> list[int]:
    """Indices of the masks to keep, where of two whose IoU is more than `max_iou` the earlier
    is the better. Overlaps are measured on a raster of about 256 pixels a side."""
    shared, areas = _shared(masks)
    unions = areas[:, None] + areas[None] - shared
    return _first_ones(shared / np.maximum(unions, np.float32(1)), max_iou)


def keep_separate_masks(masks: Sequence[NDArray[np.bool_]], max_share: float) -> list[int]:
    """The same, of two of which one has more than `max_share` of its area in the other: a part
    is not kept beside its whole."""
    shared, areas = _shared(masks)
    smaller = np.minimum(areas[:, None], areas[None])
    return _first_ones(shared / np.maximum(smaller, np.float32(1)), max_share)


def without_small_regions(
    mask_hw: NDArray[np.bool_], min_area_px: float
) -> tuple[NDArray[np.bool_], bool]:
    """Fill holes and drop separate parts of fewer pixels; the largest part always stays.

    Returns
    -------
    mask_hw, changed
        The mask, the very same one where nothing had to be done.
    """
    cleaned_hw = remove_specks(fill_holes(mask_hw, min_area_px), min_area_px)
    return cleaned_hw, cleaned_hw is not mask_hw


def fill_holes(
    mask_hw: NDArray[np.bool_], min_area_px: float, keep_xy: Sequence[tuple[int, int]] = ()
) -> NDArray[np.bool_]:
    """Fill parts of the outside that have fewer pixels than `min_area_px`.

    Parameters
    ----------
    keep_xy : pixels (x, y) whose part of the outside stays, such as negative clicks.

    Returns
    -------
    (H, W) bool; the very same array where nothing had to be done.
    """
    labels_hw, is_small, _ = _parts(~mask_hw, min_area_px)
    for x, y in keep_xy:
        is_small[labels_hw[y, x]] = False
    return mask_hw | is_small[labels_hw] if is_small.any() else mask_hw


def remove_specks(
    mask_hw: NDArray[np.bool_], min_area_px: float, keep_xy: Sequence[tuple[int, int]] = ()
) -> NDArray[np.bool_]:
    """Drop parts of the mask that have fewer pixels than `min_area_px`; the largest stays.

    Parameters
    ----------
    keep_xy : pixels (x, y) whose part stays, such as positive clicks.

    Returns
    -------
    (H, W) bool; the very same array where nothing had to be done.
    """
    labels_hw, is_small, largest = _parts(mask_hw, min_area_px)
    for part in (largest, *(labels_hw[y, x] for x, y in keep_xy)):
        is_small[part] = False
    return mask_hw & ~is_small[labels_hw] if is_small.any() else mask_hw


def _shared(
    masks: Sequence[NDArray[np.bool_]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, N) pixels that masks share, and (N,) those they have, on a coarse raster."""
    if not masks:
        return np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    step = max(1, max(masks[0].shape) // _RASTER)
    flat = np.stack([mask[::step, ::step].ravel() for mask in masks]).astype(np.float32)
    shared = flat @ flat.T
    return shared, shared.diagonal()


def _first_ones(overlaps_nn: NDArray[np.floating[Any]], limit: float) -> list[int]:
    kept: list[int] = []
    for n in range(len(overlaps_nn)):
        if (overlaps_nn[n, kept] <= limit).all():
            kept.append(n)
    return kept


def _parts(
    mask_hw: NDArray[np.bool_], min_area_px: float
) -> tuple[NDArray[np.int32], NDArray[np.bool_], int]:
    """Connected parts (8 neighbours): (H, W) their numbers from 1, which of the numbers have
    fewer pixels (0, what is outside, never), and the number of the largest."""
    labels_hw = np.zeros(mask_hw.shape, np.int32)
    ndimage.label(mask_hw, structure=_NEIGHBOURS_8, output=labels_hw)
    areas = np.bincount(labels_hw.ravel(), minlength=1)
    is_small = areas < min_area_px
    is_small[0] = False
    areas[0] = 0
    return labels_hw, is_small, int(areas.argmax())
