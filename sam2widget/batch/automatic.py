"""The fully automatic stage of a data engine: masklets of everything in a video.

What became of each proposal, and why, is reported (Kirillov et al. 2023, section 4; Ravi et al.
2024, section 5).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from sam2_backend.renamed import renamed_arguments, warn_renamed
from sam2_backend.video import FrameSource, Video, open_video

from ..annotation.session import Session
from ..core.arguments import as_int_from
from ..core.callers_function import as_status
from ..core.errors import SessionError
from ..models.capabilities import SupportsProposals, SupportsProposalThresholds
from ..models.segmenter import Proposed, Segmenter
from ..models.source import as_segmenter, check_device, check_model, memory_of, model_source
from ..storage.saved_session import SavedSession

T = TypeVar("T")

THRESHOLDS = 0.7, 0.85
"""Predicted IoU and stability that suffice for a proposal of any model."""


@renamed_arguments(why="reason")
@dataclass(frozen=True)
class ProposalOutcome:
    """What became of a proposal, and why."""

    frame: int
    area_px: int
    """Area of its mask, in pixels."""
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """Stability score, 0..1."""
    object: int | None
    """Id of the object that it became; None if it was dropped."""
    reason: str
    """Why it was dropped, or that it was tracked."""

    @property
    def why(self) -> str:
        """Deprecated name of `reason`."""
        warn_renamed("ProposalOutcome.why", "ProposalOutcome.reason")
        return self.reason


@dataclass(frozen=True)
class Everything:
    """Masklets of everything in a video, and what became of each proposal."""

    session: SavedSession
    """For `Sam2Widget(video, saved=…)`, `write_session` and `export_masks`."""
    outcomes: tuple[ProposalOutcome, ...]
    """Of all proposals, in the order in which they were made."""

    @property
    def verdicts(self) -> tuple[ProposalOutcome, ...]:
        """Deprecated name of `outcomes`."""
        warn_renamed("Everything.verdicts", "Everything.outcomes")
        return self.outcomes

    def __str__(self) -> str:
        lines = [f"{'frame':>5} {'area':>8} {'IoU':>5} {'stable':>6}  object  reason"]
        lines += [
            f"{one.frame:5} {one.area_px:8} {one.iou:5.2f} {one.stability:6.2f}  "
            f"{one.object or '-':>6}  {one.reason}"
            for one in self.outcomes
        ]
        counts = Counter("kept" if one.object else "dropped" for one in self.outcomes)
        lines.append(f"{counts['kept']} of {len(self.outcomes)} proposals kept.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


@renamed_arguments(most="max_objects", say="on_status")
def segment_everything(
    video: FrameSource,
    model: str | os.PathLike[str] | Segmenter | object = "auto",
    device: str | None = None,
    *,
    every: int = 24,
    min_iou: float | None = None,
    min_stability: float | None = None,
    max_overlap: float = 0.5,
    min_frames: int = 3,
    max_objects: int = 32,
    on_status: Callable[[str], None] | None = print,
) -> Everything:
    """Find and track everything in a video, without a click.

    Proposals of a grid of clicks on the first frame become objects where they pass the filters,
    and are tracked through the video. On each further key frame, what is not yet covered by a
    tracked object becomes one too. At the end, masklets that are short, or nearly the same as a
    better one, are dropped.

    Parameters
    ----------
    video, model, device : as for `Sam2Widget`.
    every : frames from one key frame to the next.
    min_iou, min_stability : proposals below are dropped; if None what is right for the model,
        and where it does not say 0.7 and 0.85.
    max_overlap : a proposal more of which lies in known objects is dropped; so is a masklet that
        has a larger IoU with a better one.
    min_frames : on so many frames at least a masklet must be visible; in a shorter video on all.
    max_objects : largest number of objects.
    on_status : called with a line before what takes long, such as loading a model.

    Returns
    -------
    Everything
        The session with all masklets, none accepted yet, and the outcome of each proposal.

    Raises
    ------
    SessionError
        When an option is none that can be used, or the model cannot propose.
    VideoError
        When the video cannot be read.

    Examples
    --------
    >>> found = segment_everything("street.mp4", "sam2.1-hiera-large")
    >>> print(found)
    >>> w = Sam2Widget("street.mp4", saved=found.session)  # to look at it, and correct
    """
    every = as_int_from(every, 1, "every")
    max_objects = as_int_from(max_objects, 1, "max_objects")
    min_frames = as_int_from(min_frames, 1, "min_frames")
    on_status = as_status(on_status)
    check_model(model)
    check_device(device)
    frames = open_video(video)
    segmenter = as_segmenter(model, device, frames, on_status)
    its_own = THRESHOLDS
    if isinstance(segmenter, SupportsProposalThresholds):
        its_own = segmenter.proposal_thresholds
    # A model may be less sure of what is right than others, but none has to be surer.
    iou, stability = (min(pair) for pair in zip(its_own, THRESHOLDS, strict=True))
    min_iou = iou if min_iou is None else min_iou
    min_stability = stability if min_stability is None else min_stability
    search = _Search(frames, segmenter, min_iou, min_stability, max_overlap, max_objects)
    keys = range(0, len(frames), every)
    with tqdm(desc="Segmenting everything", total=len(frames), unit="frame") as bar:
        for key in keys:
            search.propose(key)
            stop = min(key + every + 1, len(frames)) if frames.kind == "video" else key
            search.track(key, stop)
            bar.update(min(key + every, len(frames)) - bar.n)
    if frames.kind == "video":
        search.track(0, len(frames))
        search.drop_short(min(min_frames, len(frames)))
    search.drop_duplicates()
    return search.result(model_source(model))


class _Search:
    """A session that is filled with proposals, and their outcomes so far."""

    def __init__(
        self,
        video: Video,
        segmenter: Segmenter,
        min_iou: float,
        min_stability: float,
        max_overlap: float,
        max_objects: int,
    ) -> None:
        self._video = video
        self._segmenter = segmenter
        self._session = Session(
            *(len(video), video.height, video.width),
            segmenter,
            kind=video.kind,
            sizes_hw=video.sizes_hw,
            # Masklets that are nearly the same are found by what they share.
            non_overlapping=False,
        )
        self._min_iou = min_iou
        self._min_stability = min_stability
        self._max_overlap = max_overlap
        self._max_objects = max_objects
        self._outcomes: list[ProposalOutcome] = []

    def propose(self, frame: int) -> None:
        """Propose masks on a frame, and make objects of those that are new."""
        if not isinstance(self._segmenter, SupportsProposals):
            raise SessionError(f"The model {self._segmenter.name} cannot propose masks.")
        known_hw = self._session.label_map(frame)
        for proposed in _run_to_end(self._segmenter.propose(frame)):
            mask_hw = proposed.to_array()
            reason = self._rejection_reason(known_hw[mask_hw], proposed)
            obj = None
            if reason is None:
                obj = max((info.id for info in self._session.objects), default=0) + 1
                self._session.add_mask(frame, mask_hw, obj, "proposal")
                known_hw[mask_hw] = obj
            area_px = int(np.count_nonzero(mask_hw))
            outcome = ProposalOutcome(
                frame, area_px, proposed.iou, proposed.stability, obj, reason or "tracked"
            )
            self._outcomes.append(outcome)

    def _rejection_reason(self, inside: NDArray[np.int32], proposed: Proposed) -> str | None:
        """What speaks against a mask; `inside` are the labels known at its pixels."""
        if proposed.iou < self._min_iou:
            return f"predicted IoU below {self._min_iou:g}"
        if proposed.stability < self._min_stability:
            return f"stability below {self._min_stability:g}"
        if np.mean(inside > 0) > self._max_overlap:
            return f"covered by object {np.bincount(inside[inside > 0]).argmax()}"
        if len(self._session.objects) >= self._max_objects:
            return f"there are {self._max_objects} objects already"
        return None

    def track(self, start: int, stop: int) -> None:
        """Track all objects over some frames, from `start` to just before `stop`."""
        if self._session.objects and stop > start and self._session.has_pending:
            for _ in self._session.propagate(start, stop):
                pass

    def drop_short(self, min_frames: int) -> None:
        """Drop masklets that are visible on too few frames."""
        for info in self._session.objects:
            visible = sum(
                result.mask.area > 0 for result in self._session.results(info.id).values()
            )
            if visible < min_frames:
                self._drop(info.id, f"visible on {visible} frames only")

    def drop_duplicates(self) -> None:
        """Drop masklets that are nearly another one of a higher predicted IoU."""
        quality = {
            info.id: float(np.nanmean(self._session.ious(info.id)))
            for info in self._session.objects
        }
        kept: list[int] = []
        for obj in sorted(quality, key=lambda obj: -quality[obj]):
            for other in kept:
                if self._iou(obj, other) > self._max_overlap:
                    self._drop(obj, f"the same as object {other}")
                    break
            else:
                kept.append(obj)

    def result(self, source: str | None) -> Everything:
        """Return the session and the outcomes; `source` is what loads the model again."""
        saved = SavedSession.of(
            *(self._session, self._video, self._segmenter.name, source),
            memory=memory_of(self._segmenter),
        )
        return Everything(saved, tuple(self._outcomes))

    def _iou(self, a: int, b: int) -> float:
        """Return the IoU of two masklets over all frames."""
        first, second = self._session.results(a), self._session.results(b)
        shared = total = 0
        for frame in first.keys() | second.keys():
            masks = [own[frame].mask.to_array() for own in (first, second) if frame in own]
            shared += int(np.count_nonzero(np.all(masks, axis=0))) if len(masks) == 2 else 0
            total += int(np.count_nonzero(np.any(masks, axis=0)))
        return shared / max(total, 1)

    def _drop(self, obj: int, reason: str) -> None:
        self._session.remove_object(obj)
        self._outcomes = [
            replace(one, object=None, reason=reason) if one.object == obj else one
            for one in self._outcomes
        ]


def _run_to_end(steps: Generator[None, None, T]) -> T:
    """Run a generator to its end, and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
