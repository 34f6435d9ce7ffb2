"""Masks as regions: their boxes, their overlap, their small parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_NEIGHBOURS_8 = np.ones((3, 3), bool)
_RASTER = 256
"""Cells a side on which overlaps of masks are measured."""


def keep_distinct_boxes(
    boxes_n4: NDArray[np.float32], scores_n: NDArray[np.float32], max_iou: float
) -> NDArray[np.int64]:
    """Suppress boxes that are no maximum (NMS): indices of those to keep, the best score first.

    Parameters
    ----------
    boxes_n4 : (N, 4) x0, y0, x1, y1 in pixels.
    scores_n : (N,).
    max_iou : of two boxes whose IoU is higher the one of the higher score is kept, at equal
        scores the earlier.
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
    """Suppress masks that nearly equal an earlier one: indices of those to keep, in order.

    Parameters
    ----------
    masks : (H, W) bool of one size, the best first.
    max_iou : of two masks whose IoU is higher the earlier is kept; measured on a raster of about
        256 cells a side.
    """
    shared, areas = _intersections(masks)
    unions = areas[:, None] + areas[None] - shared
    return _keep_first(shared / np.maximum(unions, np.float32(1)), max_iou)


def keep_separate_masks(masks: Sequence[NDArray[np.bool_]], max_share: float) -> list[int]:
    """Suppress masks that overlap an earlier one, also as its part: indices of those to keep.

    Parameters
    ----------
    masks : (H, W) bool of one size, the best first.
    max_share : of two masks whose intersection is a larger share of the smaller one's area the
        earlier is kept.
    """
    shared, areas = _intersections(masks)
    smaller = np.minimum(areas[:, None], areas[None])
    return _keep_first(shared / np.maximum(smaller, np.float32(1)), max_share)


def remove_small_regions(
    mask_hw: NDArray[np.bool_], min_area_px: float
) -> tuple[NDArray[np.bool_], bool]:
    """Fill holes and drop separate components of fewer pixels; the largest always stays.

    Parameters
    ----------
    mask_hw : (H, W) bool.
    min_area_px : components and holes of as many pixels stay.

    Returns
    -------
    mask_hw, changed
        The mask, the given array itself where nothing changed, and whether something did.
    """
    cleaned_hw = remove_specks(fill_holes(mask_hw, min_area_px), min_area_px)
    return cleaned_hw, cleaned_hw is not mask_hw


def fill_holes(
    mask_hw: NDArray[np.bool_], min_area_px: float, keep_xy: Sequence[tuple[int, int]] = ()
) -> NDArray[np.bool_]:
    """Fill components of the background that have fewer pixels than `min_area_px`.

    Parameters
    ----------
    mask_hw : (H, W) bool.
    min_area_px : in pixels.
    keep_xy : pixels (x, y) whose background component stays, such as negative clicks.

    Returns
    -------
    (H, W) bool; the given array itself where nothing changed.
    """
    labels_hw, is_small, _ = _components(~mask_hw, min_area_px)
    for x, y in keep_xy:
        is_small[labels_hw[y, x]] = False
    return mask_hw | is_small[labels_hw] if is_small.any() else mask_hw


def remove_specks(
    mask_hw: NDArray[np.bool_], min_area_px: float, keep_xy: Sequence[tuple[int, int]] = ()
) -> NDArray[np.bool_]:
    """Drop components of the mask that have fewer pixels than `min_area_px`; the largest stays.

    Parameters
    ----------
    mask_hw : (H, W) bool.
    min_area_px : in pixels.
    keep_xy : pixels (x, y) whose component stays, such as positive clicks.

    Returns
    -------
    (H, W) bool; the given array itself where nothing changed.
    """
    labels_hw, is_small, largest = _components(mask_hw, min_area_px)
    for label in (largest, *(labels_hw[y, x] for x, y in keep_xy)):
        is_small[label] = False
    return mask_hw & ~is_small[labels_hw] if is_small.any() else mask_hw


def _intersections(
    masks: Sequence[NDArray[np.bool_]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Areas of N masks' intersections (N, N) and of the masks (N,), in cells of a coarse raster."""
    if not masks:
        return np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    step = max(1, max(masks[0].shape) // _RASTER)
    flat = np.stack([mask[::step, ::step].ravel() for mask in masks]).astype(np.float32)
    areas_nn = flat @ flat.T
    return areas_nn, areas_nn.diagonal()


def _keep_first(overlaps_nn: NDArray[np.floating[Any]], limit: float) -> list[int]:
    kept: list[int] = []
    for n in range(len(overlaps_nn)):
        if (overlaps_nn[n, kept] <= limit).all():
            kept.append(n)
    return kept


def find_largest_component(mask_hw: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected component (8 neighbours) of a mask that is not empty."""
    labels_hw, _, largest = _components(mask_hw, 0)
    return labels_hw == largest


def _components(
    mask_hw: NDArray[np.bool_], min_area_px: float
) -> tuple[NDArray[np.int32], NDArray[np.bool_], int]:
    """Label connected components (8 neighbours).

    Returns
    -------
    labels_hw, is_small, largest
        (H, W) labels from 1, 0 outside; by label, whether it has fewer pixels than `min_area_px`
        (0 never); and the label of the largest component.
    """
    labels_hw = np.zeros(mask_hw.shape, np.int32)
    ndimage.label(mask_hw, structure=_NEIGHBOURS_8, output=labels_hw)
    areas = np.bincount(labels_hw.ravel(), minlength=1)
    is_small = areas < min_area_px
    is_small[0] = False
    areas[0] = 0
    return labels_hw, is_small, int(areas.argmax())
