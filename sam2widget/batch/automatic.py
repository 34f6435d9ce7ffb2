"""The fully automatic stage of a data engine: no person, many masklets, and an account of why
each was kept or dropped (Kirillov et al. 2023, section 4; Ravi et al. 2024, section 5)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from sam2_backend.video import FrameSource, Video, open_video

from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.capabilities import SupportsProposals, SupportsProposalThresholds
from ..models.loading import load_segmenter
from ..models.segmenter import Proposed, Segmenter
from ..models.source import model_source
from ..storage.saved_session import SavedSession

T = TypeVar("T")

THRESHOLDS = 0.7, 0.85
"""Predicted IoU and stability that are enough of a proposal of any model."""


@dataclass(frozen=True)
class Verdict:
    """What has become of one proposal."""

    frame: int
    area_px: int
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """0..1."""
    object: int | None
    """Id of the object that it became; None if it was dropped."""
    why: str


@dataclass(frozen=True)
class Everything:
    """All masklets that were found, and the account."""

    session: SavedSession
    """For `Sam2Widget(video, saved=…)`, `write_session` and `export_masks`."""
    verdicts: tuple[Verdict, ...]

    def __str__(self) -> str:
        lines = [f"{'frame':>5} {'area':>8} {'IoU':>5} {'stable':>6}  object  why"]
        lines += [
            f"{one.frame:5} {one.area_px:8} {one.iou:5.2f} {one.stability:6.2f}  "
            f"{one.object or '-':>6}  {one.why}"
            for one in self.verdicts
        ]
        counts = Counter("kept" if one.object else "dropped" for one in self.verdicts)
        lines.append(f"{counts['kept']} of {len(self.verdicts)} proposals kept.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


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
    most: int = 32,
    say: Callable[[str], None] = print,
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
    most : objects at most.
    say : shows what takes long.

    Returns
    -------
    Everything
        The session with all masklets, none accepted yet, and a verdict on each proposal.

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
    if every < 1 or most < 1 or min_frames < 1:
        raise SessionError(
            f"every, most and min_frames must be at least 1, got {every}, {most}, {min_frames}."
        )
    frames = open_video(video)
    segmenter: Segmenter = (
        cast("Segmenter", model)
        if isinstance(model, SupportsProposals)
        else load_segmenter(model, device, frames, say)
    )
    known = THRESHOLDS
    if isinstance(segmenter, SupportsProposalThresholds):
        known = segmenter.proposal_thresholds
    # A model may be less sure of what is right than others, but none has to be surer.
    iou, stability = (min(pair) for pair in zip(known, THRESHOLDS, strict=True))
    min_iou = iou if min_iou is None else min_iou
    min_stability = stability if min_stability is None else min_stability
    search = _Search(frames, segmenter, min_iou, min_stability, max_overlap, most)
    keys = range(0, len(frames), every)
    with tqdm(desc="Segmenting everything", total=len(frames), unit="frame") as bar:
        for key in keys:
            search.look(key)
            stop = min(key + every + 1, len(frames)) if frames.kind == "video" else key
            search.track(key, stop)
            bar.update(min(key + every, len(frames)) - bar.n)
    if frames.kind == "video":
        search.track(0, len(frames))
        search.drop_short(min(min_frames, len(frames)))
    search.drop_same()
    return search.result(model_source(model))


class _Search:
    """What has been found so far."""

    def __init__(
        self,
        video: Video,
        segmenter: Segmenter,
        min_iou: float,
        min_stability: float,
        max_overlap: float,
        most: int,
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
        self._most = most
        self._verdicts: list[Verdict] = []

    def look(self, frame: int) -> None:
        """Make objects of what is new on a frame."""
        if not isinstance(self._segmenter, SupportsProposals):
            raise SessionError(f"The model {self._segmenter.name} cannot propose masks.")
        known_hw = self._session.label_map(frame)
        for proposed in _all_of(self._segmenter.propose(frame)):
            why = self._objection(known_hw, proposed)
            obj = None
            if why is None:
                obj = max((info.id for info in self._session.objects), default=0) + 1
                self._session.add_mask(frame, proposed.mask_hw, obj, "proposal")
                known_hw[proposed.mask_hw] = obj
            area_px = int(np.count_nonzero(proposed.mask_hw))
            verdict = Verdict(
                frame, area_px, proposed.iou, proposed.stability, obj, why or "tracked"
            )
            self._verdicts.append(verdict)

    def _objection(self, known_hw: NDArray[np.int32], proposed: Proposed) -> str | None:
        if proposed.iou < self._min_iou:
            return f"predicted IoU below {self._min_iou:g}"
        if proposed.stability < self._min_stability:
            return f"stability below {self._min_stability:g}"
        inside = known_hw[proposed.mask_hw]
        if np.mean(inside > 0) > self._max_overlap:
            return f"covered by object {np.bincount(inside[inside > 0]).argmax()}"
        if len(self._session.objects) >= self._most:
            return f"there are {self._most} objects already"
        return None

    def track(self, start: int, stop: int) -> None:
        """Track what there is over some frames."""
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

    def drop_same(self) -> None:
        """Drop masklets that are nearly another one; the one of the higher predicted IoU stays."""
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
        saved = SavedSession.of(self._session, self._video, self._segmenter.name, source)
        return Everything(saved, tuple(self._verdicts))

    def _iou(self, a: int, b: int) -> float:
        """Of two masklets, over all frames."""
        first, second = self._session.results(a), self._session.results(b)
        shared = total = 0
        for frame in first.keys() | second.keys():
            masks = [own[frame].mask.to_array() for own in (first, second) if frame in own]
            shared += int(np.count_nonzero(np.all(masks, axis=0))) if len(masks) == 2 else 0
            total += int(np.count_nonzero(np.any(masks, axis=0)))
        return shared / max(total, 1)

    def _drop(self, obj: int, why: str) -> None:
        self._session.remove_object(obj)
        self._verdicts = [
            replace(one, object=None, why=why) if one.object == obj else one
            for one in self._verdicts
        ]


def _all_of(steps: Generator[None, None, T]) -> T:
    """Run a generator to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
