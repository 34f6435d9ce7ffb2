"""Everything on a frame at once: masks that nobody has asked for, which may become objects."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import numpy as np

from ...core.errors import SessionError
from ...core.masks import Mask
from ...models.segmenter import PromptSet, Proposed
from ..model_sync import ModelSync
from ..records import Proposal
from ..store import AnnotationStore
from .prompts import PromptEditor


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

    def propose(self, frame: int) -> Generator[None, None, list[Proposal]]:
        """Segment everything on a frame, in steps; other edits may come in between.

        The proposals take the place of those there, and are the generator's result.

        Raises
        ------
        SessionError
            When the model cannot do it, or there is no such frame.
        """
        frame = self._store.check_frame(frame)
        return self._propose(frame, self._model.propose(frame))

    def _propose(
        self, frame: int, steps: Generator[None, None, Sequence[Proposed]]
    ) -> Generator[None, None, list[Proposal]]:
        found = yield from steps
        proposals = [
            Proposal(n, Mask.from_array(one.mask_hw), one.iou, one.stability)
            for n, one in enumerate(found, 1)
        ]
        if not proposals:
            raise SessionError(f"Nothing was found on frame {frame}: click what you look for.")
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
            arrays = [mask.to_array() for mask in (*masks, *([here] if here else []))]
            masks = [Mask.from_array(np.any(arrays, axis=0))]
        first = self._store.next_object_id if obj is None else obj
        objects = list(range(first, first + len(masks)))
        self._model.check_loaded()
        with self._store.edit("adopt") as edit:
            try:
                for of, mask in zip(objects, masks, strict=True):
                    self._prompts.write(edit, frame, of, PromptSet(mask=mask), "proposal")
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

    def _drop(self, frame: int, chosen: list[Proposal]) -> None:
        left = tuple(one for one in self._store.proposals(frame) if one not in chosen)
        self._store.write_proposals(frame, left)
