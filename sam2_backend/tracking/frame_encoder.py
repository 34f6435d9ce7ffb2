"""The frames of one video as the network needs them: read, resized, encoded, cached."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.allocator import copy_to_mmap
from ..network.sam2 import ImageFeatures, Sam2Model
from ..network.transforms import as_rgb, frames_to_input, resize_frame
from ..video import Video, open_video
from .feature_cache import FeatureCache, weak_method
from .graphed import graph_of
from .prefetch import Prefetcher


class Frames(Protocol):
    """Anything with a length that indexes to (H, W, 3) uint8 RGB arrays."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class FrameEncoder:
    """Image features of a video's frames, computed when needed and cached.

    Parameters
    ----------
    model : encodes.
    frames : read when needed, on a GPU also ahead of tracking, by a second thread.
    cache_bytes : most bytes of image features kept.
    sizes_hw : (H, W) of each frame in pixels where they differ.

    Raises
    ------
    ValueError
        When there are no frames.
    """

    def __init__(
        self,
        model: Sam2Model,
        frames: Frames,
        *,
        cache_bytes: int,
        sizes_hw: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        if len(frames) == 0:
            raise ValueError("The video has no frames.")
        self.model = model
        self.frames = frames
        # Held weakly, so that no reference cycle keeps the features of a dropped predictor.
        self._read = Prefetcher(weak_method(self._resized))
        self._cache = FeatureCache(
            weak_method(self._encode), device=model.device, max_bytes=cache_bytes
        )
        self._encode_image = graph_of(model, lambda pixels: model.encode_image(pixels))
        self._sizes_hw = sizes_hw
        self.is_live = getattr(frames, "recording", None) is not None
        """Whether the video grows; frames of it may be skipped, and its first may be gone."""
        first = frames[len(frames) - 1 if self.is_live else 0]
        height, width = as_rgb(first).shape[:2]
        self.frame_hw: tuple[int, int] = (height, width)
        """(H, W) of the first frame in pixels."""

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame: int) -> ImageFeatures:
        return self._cache[frame]

    @property
    def max_frames(self) -> int:
        """Frames that the video may have in the end."""
        return sys.maxsize if self.is_live else len(self)

    def size_of(self, frame: int) -> tuple[int, int]:
        """Get the (H, W) of a frame in pixels."""
        return self.frame_hw if self._sizes_hw is None else self._sizes_hw[frame]

    def check_frame(self, frame: int) -> None:
        """Check that there is such a frame.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When it is no whole number.
        """
        if isinstance(frame, (bool, np.bool_)) or not hasattr(frame, "__index__"):
            raise ValueError(f"A frame must be a whole number, got {frame!r}.")
        if not 0 <= frame < len(self):
            raise IndexError(
                f"There is no frame {frame}: the video has frames 0 to {len(self) - 1}."
            )

    def fetch(self, frame: int, *, reverse: bool) -> ImageFeatures:
        """Get the features of a frame that tracking has come to.

        On devices that encode several frames at once those that follow are encoded with it.
        """
        return self._cache.fetch(frame, self._following(frame, reverse=reverse))

    def clear_cache(self) -> None:
        """Free all features."""
        self._cache.clear()

    def forget_pixels(self) -> None:
        """Read frames again when they are next needed: their pixels have changed."""
        self._cache.clear()
        self._read.prefetch(())

    def _following(self, frame: int, *, reverse: bool) -> list[int]:
        """Frames to encode together with this one."""
        step, count = -1 if reverse else 1, self.model.runtime.frames_at_once
        return [t for t in range(frame + step, frame + step * count, step) if 0 <= t < len(self)]

    def _encode(self, frames: Sequence[int]) -> list[ImageFeatures]:
        model = self.model
        resized = [self._read(frame) for frame in frames]
        if len(frames) > 1:  # tracking goes on: the next are read while these are encoded
            self._read.prefetch(self._following(frames[-1], reverse=frames[1] < frames[0]))
        with model.runtime.inference():
            features = ImageFeatures(*self._encode_image(frames_to_input(resized, model.device)))
        rows = (features.select(slice(i, i + 1)) for i in range(len(frames)))
        return [ImageFeatures(*map(copy_to_mmap, row)) for row in rows]

    def _resized(self, frame: int) -> NDArray[np.uint8]:
        rgb = as_rgb(self.frames[frame])
        size_hw = self.size_of(frame)
        if rgb.shape[:2] != size_hw:
            raise ValueError(
                f"Frame {frame} is {rgb.shape[1]}x{rgb.shape[0]}, but "
                f"{size_hw[1]}x{size_hw[0]} was expected: all frames must have one size unless "
                "sizes_hw gives each its own."
            )
        return resize_frame(rgb, self.model.config.image_size)


def open_frames(frames: Any) -> Frames:
    """Open what is no sequence of (H, W, 3) uint8 arrays yet, by `open_video`.

    Raises
    ------
    VideoError
        When it cannot be read.
    """
    is_sequence = hasattr(frames, "__len__") and hasattr(frames, "__getitem__")
    if isinstance(frames, Video) or not is_sequence or isinstance(frames, (str, os.PathLike)):
        return open_video(frames)
    if len(frames) == 0:
        return frames
    first = frames[0]
    is_rgb = isinstance(first, np.ndarray) and first.dtype == np.uint8 and first.shape[2:] == (3,)
    return frames if is_rgb else open_video(frames)
