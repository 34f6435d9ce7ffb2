"""How far two answers are apart, in the two figures that parity is stated in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2_backend.network.config import NO_OBJECT_LOGIT

MAX_RELATIVE_ERROR = 1e-4
"""Largest difference of logits, over the largest reference."""
MAX_DIFFERING_PIXELS = 1e-4
"""Share of a mask's pixels that may differ: 0.01 %."""


@dataclass
class Figures:
    """The worst figures over everything compared so far."""

    relative_error: float = 0.0
    differing_pixels: float = 0.0
    num_masks: int = 0
    num_absent: int = 0
    """Masks of objects that both judge absent."""

    def compare_logits(self, ours: NDArray[np.float32], reference: NDArray[np.float32]) -> None:
        """Take in logits, features or scores of one shape."""
        assert ours.shape == reference.shape, (ours.shape, reference.shape)
        if (reference == NO_OBJECT_LOGIT).all() and (ours == NO_OBJECT_LOGIT).all():
            self.num_absent += 1
            return
        error = float(np.abs(ours - reference).max() / np.abs(reference).max())
        self.relative_error = max(self.relative_error, error)

    def compare_score(self, ours: float, reference: float) -> None:
        """Take in one score, which may be near zero: its scale is 1 at least."""
        self.relative_error = max(
            self.relative_error, abs(ours - reference) / max(abs(reference), 1.0)
        )

    def compare_mask(self, ours: NDArray[np.bool_], reference: NDArray[np.bool_]) -> None:
        """Take in one mask."""
        assert ours.shape == reference.shape, (ours.shape, reference.shape)
        self.num_masks += 1
        self.differing_pixels = max(self.differing_pixels, float((ours != reference).mean()))

    def check(self) -> None:
        """Fail unless both figures are within their limits."""
        assert self.relative_error <= MAX_RELATIVE_ERROR, str(self)
        assert self.differing_pixels <= MAX_DIFFERING_PIXELS, str(self)

    def __str__(self) -> str:
        return (
            f"relative error {self.relative_error:.1e}, "
            f"differing pixels {100 * self.differing_pixels:.4f} % at worst "
            f"of {self.num_masks} masks"
        )


def worst(several: Iterable[Figures]) -> Figures:
    """The worst of several comparisons."""
    listed = list(several)
    return Figures(
        max(f.relative_error for f in listed),
        max(f.differing_pixels for f in listed),
        sum(f.num_masks for f in listed),
        sum(f.num_absent for f in listed),
    )
