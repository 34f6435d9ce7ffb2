"""The readable side of a session: what there is, on which frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Kind

from ..core.arguments import as_int
from ..core.errors import SessionError
from ..core.masks import Mask, MaskVolume
from ..core.masks.label_maps import OverlapCounter, paint_labels
from ..models.segmenter import PromptSet
from .classes import color_by_class
from .plan import intersect, invert
from .records import ColorBy, ObjectClass, ObjectInfo, Proposal, Result, Run, Timeline
from .tables import SessionTables


class SessionView:
    """Objects, prompts and results of one video, to be read from any thread.

    Parameters
    ----------
    tables : what is read.
    """

    def __init__(self, tables: SessionTables) -> None:
        self.tables = tables

    @property
    def kind(self) -> Kind:
        """Either "video", or "images" for frames that have nothing to do with each other."""
        return self.tables.kind

    @property
    def num_frames(self) -> int:
        """Length of the video."""
        return self.tables.num_frames

    @property
    def height(self) -> int:
        """Of the frames, in pixels."""
        return self.tables.height

    @property
    def width(self) -> int:
        """Of the frames, in pixels."""
        return self.tables.width

    @property
    def non_overlapping(self) -> bool:
        """Whether masks of different objects on a frame exclude each other."""
        return self.tables.settings["non_overlapping"]

    def frame_hw(self, frame: int) -> tuple[int, int]:
        """(H, W) of a frame in pixels."""
        sizes_hw = self.tables.sizes_hw
        return (self.height, self.width) if sizes_hw is None else sizes_hw[frame]

    @property
    def objects(self) -> list[ObjectInfo]:
        """All objects by id."""
        return sorted(self.tables.objects.copy().values(), key=lambda info: info.id)

    @property
    def classes(self) -> tuple[ObjectClass, ...]:
        """All classes that objects may have, in their order."""
        return tuple(one for _, one in sorted(self.tables.classes.copy().items()))

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in their order."""
        return [one.name for one in self.classes]

    @property
    def current_class(self) -> str:
        """The class that new objects get; "" for none."""
        return self.tables.current_class

    @property
    def color_by(self) -> ColorBy:
        """Whose colours masks are shown in: "object" or "class"."""
        return self.tables.color_by

    @property
    def colored_objects(self) -> tuple[ObjectInfo, ...]:
        """All objects by id, in the colours that they are shown in."""
        objects = tuple(self.objects)
        return color_by_class(objects, self.classes) if self.color_by == "class" else objects

    @property
    def next_object_id(self) -> int:
        """The id that a new object gets."""
        return max(self.tables.objects, default=0) + 1

    def prompts(self, frame: int, obj: int) -> PromptSet:
        """The prompts of an object on a frame; an empty set where there are none."""
        return self.tables.prompts.get((obj, frame)) or PromptSet()

    def proposals(self, frame: int) -> tuple[Proposal, ...]:
        """What was found on a frame and is neither adopted nor dismissed."""
        return self.tables.proposals.get(frame, ())

    @property
    def all_prompts(self) -> dict[tuple[int, int], PromptSet]:
        """A copy of all prompts, by (object id, frame)."""
        return self.tables.prompts.to_dict()

    @property
    def all_results(self) -> dict[tuple[int, int], Result]:
        """A copy of all results, by (object id, frame)."""
        return self.tables.results.to_dict()

    def result(self, frame: int, obj: int) -> Result | None:
        """The result of an object on a frame, rejected or not."""
        return self.tables.results.get((obj, frame))

    def results(self, obj: int) -> dict[int, Result]:
        """All results of an object, by frame, the rejected included."""
        return self.tables.results.of(obj)

    def shown_mask(self, frame: int, obj: int) -> Mask | None:
        """The mask of an object on a frame, unless it was rejected."""
        result = self.tables.results.get((obj, frame))
        return None if result is None or result.state == "rejected" else result.mask

    def masks(self, obj: int) -> MaskVolume:
        """The masks of an object, as a lazy (T, H, W) bool array; rejected ones are empty.

        Raises
        ------
        SessionError
            When there is no such object.
        """
        obj = self.check_object(obj)
        return MaskVolume(
            lambda frame: self.shown_mask(frame, obj),
            lambda: (self.num_frames, self.height, self.width),
            self.tables.sizes_hw,
        )

    def label_map(self, frame: int, covered: OverlapCounter | None = None) -> NDArray[np.int32]:
        """(H, W) object ids on a frame, 0 for background.

        Where objects overlap, the one with the larger id shows; `covered` is told.
        """
        frame = self.check_frame(frame)
        shown = ((info.id, self.shown_mask(frame, info.id)) for info in self.objects)
        masks = ((obj, mask.to_array()) for obj, mask in shown if mask is not None)
        return paint_labels(self.frame_hw(frame), masks, frame, covered)

    def scores(self, obj: int) -> NDArray[np.float32]:
        """(T,) object-score logits of an object, above 0 where it is judged visible.

        NaN on frames without a result.
        """
        return self._per_frame(obj, lambda result: result.score)

    def ious(self, obj: int) -> NDArray[np.float32]:
        """(T,) predicted IoU of an object's masks; NaN on frames without a result."""
        return self._per_frame(obj, lambda result: result.iou)

    def timeline(self, obj: int) -> Timeline:
        """Where an object is prompted, accepted, rejected, tracked and stale."""
        return self.tables.timelines.get(obj)

    @property
    def has_stale(self) -> bool:
        """Whether there are stale masks and frames to track them again from."""
        return any(
            not info.locked and self.tables.timelines.stale(info.id) and self.anchors(info.id)
            for info in self.objects
        )

    @property
    def has_pending(self) -> bool:
        """Whether there are untracked or stale frames and something to track them from."""
        every = range(self.num_frames)
        return self.kind == "video" and any(
            not info.locked and self.anchors(info.id) and self.pending(info.id, every, False)
            for info in self.objects
        )

    def is_anchor(self, frame: int, obj: int) -> bool:
        """Whether an object is tracked from this frame: prompted or accepted, not rejected."""
        result = self.tables.results.get((obj, frame))
        state = None if result is None else result.state
        return state == "accepted" or (state != "rejected" and (obj, frame) in self.tables.prompts)

    def anchors(self, obj: int) -> list[Run]:
        """Runs of the frames that an object is tracked from, ascending."""
        return self.tables.timelines.anchors(obj)

    def pending(self, obj: int, frames: range, stale_only: bool) -> list[Run]:
        """Runs of those of some frames, which follow each other, that are to be tracked."""
        timelines = self.tables.timelines
        if stale_only:
            return list(intersect(timelines.stale(obj), [(frames.start, frames.stop)]))
        return invert(timelines.settled(obj), frames.start, frames.stop)

    def held_on(self, frame: int) -> dict[int, Mask]:
        """What each object holds on a frame."""
        frame = self.check_frame(frame)
        found = ((info.id, self.result(frame, info.id)) for info in self.objects)
        return {obj: result.mask for obj, result in found if result is not None}

    def check_frame(self, frame: SupportsIndex) -> int:
        """A frame's index as an int.

        Raises
        ------
        SessionError
            When the video has no such frame.
        """
        index = as_int(frame, "A frame")
        if not 0 <= index < self.num_frames:
            raise SessionError(
                f"There is no frame {index}: the video has frames 0 to {self.num_frames - 1}."
            )
        return index

    def check_range(self, start: SupportsIndex, stop: SupportsIndex) -> tuple[int, int]:
        """The first frame and the one after the last, as ints.

        Raises
        ------
        SessionError
            When they are no range of the video.
        """
        first, end = self.check_frame(start), as_int(stop, "stop")
        if not first < end <= self.num_frames:
            raise SessionError(
                f"Frames {first} to {end} (not included) are no range of this video, which has "
                f"{self.num_frames} frames: start must be below stop, and stop {self.num_frames} "
                "at most."
            )
        return first, end

    def check_object(self, obj: SupportsIndex) -> int:
        """An object's id as an int.

        Raises
        ------
        SessionError
            When there is no such object.
        """
        index = as_int(obj, "An object's id")
        if index not in self.tables.objects:
            known = ", ".join(str(info.id) for info in self.objects) or "none yet"
            raise SessionError(f"There is no object {index}. Objects: {known}.")
        return index

    def check_unlocked(self, obj: int) -> int:
        """The same id.

        Raises
        ------
        SessionError
            When the object is locked.
        """
        info = self.tables.objects.get(obj)
        if info is not None and info.locked:
            raise SessionError(f"{info.name} is locked: unlock it to change its masks.")
        return obj

    def name_of(self, obj: int) -> str:
        """Of an object that there is."""
        return self.tables.objects[obj].name

    def _per_frame(self, obj: int, read: Callable[[Result], float]) -> NDArray[np.float32]:
        values_t = np.full(self.num_frames, np.nan, np.float32)
        for frame, result in self.tables.results.of(self.check_object(obj)).items():
            if result.state != "rejected":
                values_t[frame] = read(result)
        return values_t
