"""Prompt objects anywhere in a video and track them, all together."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import (
    ArgumentError,
    UnknownObjectError,
    accept_aliases,
    as_plain_id,
    check_flag,
    check_model,
    check_object_id,
    check_whole,
    list_ids,
)
from ..masks.mask_input import as_mask
from ..masks.postprocessing import MaskCleaner
from ..network.config import NUM_CANDIDATES
from ..network.sam2 import Sam2Model
from ..tracking.frame_encoder import FrameEncoder, Frames, open_frames
from ..tracking.memory_bank import make_entries
from ..tracking.policies import MemoryPolicy, find_policy
from ..tracking.policies.settings import PolicySettings
from ..tracking.tracker import Tracker
from ..video import FrameSource
from . import official
from .automatic.mask_record import MaskRecord
from .automatic.proposals import propose_masks
from .decoder_inputs import DecoderInputs
from .frame_result import Candidates, FrameResult, ResultBuilder
from .prompt_store import PromptStore
from .prompts import NO_CLICKS, Clicks, ModelPrompts, check_box

__all__ = ["Candidates", "FrameResult", "Frames", "VideoPredictor"]
_FIXED = ("model", "frames", "tracker", "prompts", "objects", "frame_hw")
"""Attributes of what a predictor is made of, which nothing changes afterwards."""
_SETTINGS = (
    "cache_bytes",
    "sizes_hw",
    "fill_holes",
    "remove_specks",
    "memory_policy",
    "fetch_logits",
)
"""Arguments that are no attributes: set afterwards, they would do nothing. A subclass may have
attributes of these names."""


class VideoPredictor:
    """Interactive segmentation of one video.

    A frame that has prompts is a conditioning frame, always, also when it was tracked before:
    a correction therefore survives every later pass. (The official predictor lets the next
    pass overwrite it.)

    Parameters
    ----------
    model : from `load_model`.
    frames : anything with a length that indexes to (H, W, 3) uint8 RGB, or what `open_video`
        takes: the path of a video, a folder of images, an array of another layout… Frames are read
        when needed, on a GPU by a second thread too, ahead of tracking.
    cache_bytes : most bytes of image features kept for frames that are needed again.
    sizes_hw : (H, W) of each frame in pixels where they differ, as of pictures that are only
        prompted; the video's own if None.
    fill_holes, remove_specks : holes and separate parts of masks that are smaller are filled and
        dropped, but never what was clicked: in pixels of the frame from 1 up, below 1 as a share
        of the mask's area. 0, the default, is not at all, as in the official predictor.
    non_overlapping : whether masks of different objects on a frame exclude each other: a pixel
        belongs to the larger logit.
    exclusive_memory : whether objects are remembered so on the frames that they are tracked onto,
        which keeps one from sliding onto another that it meets (the official predictor has
        `non_overlap_masks_for_mem_enc`); as `non_overlapping` if None. Prompted frames are
        remembered as prompted.
    memory_policy : which memories a frame attends to, and which mask is taken: "plain", as SAM 2,
        of the prompted frames the nearest 8; "nearest", of these the nearest 4, so that many of
        them cost less time; "motion", "distractor" or "tree", for objects that are lost among
        others or out of sight; the name of an installed one; settings such as `MotionSettings`; or
        an object, see `MemoryPolicy`. The model's own if None, which `load_model` was told.
    fetch_logits : whether logits of results are copied off a GPU with the masks, in one piece, for
        a caller that needs both; else only where they are asked for.

    Raises
    ------
    ValueError
        When an argument is none that can be used; `VideoError` where the video cannot be read.

    Examples
    --------
    >>> video = VideoPredictor(load_model("nano"), "dog.mp4")
    >>> video.add_points(frame=0, obj=1, points=[[320, 180]], labels=[1])
    >>> masks = [result.masks[1] for result in video.propagate()]
    """

    def __init__(
        self,
        model: Sam2Model,
        frames: Frames | FrameSource,
        *,
        cache_bytes: int = 512 * 2**20,
        sizes_hw: Sequence[tuple[int, int]] | None = None,
        fill_holes: float = 0.0,
        remove_specks: float = 0.0,
        non_overlapping: bool = False,
        exclusive_memory: bool | None = None,
        memory_policy: str | PolicySettings | MemoryPolicy | None = None,
        fetch_logits: bool = False,
    ) -> None:
        check_model(model, type(self).__name__)
        check_whole(cache_bytes, "cache_bytes", 0)
        non_overlapping = check_flag(non_overlapping, "non_overlapping")
        self.model = model
        self.frames = open_frames(frames)
        if sizes_hw is None:
            sizes_hw = getattr(self.frames, "sizes_hw", None)
        else:
            _check_sizes(sizes_hw, len(self.frames))
        self._features = FrameEncoder(
            model, self.frames, cache_bytes=cache_bytes, sizes_hw=sizes_hw
        )
        self.tracker = Tracker(
            model,
            self._features,
            find_policy(
                model.memory_policy if memory_policy is None else memory_policy, model.config
            ),
            exclusive_memory=check_flag(
                non_overlapping if exclusive_memory is None else exclusive_memory,
                "exclusive_memory",
            ),
        )
        """Its objects' memory banks."""
        self.prompts = PromptStore(model, self.tracker)
        """The points and boxes that were given."""
        self.cleaner = MaskCleaner(fill_holes, remove_specks)
        """Removes small parts and holes of masks; may be exchanged at any time."""
        self.non_overlapping = non_overlapping
        """Whether masks of different objects exclude each other; may be changed at any time."""
        self._fetch_logits = fetch_logits
        self._is_made = True

    if not TYPE_CHECKING:  # a type checker knows what may be set

        def __setattr__(self, name: str, value: object) -> None:
            if name == "non_overlapping":
                value = check_flag(value, name)
            elif name == "cleaner" and not isinstance(value, MaskCleaner):
                raise ArgumentError(
                    f"cleaner is a MaskCleaner(fill_holes, remove_specks), got {value!r}."
                )
            elif vars(self).get("_is_made") and (
                name in _FIXED or (name in _SETTINGS and type(self) is VideoPredictor)
            ):
                raise AttributeError(
                    f"{name} of a {type(self).__name__} cannot be set: make another one of it. "
                    "cleaner, non_overlapping and exclusive_memory may be changed."
                )
            super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self._features)

    @property
    def objects(self) -> tuple[int, ...]:
        """Ids of the objects that have prompts, in the order they were added."""
        return tuple(obj for obj, bank in self.tracker.banks.items() if bank.conditioning)

    @property
    def frame_hw(self) -> tuple[int, int]:
        """(H, W) of the first frame in pixels."""
        return self._features.frame_hw

    @property
    def exclusive_memory(self) -> bool:
        """Whether tracked objects are remembered exclusively; may be changed at any time."""
        return self.tracker.exclusive_memory

    @exclusive_memory.setter
    def exclusive_memory(self, on: bool) -> None:
        self.tracker.exclusive_memory = check_flag(on, "exclusive_memory")

    def size_of(self, frame: int) -> tuple[int, int]:
        """Get the (H, W) of a frame in pixels.

        Raises
        ------
        IndexError
            When the video has no such frame.
        """
        self._features.check_frame(frame)
        return self._features.size_of(frame)

    # Prompts

    @accept_aliases(frame_idx="frame", obj_id="obj", clear_old_points="replace")
    def add_points(
        self,
        frame: int,
        obj: int,
        points: ArrayLike,
        labels: ArrayLike,
        *,
        box: ArrayLike | None = None,
        replace: bool = False,
        candidate: int | None = None,
    ) -> FrameResult:
        """Add clicks, and a box if given, on a frame and get the object's mask there.

        Parameters
        ----------
        frame : zero-based index.
        obj : id of the object, new or known.
        points : (P, 2) clicks (x, y) in pixels of the frame.
        labels : (P,) 1 on the object, 0 outside it.
        box : (4,) x0, y0, x1, y1 in pixels of the frame, in place of an earlier one.
        replace : forget the frame's earlier clicks on this object first.
        candidate : of the three masks that a single click may mean, the one to take, 0 to 2; the
            one of the highest predicted IoU if None.

        Returns
        -------
        FrameResult
            Of this object on this frame. The mask that it had there is refined.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When points, labels or box have the wrong shape or values.
        """
        self._check(frame, obj)
        if candidate is not None:
            check_whole(candidate, "candidate", 0, NUM_CANDIDATES - 1)
        if cast(object, points) is None and box is None:
            raise ValueError("There is nothing to add: give points with labels, or a box.")
        prompts = self.prompts.get(frame, obj)
        if replace:
            prompts = prompts.without_points()
        prompts = self.prompts.extend(frame, prompts, points, labels, box)
        return self._predict(frame, obj, prompts, candidate)

    @accept_aliases(frame_idx="frame", obj_id="obj")
    def add_box(self, frame: int, obj: int, box: ArrayLike) -> FrameResult:
        """Put a box around the object on a frame, in place of an earlier one.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        box : (4,) x0, y0, x1, y1 in pixels of the frame.

        Returns
        -------
        FrameResult
            Of this object on this frame; its clicks there still count.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When it is no box, or empty.
        """
        self._check(frame, obj)
        prompts = self.prompts.get(frame, obj)
        prompts = self.prompts.extend(frame, prompts, None, None, check_box(box))
        return self._predict(frame, obj, prompts)

    @accept_aliases(frame_idx="frame", obj_id="obj")
    def add_mask(self, frame: int, obj: int, mask: object) -> FrameResult:
        """Give the object's mask on a frame; it takes the place of earlier prompts there.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) in pixels of the frame: flags, 0 and 1, or 0 and 255; also probabilities,
            which are cut at 0.5, and logits, which are cut at 0, with a warning. An array, a
            tensor, a Pillow image, or COCO's run lengths. An empty one says "not visible here".

        Returns
        -------
        FrameResult
            Of this object on this frame.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When it is no mask of one object, or of another size.
        """
        self._check(frame, obj)
        height, width = self.size_of(frame)
        mask_hw, note = as_mask(mask, (height, width))
        if note:
            warnings.warn(note, UserWarning, stacklevel=3)
        self.prompts.clear(frame, obj)
        selected = self.tracker.mask_as_output(frame, [mask_hw])
        self.tracker.bank(obj).condition(frame, make_entries(selected)[0])
        return self._result(frame, [obj])

    def preview(self, frame: int, obj: int, points: ArrayLike, labels: ArrayLike) -> FrameResult:
        """Get what `add_points` would return, without storing anything.

        Parameters are those of `add_points`. An object that is not known is a new one.
        """
        self._check(frame, obj)
        prompts = self.prompts.extend(frame, self.prompts.get(frame, obj), points, labels)
        bank = self.tracker.banks.get(obj) or self.tracker.new_bank()
        selected, _ = self.prompts.decode(frame, bank, prompts)
        clicks = {obj: self._clicks_px(frame, prompts)}
        return self._builder.build(frame, {obj: make_entries(selected)[0]}, clicks)

    def decoder_inputs(self, frame: int, obj: int) -> DecoderInputs:
        """Get what the mask decoder would be given on a frame, for another runtime to run it.

        Parameters
        ----------
        frame, obj : as in `add_points`; an object that is not known is a new one.

        Raises
        ------
        IndexError
            When the video has no such frame.
        """
        self._features.check_frame(frame)
        bank = self.tracker.banks.get(obj) or self.tracker.new_bank()
        points, labels = self.prompts.get(frame, obj).join()
        with self.model.runtime.inference():
            features, conditioned, logits = self.prompts.prepare(frame, bank)
        arrays = (conditioned[0], features.s8[0], features.s4[0], points[0])
        return DecoderInputs(
            *(one.float().cpu().numpy() for one in arrays),
            labels_p=labels[0].cpu().numpy(),
            logits_hw=None if logits is None else logits[0, 0].float().cpu().numpy(),
        )

    def propose(self, frame: int, **settings: Any) -> Generator[None, None, list[MaskRecord]]:
        """Segment everything on a frame, a batch of clicks a step: see `propose_masks`.

        Objects and their memories are not touched.
        """
        self._features.check_frame(frame)
        return propose_masks(self.model, self.frames[frame], self._features[frame], **settings)

    @accept_aliases(frame_idx="frame", obj_id="obj")
    def clear_prompts(self, frame: int, obj: int) -> None:
        """Forget the prompts of one object on one frame, and their mask."""
        self._check(frame, obj)
        self.prompts.clear(frame, obj)
        if obj in self.tracker.banks:
            self.tracker.banks[obj].forget(frame)

    # Objects

    def add_object(self, obj: int | None = None) -> int:
        """Make an object known before its first prompt.

        Parameters
        ----------
        obj : its id; one that is free if None.

        Returns
        -------
        int
            Its id.

        Raises
        ------
        ValueError
            When there is one of this id.
        """
        banks = self.tracker.banks
        if obj is None:
            obj = max((int(one) for one in banks if isinstance(one, Integral)), default=0) + 1
        check_object_id(obj)
        if obj in banks:
            raise ValueError(
                f"There is an object {as_plain_id(obj)!r} already; there are [{list_ids(banks)}]."
            )
        self.tracker.bank(obj)
        return obj

    @accept_aliases(obj_id="obj")
    def remove_object(self, obj: int) -> None:
        """Forget an object; the others are not disturbed.

        Raises
        ------
        KeyError
            When there is no such object.
        """
        banks = self.tracker.banks
        check_object_id(obj)
        if obj not in banks:
            raise UnknownObjectError(
                f"There is no object {as_plain_id(obj)!r}; there are [{list_ids(banks)}]."
            )
        del banks[obj]
        self.prompts.remove_object(obj)

    def reset(self) -> None:
        """Forget all objects, their prompts and masks; the video stays open."""
        self.prompts.reset()
        self.tracker.banks.clear()

    # Tracking

    def propagate(
        self, start: int | None = None, stop: int | None = None, reverse: bool = False
    ) -> Iterator[FrameResult]:
        """Track all objects, frame after frame.

        Parameters
        ----------
        start : first frame; if None the earliest prompted one (the latest, in reverse).
        stop : where to end, itself not included, as in `range`; if None the end of the video.
        reverse : go backward.

        Yields
        ------
        FrameResult
            Of every object that has prompts, frame by frame. Prompts may be added between two
            frames.

        Raises
        ------
        IndexError
            When the video has no frame `start`.
        ValueError
            When nothing has been prompted yet.
        """
        prompted = [t for bank in self.tracker.banks.values() for t in bank.conditioning]
        if not prompted:
            raise ValueError("Nothing to propagate: add points, a box or a mask to a frame first.")
        if start is None:
            start = max(prompted) if reverse else min(prompted)
        self._features.check_frame(start)
        if stop is None:
            stop = -1 if reverse else len(self)
        check_whole(stop, "stop", -1 if reverse else 0, len(self))
        for frame in range(start, stop, -1 if reverse else 1):
            yield self.track(frame, reverse=reverse)

    def track(
        self, frame: int, objs: int | Iterable[int] | None = None, *, reverse: bool = False
    ) -> FrameResult:
        """Track objects onto one frame, from the memory of its neighbours.

        Parameters
        ----------
        frame : zero-based index.
        objs : an id or several; all that have prompts if None.
        reverse : whether tracking comes from later frames.

        Returns
        -------
        FrameResult
            Of these objects. Prompted frames give the mask of their prompts, unchanged.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When one of them has no prompts.
        """
        self._features.check_frame(frame)
        wanted = self.objects if objs is None else _as_ids(objs)
        for obj in wanted:
            check_object_id(obj)
            bank = self.tracker.banks.get(obj)
            if bank is None or not bank.conditioning:
                raise ValueError(
                    f"Object {as_plain_id(obj)!r} has no prompts yet: there is nothing to track."
                )
        self.tracker.track(frame, wanted, reverse=reverse)
        return self._result(frame, wanted)

    # Memory

    def restore(self, frame: int, obj: int, mask: ArrayLike) -> None:
        """Put a known mask back into memory as a tracked one.

        Nothing happens where the frame is still in memory. To go on where an earlier pass stopped
        `restore_before` restores all that is needed.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) bool, in pixels of the frame.
        """
        self._check(frame, obj)
        masks = {obj: self._as_flags(frame, mask)}
        self.tracker.restore(frame, masks, reverse=False, memory=True)

    def restore_before(
        self,
        frame: int,
        masks: Mapping[int, Mapping[int, ArrayLike]],
        *,
        reverse: bool = False,
    ) -> None:
        """Put known masks back into memory, as far back as tracking onto a frame attends to.

        The next `track` or `propagate` goes on from there as if the frames before had just been
        tracked. Of the frames that memory holds still nothing is computed again; objects are a
        batch.

        Parameters
        ----------
        frame : the one that tracking goes on with.
        masks : (H, W) bool masks in pixels of the frame, by frame, then by object. Frames farther
            than `reach` may be left out.
        reverse : whether tracking comes from later frames.

        Raises
        ------
        IndexError
            When the video has no such frame.
        """
        for t in (frame, *masks):
            self._features.check_frame(t)
        bool_masks = {
            t: {obj: self._as_flags(t, mask) for obj, mask in by_obj.items()}
            for t, by_obj in masks.items()
        }
        self.tracker.restore_before(frame, bool_masks, reverse=reverse)

    @property
    def reach(self) -> int:
        """Frames that tracking looks back: as many masks as `restore_before` may use."""
        return self.tracker.reach

    def remember_as(self, frame: int, obj: int, mask: ArrayLike | None) -> None:
        """Let memory hold another mask of a prompted object than the one of its prompts.

        As where a part of it went to another object. Further prompts still refine the mask of the
        prompts. Nothing happens where there are no prompts.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) bool, in pixels of the frame; None for the mask of the prompts.
        """
        self._check(frame, obj)
        flags = None if mask is None else self._as_flags(frame, mask)
        self.tracker.remember_as(frame, obj, flags)

    def forget_pixels(self) -> None:
        """Read frames again when they are next needed: their pixels have changed.

        Objects' memories stay.
        """
        self._features.forget_pixels()

    # The official predictor's calls, which return what they return there

    add_new_points_or_box = official.add_new_points_or_box
    add_new_mask = official.add_new_mask
    propagate_in_video = official.propagate_in_video
    clear_all_prompts_in_frame = official.clear_all_prompts_in_frame
    reset_state = official.reset_state

    # Inside

    def _check(self, frame: int, obj: int) -> None:
        self._features.check_frame(frame)
        check_object_id(obj)

    def _as_flags(self, frame: int, mask: ArrayLike) -> NDArray[np.bool_]:
        """Convert a known mask, (H, W) of its frame."""
        flags_hw = np.asarray(mask)
        if flags_hw.shape != self.size_of(frame):
            raise ValueError(
                f"The mask must have the frame's shape (H, W) = {self.size_of(frame)}, got "
                f"{flags_hw.shape}."
            )
        return flags_hw.astype(bool)

    def _predict(
        self, frame: int, obj: int, prompts: ModelPrompts, candidate: int | None = None
    ) -> FrameResult:
        """Decode a prompt set and make the frame a conditioning one."""
        bank = self.tracker.bank(obj)
        selected, output = self.prompts.decode(frame, bank, prompts, candidate)
        bank.condition(frame, make_entries(selected)[0])
        self.prompts[frame, obj] = prompts
        result = self._result(frame, [obj])
        if prompts.is_ambiguous and float(selected.object_score_n1) > 0:
            clicks = self._clicks_px(frame, prompts)
            result.candidates[obj] = self._builder.build_candidates(
                frame, obj, output, clicks, candidate
            )
        return result

    def _result(self, frame: int, objs: Iterable[int]) -> FrameResult:
        """Build the result of what memory holds of some objects on a frame."""
        entries = self.tracker.entries(frame, objs)
        clicks = {obj: self._clicks_px(frame, self.prompts.find(frame, obj)) for obj in entries}
        return self._builder.build(frame, entries, clicks)

    def _clicks_px(self, frame: int, prompts: ModelPrompts | None) -> Clicks:
        """Clicks in pixels of the frame; none where nothing is cleaned, which needs no copy."""
        if prompts is None or not self.cleaner:
            return NO_CLICKS
        return self.prompts.clicks_px(frame, prompts)

    @property
    def _builder(self) -> ResultBuilder:
        return ResultBuilder(
            self.tracker,
            self.cleaner,
            non_overlapping=self.non_overlapping,
            fetch_logits=self._fetch_logits,
        )


def _as_ids(objs: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(objs, Iterable) and not isinstance(cast(object, objs), str):
        return tuple(objs)
    return (cast(int, objs),)


def _check_sizes(sizes_hw: Sequence[tuple[int, int]], num_frames: int) -> None:
    try:
        is_sizes = np.shape(sizes_hw) == (num_frames, 2)
    except ValueError:
        is_sizes = False
    if not is_sizes:
        raise ValueError(
            f"sizes_hw must be (H, W) of each of the {num_frames} frames, got {sizes_hw!r}."
        )
