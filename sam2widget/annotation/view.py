"""The readable side of a session: what there is, on which frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Kind

from ..core.arguments import as_int
from ..core.errors import SessionError
from ..core.label_maps import OverlapCounter, paint_labels
from ..core.masks import Mask, MaskVolume
from ..models.segmenter import PromptSet
from .records import FrameTable, ObjectInfo, Proposal, Result, Timeline, runs_of


class SessionView:
    """Objects, prompts and results of one video, to be read from any thread.

    Parameters
    ----------
    num_frames : length of the video.
    height, width : of its frames in pixels.
    kind : "video", or "images" for frames that have nothing to do with each other.
    sizes_hw : (H, W) of each frame where they differ.
    """

    def __init__(
        self,
        num_frames: int,
        height: int,
        width: int,
        *,
        kind: Kind = "video",
        sizes_hw: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.kind: Kind = kind
        self._sizes_hw = sizes_hw
        self.num_frames = num_frames
        self.height = height
        self.width = width
        self._objects: dict[int, ObjectInfo] = {}
        self._prompts: FrameTable[PromptSet] = FrameTable()
        self._results: FrameTable[Result] = FrameTable()
        self._proposals: dict[int, tuple[Proposal, ...]] = {}

    def frame_hw(self, frame: int) -> tuple[int, int]:
        """(H, W) of a frame in pixels."""
        return (self.height, self.width) if self._sizes_hw is None else self._sizes_hw[frame]

    @property
    def objects(self) -> list[ObjectInfo]:
        """All objects by id."""
        return sorted(self._objects.copy().values(), key=lambda info: info.id)

    def prompts(self, frame: int, obj: int) -> PromptSet:
        """The prompts of an object on a frame; an empty set where there are none."""
        return self._prompts.get((obj, frame)) or PromptSet()

    def proposals(self, frame: int) -> tuple[Proposal, ...]:
        """What was found on a frame and is neither adopted nor dismissed."""
        return self._proposals.get(frame, ())

    @property
    def all_prompts(self) -> dict[tuple[int, int], PromptSet]:
        """A copy of all prompts, by (object id, frame)."""
        return dict(self._prompts)

    @property
    def all_results(self) -> dict[tuple[int, int], Result]:
        """A copy of all results, by (object id, frame)."""
        return dict(self._results)

    def result(self, frame: int, obj: int) -> Result | None:
        """The result of an object on a frame, rejected or not."""
        return self._results.get((obj, frame))

    def results(self, obj: int) -> dict[int, Result]:
        """All results of an object, by frame, the rejected included."""
        return self._results.of(obj)

    def shown_mask(self, frame: int, obj: int) -> Mask | None:
        """The mask of an object on a frame, unless it was rejected."""
        result = self._results.get((obj, frame))
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
            self._sizes_hw,
        )

    def label_map(self, frame: int, covered: OverlapCounter | None = None) -> NDArray[np.int32]:
        """(H, W) object ids on a frame, 0 for background. Where objects overlap, the one with
        the larger id shows; `covered` is told."""
        frame = self.check_frame(frame)
        shown = ((info.id, self.shown_mask(frame, info.id)) for info in self.objects)
        masks = ((obj, mask.to_array()) for obj, mask in shown if mask is not None)
        return paint_labels(self.frame_hw(frame), masks, frame, covered)

    def scores(self, obj: int) -> NDArray[np.float32]:
        """(T,) object-score logits of an object, above 0 where it is judged visible; NaN on
        frames without a result."""
        return self._per_frame(obj, lambda result: result.score)

    def ious(self, obj: int) -> NDArray[np.float32]:
        """(T,) predicted IoU of an object's masks; NaN on frames without a result."""
        return self._per_frame(obj, lambda result: result.iou)

    def timeline(self, obj: int) -> Timeline:
        """Where an object is prompted, accepted, rejected, tracked and stale."""
        prompted = self._prompts.of(obj)
        results = self._results.of(obj)
        states = {
            state: runs_of(t for t, r in results.items() if r.state == state and t not in prompted)
            for state in ("fresh", "stale")
        }
        accepted, rejected = (
            runs_of(t for t, r in results.items() if r.state == state)
            for state in ("accepted", "rejected")
        )
        return Timeline(sorted(prompted), accepted, rejected, states["fresh"], states["stale"])

    @property
    def has_stale(self) -> bool:
        """Whether there are stale masks and frames to track them again from."""
        return any(
            not info.locked
            and self.anchors(info.id)
            and any(result.state == "stale" for result in self._results.of(info.id).values())
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
        result = self._results.get((obj, frame))
        state = None if result is None else result.state
        return state == "accepted" or (state != "rejected" and (obj, frame) in self._prompts)

    def anchors(self, obj: int) -> list[int]:
        """All frames that an object is tracked from, ascending."""
        results, prompted = self._results.of(obj), self._prompts.of(obj)
        accepted = {t for t, r in results.items() if r.state == "accepted"}
        rejected = {t for t, r in results.items() if r.state == "rejected"}
        return sorted(accepted | prompted.keys() - rejected)

    def pending(self, obj: int, frames: range, stale_only: bool) -> list[int]:
        """Those of some frames that are to be tracked."""
        results, prompted = self._results.of(obj), self._prompts.of(obj)
        return [
            t
            for t in frames
            if t not in prompted
            and (results[t].state == "stale" if t in results else not stale_only)
        ]

    def _per_frame(self, obj: int, read: Callable[[Result], float]) -> NDArray[np.float32]:
        values_t = np.full(self.num_frames, np.nan, np.float32)
        for frame, result in self._results.of(self.check_object(obj)).items():
            if result.state != "rejected":
                values_t[frame] = read(result)
        return values_t

    def check_frame(self, frame: SupportsIndex) -> int:
        index = whole(frame, "A frame")
        if not 0 <= index < self.num_frames:
            raise SessionError(
                f"There is no frame {index}: the video has frames 0 to {self.num_frames - 1}."
            )
        return index

    def check_range(self, start: SupportsIndex, stop: SupportsIndex) -> tuple[int, int]:
        first, end = self.check_frame(start), whole(stop, "stop")
        if not first < end <= self.num_frames:
            raise SessionError(
                f"Frames {first} to {end} (not included) are no range of this video, which has "
                f"{self.num_frames} frames: start must be below stop, and stop {self.num_frames} "
                "at most."
            )
        return first, end

    def check_object(self, obj: SupportsIndex) -> int:
        index = whole(obj, "An object's id")
        if index not in self._objects:
            known = ", ".join(str(info.id) for info in self.objects) or "none yet"
            raise SessionError(f"There is no object {index}. Objects: {known}.")
        return index

    def check_unlocked(self, obj: int) -> int:
        """The same id, unless it is of a locked object."""
        info = self._objects.get(obj)
        if info is not None and info.locked:
            raise SessionError(f"{info.name} is locked: unlock it to change its masks.")
        return obj

    def _name(self, obj: int) -> str:
        return self._objects[obj].name


def whole(value: SupportsIndex, what: str) -> int:
    return as_int(value, what)
