"""Accepted masks of session files, as videos to train on.

>>> from sam2_backend.training.datasets import VideoRecords
>>> source = VideoRecords(read_session_records("dog.sam2.zip"))
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import FrameSource, Video

from ..core.arguments import as_path
from ..core.errors import SessionError
from ..core.masks import Mask
from ..storage.saved_session import SavedSession
from ..storage.session_file import read_session


class SessionRecord:
    """Frames of a session on which an object's mask was accepted.

    It is a `Record` of `sam2_backend.training.datasets`, which is not imported here.

    Other objects come with it on frames where theirs were accepted too: an object without a mask
    counts as not visible, and of one that was not reviewed that is not known.

    Parameters
    ----------
    path : of the session file; the video is searched near it.
    saved : content of the session file.
    masks : accepted masks of all objects, by object id and frame.
    obj : id of the object whose frames these are.
    video : the video, or where it is now, if that is known.
    """

    def __init__(
        self,
        path: Path,
        saved: SavedSession,
        masks: Mapping[int, Mapping[int, Mask]],
        obj: int,
        video: FrameSource | None,
    ) -> None:
        self.frames = sorted(masks[obj])
        self._path = path
        self._saved = saved
        self._masks = masks
        self._obj = obj
        self._source = video
        self._video: Video | None = None

    @property
    def name(self) -> str:
        """The same for all sessions on one video, so that a split keeps them together."""
        video = self._saved.video
        digest = hashlib.sha256(f"{video.num_frames} {video.width} {video.height}".encode())
        for _, thumb in sorted(video.thumbs.items()):
            digest.update(thumb)
        return f"video {digest.hexdigest()[:16]}"

    def __len__(self) -> int:
        return len(self.frames)

    def read(
        self, positions: Sequence[int]
    ) -> list[tuple[NDArray[np.uint8], dict[int, NDArray[np.bool_]]]]:
        """Decode some of the frames.

        Parameters
        ----------
        positions : which, counted among this record's frames.

        Returns
        -------
        list
            Of each frame (H, W, 3) uint8 RGB, and the (H, W) bool masks by object id, of all
            objects whose masks were accepted on every one of these frames.

        Raises
        ------
        SessionError
            When the video is not found, or is another one.
        VideoError
            When it cannot be read.
        """
        frames = [self.frames[position] for position in positions]
        if self._video is None:
            self._video = self._open()
        known = [obj for obj, masks in self._masks.items() if masks.keys() >= set(frames)]
        return [
            (self._video[frame], {obj: self._masks[obj][frame].to_array() for obj in known})
            for frame in frames
        ]

    def _open(self) -> Video:
        """Open the session's video.

        One that is given need only look like it, as one does that was compressed again.
        """
        given = None if self._source is None else self._saved.open_given(self._source)
        is_alike = given is not None and self._saved.video.difference(given) is None
        return self._saved.open_video(given, near=self._path, same_video=is_alike)

    def restrict_to(self, frames: Set[int]) -> SessionRecord | None:
        """Restrict the record to some frames; None where the object is visible on none."""
        part = copy.copy(self)
        part.frames = [frame for frame in self.frames if frame in frames]
        masks = self._masks[self._obj]
        return part if any(masks[frame].area for frame in part.frames) else None

    def __getstate__(self) -> dict[str, object]:
        """Leave the opened video out: another process opens it for itself."""
        return {**self.__dict__, "_video": None}


def read_session_records(
    path: str | os.PathLike[str],
    *,
    video: FrameSource | None = None,
    include_prompted: bool = False,
) -> list[SessionRecord]:
    """Read the records of a session file: one for each object, or picture where they are no video.

    Parameters
    ----------
    path : of the session file.
    video : the video; if None, searched where it was and near the file, when it is first needed.
    include_prompted : whether frames with prompts count as well as those that were accepted. A
        mask that follows clicks is mostly right, but was not reviewed.

    Raises
    ------
    SessionError
        When the file cannot be read, or there is nothing to learn from in it.
    """
    path = as_path(path, "The path of a session")
    saved = read_session(path)
    masks: dict[int, dict[int, Mask]] = {}
    for (obj, frame), result in saved.results.items():
        prompted = include_prompted and (obj, frame) in saved.prompts
        if result.state == "accepted" or prompted:
            masks.setdefault(obj, {})[frame] = result.mask
    if not any(mask.area for by_frame in masks.values() for mask in by_frame.values()):
        what = "accepted or prompted" if include_prompted else "accepted"
        hint = "" if include_prompted else ", or take prompted frames too with include_prompted"
        raise SessionError(
            f"Nothing is {what} in {path}, so there is nothing to learn from: accept masks that "
            f"are right{hint}."
        )
    # Where an object is accepted as hidden throughout, no clip can start with it.
    records = [
        SessionRecord(path, saved, masks, obj, video)
        for obj in sorted(masks)
        if any(mask.area for mask in masks[obj].values())
    ]
    return _split_into_stills(records) if saved.kind == "images" else records


def _split_into_stills(records: Sequence[SessionRecord]) -> list[SessionRecord]:
    """Make a record of each picture, where they have nothing to do with each other."""
    stills: dict[int, SessionRecord] = {}
    for record in records:
        for frame in record.frames:
            still = record.restrict_to({frame})
            if still is not None:
                stills.setdefault(frame, still)
    return [stills[frame] for frame in sorted(stills)]


def split_in_time(
    records: Sequence[SessionRecord], held_out: float
) -> tuple[list[SessionRecord], list[SessionRecord]]:
    """Split one video: its earlier frames to train on, its last ones to evaluate on.

    Parameters
    ----------
    records : of one video.
    held_out : share of the frames to hold out, above 0 and below 1; at least one frame is on
        either side.

    Returns
    -------
    tuple
        Records to train on, and those held out.

    Raises
    ------
    SessionError
        When there are fewer than two frames, or no object is visible on one side.
    """
    frames = sorted({frame for record in records for frame in record.frames})
    if len(frames) < 2:
        raise SessionError(
            f"Only frame {frames[0]} can be learnt from: accept masks on two frames at least, one "
            "to learn from and one to measure on."
        )
    count = min(max(round(held_out * len(frames)), 1), len(frames) - 1)
    earlier, later = (
        [part for record in records if (part := record.restrict_to(side)) is not None]
        for side in (set(frames[:-count]), set(frames[-count:]))
    )
    if not (earlier and later):
        empty = f"from {frames[-count]} on" if earlier else f"below {frames[-count]}"
        raise SessionError(
            f"No object is visible on the frames {empty}, one side of the split: accept masks "
            f"there, or choose another held_out than {held_out}."
        )
    return earlier, later
