"""What was found through a whole video: a proposal on each frame that shows the thing."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ...core.errors import SessionError
from ...core.masks import Mask
from ...models.detection import Detection, FrameDetections
from ..history import Edit
from ..records import Proposal, Result, Tracked
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver

FIRST_ID = 100_001
"""Ids of proposals of a video begin here, so that none is that of one on a single frame."""
MAX_SCORE = 10.0
"""Object-score logits of what was found stay within ±."""


@dataclass
class _Search:
    """What a search through the video has done so far."""

    what: str
    frames: set[int] = field(default_factory=set[int])
    """That were searched."""
    ids: dict[int, int] = field(default_factory=dict[int, int])
    """Ids of proposals, by the detector's number of the thing."""
    objects: dict[int, int] = field(default_factory=dict[int, int])
    """Objects that were made of proposals while the search went on, by the proposal's id."""
    dismissed: set[int] = field(default_factory=set[int])
    is_over: bool = False


class VideoProposals:
    """Proposals of a session that are of the whole video.

    Parameters
    ----------
    store : that is edited.
    overlaps : gives pixels to one object.
    """

    def __init__(self, store: AnnotationStore, overlaps: OverlapResolver) -> None:
        self._store = store
        self._overlaps = overlaps
        self._searches: list[_Search] = []

    def find(
        self, what: str, steps: Iterator[FrameDetections | None]
    ) -> Generator[Tracked | None, None, list[Proposal]]:
        """Propose what a detector finds through the video, frame by frame.

        Each thing has one id on all frames. Proposals of an earlier search through the video go;
        on frames where something is found, others go too. Where it is ended, what was found until
        then stays. What becomes an object meanwhile gets its masks of later frames as well.

        Parameters
        ----------
        what : is looked for, for sentences.
        steps : from a `VideoDetector`.

        Returns
        -------
        Generator
            Each step is one more frame, or None; its result is one proposal a thing, that of the
            frame where it is the largest, the surest first.

        Raises
        ------
        SessionError
            When these are pictures, or nothing was found.
        """
        if self._store.kind == "images":
            raise SessionError(
                "These are pictures, each on its own: there is no video to look through. Find it "
                "on each."
            )
        return self._find(what, steps)

    def _find(
        self, what: str, steps: Iterator[FrameDetections | None]
    ) -> Generator[Tracked | None, None, list[Proposal]]:
        search = _Search(what)
        own: Edit | None = None
        try:
            for found in steps:
                if found is None:
                    yield None
                    continue
                last = self._store.history.last
                with self._store.edit("find", last if last is own else None) as edit:
                    if not search.frames:
                        self.drop(one for earlier in self._searches for one in earlier.ids.values())
                        self._searches.append(search)
                    self._write_frame(search, found)
                own = self._store.history.last if edit.changes else own
                search.frames.add(found.frame)
                done = len(search.frames)
                yield Tracked(found.frame, False, done, max(done, self._store.num_frames))
        finally:
            search.is_over = True
        best = self.best_of(search.ids.values())
        if not best and not search.objects:
            raise SessionError(
                f"The detector found no {what} in the video: try other words, or click it."
            )
        return best

    def latest(self) -> list[Proposal]:
        """What the last search has found, as `find` gives it."""
        return self.best_of(self._searches[-1].ids.values()) if self._searches else []

    def best_of(self, ids: Iterable[int]) -> list[Proposal]:
        """Of each thing the proposal of the frame where it is the largest, the surest first."""
        wanted, best = set(ids), dict[int, Proposal]()
        for proposals in self._store.tables.proposals.values():
            for one in proposals:
                known = best.get(one.id)
                if one.id in wanted and (known is None or one.mask.area > known.mask.area):
                    best[one.id] = one
        return sorted(best.values(), key=lambda one: -one.iou)

    def masks_of(self, ids: Iterable[int]) -> dict[int, Proposal]:
        """Proposals of some things by frame, as one where there are several on a frame."""
        wanted = set(ids)
        found: dict[int, Proposal] = {}
        for frame, proposals in self._store.tables.proposals.items():
            here = [one for one in proposals if one.id in wanted]
            if here:
                found[frame] = merge_proposals(here)
        return found

    def adopt(self, obj: int, ids: Iterable[int], anchor: int) -> None:
        """Give an object the masks of things on all frames but the one that is prompted.

        It is part of an edit that is open. Frames that were searched and do not show it get an
        empty mask. Frames of the object that are prompted or reviewed stay.

        Parameters
        ----------
        ids : of the things.
        anchor : the frame that is prompted.
        """
        ids = list(ids)
        found = self.masks_of(ids)
        for search in self._searches_of(ids):
            if not search.is_over:
                search.objects.update(dict.fromkeys(ids, obj))
            for frame in sorted(search.frames - {anchor}):
                self._write_mask(frame, obj, found.get(frame))

    def drop(self, ids: Iterable[int]) -> None:
        """Take proposals off all frames, in an open edit."""
        gone = set(ids)
        if not gone:
            return
        for search in self._searches_of(gone):
            search.dismissed |= gone
        for frame, proposals in list(self._store.tables.proposals.items()):
            left = tuple(one for one in proposals if one.id not in gone)
            if len(left) < len(proposals):
                self._store.write_proposals(frame, left)

    def frame_of(self, ids: Iterable[int], near: int) -> int:
        """The frame `near` if a thing is seen there, else that where it is the largest."""
        found = self.masks_of(ids)
        return near if near in found else max(found, key=lambda t: found[t].mask.area)

    def _write_frame(self, search: _Search, found: FrameDetections) -> None:
        proposals: list[Proposal] = []
        objects: dict[int, list[Proposal]] = {obj: [] for obj in search.objects.values()}
        for number, one in found.detections.items():
            proposal = self._proposal(search, number, one)
            obj = search.objects.get(proposal.id)
            if obj is not None:
                objects[obj].append(proposal)
            elif proposal.mask.area and proposal.id not in search.dismissed:
                proposals.append(proposal)
        for obj, own in objects.items():
            if obj in self._store.tables.objects and not self._store.tables.objects[obj].locked:
                self._write_mask(found.frame, obj, merge_proposals(own) if own else None)
        if proposals:
            self._store.write_proposals(found.frame, tuple(proposals))

    def _proposal(self, search: _Search, number: int, one: Detection) -> Proposal:
        if number not in search.ids:
            search.ids[number] = FIRST_ID + sum(len(other.ids) for other in self._searches)
        assert one.mask_hw is not None, "it was checked"
        mask = Mask.from_array(one.mask_hw)
        return Proposal(search.ids[number], mask, one.score, 1.0, one.name)

    def _write_mask(self, frame: int, obj: int, found: Proposal | None) -> None:
        """Write what was found of an object on a frame, or that it is not there."""
        store = self._store
        known = store.result(frame, obj)
        if store.prompts(frame, obj) or (known and known.state in ("accepted", "rejected")):
            return
        mask = Mask.empty(*store.frame_hw(frame)) if found is None else found.mask
        if known is not None and known.answer.area:
            if found is None:
                return
            mask = Mask.from_array(known.answer.to_array() | mask.to_array())
        iou = 1.0 if found is None else found.iou
        result = Result(mask, -MAX_SCORE if found is None else _logit(found.iou), iou, "track")
        self._overlaps.write_results(frame, {obj: result})

    def _searches_of(self, ids: Iterable[int]) -> list[_Search]:
        wanted = set(ids)
        return [one for one in self._searches if wanted & set(one.ids.values())]


def is_of_video(proposal_id: int) -> bool:
    """Whether the id is that of something found through the whole video."""
    return proposal_id >= FIRST_ID


def merge_proposals(proposals: list[Proposal]) -> Proposal:
    """The union of proposals of one frame, with the numbers of the first."""
    if len(proposals) == 1:
        return proposals[0]
    mask = Mask.from_array(np.any([one.mask.to_array() for one in proposals], axis=0))
    first = proposals[0]
    return Proposal(first.id, mask, first.iou, first.stability, first.name)


def _logit(probability: float) -> float:
    if not 0 < probability < 1:
        return MAX_SCORE if probability else -MAX_SCORE
    return max(-MAX_SCORE, min(MAX_SCORE, math.log(probability / (1 - probability))))
