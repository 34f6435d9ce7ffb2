"""What a session asks of a model: the `Segmenter` protocol, and the types that it speaks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..core.masks import Mask

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the original frame."""

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 of the part of a large picture that a model sees, in pixels of the picture; the
last two are not included."""


@dataclass(frozen=True)
class Point:
    """A click, in pixels of the original frame; pixel centres lie at +0.5."""

    x: float
    y: float
    label: int
    """1 on the object, 0 outside it."""
    window: Window | None = None
    """Of a large picture, what was looked at; None where it is not said, or all of the frame."""


@dataclass(frozen=True)
class PromptSet:
    """All prompts of one object on one frame. Immutable; the methods give changed copies."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    mask: Mask | None = None
    candidate: int | None = None
    """Which mask of the first click was chosen, of those it may mean; the best if None."""
    box_window: Window | None = None
    """Of a large picture, what was looked at when the box was drawn."""

    def __bool__(self) -> bool:
        return bool(self.points) or self.box is not None or self.mask is not None

    def with_point(self, point: Point) -> PromptSet:
        """The same and one more click."""
        return replace(self, points=(*self.points, point))

    def without_point(self, index: int) -> PromptSet:
        """The same without one click."""
        points = self.points[:index] + self.points[index + 1 :]
        return replace(self, points=points, candidate=self.candidate if index else None)

    def with_moved_point(self, index: int, x: float, y: float) -> PromptSet:
        """The same with one click elsewhere, in pixels of the original frame."""
        points = list(self.points)
        points[index] = replace(points[index], x=x, y=y)
        return replace(self, points=tuple(points), candidate=self.candidate if index else None)

    def with_box(self, box: Box | None, window: Window | None = None) -> PromptSet:
        """The same with this box in place of another, or with none."""
        return replace(self, box=box, candidate=None, box_window=window)

    def with_candidate(self, candidate: int) -> PromptSet:
        """The same with another mask of its first click."""
        return replace(self, candidate=candidate)

    def extends(self, other: PromptSet) -> bool:
        """Whether this is `other` and perhaps some clicks after it."""
        return (
            self.box == other.box
            and self.box_window == other.box_window
            and self.mask == other.mask
            and self.candidate == other.candidate
            and self.points[: len(other.points)] == other.points
        )


@dataclass(frozen=True)
class Candidates:
    """The masks that an ambiguous click may mean."""

    masks_nhw: NDArray[np.bool_] | Sequence[Mask]
    """(N, H, W) in pixels of the original frame; of a large picture as run lengths."""
    ious: Sequence[float]
    """Predicted IoU of each, 0..1."""
    chosen: int
    """Which of them is the answer."""


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one object on one frame."""

    mask_hw: NDArray[np.bool_] | Mask
    """(H, W) in pixels of the original frame; of a large picture as run lengths."""
    score: float
    """Object-score logit: above 0 the object is judged visible."""
    iou: float
    """Predicted IoU of the mask, 0..1."""
    candidates: Candidates | None = None
    """Where the prompts are one click that may mean several masks."""
    logits_hw: NDArray[np.float32] | None = None
    """(h, w) mask logits on any grid that covers the frame: of objects that claim the same pixel,
    the one with the larger logit has it."""


@dataclass(frozen=True)
class Proposed:
    """One of the masks found on a frame without a prompt."""

    mask_hw: NDArray[np.bool_] | Mask
    """(H, W) in pixels of the original frame; of a large picture as run lengths."""
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """IoU of the masks of two thresholds, 0..1."""

    def to_array(self) -> NDArray[np.bool_]:
        """The mask as (H, W); a large picture's is refused as by `Mask.to_array`."""
        return self.mask_hw.to_array() if isinstance(self.mask_hw, Mask) else self.mask_hw


@runtime_checkable
class Segmenter(Protocol):
    """A model and its memory of one video. Used from one thread only.

    Its memory holds, per object, the conditioning frames (those that were prompted) and recently
    tracked frames. Masks are (H, W) bool in pixels of the original frame.
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
        """Answer the whole prompt set of one object on one frame, a conditioning frame from now on.

        Where the set extends the one before, the answer before is refined; else the
        clicks are replayed one at a time: the answer depends on the frame, the prompts and the
        memory alone.

        Parameters
        ----------
        frame : from 0.
        obj : id of the object, from 1; a new one adds it.
        prompts : all there are, at least one, in pixels of the frame.
        """
        ...

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object on one frame, if there is any."""
        ...

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        ...

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Track objects onto one frame from its earlier neighbours, or the later in reverse.

        Parameters
        ----------
        frame : that none of them is prompted on.
        objs : ids; each has a conditioning frame on that side.
        reverse : whether towards the beginning of the video.

        Returns
        -------
        dict
            A prediction for each object, by id.
        """
        ...

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a known mask back into memory as a tracked one, if the frame is not there.

        Parameters
        ----------
        mask_hw : (H, W) bool.
        """
        ...
