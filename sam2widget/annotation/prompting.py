"""What a person says of an object on a frame: points, boxes, masks, strokes of a brush."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam2_backend.masks.mask_input import as_mask

from ..core import painting
from ..core.arguments import as_float, as_numbers
from ..core.errors import SessionError
from ..core.masks import Mask
from ..models.segmenter import Point, Prediction, Previews, PromptSet
from .edits import SessionEdits, pack_logits
from .records import Shape, Source
from .view import whole


class Prompting(SessionEdits):
    """Prompts of a session. All coordinates are (x, y) in pixels of the original frame."""

    def add_point(self, frame: int, x: float, y: float, label: int = 1, obj: int = 1) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Raises
        ------
        SessionError
            When the point lies outside the frame, or there is no such frame.
        """
        self.add_points(frame, [(x, y)], [label], obj)

    def add_points(
        self,
        frame: int,
        points: Sequence[tuple[float, float]],
        labels: Sequence[int],
        obj: int = 1,
    ) -> None:
        """Click several times, which is one edit; see `add_point`."""
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        prompts = self.prompts(frame, obj)
        for (x, y), label in zip(points, labels, strict=True):
            number = int(label) if isinstance(label, bool) else whole(label, "A point's label")
            if number not in (0, 1):
                raise SessionError(
                    f"A point's label is 1 (on the object) or 0 (outside it), got {label!r}."
                )
            x, y = as_float(x, "A point's x"), as_float(y, "A point's y")
            self._check_inside(frame, x, y)
            prompts = prompts.with_point(Point(x, y, number))
        self._set_prompts("point" if len(points) == 1 else "points", frame, obj, prompts)

    def want_of_positive(self, frame: int, obj: int) -> str:
        """A sentence where a new object got nothing but points outside it, and so no mask; ""
        otherwise."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        prompts = self.prompts(frame, obj)
        outside = not any(point.label for point in prompts.points)
        if not prompts.points or not outside or prompts.box is not None or prompts.mask is not None:
            return ""
        if any(result.mask.area for result in self._results.of(obj).values()):
            return ""
        return (
            f"{self._name(obj)} is empty on frame {frame}: it has only points where it is not "
            "(label 0). Click the object itself (label 1)."
        )

    def add_box(self, frame: int, x0: float, y0: float, x1: float, y1: float, obj: int = 1) -> None:
        """Draw a box around an object, in place of an earlier one; a new id adds the object.
        What sticks out of the frame is cut off.

        Raises
        ------
        SessionError
            When the box is empty or lies outside the frame, or there is no such frame.
        """
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        x0, y0, x1, y1 = as_numbers((x0, y0, x1, y1), ("x0", "y0", "x1", "y1"), "A box")
        if not (x0 < x1 and y0 < y1):
            raise SessionError(
                f"A box needs x0 < x1 and y0 < y1, got ({x0:g}, {y0:g}, {x1:g}, {y1:g}): these are "
                "two corners, not a corner, a width and a height."
            )
        height, width = self.frame_hw(frame)
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
        self._set_prompts("box", frame, obj, self.prompts(frame, obj).with_box(box))

    def check_mask(self, frame: int, mask: object) -> tuple[NDArray[np.bool_], str | None]:
        """The (H, W) bool mask that something is on a frame, and what had to be guessed; see
        `as_mask`.

        Raises
        ------
        SessionError
            When it is none, or of another size.
        """
        try:
            return as_mask(mask, self.frame_hw(self.check_frame(frame)))
        except SessionError:
            raise
        except ValueError as error:
            raise SessionError(str(error)) from error

    def add_mask(
        self, frame: int, mask_hw: object, obj: int = 1, source: Source = "import"
    ) -> None:
        """Give an object's mask on a frame, in place of all its prompts there; a new id adds
        the object. An empty mask says that the object is not to be seen.

        Parameters
        ----------
        mask_hw : (H, W), as `check_mask` takes it.
        source : "import", or "edit" for a mask drawn by hand.
        """
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        checked_hw, _ = self.check_mask(frame, mask_hw)
        prompts = PromptSet(mask=Mask.from_array(checked_hw))
        self._set_prompts("mask", frame, obj, prompts, source)

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
        """Add to an object's mask by hand, or take away from it. The mask that this gives takes
        the place of all prompts there; a new id adds the object.

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
        frame, obj = self.check_frame(frame), whole(obj, "An object's id")
        height, width = self.frame_hw(frame)
        _check_stroke(shape, path, radius)
        now = self.shown_mask(frame, obj)
        if erase and (now is None or not now.area):
            raise SessionError(f"There is no mask on frame {frame} to erase from.")
        before_hw = np.zeros((height, width), np.bool_) if now is None else now.to_array()
        if shape == "brush":
            covered_hw = painting.brush(path, radius, height, width)
        else:
            covered_hw = painting.polygon(path, height, width)
        painted_hw = before_hw & ~covered_hw if erase else before_hw | covered_hw
        if np.array_equal(painted_hw, before_hw):
            return
        prompts = PromptSet(mask=Mask.from_array(painted_hw))
        self._set_prompts("erase" if erase else "paint", frame, obj, prompts, "edit")

    def choose(self, frame: int, obj: int, index: int) -> None:
        """Choose another of the masks that a single click may mean; `index` counts from 0."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        result = self._results.get((obj, frame))
        count = 0 if result is None else len(result.candidates)
        if result is None or not 0 <= index < count:
            raise SessionError(
                f"There is no candidate {index} of {self._name(obj)} on frame {frame}: it has "
                f"{count}. Only a first click has some."
            )
        if index != result.chosen:
            prompts = self.prompts(frame, obj).with_candidate(result.candidates[index].index)
            self._set_prompts("choose mask", frame, obj, prompts)

    def move_point(self, frame: int, obj: int, index: int, x: float, y: float) -> None:
        """Put one click elsewhere; `index` counts from 0 in the order of the clicks."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        prompts = self._with_point(frame, obj, index)
        x, y = as_float(x, "A point's x"), as_float(y, "A point's y")
        self._check_inside(frame, x, y)
        moved = prompts.with_moved_point(index, float(x), float(y))
        if moved.points != prompts.points:
            self._set_prompts("move point", frame, obj, moved)

    def remove_point(self, frame: int, obj: int, index: int) -> None:
        """Take one click away; `index` counts from 0 in the order of the clicks."""
        frame, obj = self.check_frame(frame), self.check_object(obj)
        prompts = self._with_point(frame, obj, index).without_point(index)
        self._set_prompts("remove point", frame, obj, prompts)

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

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take all prompts away, which is one edit: on a frame, or on all if None; of an object, or
        of all that are not locked if None. What they corrected shows again, as `clear_prompts`
        has it.

        Raises
        ------
        SessionError
            When there are none.
        """
        frame = None if frame is None else self.check_frame(frame)
        if obj is None:
            chosen = {info.id for info in self.objects if not info.locked}
        else:
            chosen = {self.check_unlocked(self.check_object(obj))}
        keys = [key for key in self._prompts if key[0] in chosen and frame in (None, key[1])]
        if not keys:
            where = "" if frame is None else f" on frame {frame}"
            raise SessionError(f"There are no prompts{where} to take away.")
        with self._edit("reset prompts") as edit:
            for of, at in sorted(keys):
                self._write_prompts(edit, at, of, PromptSet(), "prompt")

    @property
    def can_preview(self) -> bool:
        """Whether the model can say what a click would give."""
        return self._memory is not None and isinstance(self._memory.segmenter, Previews)

    def preview(self, frame: int, x: float, y: float, obj: int | None = None) -> Prediction:
        """What a click on an object (None: a new one) would give. Nothing changes.

        Raises
        ------
        SessionError
            When the point cannot be clicked, or the model cannot preview.
        """
        frame = self.check_frame(frame)
        self._check_inside(frame, x, y)
        known = None if obj is None else self.check_unlocked(self.check_object(obj))
        point = Point(float(x), float(y), 1)
        prediction = self._ready.preview(frame, known, point)
        new = max(self._objects, default=0) + 1 if known is None else known
        mask = Mask.from_array(prediction.mask_hw)
        prompts = self.prompts(frame, new).with_point(point)
        left = self._share(frame, new, mask, pack_logits(prediction), prompts)
        return prediction if left is mask else replace(prediction, mask_hw=left.to_array())

    def _with_point(self, frame: int, obj: int, index: int) -> PromptSet:
        prompts = self.prompts(frame, obj)
        if not 0 <= index < len(prompts.points):
            raise SessionError(
                f"There is no point {index} of {self._name(obj)} on frame {frame}: it has "
                f"{len(prompts.points)}."
            )
        return prompts

    def _check_inside(self, frame: int, x: float, y: float) -> None:
        height, width = self.frame_hw(frame)
        if not (0 <= x <= width and 0 <= y <= height):
            raise SessionError(
                f"The point ({x:g}, {y:g}) lies outside the frame, which is {width} x {height} "
                "pixels. Points are (x, y)."
            )


def _check_stroke(shape: str, path: Sequence[float], radius: float) -> None:
    if shape not in ("brush", "polygon"):
        raise SessionError(f"One paints with a 'brush' or a 'polygon', got {shape!r}.")
    if len(path) % 2 or not all(map(math.isfinite, path)):
        raise SessionError("A path is x0, y0, x1, y1…: finite numbers, two a place.")
    if shape == "brush" and not (path and 0 < radius < math.inf):
        raise SessionError(
            f"A brush needs a place and a radius above 0, got {len(path) // 2} and {radius:g}."
        )
    if shape == "polygon" and len(path) < 6:
        raise SessionError(f"A polygon needs three corners, got {len(path) // 2}.")
