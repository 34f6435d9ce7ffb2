"""What is left of a video in a widget that is closed: all but the frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from sam2_backend.video import Video, VideoError


class ClosedVideo(Video):
    """A video whose length, sizes and names are known, and whose frames cannot be read.

    Parameters
    ----------
    video : that it was.
    why : the sentence of the error when a frame is read.
    """

    def __init__(self, video: Video, why: str) -> None:
        super().__init__(
            *(video.num_frames, video.width, video.height, video.fps, video.name),
            sizes=video.sizes,
        )
        self.path = video.path
        self.location = video.location
        self._contrast = video.chosen_contrast
        self.found_pixel_size = video.found_pixel_size
        self.georeference = video.georeference
        self.found_shown_s, self.found_interval_s = video.found_shown_s, video.found_interval_s
        self.start_s = video.start_s
        self._chosen_pixel_size = video.chosen_pixel_size
        self.kind = video.kind
        self.names = video.names
        self.options = video.options
        self._kept = tuple(video.files)
        self._why = why

    @property
    def _files(self) -> Sequence[Path]:
        return self._kept

    def raw(self, frame: int) -> NoReturn:
        """Raise a `VideoError` with the reason why no frame can be read any more."""
        raise VideoError(f"Frame {frame} cannot be read any more. {self._why}")

    def _read(self, frame: int) -> NDArray[Any]:
        return self.raw(frame)
