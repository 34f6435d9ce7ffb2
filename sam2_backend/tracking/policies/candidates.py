"""What the mask decoder offers for a tracked frame, and what a policy writes down of its choice.

Boxes and areas are in cells of the decoder's grid of masks, which covers the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in cells; the last cells are within."""


@dataclass(frozen=True)
class FrameRecord:
    """Numbers of one object on one frame, of the mask that memory holds there.

    A policy's own records may hold more.
    """

    iou: float
    """Predicted IoU, 0..1."""
    object_score: float
    """Visibility logit."""
    box: Box | None
    """Around the mask; None where it is empty."""
    area: int
    """Cells of the mask."""


@dataclass(frozen=True)
class CandidateMasks:
    """The three masks of one object that the decoder predicts for a frame without prompts."""

    masks_chw: NDArray[np.bool_]
    """(3, h, w)."""
    ious_c: NDArray[np.float32]
    """(3,) predicted IoU of each."""
    object_score: float
    """Logit that the object is visible: at 0 and below it is stored as absent."""

    @property
    def is_visible(self) -> bool:
        """Whether the object is judged visible."""
        return self.object_score > 0

    @property
    def best(self) -> int:
        """The candidate of the highest predicted IoU, which SAM 2 takes."""
        return int(self.ious_c.argmax())

    @cached_property
    def boxes(self) -> list[Box | None]:
        """Box around each candidate; None around an empty one."""
        return [box_around(mask_hw) for mask_hw in self.masks_chw]

    @cached_property
    def areas(self) -> list[int]:
        """Cells of each candidate."""
        return [int(mask_hw.sum()) for mask_hw in self.masks_chw]

    def record(self, candidate: int) -> FrameRecord:
        """Write down what is stored where a candidate is chosen."""
        visible = self.is_visible
        return FrameRecord(
            iou=float(self.ious_c[candidate]),
            object_score=self.object_score,
            box=self.boxes[candidate] if visible else None,
            area=self.areas[candidate] if visible else 0,
        )


def box_around(mask_hw: NDArray[np.bool_]) -> Box | None:
    """Return the box around a mask; None around an empty one."""
    rows, columns = mask_hw.any(axis=1).nonzero()[0], mask_hw.any(axis=0).nonzero()[0]
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def box_area(box: Box | None) -> float:
    """Return the area of a box in cells, 0 of none."""
    return 0.0 if box is None else max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def box_iou(one: Box | None, other: Box | None) -> float:
    """Return the intersection over union of two boxes, 0 where there is none."""
    if one is None or other is None:
        return 0.0
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = box_area(one) + box_area(other) - shared
    return shared / union if union > 0 else 0.0
