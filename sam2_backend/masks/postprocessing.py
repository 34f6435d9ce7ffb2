"""Post-processing of masks: removal of small components, and exclusive masks of several objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .regions import fill_holes, remove_specks


@dataclass(frozen=True)
class MaskCleaner:
    """Removes small components and holes; by default none, as the official predictors.

    Parameters
    ----------
    fill_holes, remove_specks : holes and separate components that are smaller are filled and
        dropped: in pixels of the frame from 1 up, below 1 as a share of the mask's area; 0 for
        none. The largest component stays, and so does what was clicked.

    Raises
    ------
    ValueError
        When a size is negative or NaN.
    """

    fill_holes: float = 0.0
    remove_specks: float = 0.0

    def __post_init__(self) -> None:
        for name in ("fill_holes", "remove_specks"):
            value: Any = getattr(self, name)
            if not isinstance(value, Real) or not value >= 0:  # pyright: ignore[reportOperatorIssue]
                raise ValueError(
                    f"{name} must be 0 or more, in pixels or below 1 as a share of the mask's "
                    f"area, got {value!r}."
                )

    def __bool__(self) -> bool:
        return self.fill_holes > 0 or self.remove_specks > 0

    def clean(
        self,
        mask_hw: NDArray[np.bool_],
        points_xy: ArrayLike = (),
        labels: Sequence[int] | NDArray[np.int64] = (),
    ) -> NDArray[np.bool_]:
        """Clean one mask.

        Parameters
        ----------
        mask_hw : (H, W) bool.
        points_xy : (P, 2) clicks (x, y) in pixels of the mask, whose component stays.
        labels : (P,) 1 on the object, 0 outside it; others are ignored.

        Returns
        -------
        (H, W) bool; the given array itself where nothing changed.
        """
        rows, columns = mask_hw.any(axis=1).nonzero()[0], mask_hw.any(axis=0).nonzero()[0]
        if not self or not len(rows):
            return mask_hw
        # One pixel around the mask's box connects the background that lies outside it.
        y0, x0 = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
        box = slice(y0, rows[-1] + 2), slice(x0, columns[-1] + 2)
        part_hw = mask_hw[box]
        area = int(np.count_nonzero(part_hw))
        points = np.floor(np.asarray(points_xy, np.float64).reshape(-1, 2)).astype(int) - (x0, y0)
        clicks: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
        for (x, y), label in zip(points.tolist(), labels, strict=True):
            in_box = 0 <= x < part_hw.shape[1] and 0 <= y < part_hw.shape[0]
            if in_box and int(label) in clicks:
                clicks[int(label)].append((x, y))
        cleaned_hw = part_hw
        if self.fill_holes:
            cleaned_hw = fill_holes(cleaned_hw, _in_pixels(self.fill_holes, area), clicks[0])
        if self.remove_specks:
            cleaned_hw = remove_specks(cleaned_hw, _in_pixels(self.remove_specks, area), clicks[1])
        if cleaned_hw is part_hw:
            return mask_hw
        result_hw = mask_hw.copy()
        result_hw[box] = cleaned_hw
        return result_hw


def make_exclusive(logits_n1hw: Tensor) -> Tensor:
    """Lower mask logits of N objects so that at most one, the largest, is above 0 at a pixel.

    Each is lowered to its margin over the best of the others where that is less. The sum of any two
    is then 0 at most, also between cells, so that masks stay exclusive however they are resized;
    a border lies where two logits are equal.

    Parameters
    ----------
    logits_n1hw : (N, 1, h, w).

    Returns
    -------
    (N, 1, h, w).
    """
    if len(logits_n1hw) < 2:
        return logits_n1hw
    first, second = logits_n1hw.topk(2, dim=0).values
    others = torch.where(logits_n1hw == first, second, first)
    return torch.minimum(logits_n1hw, logits_n1hw - others)


def _in_pixels(size: float, area_px: int) -> float:
    return size if size >= 1 else size * area_px
