"""Masks that are known, put back into the memory of a video's objects.

The functions are methods of `VideoPredictor`: ``video.restore(frame, obj, mask)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from ..arguments import check_flag, check_object_id
from .video_arguments import as_flags

if TYPE_CHECKING:
    from .video import VideoPredictor


def restore(video: VideoPredictor, frame: int, obj: int, mask: ArrayLike) -> None:
    """Put a known mask back into memory as a tracked one.

    Nothing happens where the frame is still in memory. To go on where an earlier pass stopped
    `restore_before` restores all that is needed.

    Parameters
    ----------
    video : the predictor.
    frame, obj : as in `VideoPredictor.add_points`.
    mask : (H, W) bool, in pixels of the frame.

    Raises
    ------
    IndexError
        When the video has no such frame.
    ValueError
        When the mask is of another size.
    """
    frame_hw = video.size_of(frame)
    check_object_id(obj)
    masks = {obj: as_flags(mask, frame_hw)}
    video.tracker.restore(frame, masks, reverse=False, memory=True)


def restore_before(
    video: VideoPredictor,
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
    video : the predictor.
    frame : the one that tracking goes on with.
    masks : (H, W) bool masks in pixels of the frame, by frame, then by object. Frames farther
        than `VideoPredictor.reach` may be left out.
    reverse : whether tracking comes from later frames.

    Raises
    ------
    IndexError
        When the video has no such frame.
    ValueError
        When a mask is of another size than its frame.
    """
    reverse = check_flag(reverse, "reverse")
    for t in (frame, *masks):
        video.tracker.frames.check_frame(t)
    bool_masks = {
        t: {obj: as_flags(mask, video.size_of(t)) for obj, mask in by_obj.items()}
        for t, by_obj in masks.items()
    }
    video.tracker.restore_before(frame, bool_masks, reverse=reverse)


def remember_as(video: VideoPredictor, frame: int, obj: int, mask: ArrayLike | None) -> None:
    """Let memory hold another mask of a prompted object than the one of its prompts.

    As where a part of it went to another object. Further prompts still refine the mask of the
    prompts. Nothing happens where there are no prompts.

    Parameters
    ----------
    video : the predictor.
    frame, obj : as in `VideoPredictor.add_points`.
    mask : (H, W) bool, in pixels of the frame; None for the mask of the prompts.

    Raises
    ------
    IndexError
        When the video has no such frame.
    ValueError
        When the mask is of another size.
    """
    frame_hw = video.size_of(frame)
    check_object_id(obj)
    flags = None if mask is None else as_flags(mask, frame_hw)
    video.tracker.remember_as(frame, obj, flags)
