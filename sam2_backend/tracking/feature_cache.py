"""Cache of image features, bounded in bytes."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import ParamSpec, TypeVar

import torch

from ..kernels.out_of_memory import AdaptiveBatcher
from ..network.sam2 import ImageFeatures

P = ParamSpec("P")
R = TypeVar("R")


class FeatureCache:
    """A least-recently-used cache of features by frame.

    Parameters
    ----------
    encode : computes the features of some frames.
    device : that encodes; where its memory does not suffice, the cache is cleared.
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
        self._batcher = AdaptiveBatcher(device, weak_method(self.clear))
        self._max_bytes = max_bytes
        self._nbytes = 0
        self._features: OrderedDict[int, ImageFeatures] = OrderedDict()

    def __getitem__(self, frame: int) -> ImageFeatures:
        return self.fetch(frame)

    def __contains__(self, frame: int) -> bool:
        return frame in self._features

    @property
    def batch_size(self) -> int | None:
        """Most frames that are encoded at once, as memory allows; None for all."""
        return self._batcher.size

    def can_keep(self, count: int) -> bool:
        """Whether so many frames like the newest would be kept together."""
        newest = next(reversed(self._features.values()), None)
        return newest is not None and count * newest.nbytes <= self._max_bytes

    def fetch(self, frame: int, following: Sequence[int] = ()) -> ImageFeatures:
        """Get the features of a frame; where they are computed, so are those of `following`."""
        if frame not in self._features:
            frames = [frame, *(t for t in following if t not in self._features)]
            # The frame itself comes last, so that the others do not evict it.
            encoded = chain.from_iterable(self._batcher.map(self._encode, frames))
            found = dict(zip(frames, encoded, strict=True))
            for t in reversed(frames):
                self._features[t] = found[t]
                self._nbytes += found[t].nbytes
            while self._nbytes > self._max_bytes and len(self._features) > 1:
                self._nbytes -= self._features.popitem(last=False)[1].nbytes
        self._features.move_to_end(frame)
        return self._features[frame]

    def encode_ahead(self, frames: Sequence[int]) -> None:
        """Compute the features of frames that will be asked for, in this order."""
        if frames:
            current = next(reversed(self._features), None)
            self.fetch(frames[0], frames[1:])
            if current in self._features:
                self._features.move_to_end(current)

    def clear(self) -> None:
        """Free all features."""
        self._features.clear()
        self._nbytes = 0


def weak_method(method: Callable[P, R]) -> Callable[P, R]:
    """Wrap a bound method so that it does not keep its object alive.

    Objects that hold each other only so are freed at once, without the garbage collector.
    """
    reference = weakref.WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        found = reference()
        assert found is not None, "its object calls it"
        return found(*args, **kwargs)

    return call
