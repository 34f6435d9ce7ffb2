"""Frames with their objects tinted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...annotation.records import ObjectInfo
from ..segmentation import Segmentation

TINT = 0.45
OUTLINE_PX = 2


def overlay(
    segmentation: Segmentation,
    frame: int,
    shown: Iterable[tuple[ObjectInfo, NDArray[np.bool_]]] | None = None,
) -> NDArray[np.uint8]:
    """Give a frame, (H, W, 3) uint8, with objects tinted, and outlined in full colour.

    Parameters
    ----------
    shown : the objects with their (H, W) masks; all visible ones if None.
    """
    from scipy import ndimage

    rgb = segmentation.picture(frame).astype(np.float32)
    if shown is None:
        shown = (one for one in segmentation.shown(frame) if one[0].visible)
    for info, mask_hw in shown:
        color = np.array(info.rgb, np.float32)
        rgb[mask_hw] = (1 - TINT) * rgb[mask_hw] + TINT * color
        grown_hw = np.asarray(ndimage.binary_dilation(mask_hw, iterations=OUTLINE_PX), np.bool_)
        rgb[grown_hw & ~mask_hw] = color
    return rgb.astype(np.uint8)
