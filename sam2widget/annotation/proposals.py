"""Everything on a frame at once: masks that nobody has asked for, which may become objects."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import numpy as np

from ..core.errors import SessionError
from ..core.masks import Mask
from ..models.segmenter import PromptSet, Proposed
from .edits import SessionEdits
from .records import Proposal


class Proposing(SessionEdits):
    """Proposals of a session, by frame."""

    def propose(self, frame: int) -> Generator[None, None, list[Proposal]]:
        """Segment everything on a frame, in steps; other edits may come in between. The
        proposals take the place of those there, and are the generator's result.

        Raises
        ------
        SessionError
            When the model cannot do it, or there is no such frame.
        """
        frame = self.check_frame(frame)
        return self._propose(frame, self._ready.propose(frame))

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
        with self._edit("propose"):
            self._history.write("proposals", frame, tuple(proposals))
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
        frame = self.check_frame(frame)
        chosen = self._chosen(frame, ids)
        if obj is not None:
            if not merge:
                raise SessionError("Several objects cannot get one id: merge the proposals.")
            self.check_unlocked(self.check_object(obj))
        masks = [proposal.mask for proposal in chosen]
        if merge:
            here = None if obj is None else self.shown_mask(frame, obj)
            arrays = [mask.to_array() for mask in (*masks, *([here] if here else []))]
            masks = [Mask.from_array(np.any(arrays, axis=0))]
        first = max(self._objects, default=0) + 1 if obj is None else obj
        objects = list(range(first, first + len(masks)))
        memory = self._ready
        with self._edit("adopt") as edit:
            try:
                for of, mask in zip(objects, masks, strict=True):
                    self._write_prompts(edit, frame, of, PromptSet(mask=mask), "proposal")
            except BaseException:
                for of in objects:
                    memory.remove(of)
                raise
            self._drop(frame, chosen)
        return objects

    def dismiss(self, frame: int, ids: Iterable[int]) -> None:
        """Drop proposals."""
        frame = self.check_frame(frame)
        chosen = self._chosen(frame, ids)
        with self._edit("dismiss"):
            self._drop(frame, chosen)

    def _chosen(self, frame: int, ids: Iterable[int]) -> list[Proposal]:
        known = {proposal.id: proposal for proposal in self.proposals(frame)}
        wanted = list(dict.fromkeys(ids))
        missing = [str(number) for number in wanted if number not in known]
        if missing or not wanted:
            raise SessionError(
                f"There is no proposal {', '.join(missing) or 'chosen'} on frame {frame}. "
                f"Proposals there: {', '.join(map(str, known)) or 'none'}."
            )
        return [known[number] for number in wanted]

    def _drop(self, frame: int, chosen: list[Proposal]) -> None:
        left = tuple(one for one in self.proposals(frame) if one not in chosen)
        self._history.write("proposals", frame, left or None)
