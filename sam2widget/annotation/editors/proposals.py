"""Everything on a frame at once: masks that nobody has asked for, which may become objects."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ...core.errors import SessionError
from ...core.masks import Mask
from ...core.sparse_masks import unite
from ...models.detection import Detection
from ...models.segmenter import Prediction, PromptSet, Proposed, Window
from ..confidence import mask_iou
from ..model_sync import ModelSync
from ..records import Proposal
from ..store import AnnotationStore
from .prompts import PromptEditor

SAME_IOU = 0.8
"""IoU of masks from which on two detections are of one thing."""


class ProposalEditor:
    """Proposals of a session, by frame.

    Parameters
    ----------
    store : that is edited.
    model : which proposes.
    prompts : writes those that become objects.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, prompts: PromptEditor) -> None:
        self._store = store
        self._model = model
        self._prompts = prompts

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
        proposals = [
            Proposal(n, Mask.of(one.mask_hw), one.iou, one.stability)
            for n, one in enumerate(found, 1)
        ]
        if not proposals:
            raise SessionError(f"Nothing was found on frame {frame}: click what you look for.")
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
        masks = [proposal.mask for proposal in chosen]
        if merge:
            here = None if obj is None else self._store.shown_mask(frame, obj)
            masks = [reduce(unite, (*masks, *([here] if here else [])))]
        first = self._store.next_object_id if obj is None else obj
        objects = list(range(first, first + len(masks)))
        self._model.check_loaded()
        with self._store.edit("adopt") as edit:
            try:
                for of, mask, proposal in zip(objects, masks, chosen, strict=False):
                    self._prompts.write(edit, frame, of, PromptSet(mask=mask), "proposal")
                    if obj is None and proposal.name:
                        self._rename(of, proposal.name)
            except BaseException:
                for of in objects:
                    self._model.forget_object(of)
                raise
            self._drop(frame, chosen)
        return objects

    def dismiss(self, frame: int, ids: Iterable[int]) -> None:
        """Drop proposals."""
        frame = self._store.check_frame(frame)
        chosen = self._chosen(frame, ids)
        with self._store.edit("dismiss"):
            self._drop(frame, chosen)

    def _chosen(self, frame: int, ids: Iterable[int]) -> list[Proposal]:
        known = {proposal.id: proposal for proposal in self._store.proposals(frame)}
        wanted = list(dict.fromkeys(ids))
        missing = [str(number) for number in wanted if number not in known]
        if missing or not wanted:
            raise SessionError(
                f"There is no proposal {', '.join(missing) or 'chosen'} on frame {frame}. "
                f"Proposals there: {', '.join(map(str, known)) or 'none'}."
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
        left = tuple(one for one in self._store.proposals(frame) if one not in chosen)
        self._store.write_proposals(frame, left)


def _stability(prediction: Prediction) -> float:
    """IoU of the masks of the thresholds 1 and -1; 1.0 where there are no logits."""
    if prediction.logits_hw is None:
        return 1.0
    larger = np.count_nonzero(prediction.logits_hw > -1)
    return float(np.count_nonzero(prediction.logits_hw > 1) / larger) if larger else 0.0
