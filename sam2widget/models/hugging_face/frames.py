"""What models of transformers read of a video: one frame at a time, and bounded features."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sam2_backend.network.transforms import as_rgb, resize_frame
from sam2_backend.video import Video

CACHE_BYTES = 512 * 2**20
"""Most bytes of image features that are kept of a video."""


class LazyFrames:
    """A video as transformers' inference session indexes it: (3, S, S) float tensors.

    The library would hold all frames of a video; this reads one when it is asked for.

    Parameters
    ----------
    video : frames; read when needed.
    side : S, in pixels of the network's input.
    mean, std : of each colour in 0..1, which the weights were trained with.
    """

    def __init__(
        self,
        video: Video,
        side: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        self._video = video
        self._side = side
        self._mean_311 = torch.tensor(mean)[:, None, None]
        self._std_311 = torch.tensor(std)[:, None, None]

    def __len__(self) -> int:
        # A live video has no last frame yet.
        return len(self._video) if self._video.recording is None else sys.maxsize

    def __getitem__(self, frame: int) -> Tensor:
        pixels = torch.from_numpy(resize_frame(as_rgb(self._video[frame]), self._side))
        return (pixels.permute(2, 0, 1).float() / 255 - self._mean_311) / self._std_311


class FeatureCache:
    """Image features of frames, those used last, in place of the library's cache.

    That counts frames; this counts bytes, and drops position embeddings that no model reads.

    Parameters
    ----------
    max_bytes : most that are kept; the newest frame always is.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._features: OrderedDict[int, dict[str, Any]] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Bytes of what is kept."""
        return sum(
            tensor.nbytes for kept in self._features.values() for tensor in _tensors_of(kept)
        )

    def cache_vision_features(self, frame_idx: int, features: dict[str, Any]) -> None:
        """Keep the features of a frame, as the library calls it."""
        positions = features["vision_pos_embeds"]
        self._features[frame_idx] = {**features, "vision_pos_embeds": positions[-1:]}
        while len(self._features) > 1 and self.num_bytes > self._max_bytes:
            self._features.popitem(last=False)

    def get_vision_features(self, frame_idx: int) -> dict[str, Any] | None:
        """The features of a frame, or None, as the library calls it."""
        found = self._features.get(frame_idx)
        if found is not None:
            self._features.move_to_end(frame_idx)
        return found

    def clear_all(self) -> None:
        """Forget all features, as the library calls it."""
        self._features.clear()


def _tensors_of(features: dict[str, Any]) -> Iterator[Tensor]:
    for value in features.values():
        yield from value
