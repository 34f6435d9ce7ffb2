"""Prompt objects anywhere in a video and track them, all together."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ..arguments import accept_aliases, check_flag, check_model, check_object_id, check_whole
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
from . import known_masks, official, video_objects
from .automatic.mask_record import MaskRecord
from .automatic.proposals import propose_masks
from .decoder_inputs import gather_decoder_inputs
from .frame_result import Candidates, FrameResult, ResultBuilder
from .prompt_store import PromptStore
from .prompts import ModelPrompts, check_box
from .video_arguments import check_given, check_may_change, check_setting, choose_sizes
from .video_objects import as_prompted, prompted_frames

__all__ = ["Candidates", "FrameResult", "Frames", "VideoPredictor"]


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
        sizes_hw = choose_sizes(sizes_hw, self.frames)
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
        self._fetch_logits = check_flag(fetch_logits, "fetch_logits")
        self._is_made = True

    if not TYPE_CHECKING:  # a type checker knows what may be set

        def __setattr__(self, name: str, value: object) -> None:
            if vars(self).get("_is_made"):
                kind = type(self)
                check_may_change(name, kind.__name__, is_subclass=kind is not VideoPredictor)
            super().__setattr__(name, check_setting(name, value))

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
        check_given(points, box)
        prompts = self.prompts.get(frame, obj)
        if check_flag(replace, "replace"):
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
        return self._results.build_stored(frame, [obj])

    def preview(self, frame: int, obj: int, points: ArrayLike, labels: ArrayLike) -> FrameResult:
        """Get what `add_points` would return, without storing anything.

        Parameters are those of `add_points`. An object that is not known is a new one.
        """
        self._check(frame, obj)
        prompts = self.prompts.extend(frame, self.prompts.get(frame, obj), points, labels)
        bank = self.tracker.banks.get(obj) or self.tracker.new_bank()
        selected, _ = self.prompts.decode(frame, bank, prompts)
        entries = {obj: make_entries(selected)[0]}
        return self._results.build(frame, entries, {obj: prompts})

    def propose(self, frame: int, **settings: Any) -> Generator[None, None, list[MaskRecord]]:
        """Segment everything on a frame, a batch of clicks a step: see `propose_masks`.

        Objects and their memories are not touched.
        """
        self._features.check_frame(frame)
        return propose_masks(self.model, self.frames[frame], self._features[frame], **settings)

    decoder_inputs = gather_decoder_inputs

    @accept_aliases(frame_idx="frame", obj_id="obj")
    def clear_prompts(self, frame: int, obj: int) -> None:
        """Forget the prompts of one object on one frame, and their mask."""
        self._check(frame, obj)
        self.prompts.clear(frame, obj)
        if obj in self.tracker.banks:
            self.tracker.banks[obj].forget(frame)

    # Objects

    add_object = video_objects.add_object
    remove_object = video_objects.remove_object

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
        reverse = check_flag(reverse, "reverse")
        prompted = prompted_frames(self.tracker.banks)
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
        reverse = check_flag(reverse, "reverse")
        self._features.check_frame(frame)
        wanted = self.objects if objs is None else as_prompted(objs, self.tracker.banks)
        self.tracker.track(frame, wanted, reverse=reverse)
        return self._results.build_stored(frame, wanted)

    # Memory

    restore = known_masks.restore
    restore_before = known_masks.restore_before
    remember_as = known_masks.remember_as

    @property
    def reach(self) -> int:
        """Frames that tracking looks back: as many masks as `restore_before` may use."""
        return self.tracker.reach

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

    def _predict(
        self, frame: int, obj: int, prompts: ModelPrompts, candidate: int | None = None
    ) -> FrameResult:
        """Decode a prompt set and make the frame a conditioning one."""
        bank = self.tracker.bank(obj)
        selected, output = self.prompts.decode(frame, bank, prompts, candidate)
        bank.condition(frame, make_entries(selected)[0])
        self.prompts[frame, obj] = prompts
        result = self._results.build_stored(frame, [obj])
        if prompts.is_ambiguous and float(selected.object_score_n1) > 0:
            result.candidates[obj] = self._results.build_candidates(
                frame, obj, output, prompts, candidate
            )
        return result

    @property
    def _results(self) -> ResultBuilder:
        return ResultBuilder(
            self.tracker,
            self.prompts,
            self.cleaner,
            non_overlapping=self.non_overlapping,
            fetch_logits=self._fetch_logits,
        )
