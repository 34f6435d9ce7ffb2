"""Tracking objects through the video, what is stale or untracked and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ...core.arguments import as_objects
from ...core.errors import SessionError
from ...models.segmenter import Prediction
from ..history import Edit
from ..model_sync import ModelSync
from ..plan import Plan, Step, make_plan
from ..predictions import is_same_prediction, tracked_result
from ..records import Direction, Result, Run, Tracked
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver

Answer = Callable[[], dict[int, Prediction]]
"""Waits for what a step gives."""


class Propagator:
    """Propagation of a session.

    Parameters
    ----------
    store : that is edited.
    model : which tracks.
    overlaps : gives pixels to one object.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, overlaps: OverlapResolver) -> None:
        self._store = store
        self._model = model
        self._overlaps = overlaps
        self._causes: tuple[Edit | None, dict[int, Edit | None]] | None = None
        """The last edit when they were looked for, and by object that of its prompts."""

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
        *,
        stale_only: bool = False,
    ) -> Iterator[Tracked]:
        """Track what is stale or untracked, one frame at a time; edits may come in between.

        Each frame is tracked from the nearest prompted or accepted frame of its object.

        Parameters
        ----------
        start, stop : frames to track, `stop` not included; the whole video if None.
        direction : "forward" tracks from earlier frames only, "backward" from later ones only.
        objects : an id or several; all that are not locked if None.
        stale_only : leave untracked frames alone. It then counts as part of the correction
            that made the span stale, and is undone with it.

        Raises
        ------
        SessionError
            When there is nothing to track from, or the range or direction is not one.
        """
        if self._store.kind == "images":
            raise SessionError(
                "These are pictures, each on its own: there is nothing to propagate. Prompt each."
            )
        first, end = self._store.check_range(
            0 if start is None else start, self._store.num_frames if stop is None else stop
        )
        if direction not in ("both", "forward", "backward"):
            raise SessionError(
                f"The direction must be 'both', 'forward' or 'backward', got {direction!r}."
            )
        chosen = as_objects(objects)
        if chosen is not None:
            chosen = [self._store.check_unlocked(self._store.check_object(obj)) for obj in chosen]
        if not any(self._store.anchors(obj) for obj in self._among(chosen)):
            raise SessionError(
                "There is nothing to propagate: click an object, draw a box or give a mask first."
            )
        return self._propagate(range(first, end), direction, chosen, stale_only)

    def _propagate(
        self, frames: range, direction: Direction, chosen: list[int] | None, stale_only: bool
    ) -> Iterator[Tracked]:
        done = 0
        planned_at: int | None = None
        steps = Plan()
        anchors: dict[int, Sequence[Run]] = {}
        last: dict[int, int] = {}
        own: Edit | None = None
        begun: Answer | None = None
        """Of the first step of the plan."""
        while True:
            if planned_at != self._store.revision:
                anchors = {obj: self._store.anchors(obj) for obj in self._among(chosen)}
                pending = {obj: self._store.pending(obj, frames, stale_only) for obj in anchors}
                steps = make_plan(pending, anchors, direction)
                last = {}
                begun = None
            if not steps:
                return
            step = steps.take()
            answer = begun or self._model.begin_track(step, last, anchors)
            begun = self._begin_next(step, steps, last, anchors)
            amend = self._store.history.last
            if amend is not own and not (stale_only and amend is not None and amend.corrects):
                amend = None
            with self._store.edit("propagate", amend):
                found = answer()
                results = {obj: tracked_result(prediction) for obj, prediction in found.items()}
                self._overlaps.write_results(step.frame, results)
            own = self._store.history.last
            planned_at = self._store.revision
            done += 1
            yield Tracked(step.frame, step.reverse, done, done + len(steps))

    def _begin_next(
        self,
        step: Step,
        steps: Plan,
        last: dict[int, int],
        anchors: dict[int, Sequence[Run]],
    ) -> Answer | None:
        """Begin the step after this one, which has begun, where the model computes meanwhile.

        Only where it goes on with the same objects: then it depends on nothing that is not written.
        """
        following = steps.peek() if self._model.defers_tracking else None
        if (
            following is None
            or following.reverse != step.reverse
            or following.frame != step.frame + (-1 if step.reverse else 1)
            or not set(following.objs) <= set(step.objs)
        ):
            return None
        before = dict(last)
        try:
            return self._model.begin_track(following, last, anchors)
        except Exception:  # it comes again when this one is written
            last.clear()
            last.update(before)
            return None

    def track_newest(self) -> Tracked | None:
        """Track all objects that are not locked onto the newest frame of a live video.

        They are tracked from what was tracked last, however many frames have come since. It counts
        as a consequence of the last edit of each object's prompts, and is undone with that.

        Returns
        -------
        Tracked or None
            None where there is nothing to track, or it is tracked already.
        """
        frame = self._store.num_frames - 1
        anchors: dict[int, int] = {}
        for obj in self._among(None):
            result = self._store.result(frame, obj)
            known = self._store.anchors(obj)
            if known and known[-1][1] <= frame and (result is None or result.state == "stale"):
                anchors[obj] = known[-1][1] - 1
        if not anchors:
            return None
        found = self._model.track_next(frame, anchors)
        history = self._store.history
        written = Edit("track")
        # In the order of their causes: undoing a later one gives back what it took from others.
        for obj in sorted(found, key=lambda obj: history.position(self._cause_of(obj))):
            cause = self._cause_of(obj)

            def write(
                frame: int, obj: int, result: Result | None, cause: Edit | None = cause
            ) -> None:
                # Not before what has made the value that this takes the place of.
                made = history.latest(lambda edit: frame in edit.change_of("results", obj).after)
                latest = max(cause, made, key=history.position)
                history.add("results", obj, {frame: result}, latest)
                written.add(("results", obj), {frame: None}, {frame: result})

            self._overlaps.write_results(frame, {obj: tracked_result(found[obj])}, write)
        self._store.notify(written)
        return Tracked(frame, False, 1, 1)

    def _cause_of(self, obj: int) -> Edit | None:
        """The last edit of an object's prompts or of what it is accepted on.

        Looked for once for each edit: there may be many, and frames come fast.
        """
        last = self._store.history.last
        if self._causes is None or self._causes[0] is not last:
            self._causes = last, {}
        causes = self._causes[1]
        if obj not in causes:

            def changes(edit: Edit) -> bool:
                rows = (edit.change_of(table, obj) for table in ("prompts", "results"))
                return any(
                    not is_same_prediction(row.before[t], row.after[t])
                    for row in rows
                    for t in row.after
                )

            causes[obj] = self._store.history.latest(changes)
        return causes[obj]

    def _among(self, chosen: list[int] | None) -> list[int]:
        return [
            info.id
            for info in self._store.objects
            if not info.locked and (chosen is None or info.id in chosen)
        ]
