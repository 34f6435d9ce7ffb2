"""Points and boxes of a prompt set: checks that all predictors share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..network.prompt_encoder import BOX_END, BOX_START, PAD

REFINEMENT_CLAMP = 32.0
"""Logits handed back for refinement stay within ± this (official predictors)."""

Clicks: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]
"""(P, 2) points (x, y) in pixels of the frame, and (P,) labels; or (N, P, 2) and (N, P)."""
NO_CLICKS: Clicks = (np.zeros((0, 2), np.float32), np.zeros(0, np.int64))


@dataclass(frozen=True)
class ModelPrompts:
    """Points and box of one object on one frame, in pixels (x, y) of the network's input.

    Immutable; the methods give changed copies.
    """

    points_p2: Tensor
    """(P, 2) float32."""
    labels_p: Tensor
    """(P,) int64: 1 on the object, 0 outside it."""
    box_22: Tensor | None = None
    """(2, 2) its first and last corner."""

    @classmethod
    def empty(cls, device: torch.device) -> ModelPrompts:
        """Make a prompt set without prompts."""
        labels_p = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(torch.zeros(0, 2, device=device), labels_p)

    @property
    def is_ambiguous(self) -> bool:
        """Whether it is a single click, which may mean several objects."""
        return self.box_22 is None and len(self.labels_p) <= 1

    def without_points(self) -> ModelPrompts:
        """Make a copy without its points."""
        return replace(self, points_p2=self.points_p2[:0], labels_p=self.labels_p[:0])

    def join(self) -> tuple[Tensor, Tensor]:
        """Join box and points as the network takes them: (1, P, 2) and (1, P), the box first."""
        points, labels = self.points_p2, self.labels_p
        if self.box_22 is not None:
            points = torch.cat((self.box_22, points))
            labels = torch.cat((labels.new_tensor([BOX_START, BOX_END]), labels))
        return points[None], labels[None]


def check_points(points: ArrayLike | None, labels: ArrayLike | None) -> Clicks:
    """Check the points of one prompt set.

    Parameters
    ----------
    points : (P, 2) clicks (x, y) in pixels; (2,) for a single one.
    labels : (P,) 1 on the object, 0 outside it.

    Returns
    -------
    points_p2, labels_p
        float32 and int64; empty arrays for None.

    Raises
    ------
    ValueError
        When shapes disagree, a coordinate is not finite or a label is neither 0 nor 1.
    """
    if points is None and labels is None:
        return NO_CLICKS
    if points is None or labels is None:
        raise ValueError("points and labels go together: give one label, 0 or 1, a point.")
    points_p2, given_p = as_floats(points), as_floats(labels)
    if points_p2 is not None and points_p2.shape == (2,):  # one click, x and y
        points_p2 = points_p2[None]
    if points_p2 is None or not are_rows(points_p2, 2):
        raise ValueError(f"points must be (P, 2) finite pixel coordinates (x, y), got {points!r}.")
    labels_p = np.atleast_1d(np.zeros(0) if given_p is None else given_p)
    if labels_p.shape != (len(points_p2),) or not np.isin(labels_p, (0, 1)).all():
        raise ValueError(
            f"labels must be one 0 (outside) or 1 (on the object) a point, got {labels!r} "
            f"for {len(points_p2)} points."
        )
    return points_p2, labels_p.astype(np.int64)


def check_point_sets(points: ArrayLike | None, labels: ArrayLike | None) -> Clicks | None:
    """Check the points of N prompt sets, if they are that.

    Parameters
    ----------
    points : (N, P, 2) clicks (x, y) in pixels.
    labels : (N, P) 1 on the object, 0 outside it, -1 where a set has fewer points than others.

    Returns
    -------
    points_np2, labels_np
        None where `points` are not three-dimensional.

    Raises
    ------
    ValueError
        When shapes disagree, a coordinate is not finite or a label is none.
    """
    points_np2 = None if points is None else as_floats(points)
    if points_np2 is None or points_np2.ndim != 3:
        return None
    given_np = None if labels is None else as_floats(labels)
    if points_np2.shape[2] != 2 or not points_np2.size:
        raise ValueError(f"points must be (N, P, 2) pixel coordinates, got {points_np2.shape}.")
    fits = given_np is not None and given_np.shape == points_np2.shape[:2]
    if given_np is None or not fits or not np.isin(given_np, (PAD, 0, 1)).all():
        raise ValueError(
            f"labels must be {points_np2.shape[:2]} of 1 (on the object), 0 (outside) or -1 (no "
            f"point), one for each of the points {points_np2.shape}, got {labels!r}."
        )
    return points_np2, given_np.astype(np.int64)


def check_box(box: ArrayLike) -> NDArray[np.float32]:
    """Check one box.

    Parameters
    ----------
    box : (4,) x0, y0, x1, y1 in pixels; also (1, 4) or two corners (2, 2).

    Returns
    -------
    (4,) float32.

    Raises
    ------
    ValueError
        When it has another shape, is not finite or is empty.
    """
    box_4 = as_floats(box)
    box_4 = box_4.ravel() if box_4 is not None and box_4.shape in ((1, 4), (2, 2)) else box_4
    if box_4 is None or box_4.shape != (4,):
        raise ValueError(f"A box must be four numbers x0, y0, x1, y1 in pixels, got {box!r}.")
    if box_4[2] <= box_4[0] or box_4[3] <= box_4[1]:
        raise ValueError(
            f"A box needs x0 < x1 and y0 < y1, got {box_4.tolist()}: these are two corners, not a "
            "corner, a width and a height."
        )
    return box_4


def check_boxes(boxes: ArrayLike) -> NDArray[np.float32]:
    """Check one box or several: (N, 4) float32; see `check_box`."""
    boxes_n4 = as_floats(boxes)
    if boxes_n4 is None or not are_rows(boxes_n4, 4):
        return check_box(boxes)[None]
    return np.stack([check_box(box_4) for box_4 in boxes_n4])


def are_rows(values: NDArray[Any], width: int) -> bool:
    """Whether an array is (N, width) of at least one row."""
    return values.ndim == 2 and values.shape[1] == width and len(values) > 0


def as_floats(values: Any) -> NDArray[np.float32] | None:
    """Convert a list, an array or a tensor on any device; None if they are no finite numbers."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    return array if np.isfinite(array).all() else None
