"""Image features of recent frames, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import chain

import torch

from ..kernels.out_of_memory import FittingBatches
from ..network.sam2 import ImageFeatures


class FeatureCache:
    """Least-recently-used features by frame.

    Parameters
    ----------
    encode : computes the features of some frames.
    device : that encodes; where its memory does not suffice, what is kept makes room.
    max_bytes : most bytes kept; the newest frame is kept even when it alone is larger.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[int]], list[ImageFeatures]],
        *,
        device: torch.device,
        max_bytes: int,
    ) -> None:
        self._encode = encode
        self._batches = FittingBatches(device, self.clear)
        self._max_bytes = max_bytes
        self._nbytes = 0
        self._features: OrderedDict[int, ImageFeatures] = OrderedDict()

    def __getitem__(self, frame: int) -> ImageFeatures:
        return self.fetch(frame)

    def fetch(self, frame: int, following: Sequence[int] = ()) -> ImageFeatures:
        """Features of a frame; where they must be computed, those `following` are with it."""
        if frame not in self._features:
            frames = [frame, *(t for t in following if t not in self._features)]
            # The frame itself comes last, so as not to make way for the others.
            encoded = chain.from_iterable(self._batches.map(self._encode, frames))
            found = dict(zip(frames, encoded, strict=True))
            for t in reversed(frames):
                self._features[t] = found[t]
                self._nbytes += found[t].nbytes
            while self._nbytes > self._max_bytes and len(self._features) > 1:
                self._nbytes -= self._features.popitem(last=False)[1].nbytes
        self._features.move_to_end(frame)
        return self._features[frame]

    def clear(self) -> None:
        """Keep nothing."""
        self._features.clear()
        self._nbytes = 0
