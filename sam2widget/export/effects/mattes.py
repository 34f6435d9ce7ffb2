"""Mattes as soft as the model saw the edges: opacities from the logits that results keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...annotation.records import Result
from ...core.errors import SessionError
from ...core.masks.logits import LARGEST_ERROR
from ...core.user_warnings import warn
from ..segmentation import Segmentation

MatteName: TypeAlias = Literal["mask", "logits"]
MATTES = ("mask", "logits")


def check_matte(matte: str) -> None:
    """Raise SessionError where there is no such matte."""
    if matte not in MATTES:
        raise SessionError(f"matte= is one of {', '.join(MATTES)}, got {matte!r}.")


def soft_matte(result: Result) -> NDArray[np.float32]:
    """Make the matte of a result, (H, W) float32: the sigmoid of its logits, else its hard mask.

    It is soft at edges of the mask that are edges of the logits. Where the mask was cut, cleaned or
    filled since, it is as hard as that: what other objects have is 0.
    """
    mask_hw = result.mask.to_array()
    matte_hw = mask_hw.astype(np.float32)
    box = None if result.logits is None else result.logits.box_px(result.mask.shape)
    if result.logits is None or box is None:
        return matte_hw
    y0, x0, y1, x1 = box
    rows, columns = np.arange(y0, y1)[:, None], np.arange(x0, x1)
    logits_hw = result.logits.at(rows, columns, result.mask.shape)
    part_hw = mask_hw[y0:y1, x0:x1]
    # So near to 0, the mask knows better than logits that are kept in steps.
    above_hw = np.where(np.abs(logits_hw) < LARGEST_ERROR, part_hw, logits_hw > 0)
    soft_hw = 1 / (1 + np.exp(-logits_hw))
    if (above_hw != part_hw).any():
        off_hw = ~part_hw & ~_nearest(part_hw, above_hw)
        filled_hw = part_hw & _nearest(part_hw, ~above_hw)
        soft_hw = np.where(filled_hw, 1, np.where(off_hw, 0, soft_hw))
    matte_hw[y0:y1, x0:x1] = soft_hw
    return matte_hw


def _nearest(values_hw: NDArray[np.bool_], places_hw: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give for each pixel the value that the nearest of some places has; True where none is."""
    from scipy import ndimage

    if not places_hw.any():
        return np.ones_like(values_hw)
    found = ndimage.distance_transform_edt(~places_hw, return_distances=False, return_indices=True)
    return values_hw[tuple(np.asarray(found, np.intp))]


def join_mattes(
    mattes: Iterable[NDArray[np.float32]], hw: tuple[int, int], *, add: bool
) -> NDArray[np.float32]:
    """Join mattes of objects in one, (H, W) float32.

    Parameters
    ----------
    mattes : (H, W) each.
    add : of objects that do not overlap, which share the pixels of the edge between them; else the
        larger counts.
    """
    joined_hw = np.zeros(hw, np.float32)
    for matte_hw in mattes:
        joined_hw = joined_hw + matte_hw if add else np.maximum(joined_hw, matte_hw)
    return np.minimum(joined_hw, 1)


def warn_of_hard_edges(segmentation: Segmentation, objects: frozenset[int] | None) -> None:
    """Warn of masks without logits, which stay as hard as they are.

    Parameters
    ----------
    objects : ids that are shown; all visible ones if None.
    """
    visible = {info.id for info in segmentation.objects if info.visible}
    shown = visible if objects is None else objects
    results = [
        (frame, one)
        for (obj, frame), one in segmentation.results.items()
        if obj in shown and one.mask.area
    ]
    hard = sorted({frame for frame, one in results if one.logits is None})
    num_hard = sum(one.logits is None for _, one in results)
    if num_hard:
        listed = ", ".join(map(str, hard[:3])) + (" and more" if len(hard) > 3 else "")
        warn(
            f"{num_hard} of {len(results)} masks have no soft edges, on frames {listed}: they were "
            "painted, imported, or read from a session file of an earlier version, which held no "
            "logits. What is tracked again has them."
        )
