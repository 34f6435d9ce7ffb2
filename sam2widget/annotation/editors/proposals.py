"""Everything on a frame at once: masks that nobody has asked for, which may become objects."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ...core.errors import SessionError
from ...core.masks import Mask
from ...core.masks.sparse import unite
from ...models.detection import Detection, FrameDetections
from ...models.segmenter import Prediction, PromptSet, Proposed, Window
from ..confidence import mask_iou
from ..history import Edit
from ..model_sync import ModelSync
from ..records import Proposal, Tracked
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver
from .prompts import PromptEditor
from .video_proposals import VideoProposals, is_of_video

SAME_IOU = 0.8
"""IoU of masks from which on two detections are of one thing."""


class ProposalEditor:
    """Proposals of a session, by frame.

    Parameters
    ----------
    store : that is edited.
    model : which proposes.
    prompts : writes those that become objects.
    overlaps : gives pixels to one object.
    """

    def __init__(
        self,
        store: AnnotationStore,
        model: ModelSync,
        prompts: PromptEditor,
        overlaps: OverlapResolver,
    ) -> None:
        self._store = store
        self._model = model
        self._prompts = prompts
        self._video = VideoProposals(store, overlaps)

    def propose(
        self, frame: int, window: Window | None = None
    ) -> Generator[None, None, list[Proposal]]:
        """Segment everything on a frame, in steps; other edits may come in between.

        The proposals take the place of those there, and are the generator's result.

        Parameters
        ----------
        window : x0, y0, x1, y1 of what is looked at, of a large picture; all of it if None.

        Raises
        ------
        SessionError
            When the model cannot do it, or there is no such frame.
        """
        frame = self._store.check_frame(frame)
        window = self._prompts.check_window(frame, window)
        return self._propose(frame, self._model.propose(frame, window))

    def _propose(
        self, frame: int, steps: Generator[None, None, Sequence[Proposed]]
    ) -> Generator[None, None, list[Proposal]]:
        found = yield from steps
        objects = self._store.held_on(frame).values()
        proposals: list[Proposal] = []
        for one in found:
            mask = Mask.of(one.mask_hw)
            if not any(mask_iou(mask, known) > SAME_IOU for known in objects):
                proposals.append(Proposal(len(proposals) + 1, mask, one.iou, one.stability))
        if not proposals:
            what = "Nothing that is no object yet" if found else "Nothing"
            raise SessionError(f"{what} was found on frame {frame}: click what you look for.")
        return self._write(frame, proposals)

    def find(
        self, frame: int, what: str, detect: Callable[[], Sequence[Detection]]
    ) -> Generator[None, None, list[Proposal]]:
        """Propose what a detector finds on a frame, in steps; other edits may come in between.

        Boxes become masks by the model. Of detections of one thing the surest is proposed. The
        proposals take the place of those there, and are the generator's result.

        Parameters
        ----------
        frame : zero-based index.
        what : is looked for, for sentences.
        detect : finds it, the best first.

        Raises
        ------
        SessionError
            When no model is loaded, there is no such frame, or nothing was found.
        """
        frame = self._store.check_frame(frame)
        self._model.check_loaded()
        return self._find(frame, what, detect)

    def _find(
        self, frame: int, what: str, detect: Callable[[], Sequence[Detection]]
    ) -> Generator[None, None, list[Proposal]]:
        proposals: list[Proposal] = []
        kept: list[Mask] = []
        for one in detect():
            mask_hw, iou, stability = self._segment(frame, one)
            mask = Mask.of(mask_hw)
            if mask.area and not any(mask_iou(mask, other) > SAME_IOU for other in kept):
                kept.append(mask)
                proposals.append(Proposal(len(kept), mask, iou, stability, one.name))
            yield
        if not proposals:
            raise SessionError(
                f"The detector found no {what} on frame {frame}: try other words, another frame, "
                "or click it."
            )
        return self._write(frame, proposals)

    def find_in_video(
        self, what: str, steps: Iterator[FrameDetections | None]
    ) -> Generator[Tracked | None, None, list[Proposal]]:
        """Propose what a detector finds through the video; see `VideoProposals.find`."""
        return self._video.find(what, steps)

    def found_in_video(self) -> list[Proposal]:
        """What the last search through the video has found, and is proposed still."""
        return self._video.latest()

    def _segment(self, frame: int, one: Detection) -> tuple[NDArray[np.bool_] | Mask, float, float]:
        """The mask of a detection, with its IoU, predicted or the detector's score; stability."""
        if one.mask_hw is not None:
            return one.mask_hw, one.score, 1.0
        assert one.box is not None, "a detection has a box or a mask"
        prediction = self._model.segment_box(frame, one.box)
        return prediction.mask_hw, prediction.iou, _stability(prediction)

    def _write(self, frame: int, proposals: list[Proposal]) -> list[Proposal]:
        with self._store.edit("propose"):
            self._store.write_proposals(frame, tuple(proposals))
        return proposals

    def adopt(
        self, frame: int, ids: Iterable[int], merge: bool = False, obj: int | None = None
    ) -> list[int]:
        """Make proposals objects: their masks become prompts on the frame.

        Of what was found through the video the masks of all other frames come with it, as tracked
        ones. It is prompted on the frame if it is seen there, else where it is the largest.

        Parameters
        ----------
        ids : of the proposals.
        merge : make all of them one object; otherwise each is its own.
        obj : with `merge`, the object to add them to, whose mask there grows; a new one if None.

        Returns
        -------
        list of int
            Ids of the objects, in the order of the proposals.
        """
        frame = self._store.check_frame(frame)
        chosen = self._chosen(frame, ids)
        if obj is not None:
            if not merge:
                raise SessionError("Several objects cannot get one id: merge the proposals.")
            self._store.check_unlocked(self._store.check_object(obj))
        groups = [chosen] if merge else [[one] for one in chosen]
        first = self._store.next_object_id if obj is None else obj
        objects = list(range(first, first + len(groups)))
        self._model.check_loaded()
        with self._store.edit("adopt") as edit:
            try:
                for of, group in zip(objects, groups, strict=True):
                    self._adopt_as(edit, frame, of, group, is_new=obj is None)
            except BaseException:
                for of in objects:
                    self._model.forget_object(of)
                raise
            self._drop(frame, chosen)
        return objects

    def _adopt_as(
        self, edit: Edit, frame: int, obj: int, group: list[Proposal], *, is_new: bool
    ) -> None:
        """Make some proposals one object, or add them to one."""
        masks = [one.mask for one in group if not is_of_video(one.id)]
        of_video = [one.id for one in group if is_of_video(one.id)]
        if of_video:
            anchor = frame if masks else self._video.frame_of(of_video, frame)
            found = self._video.masks_of(of_video).get(anchor)
            masks += [] if found is None else [found.mask]
            frame = anchor
        shown = None if is_new else self._store.shown_mask(frame, obj)
        masks += [] if shown is None else [shown]
        self._prompts.write(edit, frame, obj, PromptSet(mask=reduce(unite, masks)), "proposal")
        if of_video:
            self._video.adopt(obj, of_video, frame)
        if is_new and group[0].name:
            self._rename(obj, group[0].name)

    def dismiss(self, frame: int, ids: Iterable[int]) -> None:
        """Drop proposals."""
        frame = self._store.check_frame(frame)
        chosen = self._chosen(frame, ids)
        with self._store.edit("dismiss"):
            self._drop(frame, chosen)

    def _chosen(self, frame: int, ids: Iterable[int]) -> list[Proposal]:
        known = {proposal.id: proposal for proposal in self._store.proposals(frame)}
        wanted = list(dict.fromkeys(ids))
        # What was found through the video need not be seen on this frame.
        elsewhere = [one for one in wanted if is_of_video(one) and one not in known]
        known.update((one.id, one) for one in self._video.best_of(elsewhere))
        missing = [str(number) for number in wanted if number not in known]
        if missing or not wanted:
            raise SessionError(
                f"There is no proposal {', '.join(missing) or 'chosen'} on frame {frame}. "
                f"Proposals there: {', '.join(map(str, sorted(known))) or 'none'}."
            )
        return [known[number] for number in wanted]

    def _rename(self, obj: int, name: str) -> None:
        """Call a new object so, with a number where others are called so."""
        tables = self._store.tables
        taken = {info.name for info in tables.objects.values()}
        free = (name if n == 1 else f"{name} {n}" for n in count(1))
        unique = next(one for one in free if one not in taken)
        self._store.write_object(obj, replace(tables.objects[obj], name=unique))

    def _drop(self, frame: int, chosen: list[Proposal]) -> None:
        self._video.drop(one.id for one in chosen if is_of_video(one.id))
        gone = {one.id for one in chosen}
        left = tuple(one for one in self._store.proposals(frame) if one.id not in gone)
        self._store.write_proposals(frame, left)


def _stability(prediction: Prediction) -> float:
    """IoU of the masks of the thresholds 1 and -1; 1.0 where there are no logits."""
    if prediction.logits_hw is None:
        return 1.0
    larger = np.count_nonzero(prediction.logits_hw > -1)
    return float(np.count_nonzero(prediction.logits_hw > 1) / larger) if larger else 0.0
