"""How a session is changed: each edit is one step of undo, and listeners hear of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sam2_backend.video import Kind

from .history import Edit, History, Key
from .masks import Mask
from .memory import Memory
from .records import (
    Candidate,
    Changed,
    ObjectInfo,
    Result,
    SessionError,
    Source,
    State,
)
from .segmenter import Prediction, PromptSet, Segmenter
from .session_view import SessionView

_log = logging.getLogger(__name__)


class SessionEdits(SessionView):
    """The writable side of a session, without what a person calls an edit.

    Parameters
    ----------
    num_frames, height, width, kind, sizes_hw : as in `SessionView`.
    segmenter : the model; it may be given later, by `load`, before the first prompt.
    skips : whether tracking leaves frames out, as it does in a live video.
    """

    def __init__(
        self,
        num_frames: int,
        height: int,
        width: int,
        segmenter: Segmenter | None = None,
        *,
        kind: Kind = "video",
        sizes_hw: Sequence[tuple[int, int]] | None = None,
        skips: bool = False,
    ) -> None:
        super().__init__(num_frames, height, width, kind=kind, sizes_hw=sizes_hw)
        self._tables: dict[str, MutableMapping[Any, Any]] = {
            "objects": self._objects,
            "prompts": self._prompts,
            "results": self._results,
            "proposals": self._proposals,
        }
        self._history = History(self._tables)
        self._listeners: tuple[Callable[[Changed], None], ...] = ()
        self.on_listener_error: Callable[[Exception], None] = _log_error
        """Called with what a listener raises."""
        self._revision = 0
        self._memory: Memory | None = None
        self._skips = skips
        if segmenter is not None:
            self.load(segmenter)

    def load(self, segmenter: Segmenter) -> None:
        """Work with this model from now on; results so far stay."""
        self._memory = Memory(
            *(segmenter, self._prompts, self._results),
            tracks=self.kind == "video",
            skips=self._skips,
        )

    def grow(self, num_frames: int) -> None:
        """The video has more frames now. Any thread."""
        self.num_frames = max(self.num_frames, num_frames)

    def forget_pixels(self) -> None:
        """Let the model look at frames anew: they are shown otherwise now. Masks stay."""
        if self._memory is not None:
            self._memory.forget_pixels()

    def unload(self) -> None:
        """Let go of the model, and of what undo would bring back; results so far stay."""
        self._memory = None
        self._history.clear()

    def fill(
        self,
        objects: Iterable[ObjectInfo],
        prompts: Mapping[tuple[int, int], PromptSet],
        results: Mapping[tuple[int, int], Result],
    ) -> None:
        """Take over what was saved, in a session that is still empty. Undo does not take it
        back. The model learns of it when it is first asked.

        Parameters
        ----------
        objects : in any order.
        prompts, results : by (object id, frame), as `saved_session.SavedSession` has them.
        """
        if self._objects:
            raise SessionError("Only an empty session can be filled: make a new one.")
        self._objects.update((info.id, info) for info in objects)
        self._prompts.update(prompts)
        self._results.update(results)
        tables = {"objects": self._objects, "prompts": prompts, "results": results}
        self._notify((table, key) for table, keys in tables.items() for key in keys)

    def listen(self, listener: Callable[[Changed], None]) -> None:
        """Call `listener` after each change, in the thread that made it. What it raises ends
        neither the edit, which is made by then, nor the turn of the other listeners."""
        self._listeners = (*self._listeners, listener)

    # Undo

    @property
    def last_edit(self) -> Edit | None:
        """What undo would take back."""
        return self._history.last

    @property
    def next_edit(self) -> Edit | None:
        """What redo would do again."""
        return self._history.next

    def undo(self) -> str:
        """Take the last edit or propagation back and say which.

        Raises
        ------
        SessionError
            When there is none.
        """
        return self._travel(self._history.undo(), "undo")

    def redo(self) -> str:
        """Do what was undone again and say which."""
        return self._travel(self._history.redo(), "redo")

    # Inside

    @property
    def _ready(self) -> Memory:
        if self._memory is None:
            raise SessionError("The model is not loaded yet.")
        return self._memory

    def _set_prompts(
        self, label: str, frame: int, obj: int, prompts: PromptSet, source: Source = "prompt"
    ) -> None:
        self.check_unlocked(obj)
        with self._edit(label) as edit:
            self._write_prompts(edit, frame, obj, prompts, source)

    def _write_prompts(
        self, edit: Edit, frame: int, obj: int, prompts: PromptSet, source: Source
    ) -> None:
        self._need_object(obj)
        before = self._results.get((obj, frame))
        corrected = None
        if before is not None and before.state != "rejected":
            corrected = before.mask if before.source == "track" else before.corrected
        result: Result | None = None
        if prompts:
            prediction = self._ready.answer(frame, obj, prompts, corrected)
            result = _as_result(prediction, prompts, source, corrected)
        else:
            self._forget(frame, obj)
            if corrected is not None:
                assert before is not None
                result = Result(corrected, before.score, before.iou, "track", "stale")
        self._history.write("prompts", (obj, frame), prompts or None)
        self._history.write("results", (obj, frame), result)
        if self._make_span_stale(frame, obj):
            edit.corrects = True

    def _make_span_stale(self, frame: int, obj: int) -> bool:
        """Whether there is anything stale now, from the frame to the next anchors."""
        here = self._results.get((obj, frame))
        found = here is not None and here.state == "stale"
        for span in range(frame + 1, self.num_frames), range(frame - 1, -1, -1):
            for t in span:
                if self.is_anchor(t, obj):
                    break
                result = self._results.get((obj, t))
                if result is not None and result.state != "rejected":
                    found = True
                    self._history.write("results", (obj, t), replace(result, state="stale"))
        return found

    def _set_state(self, frame: int, obj: int, state: State) -> None:
        result = self._results[obj, frame]
        self._history.write("results", (obj, frame), replace(result, state=state))

    def _forget(self, frame: int, obj: int) -> None:
        if self._memory is not None:
            self._memory.forget(frame, obj)

    @contextmanager
    def _edit(self, label: str, amend: Edit | None = None) -> Generator[Edit, None, None]:
        with self._history.edit(label, amend) as edit:
            yield edit
        self._notify(edit.changes)

    def _travel(self, edit: Edit | None, what: str) -> str:
        if edit is None:
            raise SessionError(f"There is nothing to {what}.")
        if self._memory is not None:
            for table, key in edit.changes:
                if table == "objects" and key not in self._objects:
                    self._memory.remove(key)
                elif table in ("prompts", "results"):
                    obj, frame = key
                    self._memory.forget(frame, obj)
        self._notify(edit.changes)
        return edit.label

    def _notify(self, keys: Iterable[Key]) -> None:
        by_table: dict[str, set[Any]] = {table: set() for table in self._tables}
        for table, key in keys:
            by_table[table].add(key)
        if not any(by_table.values()):
            return
        self._revision += 1
        changed = Changed(
            objects=bool(by_table["objects"]),
            prompts=frozenset(by_table["prompts"]),
            results=frozenset(by_table["results"]),
            proposals=frozenset(by_table["proposals"]),
        )
        for listener in self._listeners:
            try:
                listener(changed)
            except Exception as error:
                self.on_listener_error(error)

    def _need_object(self, obj: int, name: str | None = None) -> None:
        if obj < 1:
            raise SessionError(f"An object's id is 1 or larger, got {obj}.")
        if obj not in self._objects:
            info = ObjectInfo.numbered(obj)
            info = info if not name or not name.strip() else replace(info, name=name.strip())
            self._history.write("objects", obj, info)


def _log_error(error: Exception) -> None:
    _log.error("What was to be told of an edit failed", exc_info=error)


def _as_result(
    prediction: Prediction, prompts: PromptSet, source: Source, corrected: Mask | None
) -> Result:
    mask = Mask.from_array(prediction.mask_hw)
    if prompts.mask is not None and prompts == PromptSet(mask=prompts.mask):
        mask = prompts.mask
    found = prediction.candidates
    if found is None:
        return Result(mask, prediction.score, prediction.iou, source, corrected=corrected)
    candidates = tuple(
        Candidate(Mask.from_array(mask_hw), iou)
        for mask_hw, iou in zip(found.masks_nhw, found.ious, strict=True)
    )
    return Result(
        *(mask, prediction.score, prediction.iou, source),
        corrected=corrected,
        candidates=candidates,
        chosen=found.chosen,
    )
