"""What a session holds, and the only way to change it: each edit is one step of undo."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..core.errors import SessionError
from ..models.segmenter import PromptSet
from .history import Edit, History
from .plan import intersect, neighbours
from .records import Changed, FrameKeys, ObjectClass, ObjectInfo, Proposal, Result, State
from .tables import FrameTable, SessionTables
from .view import SessionView

_log = logging.getLogger(__name__)


class AnnotationStore(SessionView):
    """Objects, prompts, results, proposals and settings of one video, and their history.

    It is changed from one thread, and tells listeners of each change.

    Parameters
    ----------
    tables : what it holds; from now on, nobody else writes to them.
    """

    def __init__(self, tables: SessionTables) -> None:
        super().__init__(tables)
        self.history = History(tables.by_name())
        self.revision = 0
        """Counts changes."""
        self.on_listener_error: Callable[[Exception], None] = _log_error
        """Called with what a listener raises."""
        self._listeners: tuple[Callable[[Changed], None], ...] = ()

    def listen(self, listener: Callable[[Changed], None]) -> None:
        """Call `listener` after each change, in the thread that made it.

        What it raises ends neither the edit, which is made by then, nor the turn of the other
        listeners.
        """
        self._listeners = (*self._listeners, listener)

    def notify(self, edit: Edit) -> None:
        """Tell the listeners that what an edit changed is other, if it is anything."""
        if edit.changes:
            self._tell(
                Changed(
                    objects=bool(
                        edit.change_of("objects").after or edit.change_of("classes").after
                    ),
                    prompts=edit.keys_of("prompts"),
                    results=edit.keys_of("results"),
                    proposals=frozenset(edit.change_of("proposals").after),
                )
            )

    def _tell(self, changed: Changed) -> None:
        self.revision += 1
        for listener in self._listeners:
            try:
                listener(changed)
            except Exception as error:
                self.on_listener_error(error)

    def grow(self, num_frames: int) -> None:
        """The video has more frames now. Any thread."""
        self.tables.num_frames = max(self.num_frames, num_frames)

    def fill(
        self,
        objects: Iterable[ObjectInfo],
        prompts: Mapping[tuple[int, int], PromptSet],
        results: Mapping[tuple[int, int], Result],
        classes: Iterable[ObjectClass] = (),
    ) -> None:
        """Take over what was saved, in a session that is still empty. Undo does not take it back.

        Parameters
        ----------
        objects : in any order.
        prompts, results : by (object id, frame).
        classes : in their order.
        """
        tables = self.tables
        if tables.objects:
            raise SessionError("Only an empty session can be filled: make a new one.")
        tables.objects.update((info.id, info) for info in objects)
        tables.classes.update(enumerate(classes))
        tables.fill(prompts, results)
        if tables.objects or prompts or results:
            is_listed = bool(tables.objects or tables.classes)
            self._tell(Changed(is_listed, _keys_of(tables.prompts), _keys_of(tables.results)))

    @contextmanager
    def edit(self, label: str, amend: Edit | None = None) -> Generator[Edit, None, None]:
        """Group writes into one step of undo; see `History.edit`.

        Listeners are told at the end, and of nothing where it fails.
        """
        with self.history.edit(label, amend) as edit:
            yield edit
        self.notify(edit)

    # Writing, inside an edit

    def write_object(self, obj: int, info: ObjectInfo | None) -> None:
        """Set what is listed of an object; None takes it off the list."""
        self.history.write("objects", None, {obj: info})

    def write_class(self, index: int, one: ObjectClass | None) -> None:
        """Set the class of an index; None takes it off the list."""
        self.history.write("classes", None, {index: one})

    def write_prompts(self, frame: int, obj: int, prompts: PromptSet | None) -> None:
        """Set the prompts of an object on a frame; none, or an empty set, is no prompts."""
        self.write_all_prompts(obj, {frame: prompts})

    def write_all_prompts(self, obj: int, prompts: Mapping[int, PromptSet | None]) -> None:
        """Set the prompts of an object by frame, as `write_prompts` those of one."""
        self.history.write("prompts", obj, {t: one or None for t, one in prompts.items()})

    def write_result(self, frame: int, obj: int, result: Result | None) -> None:
        """Set the result of an object on a frame; None takes it away."""
        self.write_all_results(obj, {frame: result})

    def write_all_results(self, obj: int, results: Mapping[int, Result | None]) -> None:
        """Set the results of an object by frame; None takes one away."""
        self.history.write("results", obj, results)

    def write_proposals(self, frame: int, proposals: tuple[Proposal, ...]) -> None:
        """Set what was found on a frame."""
        self.history.write("proposals", None, {frame: proposals or None})

    def write_setting(self, name: str, value: bool) -> None:
        """Set a setting that undo takes back."""
        self.history.write("settings", None, {name: value})

    def write_states(self, obj: int, frames: Iterable[int], state: State) -> None:
        """Set the state of an object's results on frames that have one."""
        row = self.tables.results.row(obj)
        others = {t: row[t].in_state(state) for t in frames if row[t].state != state}
        self.write_all_results(obj, others)

    def ensure_object(self, obj: int, name: str | None = None) -> None:
        """Add an object, if there is none of this id.

        Parameters
        ----------
        name : its name; one from its id if None or blank.

        It gets the current class, where that is in the list.
        """
        if obj < 1:
            raise SessionError(f"An object's id is 1 or larger, got {obj}.")
        if obj not in self.tables.objects:
            info = ObjectInfo.numbered(obj)
            info = info if not name or not name.strip() else replace(info, name=name.strip())
            if self.current_class in self.class_names:
                info = replace(info, class_name=self.current_class)
            self.write_object(obj, info)

    def mark_span_stale(self, frame: int, obj: int) -> bool:
        """Make results stale from a frame outwards to the next anchors of the object.

        Returns
        -------
        bool
            Whether anything there is stale now, the frame itself included.
        """
        here = self.result(frame, obj)
        earlier, later = neighbours(frame, self.anchors(obj))
        span = (
            0 if earlier is None else earlier + 1,
            self.num_frames if later is None else later,
        )
        timelines = self.tables.timelines
        found = here is not None and here.state == "stale"
        found = found or any(intersect(timelines.stale(obj), [span]))
        tracked = intersect(timelines.tracked(obj), [span])
        frames = [t for run in tracked for t in range(*run) if t != frame]
        self.write_states(obj, frames, "stale")
        return found or bool(frames)


def _keys_of(table: FrameTable[Any]) -> FrameKeys:
    return FrameKeys({obj: row.keys() for obj, row in table.rows()})


def _log_error(error: Exception) -> None:
    _log.error("What was to be told of an edit failed", exc_info=error)
