"""A session at one moment, apart from any widget: what a session file holds."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import FrameSource, Kind, Video, open_video

from . import __version__
from .records import ObjectInfo, Result, SessionError
from .segmenter import PromptSet

if TYPE_CHECKING:
    from .session_view import SessionView

THUMB = 16
"""Side of a thumbnail in pixels."""

_SAMPLES = 5
_TOLERANCE = 8
"""Levels of 255 by which two thumbnails of one frame may differ: decoders, and compressing a
video again, change the mean of a block by two or three."""


@dataclass(frozen=True)
class Fingerprint:
    """By what a video is known again: its size, its length, and thumbnails of a few frames.

    The file's name and place do not count, nor its container or compression: the same frames
    as a folder of images or as an array are the same video.
    """

    num_frames: int
    height: int
    """Of the frames, in pixels."""
    width: int
    thumbs: Mapping[int, bytes]
    """By frame, the mean RGB of 16 x 16 blocks: (16, 16, 3) uint8."""
    sizes: tuple[tuple[int, int], ...] | None = None
    """Width and height of each frame where they may differ."""

    @classmethod
    def of(cls, video: Video) -> Fingerprint:
        """Look at a video's first frame, its last and some between."""
        first, last = video.first_frame, len(video) - 1
        if first:
            # Of a live video, the oldest may go any moment.
            first = (first + last + 1) // 2
        steps = (n / (_SAMPLES - 1) for n in range(_SAMPLES))
        frames = sorted({first + round((last - first) * step) for step in steps})
        thumbs = {frame: _thumb(video[frame]) for frame in frames}
        sizes = None if video.sizes is None else tuple(video.sizes)
        return cls(len(video), video.height, video.width, thumbs, sizes)

    def size_of(self, frame: int) -> tuple[int, int]:
        """Width and height of a frame in pixels."""
        return (self.width, self.height) if self.sizes is None else self.sizes[frame]

    @property
    def name(self) -> str:
        """One for files: the same for the same pixels."""
        digest = hashlib.sha256(repr((self.sizes, sorted(self.thumbs.items()))).encode())
        return f"{self.num_frames}x{self.width}x{self.height}-{digest.hexdigest()[:16]}"

    def difference(self, video: Video) -> str | None:
        """In what another video differs, as the end of a sentence; None if it is the same."""
        for what, ours, theirs in (
            ("has {} frames, not {}", self.num_frames, len(video)),
            (
                "has frames of {} pixels, not {}",
                f"{self.width}x{self.height}",
                f"{video.width}x{video.height}",
            ),
        ):
            if ours != theirs:
                return what.format(theirs, ours)
        sizes = None if video.sizes is None else tuple(video.sizes)
        if self.sizes is not None and sizes is not None and self.sizes != sizes:
            return "has pictures of other sizes"
        for frame, thumb in self.thumbs.items():
            ours, theirs = (
                np.frombuffer(pixels, np.uint8).astype(np.int16)
                for pixels in (thumb, _thumb(video[frame]))
            )
            if np.abs(ours - theirs).max() > _TOLERANCE:
                return f"shows another picture on frame {frame}"
        return None


@dataclass(frozen=True)
class SavedSession:
    """What a session file holds: everything a person would lose. To be read only."""

    video: Fingerprint
    video_path: str | None
    """Where the video was, absolute; None for frames that were in memory."""
    model: str
    """Name of the model that made the masks; "" if none was loaded."""
    model_source: str | None
    """What to load it by: a name or a path; None for a model that was given as an object."""
    objects: tuple[ObjectInfo, ...]
    """By id, ascending."""
    prompts: Mapping[tuple[int, int], PromptSet]
    """By (object id, frame)."""
    results: Mapping[tuple[int, int], Result]
    """By (object id, frame)."""
    frame: int = 0
    """That was shown."""
    selected: int = 0
    """Id of the selected object, 0 for none."""
    library: str = ""
    """Version of this library that wrote it."""

    @classmethod
    def of(
        cls,
        session: SessionView,
        video: Video,
        model: str,
        model_source: str | None,
        *,
        fingerprint: Fingerprint | None = None,
    ) -> SavedSession:
        """What there is in a session now.

        Parameters
        ----------
        model, model_source : see the attributes.
        fingerprint : of the video, where it is known; to make it, frames are read.
        """
        return cls(
            video=fingerprint or Fingerprint.of(video),
            video_path=None if video.path is None else str(video.path),
            model=model,
            model_source=model_source,
            objects=tuple(session.objects),
            prompts=session.all_prompts,
            results=session.all_results,
            library=__version__,
        )

    @property
    def kind(self) -> Kind:
        """What the video is."""
        return "video" if self.video.sizes is None else "images"

    def open_video(
        self, given: FrameSource | None = None, beside: str | os.PathLike[str] | None = None
    ) -> Video:
        """Open the video that the session was made on.

        Parameters
        ----------
        given : the video, if it is known where it is now.
        beside : the session file; without `given`, the video is looked for where it was and in
            this file's folder.

        Raises
        ------
        SessionError
            When it is not found, or what is there is another video.
        VideoError
            When it cannot be read.
        """
        if given is not None:
            video = open_video(given, self.kind)
            self.check_video(video)
            return video
        if self.video_path is None:
            raise SessionError(
                "This session was made on frames in memory, which a session file does not hold: "
                f"give them with video=. {self._expected()}"
            )
        name = re.split(r"[\\/]", self.video_path)[-1]
        places = [Path(self.video_path), *([] if beside is None else [Path(beside).parent / name])]
        found = [place for place in places if place.exists()]
        if not found:
            folder = "" if beside is None else f", nor is there a {name} beside the session file"
            raise SessionError(
                f"The session's video {self.video_path} is not there any more{folder}. Say where "
                f"it is now with video=. {self._expected()}"
            )
        for place in found[:-1]:
            video = open_video(place, self.kind)
            if self.video.difference(video) is None:
                return video
        video = open_video(found[-1], self.kind)
        self.check_video(video)
        return video

    def check_video(self, video: Video) -> None:
        """Raise SessionError when this is another video than the session was made on."""
        difference = self.video.difference(video)
        if difference is not None:
            raise SessionError(
                f"This is another video than the session was made on: {video.name} {difference}. "
                f"Give the right one with video=. {self._expected()}"
            )

    def _expected(self) -> str:
        video = self.video
        name = "" if self.video_path is None else f", then at {self.video_path}"
        return f"It has {video.num_frames} frames of {video.width}x{video.height} pixels{name}."


def _thumb(rgb_hw3: NDArray[np.uint8]) -> bytes:
    small = Image.fromarray(rgb_hw3).resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small).tobytes()
