"""What a person says of masks: these are right, these are wrong, these shall go."""

from __future__ import annotations

from ...core.errors import SessionError
from ..model_sync import ModelSync
from ..records import State
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver


class Reviewer:
    """Review of a session.

    An object None stands for all that are not locked; frames are `start` to `stop`, which is not
    included (one frame if None).

    Parameters
    ----------
    store : that is edited.
    model : which forgets what no longer counts.
    overlaps : gives pixels to one object.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, overlaps: OverlapResolver) -> None:
        self._store = store
        self._model = model
        self._overlaps = overlaps

    def accept(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Vouch for masks.

        They condition tracking, and only a person's edit changes them. Rejected ones stay rejected.

        Raises
        ------
        SessionError
            When there is no mask to accept.
        """
        keys = self._with_state(obj, start, stop, "fresh", "stale", "accepted")
        if not keys:
            raise SessionError(
                f"{self._whose(obj)} mask there to accept: prompt or propagate first, or take a "
                "rejection back."
            )
        with self._store.edit("accept"):
            for of, frame in keys:
                self._store.write_state(frame, of, "accepted")

    def reject(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Say that masks are wrong.

        They are no results any more, tracking neither changes them nor uses them, and a prompt on
        the frame takes their place.

        Raises
        ------
        SessionError
            When there is no mask to reject.
        """
        keys = self._with_state(obj, start, stop, "fresh", "stale", "accepted")
        if not keys:
            raise SessionError(f"{self._whose(obj)} mask there to reject.")
        with self._store.edit("reject") as edit:
            anchors = {of: frame for of, frame in keys if self._store.is_anchor(frame, of)}
            for of, frame in keys:
                self._store.write_state(frame, of, "rejected")
                self._overlaps.resolve(frame, [self._store.result(frame, of)])
                self._model.forget(frame, of)
            # What was tracked from them is in doubt too.
            for of, frame in anchors.items():
                edit.corrects |= self._store.mark_span_stale(frame, of)

    def unreview(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Take acceptance or rejection back; the masks stay.

        What has been rejected is worth tracking again, unless it was prompted.
        """
        accepted = self._with_state(obj, start, stop, "accepted")
        rejected = self._with_state(obj, start, stop, "rejected")
        with self._store.edit("unreview") as edit:
            for of, frame in accepted:
                self._store.write_state(frame, of, "fresh")
                if not self._store.prompts(frame, of):
                    self._model.forget(frame, of)
            for of, frame in rejected:
                prompted = bool(self._store.prompts(frame, of))
                self._store.write_state(frame, of, "fresh" if prompted else "stale")
                self._overlaps.resolve(frame, [self._store.result(frame, of)])
            for of, frame in rejected:
                if self._store.prompts(frame, of):
                    edit.corrects |= self._store.mark_span_stale(frame, of)

    def reset(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Take prompts and masks away, accepted and rejected ones too.

        Raises
        ------
        SessionError
            When there is nothing to take away.
        """
        keys = self._with_state(obj, start, stop, "fresh", "stale", "accepted", "rejected")
        if not keys:
            raise SessionError(f"{self._whose(obj)} mask there to reset.")
        with self._store.edit("reset") as edit:
            anchors = {of: frame for of, frame in keys if self._store.is_anchor(frame, of)}
            for of, frame in keys:
                self._store.write_prompts(frame, of, None)
                self._overlaps.write_results(frame, {of: None})
                self._model.forget(frame, of)
            for of, frame in anchors.items():
                edit.corrects |= self._store.mark_span_stale(frame, of)

    def _with_state(
        self, obj: int | None, start: int, stop: int | None, *states: State
    ) -> list[tuple[int, int]]:
        """(object id, frame) of the masks there that are in one of these states."""
        start = self._store.check_frame(start)
        start, stop = self._store.check_range(start, start + 1 if stop is None else stop)
        if obj is None:
            objects = [info.id for info in self._store.objects if not info.locked]
        else:
            objects = [self._store.check_unlocked(self._store.check_object(obj))]
        return [
            (of, frame)
            for of in objects
            for frame in range(start, stop)
            if (result := self._store.result(frame, of)) is not None and result.state in states
        ]

    def _whose(self, obj: int | None) -> str:
        return "No object has a" if obj is None else f"{self._store.name_of(obj)} has no"
