"""Segmenting a picture that is too large for a model, window by window."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video.large import WindowFrames

from ..core.errors import SessionError
from ..core.masks import Mask
from ..core.masks.cleaning import CLEANED_SHARE
from ..core.masks.sparse import (
    place_window,
    sample_mask,
    scale_to_window,
    subtract,
    unite,
)
from .capabilities import (
    HasModelNote,
    ModelNote,
    SupportsFrameChanges,
    SupportsMaskCleaning,
    SupportsPreview,
    SupportsProposals,
    SupportsProposalThresholds,
)
from .segmenter import Candidates, Point, Prediction, PromptSet, Proposed, Segmenter, Window
from .windows import WindowPrompts, find_window_of_point, group_by_window

CERTAIN = 10.0
"""Object-score logit of a mask that was given."""
MAX_REMEMBERED = 64
"""Windows that the model remembers the prompts of; those of others are replayed."""


@dataclass(frozen=True)
class _Answer:
    """What the model said in a window."""

    prompts: PromptSet
    """In pixels of the window's frame."""
    prediction: Prediction
    mask: Mask
    """Of the picture."""


class WindowedSegmenter:
    """A segmenter of one large picture, by one whose frames are windows of it. See `Segmenter`.

    The prompts of an object are answered window by window, in the order in which the windows were
    first used. Clicks in a window refine each other. What a window gives is added to what there
    is; where something in it was said not to be of the object, the window's answer counts in it
    alone, refined from what there was.

    Parameters
    ----------
    segmenter : of `frames`.
    frames : windows of the picture.
    """

    def __init__(self, segmenter: Segmenter, frames: WindowFrames) -> None:
        self._segmenter = segmenter
        self.frames = frames
        self.name: str = segmenter.name
        self.device: str = segmenter.device
        self.model_note: ModelNote | None = (
            segmenter.model_note if isinstance(segmenter, HasModelNote) else None
        )
        self._height, self._width = frames.image.height, frames.image.width
        self._answers: dict[tuple[int, int], _Answer] = {}
        """By object and frame of a window, the most recent last."""
        self._ids: dict[tuple[int, int], int] = {}
        """What the model calls an object in a window: in each it is another one to it."""
        self._next_id = 1

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """Answer a prompt set, window by window."""
        mask = prompts.mask or Mask.empty(self._height, self._width)
        score, iou = (CERTAIN, 1.0) if prompts.mask else (-CERTAIN, 0.0)
        groups = group_by_window(prompts, self._height, self._width)
        answer: _Answer | None = None
        for n, group in enumerate(groups):
            candidate = prompts.candidate if n == 0 and group.box is None else None
            answer = self._answer(obj, group, mask, candidate)
            if not group.only_adds:
                mask = subtract(mask, place_window(group.window, *mask.shape))
            mask = unite(mask, answer.mask)
            score, iou = max(score, answer.prediction.score), answer.prediction.iou
        candidates = None
        if answer is not None and len(groups) == 1 and prompts.mask is None:
            candidates = self._enlarge_candidates(answer.prediction.candidates, groups[0].window)
        return Prediction(mask, score, iou, candidates)

    def clear(self, frame: int, obj: int) -> None:
        """Forget all there is of one object."""
        self.remove(obj)

    def remove(self, obj: int) -> None:
        """Forget an object, if it is known."""
        for key in [key for key in self._ids if key[0] == obj]:
            self._forget(key)

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """Refuse: there is one picture.

        Raises
        ------
        SessionError
            Always.
        """
        raise SessionError("A large picture has one frame, so there is nothing to track.")

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Put a tracked mask back into memory: there are none."""

    def set_cleaning(self, size: float = CLEANED_SHARE) -> None:
        """Drop specks and pinholes that are smaller, in pixels of a window as the model sees it."""
        if isinstance(self._segmenter, SupportsMaskCleaning):
            self._segmenter.set_cleaning(size)

    def without_specks(
        self, mask_hw: NDArray[np.bool_], points: Sequence[Point]
    ) -> NDArray[np.bool_]:
        """A mask without specks, as answers are."""
        if isinstance(self._segmenter, SupportsMaskCleaning):
            return self._segmenter.without_specks(mask_hw, points)
        return mask_hw

    def forget_pixels(self) -> None:
        """Look at windows anew: they are shown otherwise now."""
        self._answers.clear()
        if isinstance(self._segmenter, SupportsFrameChanges):
            self._segmenter.forget_pixels()

    def _answer(
        self, obj: int, group: WindowPrompts, before: Mask, candidate: int | None
    ) -> _Answer:
        """What the model says in a window, as it said it before where nothing has changed."""
        view = self.frames.find(group.window)
        height, width = self.frames.size_of_window(group.window)
        known_hw = sample_mask(before, group.window, height, width)
        refines = not group.only_adds and bool(known_hw.any())
        local = PromptSet(
            tuple(self._to_view(point, group.window) for point in group.points),
            None if group.box is None else self._box_to_view(group.box, group.window),
            Mask.from_array(known_hw) if refines else None,
            candidate,
        )
        key = obj, view
        answer = self._answers.pop(key, None)
        if answer is None or answer.prompts != local:
            if key not in self._ids:
                self._ids[key], self._next_id = self._next_id, self._next_id + 1
            prediction = self._segmenter.prompt(view, self._ids[key], local)
            answer = _Answer(local, prediction, self._enlarge(prediction.mask_hw, group.window))
        self._answers[key] = answer
        if len(self._answers) > MAX_REMEMBERED:
            self._forget(next(iter(self._answers)))
        return answer

    def _forget(self, key: tuple[int, int]) -> None:
        self._answers.pop(key, None)
        known = self._ids.pop(key, None)
        if known is not None:
            self._segmenter.remove(known)

    def _enlarge(self, mask: NDArray[np.bool_] | Mask, window: Window) -> Mask:
        mask_hw = mask.to_array() if isinstance(mask, Mask) else mask
        return scale_to_window(mask_hw, window, self._height, self._width)

    def _enlarge_candidates(self, found: Candidates | None, window: Window) -> Candidates | None:
        if found is None:
            return None
        masks = [self._enlarge(mask, window) for mask in found.masks_nhw]
        return Candidates(masks, found.ious, found.chosen)

    def _scale(self, window: Window) -> tuple[float, float]:
        height, width = self.frames.size_of_window(window)
        return width / (window[2] - window[0]), height / (window[3] - window[1])

    def _to_view(self, point: Point, window: Window) -> Point:
        along_x, along_y = self._scale(window)
        x, y = (point.x - window[0]) * along_x, (point.y - window[1]) * along_y
        return Point(x, y, point.label)

    def _box_to_view(
        self, box: tuple[float, float, float, float], window: Window
    ) -> tuple[float, float, float, float]:
        """What of a box lies in a window; one that was drawn beyond it ends there."""
        along_x, along_y = self._scale(window)
        x0, x1 = (min(max(x, window[0]), window[2]) - window[0] for x in (box[0], box[2]))
        y0, y1 = (min(max(y, window[1]), window[3]) - window[1] for y in (box[1], box[3]))
        return x0 * along_x, y0 * along_y, x1 * along_x, y1 * along_y


class WindowedProposer(WindowedSegmenter):
    """The same by a segmenter that previews clicks and proposes masks."""

    @property
    def proposal_thresholds(self) -> tuple[float, float]:
        """Predicted IoU and stability from which on proposals are worth something."""
        inner = self._segmenter
        return (
            inner.proposal_thresholds if isinstance(inner, SupportsProposalThresholds) else (0, 0)
        )

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """Answer one more click in its window without remembering it."""
        assert isinstance(self._segmenter, SupportsPreview)
        before = [] if obj is None else self._windows_of(obj)
        window = find_window_of_point(point, before, self._height, self._width)
        view = self.frames.find(window)
        known = None if obj is None else self._ids.get((obj, view))
        found = self._segmenter.preview(view, known, self._to_view(point, window))
        return Prediction(self._enlarge(found.mask_hw, window), found.score, found.iou)

    def propose(
        self, frame: int, window: Window | None = None
    ) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is in a window, all of the picture if None, the best first."""
        assert isinstance(self._segmenter, SupportsProposals)
        window = window or (0, 0, self._width, self._height)
        found = yield from self._segmenter.propose(self.frames.find(window))
        return [
            Proposed(self._enlarge(one.mask_hw, window), one.iou, one.stability) for one in found
        ]

    def _windows_of(self, obj: int) -> list[Window]:
        return [self.frames.window_of(view) for known, view in self._answers if known == obj]


def make_windowed(segmenter: Segmenter, frames: WindowFrames) -> WindowedSegmenter:
    """Make a segmenter of a large picture from one of its windows, with what that one can do."""
    can_all = isinstance(segmenter, SupportsPreview) and isinstance(segmenter, SupportsProposals)
    return (WindowedProposer if can_all else WindowedSegmenter)(segmenter, frames)
