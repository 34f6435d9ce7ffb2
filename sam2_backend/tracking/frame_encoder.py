"""The frames of one video as the network needs them: read, encoded, cached."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..arguments import check_whole
from ..kernels.allocator import copy_to_mmap
from ..kernels.side_stream import SideStream, Ticket
from ..kernels.transfer import copy_to_pinned
from ..network.sam2 import ImageFeatures, Sam2Model
from ..network.transforms import (
    as_rgb,
    frames_to_input,
)
from ..video import Video, open_video
from .feature_cache import FeatureCache, weak_method
from .graphed import graph_of
from .prefetch import Prefetcher


class Frames(Protocol):
    """Anything with a length that indexes to (H, W, 3) uint8 RGB arrays."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class TensorFrames(Protocol):
    """Frames that can be had on the device that they were decoded on."""

    @property
    def tensor_device(self) -> str | None:
        """Kind of that device; None where they are to be had as arrays."""
        ...

    def read_tensor(self, frame: int) -> Tensor:
        """Read a frame: (H, W, 3) uint8 RGB."""
        ...


class FrameEncoder:
    """Image features of a video's frames, computed when needed and cached.

    Parameters
    ----------
    model : encodes.
    frames : read when needed. On a GPU they are also read ahead of tracking, by a second thread,
        and encoded ahead of it, in batches of one size on a stream of its own.
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
        self._read = Prefetcher(weak_method(self._pixels))
        self._cache = FeatureCache(
            weak_method(self._encode), device=model.device, max_bytes=cache_bytes
        )
        self._encode_image = graph_of(model, partial(_encode_image, model))
        self._stream = SideStream(model.device)
        self._tickets: dict[int, Ticket] = {}
        """Of frames that were encoded and not used since."""
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
        return self._await(frame, self._cache[frame])

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
        check_whole(frame, "A frame")
        if not 0 <= frame < len(self):
            raise IndexError(
                f"There is no frame {frame}: the video has frames 0 to {len(self) - 1}."
            )

    def fetch(self, frame: int, *, reverse: bool) -> ImageFeatures:
        """Get the features of a frame that tracking has come to.

        On devices that encode several frames at once those that follow are encoded with it, and
        the batch after these while they are tracked.
        """
        features = self._cache.fetch(frame, self._following(frame, reverse=reverse))
        self._encode_ahead(frame, reverse=reverse)
        return self._await(frame, features)

    def clear_cache(self) -> None:
        """Free all features."""
        self._cache.clear()
        self._tickets.clear()

    def forget_pixels(self) -> None:
        """Read frames again when they are next needed: their pixels have changed."""
        self.clear_cache()
        self._read.prefetch(())

    def _following(self, frame: int, *, reverse: bool) -> list[int]:
        """Frames to encode together with this one."""
        return self._next_batch(frame, reverse=reverse)[: self.model.runtime.frames_at_once - 1]

    def _next_batch(self, frame: int, *, reverse: bool) -> list[int]:
        """Frames after this one that are not encoded, as many as are encoded at once."""
        step, count = -1 if reverse else 1, self.model.runtime.frames_at_once
        near = range(frame + step, frame + step * (2 * count + 1), step)
        return [t for t in near if 0 <= t < len(self) and t not in self._cache][:count]

    def _encode_ahead(self, frame: int, *, reverse: bool) -> None:
        """Encode the next batch where half of this one is left: tracking need not wait for it."""
        count = self.model.runtime.frames_at_once
        if count == 1 or not self._cache.can_keep(2 * count):
            return
        batch = self._next_batch(frame, reverse=reverse)
        # A frame that cannot be read is an error only where tracking comes to it.
        if batch and abs(batch[0] - frame) <= count // 2 and self._read.wait(batch):
            self._cache.encode_ahead(batch)

    def _encode(self, frames: Sequence[int]) -> list[ImageFeatures]:
        model = self.model
        pixels = [self._read(frame) for frame in frames]
        if len(frames) > 1:  # tracking goes on: the next are read while these are encoded
            self._read.prefetch(self._next_batch(frames[-1], reverse=frames[1] < frames[0]))
            pixels += pixels[-1:] * (self._padded_size(len(frames)) - len(frames))
        on_device = [one for one in pixels if isinstance(one, Tensor) and one.device.type != "cpu"]
        with model.runtime.inference(), self._stream.run(on_device):
            inputs = frames_to_input(pixels, model.config.image_size, model.device)
            features = ImageFeatures(*self._encode_image(inputs))
        ticket = self._stream.issue_ticket()
        if ticket is not None:
            self._tickets.update(dict.fromkeys(frames, ticket))
        rows = (features.select(slice(i, i + 1)) for i in range(len(frames)))
        return [ImageFeatures(*map(copy_to_mmap, row)) for row in rows]

    def _padded_size(self, size: int) -> int:
        """Size to fill a batch up to: a graph is for one size."""
        if not self.model.runtime.has_graphs:
            return size
        return max(
            size, min(self.model.runtime.frames_at_once, self._cache.batch_size or sys.maxsize)
        )

    def _await(self, frame: int, features: ImageFeatures) -> ImageFeatures:
        """Let the current stream wait for features that were computed beside it."""
        self._stream.redeem(self._tickets.pop(frame, None), features)
        return features

    def _pixels(self, frame: int) -> NDArray[np.uint8] | Tensor:
        """Read a frame, and put it where the device is quick to take it from."""
        device = self.model.device
        if getattr(self.frames, "tensor_device", None) == device.type:
            tensor: Tensor = cast("TensorFrames", self.frames).read_tensor(frame)
            self._check_size(frame, tuple(tensor.shape[:2]))
            return tensor
        rgb = as_rgb(self.frames[frame])
        self._check_size(frame, rgb.shape[:2])
        return copy_to_pinned(rgb, device) if device.type == "cuda" else rgb

    def _check_size(self, frame: int, found_hw: tuple[int, ...]) -> None:
        height, width = self.size_of(frame)
        if found_hw != (height, width):
            raise ValueError(
                f"Frame {frame} is {found_hw[1]}x{found_hw[0]}, but {width}x{height} was "
                "expected: all frames must have one size unless sizes_hw gives each its own."
            )


def _encode_image(model: Sam2Model, pixels_b3ss: Tensor) -> ImageFeatures:
    return model.encode_image(pixels_b3ss)


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
