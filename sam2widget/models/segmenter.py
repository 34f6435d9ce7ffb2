"""What a session asks of a model: the Segmenter Protocol, and what it may be able to besides."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..core.masks import Mask

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
    candidate: int | None = None
    """Which mask of the first click was chosen, of those it may mean; the best if None."""

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

    def with_box(self, box: Box | None) -> PromptSet:
        """The same with this box in place of another, or with none."""
        return replace(self, box=box, candidate=None)

    def with_candidate(self, candidate: int) -> PromptSet:
        """The same with another mask of its first click."""
        return replace(self, candidate=candidate)

    def extends(self, other: PromptSet) -> bool:
        """Whether this is `other` and perhaps some clicks after it."""
        return (
            self.box == other.box
            and self.mask == other.mask
            and self.candidate == other.candidate
            and self.points[: len(other.points)] == other.points
        )


@dataclass(frozen=True)
class Candidates:
    """The masks that an ambiguous click may mean."""

    masks_nhw: NDArray[np.bool_]
    """(N, H, W) in pixels of the original frame."""
    ious: Sequence[float]
    """Predicted IoU of each, 0..1."""
    chosen: int
    """Which of them is the answer."""


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one object on one frame."""

    mask_hw: NDArray[np.bool_]
    """(H, W) in pixels of the original frame."""
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

    mask_hw: NDArray[np.bool_]
    """(H, W) in pixels of the original frame."""
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """IoU of the masks of two thresholds, 0..1."""


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


@runtime_checkable
class Previews(Protocol):
    """A segmenter that can say what a click would give."""

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click on an object (None: a new one) without remembering it."""
        ...


@runtime_checkable
class Proposes(Protocol):
    """A segmenter that finds masks without a prompt."""

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, the best first, in steps that leave others their turn."""
        ...


@runtime_checkable
class HasThresholds(Protocol):
    """A segmenter that knows from which on its proposals are worth something."""

    @property
    def proposal_thresholds(self) -> tuple[float, float]:
        """Predicted IoU and stability."""
        ...


@runtime_checkable
class RemembersApart(Protocol):
    """A segmenter that can remember objects without what others have more of."""

    def set_exclusive_memory(self, on: bool) -> None:
        """Do so from now on where it tracks, or not: it keeps an object from sliding onto
        another."""
        ...

    def remember_as(self, frame: int, obj: int, mask_hw: NDArray[np.bool_] | None) -> None:
        """Let memory hold another mask on a prompted frame than the answer; that one if None."""
        ...


@runtime_checkable
class CleansMasks(Protocol):
    """A segmenter that drops specks and pinholes from its answers."""

    def set_cleaning(self, size: float) -> None:
        """Drop from now on those that are smaller: in pixels from 1 up, below 1 as a share of the
        mask's area; 0 is none."""
        ...

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """An (H, W) mask without specks of that size, but with those that were clicked."""
        ...


@dataclass(frozen=True)
class ModelNote:
    """What a person should know of a model, beside its name."""

    text: str
    """A few words."""
    details: str
    """What to do, in a sentence."""


@runtime_checkable
class HasNote(Protocol):
    """A segmenter whose model should be known for what it is."""

    @property
    def model_note(self) -> ModelNote | None:
        """None where there is nothing to say."""
        ...


@runtime_checkable
class ForgetsPixels(Protocol):
    """A segmenter that keeps what it has seen of frames."""

    def forget_pixels(self) -> None:
        """Look at frames anew: they are shown otherwise now."""
        ...
