"""What training learns from: clips with exact masks, and anything that draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """Frames of a video with the masks of some objects in it."""

    rgb_t3ss: NDArray[np.uint8]
    """(T, 3, S, S) RGB."""
    masks_tkss: NDArray[np.bool_]
    """(T, K, S, S) visible part of each target."""


class ClipSource(Protocol):
    """Draws clips; a clip is reproducible from the generator's seed."""

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """Draw one clip of `frames` frames of `size` x `size` pixels with exactly `targets`
        targets, repeated where it has fewer."""
        ...
