"""Clips with masks, and sources that they are drawn from."""

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
    """(T, 3, S, S) uint8 RGB."""
    masks_tkss: NDArray[np.bool_]
    """(T, K, S, S) bool, the visible part of each target."""


class ClipSource(Protocol):
    """Anything that clips can be drawn from."""

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """Draw a clip.

        Parameters
        ----------
        rng : the clip is a function of its state, which makes a run resumable.
        size : S, side of a picture in pixels.
        frames, targets : T pictures with K targets.

        Returns
        -------
        Clip
            (T, 3, S, S) uint8 RGB, and (T, K, S, S) bool.
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
        """Draw a clip from one of the sources; see `ClipSource`."""
        source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
        return source.draw(rng, size=size, frames=frames, targets=targets)
