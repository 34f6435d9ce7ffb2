"""What a person says of masks: these are right, these are wrong, these shall go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        found = self._with_state(obj, start, stop, "fresh", "stale", "accepted")
        if not found:
            raise SessionError(
                f"{self._whose(obj)} mask there to accept: prompt or propagate first, or take a "
                "rejection back."
            )
        with self._store.edit("accept"):
            for of, frames in found.items():
                self._store.write_states(of, frames, "accepted")

    def reject(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Say that masks are wrong.

        They are no results any more, tracking neither changes them nor uses them, and a prompt on
        the frame takes their place.

        Raises
        ------
        SessionError
            When there is no mask to reject.
        """
        found = self._with_state(obj, start, stop, "fresh", "stale", "accepted")
        if not found:
            raise SessionError(f"{self._whose(obj)} mask there to reject.")
        with self._store.edit("reject") as edit:
            anchors = self._last_anchors(found)
            for of, frames in found.items():
                self._write_states(of, frames, "rejected")
                self._model.forget_frames(of, frames)
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
            for of, frames in accepted.items():
                self._store.write_states(of, frames, "fresh")
                prompted = self._store.tables.prompts.row(of)
                self._model.forget_frames(of, (t for t in frames if t not in prompted))
            for of, frames in rejected.items():
                prompted = self._store.tables.prompts.row(of)
                self._write_states(of, [t for t in frames if t in prompted], "fresh")
                self._write_states(of, [t for t in frames if t not in prompted], "stale")
            for of, frames in rejected.items():
                prompted = self._store.tables.prompts.row(of)
                for frame in (t for t in frames if t in prompted):
                    edit.corrects |= self._store.mark_span_stale(frame, of)

    def reset(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Take prompts and masks away, accepted and rejected ones too.

        Raises
        ------
        SessionError
            When there is nothing to take away.
        """
        found = self._with_state(obj, start, stop, "fresh", "stale", "accepted", "rejected")
        if not found:
            raise SessionError(f"{self._whose(obj)} mask there to reset.")
        with self._store.edit("reset") as edit:
            anchors = self._last_anchors(found)
            for of, frames in found.items():
                self._store.write_all_prompts(of, dict.fromkeys(frames))
                self._overlaps.write_all_results(of, dict.fromkeys(frames))
                self._model.forget_frames(of, frames)
            for of, frame in anchors.items():
                edit.corrects |= self._store.mark_span_stale(frame, of)

    def _write_states(self, obj: int, frames: Sequence[int], state: State) -> None:
        """Set the state of results that are shown now, or are not any more."""
        self._store.write_states(obj, frames, state)
        if self._store.non_overlapping:
            for frame in frames:
                self._overlaps.resolve(frame, [self._store.result(frame, obj)])

    def _last_anchors(self, found: Mapping[int, Sequence[int]]) -> dict[int, int]:
        """Of each object that is tracked from some of these frames, the last of them."""
        anchors: dict[int, int] = {}
        for obj, frames in found.items():
            last = next((t for t in reversed(frames) if self._store.is_anchor(t, obj)), None)
            if last is not None:
                anchors[obj] = last
        return anchors

    def _with_state(
        self, obj: int | None, start: int, stop: int | None, *states: State
    ) -> dict[int, list[int]]:
        """Frames of each object whose masks there are in one of these states, ascending."""
        start = self._store.check_frame(start)
        start, stop = self._store.check_range(start, start + 1 if stop is None else stop)
        if obj is None:
            objects = [info.id for info in self._store.objects if not info.locked]
        else:
            objects = [self._store.check_unlocked(self._store.check_object(obj))]
        found: dict[int, list[int]] = {}
        for of in objects:
            row = self._store.tables.results.row(of)
            frames = [t for t in range(start, stop) if t in row and row[t].state in states]
            if frames:
                found[of] = frames
        return found

    def _whose(self, obj: int | None) -> str:
        return "No object has a" if obj is None else f"{self._store.name_of(obj)} has no"
