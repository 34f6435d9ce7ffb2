"""What training draws from: clips with masks, and sources of them."""

from __future__ import annotations

from collections.abc import Sequence
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


class Mixture:
    """Several sources as one.

    Parameters
    ----------
    parts : sources and their weights; a clip comes from one of them, drawn by weight.

    Raises
    ------
    ValueError
        When there are no parts, or a weight is not above 0.

    Examples
    --------
    >>> Mixture([(SyntheticClips(assets), 1.0), (other, 3.0)])
    """

    def __init__(self, parts: Sequence[tuple[ClipSource, float]]) -> None:
        weights = np.asarray([weight for _, weight in parts], dtype=np.float64)
        if len(parts) == 0 or not (weights > 0).all():
            raise ValueError(f"A mixture needs sources with weights above 0, got {weights}.")
        self.sources = [source for source, _ in parts]
        self.shares: NDArray[np.float64] = weights / weights.sum()

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """A clip of one of the sources; see `ClipSource`."""
        source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
        return source.draw(rng, size=size, frames=frames, targets=targets)
