"""The fingerprint by which a video is known again: of its content and of its appearance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video, VideoError
from sam2_backend.video.identity import are_comparable

THUMB = 16
"""Side of a thumbnail in pixels."""

_SAMPLES = 5
_TOLERANCE = 8
"""Levels of 255 by which two thumbnails of one frame may differ: decoders, and compressing a
video again, change the mean of a block by two or three."""


@dataclass(frozen=True)
class Fingerprint:
    """The content of a video and its appearance, by which it is known again.

    The content decides: the file's bytes, or the values of frames in memory, but not its name and
    place. The appearance (size, length, and thumbnails of a few frames) finds what may be the same
    video compressed again, or given as an array in place of a folder; a person must say whether it
    is.
    """

    num_frames: int
    height: int
    """Of the frames, in pixels."""
    width: int
    thumbs: Mapping[int, bytes]
    """By frame, the mean RGB of 16 x 16 blocks: (16, 16, 3) uint8."""
    sizes: tuple[tuple[int, int], ...] | None = None
    """Width and height of each frame where they may differ."""
    identity: str | None = None
    """`Video.identity`; None in files of before there was one."""

    @classmethod
    def of(cls, video: Video) -> Fingerprint:
        """Make the fingerprint of a video: its content, its first frame, its last, some between.

        What cannot be read any more is left out: work must be saved all the same.
        """
        first, last = video.first_frame, len(video) - 1
        if first:
            # Of a live video, the oldest may go any moment.
            first = (first + last + 1) // 2
        steps = (n / (_SAMPLES - 1) for n in range(_SAMPLES))
        thumbs: dict[int, bytes] = {}
        for frame in sorted({first + round((last - first) * step) for step in steps}):
            with suppress(VideoError):
                thumbs[frame] = _thumb(video.show_as_opened(frame))
        identity = None
        with suppress(VideoError):
            identity = video.identity()
        sizes = None if video.sizes is None else tuple(video.sizes)
        return cls(len(video), video.height, video.width, thumbs, sizes, identity)

    def size_of(self, frame: int) -> tuple[int, int]:
        """Give the width and height of a frame in pixels."""
        return (self.width, self.height) if self.sizes is None else self.sizes[frame]

    @property
    def name(self) -> str:
        """Name for files: the same for the same content."""
        content = self.identity or repr((self.sizes, sorted(self.thumbs.items())))
        digest = hashlib.sha256(content.encode()).hexdigest()
        return f"{self.num_frames}x{self.width}x{self.height}-{digest[:16]}"

    def recognizes(self, video: Video) -> bool | None:
        """Whether a video is this very one, by its content; None where that cannot be told."""
        if self.identity is None:
            return None
        identity = video.identity()
        return identity == self.identity if are_comparable(identity, self.identity) else None

    def other_size(self, video: Video) -> str | None:
        """Say in which size or length another video differs, as the end of a sentence.

        None if it differs in none.
        """
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
        return None

    def difference(self, video: Video) -> str | None:
        """Say in what the appearance of another video differs, as the end of a sentence.

        None if it appears the same.
        """
        other_size = self.other_size(video)
        if other_size is not None:
            return other_size
        for frame, thumb in self.thumbs.items():
            ours, theirs = (
                np.frombuffer(pixels, np.uint8).astype(np.int16)
                for pixels in (thumb, _thumb(video.show_as_opened(frame)))
            )
            if np.abs(ours - theirs).max() > _TOLERANCE:
                return f"shows another picture on frame {frame}"
        return None


def _thumb(rgb_hw3: NDArray[np.uint8]) -> bytes:
    small = Image.fromarray(rgb_hw3).resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small).tobytes()
