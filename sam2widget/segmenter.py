"""What a session asks of a model: the Segmenter Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .masks import Mask

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the original frame."""


@dataclass(frozen=True)
class Point:
    """A click, in pixels of the original frame; pixel centres lie at +0.5."""

    x: float
    y: float
    label: int
    """1 on the object, 0 outside it."""


@dataclass(frozen=True)
class PromptSet:
    """All prompts of one object on one frame. Immutable; the methods give changed copies."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    mask: Mask | None = None

    def __bool__(self) -> bool:
        return bool(self.points) or self.box is not None or self.mask is not None

    def with_point(self, point: Point) -> PromptSet:
        """The same and one more click."""
        return replace(self, points=(*self.points, point))

    def without_point(self, index: int) -> PromptSet:
        """The same without one click."""
        return replace(self, points=self.points[:index] + self.points[index + 1 :])

    def with_box(self, box: Box | None) -> PromptSet:
        """The same with this box in place of another, or with none."""
        return replace(self, box=box)

    def extends(self, other: PromptSet) -> bool:
        """Whether this is `other` and perhaps some clicks after it."""
        return (
            self.box == other.box
            and self.mask == other.mask
            and self.points[: len(other.points)] == other.points
        )


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one object on one frame."""

    mask_hw: NDArray[np.bool_]
    """(H, W) in pixels of the original frame."""
    score: float
    """Object-score logit: above 0 the object is judged visible."""
    iou: float
    """Predicted IoU of the mask, 0..1."""


class Segmenter(Protocol):
    """A model and its memory of one video. Used from one thread only.

    Its memory holds, per object, the conditioning frames (those that were prompted) and recently
    tracked frames.
    """

    @property
    def name(self) -> str:
        """Of the model, to show."""
        ...

    @property
    def device(self) -> str:
        """What it runs on, to show."""
        ...

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """Answer the whole prompt set of one object on one frame, which becomes a conditioning
        frame. Where the set extends the one before, the answer before is refined; else the
        clicks are replayed one at a time: the answer depends on the frame, the prompts and the
        memory alone."""
        ...

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object on one frame."""
        ...

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        ...

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Track objects onto one frame from its earlier neighbours, or the later in reverse."""
        ...

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a known (H, W) mask back into memory as a tracked one, if it is not there."""
        ...
