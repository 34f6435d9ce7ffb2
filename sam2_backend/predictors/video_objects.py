"""The objects of a video: made known, forgotten, and which of them have prompts.

The first two functions are methods of `VideoPredictor`: ``video.add_object()``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, cast

from ..arguments import (
    UnknownObjectError,
    accept_aliases,
    as_plain_id,
    check_object_id,
    list_ids,
)
from ..tracking.memory_bank import MemoryBank

if TYPE_CHECKING:
    from .video import VideoPredictor

Banks = Mapping[int, MemoryBank]
"""The memory banks of all objects, by id."""


def add_object(video: VideoPredictor, obj: int | None = None) -> int:
    """Make an object known before its first prompt.

    Parameters
    ----------
    video : the predictor.
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
    banks = video.tracker.banks
    if obj is None:
        obj = max((int(one) for one in banks if isinstance(one, Integral)), default=0) + 1
    check_object_id(obj)
    if obj in banks:
        raise ValueError(
            f"There is an object {as_plain_id(obj)!r} already; there are [{list_ids(banks)}]."
        )
    video.tracker.bank(obj)
    return obj


@accept_aliases(obj_id="obj")
def remove_object(video: VideoPredictor, obj: int) -> None:
    """Forget an object; the others are not disturbed.

    Parameters
    ----------
    video : the predictor.
    obj : its id.

    Raises
    ------
    KeyError
        When there is no such object.
    """
    banks = video.tracker.banks
    check_object_id(obj)
    if obj not in banks:
        raise UnknownObjectError(
            f"There is no object {as_plain_id(obj)!r}; there are [{list_ids(banks)}]."
        )
    del banks[obj]
    video.prompts.remove_object(obj)


def as_prompted(objs: int | Iterable[int], banks: Banks) -> tuple[int, ...]:
    """Return one id or several as a tuple; refuse those of objects without prompts."""
    is_text = isinstance(cast(object, objs), str)
    ids = tuple(objs) if isinstance(objs, Iterable) and not is_text else (cast(int, objs),)
    for obj in ids:
        check_object_id(obj)
        bank = banks.get(obj)
        if bank is None or not bank.conditioning:
            raise ValueError(
                f"Object {as_plain_id(obj)!r} has no prompts yet: there is nothing to track."
            )
    return ids


def prompted_frames(banks: Banks) -> list[int]:
    """Return the frames that have prompts of any object; refuse to track where there are none."""
    frames = [frame for bank in banks.values() for frame in bank.conditioning]
    if not frames:
        raise ValueError("Nothing to propagate: add points, a box or a mask to a frame first.")
    return frames
