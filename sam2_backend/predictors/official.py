"""The official video predictor's calls: code written for it runs with `SAM2VideoPredictor`.

The functions are methods of `VideoPredictor` too, without the state. They return what they return
there: the frame's index, the ids of all objects, and (N, 1, H, W) mask logits, above 0 inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from ..arguments import check_flag, check_model
from ..network.config import NO_OBJECT_LOGIT
from ..network.sam2 import Sam2Model
from .prompts import check_box, check_points
from .video_arguments import check_given
from .video_objects import prompted_frames

if TYPE_CHECKING:
    from ..video import FrameSource
    from .video import VideoPredictor

FrameLogits: TypeAlias = tuple[int, list[int], Tensor]
"""Index of a frame, ids of all objects, and their (N, 1, H, W) mask logits in pixels of the frame;
`NO_OBJECT_LOGIT` throughout where an object has no mask."""


def add_new_points_or_box(
    inference_state: VideoPredictor,
    frame_idx: int,
    obj_id: int,
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    clear_old_points: bool = True,
    normalize_coords: bool = True,
    box: ArrayLike | None = None,
) -> FrameLogits:
    """Prompt an object on a frame, as the official predictor's method of this name.

    Parameters
    ----------
    inference_state : a `VideoPredictor`.
    frame_idx, obj_id : as `frame` and `obj` of `VideoPredictor.add_points`.
    points, labels : (P, 2) clicks (x, y) in pixels of the frame, and (P,) 1 on the object, 0
        outside it.
    clear_old_points : forget earlier clicks and the box on this frame first. The mask that the
        object has there is refined all the same.
    normalize_coords : whether coordinates are pixels; if not, they are 0..1 of width and height.
    box : (4,) x0, y0, x1, y1.

    Raises
    ------
    IndexError
        When the video has no such frame.
    ValueError
        When there is neither points nor a box, or one has the wrong shape or values.
    """
    video = inference_state
    clear_old_points = check_flag(clear_old_points, "clear_old_points")
    normalize_coords = check_flag(normalize_coords, "normalize_coords")
    check_given(points, box)
    if box is not None and not clear_old_points:
        raise ValueError("A box comes before any points: give it with clear_old_points=True.")
    if not normalize_coords:
        height, width = video.size_of(frame_idx)
        points = None if points is None else np.multiply(points, (width, height))
        box = None if box is None else np.multiply(box, (width, height, width, height))
    if clear_old_points:
        # Prompts that are none leave everything as it was.
        check_points(points, labels)
        if box is not None:
            check_box(box)
        video.prompts.clear(frame_idx, obj_id)
    if points is not None and labels is not None:
        video.add_points(frame_idx, obj_id, points, labels, box=box)
    elif box is not None:
        video.add_box(frame_idx, obj_id, box)
    return _logits_of(video, frame_idx)


def add_new_mask(
    inference_state: VideoPredictor, frame_idx: int, obj_id: int, mask: object
) -> FrameLogits:
    """Give an object's mask on a frame, as the official predictor's method of this name.

    See `VideoPredictor.add_mask` for what a mask may be.
    """
    inference_state.add_mask(frame_idx, obj_id, mask)
    return _logits_of(inference_state, frame_idx)


def propagate_in_video(
    inference_state: VideoPredictor,
    start_frame_idx: int | None = None,
    max_frame_num_to_track: int | None = None,
    reverse: bool = False,
) -> Iterator[FrameLogits]:
    """Track all objects, as the official predictor's method of this name.

    Parameters
    ----------
    inference_state : a `VideoPredictor`.
    start_frame_idx : first frame; the earliest prompted one if None, also in reverse.
    max_frame_num_to_track : frames after the first; to the end of the video if None.
    reverse : go backward; from frame 0 there is nothing to track then.

    Raises
    ------
    ValueError
        When nothing has been prompted yet.
    """
    video = inference_state
    reverse = check_flag(reverse, "reverse")
    prompted = prompted_frames(video.tracker.banks)
    start = min(prompted) if start_frame_idx is None else start_frame_idx
    count = len(video) if max_frame_num_to_track is None else max_frame_num_to_track
    if reverse:
        frames = range(start, max(start - count, 0) - 1, -1) if start else range(0)
    else:
        frames = range(start, min(start + count, len(video) - 1) + 1)
    for frame in frames:
        video.tracker.track(frame, video.objects, reverse=reverse)
        yield _logits_of(video, frame)


def clear_all_prompts_in_frame(
    inference_state: VideoPredictor, frame_idx: int, obj_id: int, need_output: bool = True
) -> FrameLogits | None:
    """Forget an object's prompts on a frame and their mask; see `VideoPredictor.clear_prompts`."""
    need_output = check_flag(need_output, "need_output")
    inference_state.clear_prompts(frame_idx, obj_id)
    return _logits_of(inference_state, frame_idx) if need_output else None


