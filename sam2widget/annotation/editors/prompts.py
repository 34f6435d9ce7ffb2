"""What a person says of an object on a frame: points, boxes, masks, strokes of a brush."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam2_backend.masks.mask_input import as_mask

from ...core.arguments import as_flag, as_float, as_int, as_numbers
from ...core.errors import SessionError
from ...core.masks import Mask
from ...core.masks.sparse import subtract, touches_edge, unite
from ...models.segmenter import Box, Point, Prediction, PromptSet, Window
from ...models.windows import group_by_window
from ..history import Edit
from ..model_sync import ModelSync
from ..predictions import pack_logits, prompted_result
from ..records import Result, Shape, Source
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver
from .strokes import check_stroke, rasterize_stroke

OVERHANG = 0.02
"""Share of a frame's width and height by which a box may stick out without a word."""


class PromptEditor:
    """Prompts of a session. All coordinates are (x, y) in pixels of the original frame.

    Parameters
    ----------
    store : that is edited.
    model : which answers.
    overlaps : gives pixels to one object.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, overlaps: OverlapResolver) -> None:
        self._store = store
        self._model = model
        self._overlaps = overlaps

    def add_point(
        self,
        frame: int,
        x: float,
        y: float,
        label: int = 1,
        obj: int = 1,
        window: Window | None = None,
    ) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Parameters
        ----------
        window : x0, y0, x1, y1 of what was looked at, of a large picture.

        Raises
        ------
        SessionError
            When the point lies outside the frame, or there is no such frame.
        """
        self.add_points(frame, [(x, y)], [label], obj, window=window)

    def add_points(
        self,
        frame: int,
        points: Sequence[tuple[float, float]],
        labels: Sequence[int],
        obj: int = 1,
        candidate: int | None = None,
        window: Window | None = None,
    ) -> None:
        """Click several times, which is one edit; see `add_point`.

        Parameters
        ----------
        candidate : which of the masks that the first click may mean, by the model's own number from
            0; as it was, or the best, if None.
        """
        frame, obj = self._store.check_frame(frame), as_int(obj, "An object's id")
        window = self.check_window(frame, window)
        prompts = self._store.prompts(frame, obj)
        for (x, y), label in zip(points, labels, strict=True):
            number = int(label) if isinstance(label, bool) else as_int(label, "A point's label")
            if number not in (0, 1):
                raise SessionError(
                    f"A point's label is 1 (on the object) or 0 (outside it), got {label!r}."
                )
            x, y = as_float(x, "A point's x"), as_float(y, "A point's y")
            self._check_inside(frame, x, y)
            prompts = prompts.with_point(Point(x, y, number, window))
        if candidate is not None:
            prompts = prompts.with_candidate(as_int(candidate, "A candidate's number"))
        self._set("point" if len(points) == 1 else "points", frame, obj, prompts)

    def want_of_positive(self, frame: int, obj: int) -> str:
        """A sentence where a new object got nothing but points outside it; "" otherwise.

        It has no mask then.
        """
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        prompts = self._store.prompts(frame, obj)
        outside = not any(point.label for point in prompts.points)
        if not prompts.points or not outside or prompts.box is not None or prompts.mask is not None:
            return ""
        if any(result.mask.area for result in self._store.results(obj).values()):
            return ""
        return (
            f"{self._store.name_of(obj)} is empty on frame {frame}: it has only points where it is "
            "not (label 0). Click the object itself (label 1)."
        )

    def add_box(
        self,
        frame: int,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        obj: int = 1,
        window: Window | None = None,
    ) -> None:
        """Draw a box around an object, in place of an earlier one; a new id adds the object.

        What sticks out of the frame is cut off.

        Raises
        ------
        SessionError
            When the box is empty or lies outside the frame, or there is no such frame.
        """
        frame, obj = self._store.check_frame(frame), as_int(obj, "An object's id")
        x0, y0, x1, y1 = as_numbers((x0, y0, x1, y1), ("x0", "y0", "x1", "y1"), "A box")
        if not (x0 < x1 and y0 < y1):
            raise SessionError(
                f"A box needs x0 < x1 and y0 < y1, got ({x0:g}, {y0:g}, {x1:g}, {y1:g}): these are "
                "two corners, not a corner, a width and a height."
            )
        height, width = self._store.frame_hw(frame)
        if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
            raise SessionError(
                f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) lies outside the frame, which is "
                f"{width} x {height} pixels."
            )
        box = (
            max(float(x0), 0.0),
            max(float(y0), 0.0),
            min(float(x1), float(width)),
            min(float(y1), float(height)),
        )
        window = self.check_window(frame, window)
        self._set("box", frame, obj, self._store.prompts(frame, obj).with_box(box, window))

    def cut_by_frame(self, frame: int, box: Box) -> str:
        """A sentence where a box sticks out of a frame by more than is rounding; "" otherwise."""
        height, width = self._store.frame_hw(self._store.check_frame(frame))
        x0, y0, x1, y1 = box
        beyond_x, beyond_y = max(-x0, x1 - width), max(-y0, y1 - height)
        if beyond_x <= max(1, OVERHANG * width) and beyond_y <= max(1, OVERHANG * height):
            return ""
        return (
            f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) sticks out of the frame, which is {width} x "
            f"{height} pixels, and was cut to it. A box is x0, y0, x1, y1 in pixels of the frame."
        )

    def check_mask(self, frame: int, mask: object) -> tuple[NDArray[np.bool_], str | None]:
        """The (H, W) bool mask that something is on a frame, and what had to be guessed.

        See `as_mask`.

        Raises
        ------
        SessionError
            When it is none, or of another size.
        """
        try:
            return as_mask(mask, self._store.frame_hw(self._store.check_frame(frame)))
        except SessionError:
            raise
        except ValueError as error:
            raise SessionError(str(error)) from error

    def add_mask(
        self, frame: int, mask_hw: object, obj: int = 1, source: Source = "import"
    ) -> None:
        """Give an object's mask on a frame, in place of all its prompts there.

        A new id adds the object. An empty mask says that the object is not to be seen.

        Parameters
        ----------
        mask_hw : (H, W), as `check_mask` takes it.
        source : "import", or "edit" for a mask drawn by hand.
        """
        frame, obj = self._store.check_frame(frame), as_int(obj, "An object's id")
        checked_hw, _ = self.check_mask(frame, mask_hw)
        prompts = PromptSet(mask=Mask.from_array(checked_hw))
        self._set("mask", frame, obj, prompts, source)

    def paint(
        self,
        frame: int,
        path: Sequence[float],
        radius: float = 0.0,
        obj: int = 1,
        *,
        shape: Shape = "brush",
        erase: bool = False,
    ) -> None:
        """Add to an object's mask by hand, or take away from it.

        The mask that this gives takes the place of all prompts there; a new id adds the object.

        Parameters
        ----------
        path : x0, y0, x1, y1…: the way of the brush's centre, or a polygon's corners.
        radius : of the brush in pixels.
        shape : "brush" or "polygon".
        erase : take away.

        Raises
        ------
        SessionError
            When there is nothing to erase, or the path or the radius is none.
        """
        frame, obj = self._store.check_frame(frame), as_int(obj, "An object's id")
        height, width = self._store.frame_hw(frame)
        radius, erase = as_float(radius, "The radius of a brush"), as_flag(erase, "erase")
        check_stroke(shape, path, radius)
        now = self._store.shown_mask(frame, obj)
        if erase and (now is None or not now.area):
            raise SessionError(f"There is no mask on frame {frame} to erase from.")
        before = Mask.empty(height, width) if now is None else now
        covered = rasterize_stroke(shape, path, radius, height, width)
        painted = subtract(before, covered) if erase else unite(before, covered)
        if painted == before:
            return
        prompts = PromptSet(mask=painted)
        self._set("erase" if erase else "paint", frame, obj, prompts, "edit")

    def choose(self, frame: int, obj: int, index: int) -> None:
        """Choose another of the masks that a single click may mean; `index` counts from 0."""
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        index = as_int(index, "A candidate's place")
        result = self._store.result(frame, obj)
        count = 0 if result is None else len(result.candidates)
        if result is None or not 0 <= index < count:
            raise SessionError(
                f"There is no candidate {index} of {self._store.name_of(obj)} on frame {frame}: it "
                f"has {count}. Only a first click has some."
            )
        if index != result.chosen:
            prompts = self._store.prompts(frame, obj).with_candidate(result.candidates[index].index)
            self._set("choose mask", frame, obj, prompts)

    def move_point(self, frame: int, obj: int, index: int, x: float, y: float) -> None:
        """Put one click elsewhere; `index` counts from 0 in the order of the clicks."""
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        index = as_int(index, "A point's place")
        prompts = self._with_point(frame, obj, index)
        x, y = as_float(x, "A point's x"), as_float(y, "A point's y")
        self._check_inside(frame, x, y)
        moved = prompts.with_moved_point(index, float(x), float(y))
        if moved.points != prompts.points:
            self._set("move point", frame, obj, moved)

    def remove_point(self, frame: int, obj: int, index: int) -> None:
        """Take one click away; `index` counts from 0 in the order of the clicks."""
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        index = as_int(index, "A point's place")
        prompts = self._with_point(frame, obj, index).without_point(index)
        self._set("remove point", frame, obj, prompts)

    def remove_box(self, frame: int, obj: int) -> None:
        """Take the box away."""
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        prompts = self._store.prompts(frame, obj)
        if prompts.box is None:
            raise SessionError(f"{self._store.name_of(obj)} has no box on frame {frame}.")
        self._set("remove box", frame, obj, prompts.with_box(None))

    def clear_prompts(self, frame: int, obj: int) -> None:
        """Take all prompts of an object on a frame away.

        The tracked mask that they corrected, if there was one, shows again and is stale.
        """
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        if not self._store.prompts(frame, obj):
            raise SessionError(
                f"{self._store.name_of(obj)} has no prompts on frame {frame} to clear."
            )
        self._set("clear prompts", frame, obj, PromptSet())

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take all prompts away, as one edit.

        What they corrected shows again, as `clear_prompts` has it.

        Parameters
        ----------
        frame : from which; from all if None.
        obj : whose; of all that are not locked if None.

        Raises
        ------
        SessionError
            When there are none.
        """
        store = self._store
        frame = None if frame is None else store.check_frame(frame)
        if obj is None:
            chosen = {info.id for info in store.objects if not info.locked}
        else:
            chosen = {store.check_unlocked(store.check_object(obj))}
        keys = [key for key in store.all_prompts if key[0] in chosen and frame in (None, key[1])]
        if not keys:
            where = "" if frame is None else f" on frame {frame}"
            raise SessionError(f"There are no prompts{where} to take away.")
        with store.edit("reset prompts") as edit:
            for of, at in sorted(keys):
                self.write(edit, at, of, PromptSet(), "prompt")

    def preview(
        self,
        frame: int,
        x: float,
        y: float,
        obj: int | None = None,
        window: Window | None = None,
    ) -> Prediction:
        """What a click on an object (None: a new one) would give. Nothing changes.

        Raises
        ------
        SessionError
            When the point cannot be clicked, or the model cannot preview.
        """
        frame = self._store.check_frame(frame)
        self._check_inside(frame, x, y)
        known = None if obj is None else self._store.check_unlocked(self._store.check_object(obj))
        point = Point(float(x), float(y), 1, self.check_window(frame, window))
        prediction = self._model.preview(frame, known, point)
        new = self._store.next_object_id if known is None else known
        mask = Mask.of(prediction.mask_hw)
        prompts = self._store.prompts(frame, new).with_point(point)
        left = self._overlaps.visible_part(frame, new, mask, pack_logits(prediction), prompts)
        if left is mask:
            return prediction
        is_windowed = self._store.tables.is_windowed
        return replace(prediction, mask_hw=left if is_windowed else left.to_array())

    def write(self, edit: Edit, frame: int, obj: int, prompts: PromptSet, source: Source) -> None:
        """Set an object's prompts on a frame as part of an edit.

        The model answers, and what follows from the frame becomes stale.

        Parameters
        ----------
        edit : that is open.
        prompts : all of them; an empty set takes them away.
        source : of the mask that they give.
        """
        store = self._store
        store.ensure_object(obj)
        before = store.result(frame, obj)
        corrected = None
        if before is not None and before.state != "rejected":
            corrected = before.answer if before.source == "track" else before.corrected
        result: Result | None = None
        if prompts:
            prediction = self._model.prompt(frame, obj, prompts, corrected)
            result = prompted_result(prediction, prompts, source, corrected)
        else:
            self._model.forget(frame, obj)
            if corrected is not None:
                assert before is not None
                result = Result(corrected, before.score, before.iou, "track", "stale")
        store.write_prompts(frame, obj, prompts)
        self._overlaps.write_results(frame, {obj: result})
        edit.corrects |= store.mark_span_stale(frame, obj)

    def _set(
        self, label: str, frame: int, obj: int, prompts: PromptSet, source: Source = "prompt"
    ) -> None:
        self._store.check_unlocked(obj)
        with self._store.edit(label) as edit:
            self.write(edit, frame, obj, prompts, source)

    def _with_point(self, frame: int, obj: int, index: int) -> PromptSet:
        prompts = self._store.prompts(frame, obj)
        if not 0 <= index < len(prompts.points):
            raise SessionError(
                f"There is no point {index} of {self._store.name_of(obj)} on frame {frame}: it has "
                f"{len(prompts.points)}."
            )
        return prompts

    def cut_by_window(self, frame: int, obj: int) -> str:
        """A sentence where a mask ends at the edge of the window that was looked at; "" otherwise.

        The model knows nothing of what lies beyond.
        """
        frame, obj = self._store.check_frame(frame), self._store.check_object(obj)
        prompts, mask = self._store.prompts(frame, obj), self._store.shown_mask(frame, obj)
        if not self._store.tables.is_windowed or mask is None:
            return ""
        groups = group_by_window(prompts, *mask.shape)
        if not groups:
            return ""
        x0, y0, x1, y1 = window = groups[-1].window
        if not touches_edge(mask, window):
            return ""
        return (
            f"{self._store.name_of(obj)} reaches the edge of what the model saw (x {x0:,} to "
            f"{x1:,}, y {y0:,} to {y1:,}), and what lies beyond was not looked at: move on or zoom "
            "out, and click what goes on there."
        )

    def check_window(self, frame: int, window: Window | None) -> Window | None:
        """A window cut to the frame; None where the frame is seen whole."""
        if window is None or not self._store.tables.is_windowed:
            return None
        height, width = self._store.frame_hw(frame)
        x0, y0, x1, y1 = (as_int(one, "A window's edge") for one in window)
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if x0 >= x1 or y0 >= y1:
            raise SessionError(
                f"The window {tuple(window)} lies outside the picture, which is {width} x {height} "
                "pixels: a window is x0, y0, x1, y1."
            )
        return x0, y0, x1, y1

    def _check_inside(self, frame: int, x: float, y: float) -> None:
        height, width = self._store.frame_hw(frame)
        if not (0 <= x <= width and 0 <= y <= height):
            raise SessionError(
                f"The point ({x:g}, {y:g}) lies outside the frame, which is {width} x {height} "
                "pixels. Points are (x, y)."
            )
