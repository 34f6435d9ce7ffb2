"""How a session is changed: each edit is one step of undo, and listeners hear of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sam2_backend.video import Kind

from ..core.cleaning import CLEANED_SHARE, as_cleaning
from ..core.errors import SessionError
from ..core.mask_logits import MaskLogits
from ..core.masks import Mask
from ..models.segmenter import (
    Candidates,
    CleansMasks,
    Prediction,
    PromptSet,
    RemembersApart,
    Segmenter,
)
from .history import Edit, History, Key
from .model_sync import Memory
from .overlapping import Overlaps, Write
from .records import Candidate, Changed, ObjectInfo, Result, Source, State

_log = logging.getLogger(__name__)

PLAUSIBLE = 1 / 3
"""Candidates whose predicted IoU is a smaller share of the best one's are not offered."""


class SessionEdits(Overlaps):
    """The writable side of a session, without what a person calls an edit.

    Parameters
    ----------
    num_frames, height, width, kind, sizes_hw : as in `SessionView`.
    segmenter : the model; it may be given later, by `load`, before the first prompt.
    skips : whether tracking leaves frames out, as it does in a live video.
    clean_masks : specks and pinholes of what the model says are dropped where they are smaller: in
        pixels from 1 up, below 1 as a share of the mask's area; 0 is not at all. What was clicked
        stays.
    non_overlapping : whether masks of different objects on a frame exclude each other; see
        `overlaps`.
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
        clean_masks: float = CLEANED_SHARE,
        non_overlapping: bool = True,
    ) -> None:
        super().__init__(num_frames, height, width, kind=kind, sizes_hw=sizes_hw)
        self.clean_masks = as_cleaning(clean_masks)
        self._settings = {"non_overlapping": non_overlapping}
        self._tables: dict[str, MutableMapping[Any, Any]] = {
            "objects": self._objects,
            "prompts": self._prompts,
            "results": self._results,
            "proposals": self._proposals,
            "settings": self._settings,
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
        if isinstance(segmenter, CleansMasks):
            segmenter.set_cleaning(self.clean_masks)
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

    def set_cleaning(self, size: float) -> None:
        """Clean what the model says from now on; masks so far stay. Any thread."""
        self.clean_masks = size = as_cleaning(size)
        memory = self._memory
        if memory is not None and isinstance(memory.segmenter, CleansMasks):
            memory.segmenter.set_cleaning(size)

    def set_non_overlapping(self, on: bool) -> None:
        """Let masks of different objects exclude each other, or overlap. Those so far follow, but
        for what a person has made or vouched for; undo takes it back."""
        if on == self.non_overlapping:
            return
        with self._edit("keep objects apart" if on else "let objects overlap"):
            self._history.write("settings", "non_overlapping", on)
            if on:
                self._divide_all(self._history.write)
            else:
                self._join_all(self._history.write)

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
        segmenter = self._memory.segmenter
        if isinstance(segmenter, RemembersApart):
            segmenter.set_exclusive_memory(self.non_overlapping)
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
            corrected = before.answer if before.source == "track" else before.corrected
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
        self._write_results(frame, {obj: result}, self._history.write)
        if self._make_span_stale(frame, obj):
            edit.corrects = True

    def _write_results(
        self, frame: int, results: Mapping[int, Result | None], write: Write
    ) -> None:
        """Write results of a frame, by object, and give each pixel to one of those who claim it."""
        before = [self._results.get((obj, frame)) for obj in results]
        for obj, result in results.items():
            write("results", (obj, frame), result)
        kept = [one for one in before if one is not None and one.state != "rejected"]
        self._divide(frame, [*kept, *results.values()], write)

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
            for (table, key), (before, after) in edit.changes.items():
                if table == "objects" and key not in self._objects:
                    self._memory.remove(key)
                elif table in ("prompts", "results") and not is_same_answer(before, after):
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
    logits = pack_logits(prediction)
    if prompts.mask is not None and prompts == PromptSet(mask=prompts.mask):
        mask, logits = prompts.mask, None
    result = Result(
        *(mask, prediction.score, prediction.iou, source), corrected=corrected, logits=logits
    )
    found = prediction.candidates
    if found is None:
        return result
    candidates = _plausible(found)
    chosen = [n for n, candidate in enumerate(candidates) if candidate.index == found.chosen]
    return replace(result, candidates=candidates, chosen=chosen[0] if chosen else 0)


def pack_logits(prediction: Prediction) -> MaskLogits | None:
    """The logits of an answer, as they are kept; None where the model gives none."""
    logits_hw = prediction.logits_hw
    return None if logits_hw is None else MaskLogits.pack(logits_hw)


def _plausible(found: Candidates) -> tuple[Candidate, ...]:
    """What is offered to choose from: the answer, and whatever may be meant as well; nothing where
    that is the answer alone."""
    least = PLAUSIBLE * max(found.ious)
    offered = [n for n, iou in enumerate(found.ious) if iou >= least or n == found.chosen]
    if len(offered) < 2:
        return ()
    return tuple(Candidate(Mask.from_array(found.masks_nhw[n]), found.ious[n], n) for n in offered)


def is_same_answer(before: object, after: object) -> bool:
    """Whether two results differ only in what other objects have of them."""
    if not isinstance(before, Result) or not isinstance(after, Result):
        return False
    return before.holding(before.answer) == after.holding(after.answer)