def reset_state(inference_state: VideoPredictor) -> None:
    """Forget all objects; see `VideoPredictor.reset`."""
    inference_state.reset()


def _logits_of(video: VideoPredictor, frame: int) -> FrameLogits:
    """Mask logits of all objects on a frame, resized to it."""
    objs = list(video.tracker.banks)
    side = video.model.config.mask_size
    entries = video.tracker.entries(frame, objs)
    logits = {obj: e.require_logits() for obj, e in entries.items() if e.logits is not None}
    if video.non_overlapping:
        logits = video.tracker.exclusive_logits(frame, logits)
    absent = torch.full((1, 1, side, side), NO_OBJECT_LOGIT, device=video.model.device)
    with video.model.runtime.inference():
        logits_n1hw = torch.cat([logits.get(obj, absent) for obj in objs] or [absent[:0]])
        size_hw = video.size_of(frame)
        resized = F.interpolate(logits_n1hw, size_hw, mode="bilinear", align_corners=False)
    return frame, objs, resized


class SAM2VideoPredictor:
    """The official video predictor's interface, for code that was written for it.

    Every method takes the state of a video, from `init_state`. New code is shorter with
    `VideoPredictor`, which such a state is.

    Parameters
    ----------
    model : from `load_model`.

    Examples
    --------
    >>> predictor = SAM2VideoPredictor(load_model("sam2.1-hiera-tiny"))
    >>> state = predictor.init_state("dog.mp4")
    >>> predictor.add_new_points_or_box(state, 0, 1, points=[[320, 180]], labels=[1])
    >>> for frame_idx, obj_ids, mask_logits in predictor.propagate_in_video(state):
    ...     masks = mask_logits > 0
    """

    def __init__(self, model: Sam2Model) -> None:
        check_model(model, type(self).__name__)
        self.model = model

    def init_state(
        self,
        video_path: FrameSource,
        offload_video_to_cpu: bool = False,
        offload_state_to_cpu: bool = False,
        async_loading_frames: bool = False,
    ) -> VideoPredictor:
        """Open a video.

        Parameters
        ----------
        video_path : a video file, a folder of images, or anything else that `open_video` takes.
        offload_video_to_cpu, offload_state_to_cpu, async_loading_frames : without effect: frames
            are read when needed, and memory is bounded.

        Returns
        -------
        VideoPredictor
            The state that all other methods take.

        Raises
        ------
        VideoError
            When it cannot be read.
        """
        from .video import VideoPredictor

        check_flag(offload_video_to_cpu, "offload_video_to_cpu")
        check_flag(offload_state_to_cpu, "offload_state_to_cpu")
        check_flag(async_loading_frames, "async_loading_frames")
        return VideoPredictor(self.model, video_path)

    add_new_points_or_box = staticmethod(add_new_points_or_box)
    add_new_points = staticmethod(add_new_points_or_box)
    add_new_mask = staticmethod(add_new_mask)
    propagate_in_video = staticmethod(propagate_in_video)
    clear_all_prompts_in_frame = staticmethod(clear_all_prompts_in_frame)
    reset_state = staticmethod(reset_state)

    @staticmethod
    def remove_object(
        inference_state: VideoPredictor,
        obj_id: int,
        strict: bool = False,
        need_output: bool = True,
    ) -> tuple[list[int], list[Any]]:
        """Forget an object.

        Parameters
        ----------
        inference_state : from `init_state`.
        obj_id : of the object.
        strict : refuse an id that there is not.
        need_output : whether masks of the others on its prompted frames are wanted.

        Returns
        -------
        obj_ids, updated_frames
            The ids that are left; and (frame index, (N, 1, H, W) mask logits of the others) of
            each frame on which the object was prompted.

        Raises
        ------
        KeyError
            With `strict`, when there is no such object.
        """
        video = inference_state
        strict = check_flag(strict, "strict")
        need_output = check_flag(need_output, "need_output")
        bank = video.tracker.banks.get(obj_id)
        if bank is not None or strict:
            video.remove_object(obj_id)
        objs = list(video.tracker.banks)
        prompted = list(bank.conditioning) if bank is not None and objs and need_output else []
        return objs, [(t, _logits_of(video, t)[2]) for t in prompted]
