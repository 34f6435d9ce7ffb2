"""Image features of recent frames, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from .model import ImageFeatures


class FeatureCache:
    """Least-recently-used features by frame.

    Parameters
    ----------
    encode : computes the features of a frame.
    max_bytes : most bytes kept; the newest frame is kept even when it alone is larger.
    """

    def __init__(self, encode: Callable[[int], ImageFeatures], *, max_bytes: int) -> None:
        self._encode = encode
        self._max_bytes = max_bytes
        self._nbytes = 0
        self._features: OrderedDict[int, ImageFeatures] = OrderedDict()

    def __getitem__(self, frame: int) -> ImageFeatures:
        features = self._features.get(frame)
        if features is None:
            features = self._features[frame] = self._encode(frame)
            self._nbytes += features.nbytes
            while self._nbytes > self._max_bytes and len(self._features) > 1:
                self._nbytes -= self._features.popitem(last=False)[1].nbytes
        self._features.move_to_end(frame)
        return features
