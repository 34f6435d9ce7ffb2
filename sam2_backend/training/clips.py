"""What training draws from: clips with masks, and sources of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """Pictures and the masks of some objects on them."""

    rgb_t3ss: NDArray[np.uint8]
    """(T, 3, S, S) RGB."""
    masks_tkss: NDArray[np.bool_]
    """(T, K, S, S) visible part of each target."""


class ClipSource(Protocol):
    """Anything that clips can be drawn from."""

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """A clip of `frames` pictures of `size` pixels a side with `targets` targets.

        The clip is a function of the generator's state: that makes a run resumable.
        """
        ...
