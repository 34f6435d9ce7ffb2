"""Objects, prompts, results and undo: what a person does to a video, without a notebook.

A frame that has prompts conditions tracking, always. Accepted frames do too, and nothing
overwrites them. A correction makes stale only its span: outwards to the next prompted or accepted
frame of the same object. Propagation tracks what is stale or untracked, nothing else.

A session is changed from one thread. Its results may be read from any.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .history import Edit, History, Key
from .masks import Mask
from .memory import Memory
from .plan import Step, make_plan
from .records import (
    Changed,
    Direction,
    ObjectInfo,
    Result,
    SessionError,
    Source,
    State,
    Tracked,
)
from .segmenter import Point, PromptSet, Segmenter
from .session_view import SessionView, whole


class Session(SessionView):
    """One video being segmented.

    Parameters
    ----------
    num_frames : length of the video.
    height, width : of its frames in pixels.
    segmenter : the model; it may be given later, by `load`, before the first prompt.
    """

    def __init__(
        self, num_frames: int, height: int, width: int, segmenter: Segmenter | None = None
    ) -> None:
        super().__init__(num_frames, height, width)
        self._history = History(
            {"objects": self._objects, "prompts": self._prompts, "results": self._results}
        )
        self._listeners: list[Callable[[Changed], None]] = []
        self._revision = 0
        self._memory: Memory | None = None
        if segmenter is not None:
            self.load(segmenter)

    def load(self, segmenter: Segmenter) -> None:
        """Work with this model from now on; results so far stay."""
        self._memory = Memory(segmenter, self._prompts, self._results)

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
        """Call `listener` after each change, in the thread that made it."""
        self._listeners.append(listener)

    # Objects

    def add_object(self, obj: int | None = None) -> int:
        """Add an object.

        Parameters
        ----------
        obj : its id, from 1; the next free one if None.

        Returns
        -------
        int
            The id.
        """
        obj = max(self._objects, default=0) + 1 if obj is None else whole(obj, "An object's id")
        if obj in self._objects:
            raise SessionError(f"There is an object {obj} already: choose another id.")
        with self._edit("add object"):
            self._need_object(obj)
        return obj

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
    ) -> None:
        """Change the name, the colour ("#rrggbb") or the visibility of an object."""
        obj = self.check_object(obj)
        info = self._objects[obj]
        if name is not None:
            if not name.strip():
                raise SessionError("An object's name cannot be empty.")
            info = replace(info, name=name.strip())
        if color is not None:
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
                raise SessionError(f"A colour is written like '#2f7ff5', got {color!r}.")
            info = replace(info, color=color.lower())
        if visible is not None:
            info = replace(info, visible=visible)
        with self._edit("change object"):
            self._history.write("objects", obj, info)

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks; the others are not disturbed."""
        obj = self.check_object(obj)
        with self._edit("remove object"):
            for frame in self._prompts.of(obj):
                self._history.write("prompts", (obj, frame), None)
            for frame in self._results.of(obj):
                self._history.write("results", (obj, frame), None)
            self._history.write("objects", obj, None)
        if self._memory is not None:
            self._memory.remove(obj)

    # Prompts. All coordinates are (x, y) in pixels of the original frame.

    def add_point(self, frame: int, x: float, y: float, label: int = 1, obj: int = 1) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Raises
        ------
        SessionError
            When the point lies outside the frame, or there is no such frame.
        """
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        if label not in (0, 1):
            raise SessionError(
                f"A point's label is 1 (on the object) or 0 (outside it), got {label!r}."
            )
        if not (0 <= x <= self.width and 0 <= y <= self.height):
            raise SessionError(
                f"The point ({x:g}, {y:g}) lies outside the frame, which is {self.width} x "
                f"{self.height} pixels. Points are (x, y)."
            )
        point = Point(float(x), float(y), int(label))
        self._set_prompts("point", frame, obj, self.prompts(frame, obj).with_point(point))

    def add_box(self, frame: int, x0: float, y0: float, x1: float, y1: float, obj: int = 1) -> None:
        """Draw a box around an object, in place of an earlier one; a new id adds the object.
        What sticks out of the frame is cut off.

        Raises
        ------
        SessionError
            When the box is empty or lies outside the frame, or there is no such frame.
        """
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1):
            raise SessionError(
                f"A box needs x0 < x1 and y0 < y1, got ({x0:g}, {y0:g}, {x1:g}, {y1:g})."
            )
        if x0 >= self.width or y0 >= self.height or x1 <= 0 or y1 <= 0:
            raise SessionError(
                f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) lies outside the frame, which is "
                f"{self.width} x {self.height} pixels."
            )
        box = (
            max(float(x0), 0.0),
            max(float(y0), 0.0),
            min(float(x1), float(self.width)),
            min(float(y1), float(self.height)),
        )
        self._set_prompts("box", frame, obj, self.prompts(frame, obj).with_box(box))

    def add_mask(
        self, frame: int, mask_hw: NDArray[Any], obj: int = 1, source: Source = "import"
    ) -> None:
        """Give an object's mask on a frame, in place of all its prompts there; a new id adds
        the object. An empty mask says that the object is not to be seen.

        Parameters
        ----------
        mask_hw : (H, W); what is not 0 belongs to the object.
        source : "import", or "edit" for a mask drawn by hand.
        """
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        mask_hw = np.asarray(mask_hw)
        if mask_hw.shape != (self.height, self.width):
            raise SessionError(
                f"The mask must have the frame's shape (H, W) = ({self.height}, {self.width}), "
                f"got {mask_hw.shape}."
            )
        prompts = PromptSet(mask=Mask.from_array(mask_hw))
        self._set_prompts("mask", frame, obj, prompts, source)

    def remove_point(self, frame: int, obj: int, index: int) -> None:
        """Take one click away; `index` counts from 0 in the order of the clicks."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        prompts = self.prompts(frame, obj)
        if not 0 <= index < len(prompts.points):
            raise SessionError(
                f"There is no point {index} of {self._name(obj)} on frame {frame}: it has "
                f"{len(prompts.points)}."
            )
        self._set_prompts("remove point", frame, obj, prompts.without_point(index))

    def remove_box(self, frame: int, obj: int) -> None:
        """Take the box away."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        prompts = self.prompts(frame, obj)
        if prompts.box is None:
            raise SessionError(f"{self._name(obj)} has no box on frame {frame}.")
        self._set_prompts("remove box", frame, obj, prompts.with_box(None))

    def clear_prompts(self, frame: int, obj: int) -> None:
        """Take all prompts of an object on a frame away. The tracked mask that they corrected,
        if there was one, shows again and is stale."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        if not self.prompts(frame, obj):
            raise SessionError(f"{self._name(obj)} has no prompts on frame {frame} to clear.")
        self._set_prompts("clear prompts", frame, obj, PromptSet())

    # Review

    def accept(self, obj: int, start: int, stop: int | None = None) -> None:
        """Vouch for an object's masks on frames `start` to `stop`, which is not included (one
        frame if None). They condition tracking, and only a person's edit changes them.

        Raises
        ------
        SessionError
            When there is no mask to accept.
        """
        frames = self._frames_with_results(obj, start, stop)
        if not frames:
            raise SessionError(
                f"{self._name(obj)} has no mask there to accept: prompt or propagate first."
            )
        with self._edit("accept"):
            for frame in frames:
                self._set_state(frame, obj, "accepted")

    def unaccept(self, obj: int, start: int, stop: int | None = None) -> None:
        """Take acceptance back, on the same frames as `accept`; the masks stay."""
        with self._edit("unaccept"):
            for frame in self._frames_with_results(obj, start, stop):
                if self._results[obj, frame].state == "accepted":
                    self._set_state(frame, obj, "fresh")
                    if not self.prompts(frame, obj) and self._memory is not None:
                        self._memory.forget(frame, obj)

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

    # Propagation

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: Sequence[int] | None = None,
        *,
        stale_only: bool = False,
    ) -> Iterator[Tracked]:
        """Track what is stale or untracked, one frame at a time; edits may come in between.

        Each frame is tracked from the nearest prompted or accepted frame of its object.

        Parameters
        ----------
        start, stop : frames to track, `stop` not included; the whole video if None.
        direction : "forward" tracks from earlier frames only, "backward" from later ones only.
        objects : ids; all if None.
        stale_only : leave untracked frames alone. It then counts as part of the correction
            that made the span stale, and is undone with it.

        Raises
        ------
        SessionError
            When there is nothing to track from, or the range or direction is not one.
        """
        first = 0 if start is None else self.check_frame(start)
        end = self.num_frames if stop is None else whole(stop, "stop")
        if not first < end <= self.num_frames:
            raise SessionError(
                f"Frames {first} to {end} (not included) are no range of this video, which has "
                f"{self.num_frames} frames: start must be below stop."
            )
        if direction not in ("both", "forward", "backward"):
            raise SessionError(
                f"The direction must be 'both', 'forward' or 'backward', got {direction!r}."
            )
        chosen = None if objects is None else [self.check_object(obj) for obj in objects]
        if not any(self.anchors(obj) for obj in self._among(chosen)):
            raise SessionError(
                "There is nothing to propagate: click an object, draw a box or give a mask first."
            )
        return self._propagate(range(first, end), direction, chosen, stale_only)

    def _propagate(
        self, frames: range, direction: Direction, chosen: list[int] | None, stale_only: bool
    ) -> Iterator[Tracked]:
        done = 0
        planned_at: int | None = None
        steps: list[Step] = []
        anchors: dict[int, Sequence[int]] = {}
        last: dict[int, int] = {}
        own: Edit | None = None
        while True:
            if planned_at != self._revision:
                anchors = {obj: self.anchors(obj) for obj in self._among(chosen)}
                pending = {obj: self.pending(obj, frames, stale_only) for obj in anchors}
                steps = make_plan(pending, anchors, direction)[::-1]
                last = {}
            if not steps:
                return
            step = steps.pop()
            amend = self.last_edit
            if amend is not own and not (stale_only and amend is not None and amend.corrects):
                amend = None
            with self._edit("propagate", amend):
                for obj, prediction in self._ready.track(step, last, anchors).items():
                    mask = Mask.from_array(prediction.mask_hw)
                    result = Result(mask, prediction.score, prediction.iou, "track")
                    self._history.write("results", (obj, step.frame), result)
            own = self.last_edit
            planned_at = self._revision
            done += 1
            yield Tracked(step.frame, step.reverse, done, done + len(steps))

    # Inside

    @property
    def _ready(self) -> Memory:
        if self._memory is None:
            raise SessionError("The model is not loaded yet.")
        return self._memory

    def _set_prompts(
        self, label: str, frame: int, obj: int, prompts: PromptSet, source: Source = "prompt"
    ) -> None:
        with self._edit(label) as edit:
            self._need_object(obj)
            before = self._results.get((obj, frame))
            corrected = None
            if before is not None:
                corrected = before.mask if before.source == "track" else before.corrected
            result: Result | None = None
            if prompts:
                prediction = self._ready.answer(frame, obj, prompts, corrected)
                mask = Mask.from_array(prediction.mask_hw)
                if prompts.mask is not None and prompts == PromptSet(mask=prompts.mask):
                    mask = prompts.mask
                result = Result(mask, prediction.score, prediction.iou, source, corrected=corrected)
            else:
                self._ready.forget(frame, obj)
                if corrected is not None:
                    assert before is not None
                    result = Result(corrected, before.score, before.iou, "track", "stale")
            self._history.write("prompts", (obj, frame), prompts or None)
            self._history.write("results", (obj, frame), result)
            edit.corrects = self._make_span_stale(frame, obj)

    def _make_span_stale(self, frame: int, obj: int) -> bool:
        """Whether there was anything to make stale."""
        found = self._results.get((obj, frame)) is not None and not self.is_anchor(frame, obj)
        for span in range(frame + 1, self.num_frames), range(frame - 1, -1, -1):
            for t in span:
                if self.is_anchor(t, obj):
                    break
                result = self._results.get((obj, t))
                if result is not None:
                    found = True
                    self._history.write("results", (obj, t), replace(result, state="stale"))
        return found

    def _set_state(self, frame: int, obj: int, state: State) -> None:
        result = self._results[obj, frame]
        self._history.write("results", (obj, frame), replace(result, state=state))

    def _frames_with_results(self, obj: int, start: int, stop: int | None) -> list[int]:
        obj, start = self.check_object(obj), self.check_frame(start)
        stop = start + 1 if stop is None else stop
        return sorted(t for t in self._results.of(obj) if start <= t < stop)

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
                elif table != "objects":
                    obj, frame = key
                    self._memory.forget(frame, obj)
        self._notify(edit.changes)
        return edit.label

    def _notify(self, keys: Iterable[Key]) -> None:
        by_table: dict[str, set[Any]] = {"objects": set(), "prompts": set(), "results": set()}
        for table, key in keys:
            by_table[table].add(key)
        if not any(by_table.values()):
            return
        self._revision += 1
        changed = Changed(
            objects=bool(by_table["objects"]),
            prompts=frozenset(by_table["prompts"]),
            results=frozenset(by_table["results"]),
        )
        for listener in self._listeners:
            listener(changed)

    def _need_object(self, obj: int) -> None:
        if obj < 1:
            raise SessionError(f"An object's id is 1 or larger, got {obj}.")
        if obj not in self._objects:
            self._history.write("objects", obj, ObjectInfo.numbered(obj))

    def _name(self, obj: int) -> str:
        return self._objects[obj].name

    def _among(self, chosen: list[int] | None) -> list[int]:
        return [info.id for info in self.objects if chosen is None or info.id in chosen]
