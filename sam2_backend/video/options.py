"""What a user may say of a source when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .errors import VideoError

MAX_MEGAPIXELS = 178.0
"""Larger pictures are opened only where a user says so; about what Pillow allows."""

PYAV = "pyav"
"""The decoder of video files unless another is asked for."""

Plane: TypeAlias = int | Literal["max"] | None
"""Which of several planes of depth is shown; the middle one if None, "max" the brightest values
of all."""


@dataclass(frozen=True)
class OpenOptions:
    """What was said of a source, as `open_video` takes it; with this it opens in the same way."""

    axes: str | None = None
    plane: Plane = None
    max_megapixels: float = MAX_MEGAPIXELS
    decoder: str | None = None
    """What decodes a video file; PyAV if None. Sessions do not remember it."""

    def refuse_for_arrays(self, reason: str) -> None:
        """Raise VideoError where something is said that is for arrays only.

        Parameters
        ----------
        reason : why it cannot be, in a few words.
        """
        if self.axes is not None or self.plane is not None:
            raise VideoError(f"axes= and plane= are for arrays: {reason}.")


DEFAULT_OPTIONS = OpenOptions()
