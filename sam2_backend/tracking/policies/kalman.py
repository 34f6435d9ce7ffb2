"""A Kalman filter of a box that moves at a steady speed (Kalman 1960), as SAMURAI has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .candidates import Box

_POSITION_STD = 1 / 20
_VELOCITY_STD = 1 / 160
"""Standard deviations a frame, as shares of the box's width and height (Wojke et al. 2017,
arXiv 1703.07402)."""

_MOTION = np.eye(8)
_MOTION[:4, 4:] = np.eye(4)


@dataclass(frozen=True)
class BoxFilter:
    """An estimate of a box and its speed: x, y of the centre, width, height, and their changes.

    Immutable; `predict` and `update` give others.
    """

    mean_8: NDArray[np.float64]
    covariance_88: NDArray[np.float64]

    @classmethod
    def start(cls, box: Box) -> BoxFilter:
        """Begin at a box whose speed is not known."""
        measured_4 = _to_center(box)
        size_4 = _sizes(measured_4)
        std_8 = np.concatenate((2 * _POSITION_STD * size_4, 10 * _VELOCITY_STD * size_4))
        return cls(np.concatenate((measured_4, np.zeros(4))), np.diag(std_8**2))

    def predict(self, num_frames: int = 1) -> BoxFilter:
        """Move on by some frames."""
        mean_8, covariance_88 = self.mean_8, self.covariance_88
        for _ in range(num_frames):
            size_4 = _sizes(mean_8[:4])
            noise_8 = np.concatenate((_POSITION_STD * size_4, _VELOCITY_STD * size_4))
            mean_8 = _MOTION @ mean_8
            covariance_88 = _MOTION @ covariance_88 @ _MOTION.T + np.diag(noise_8**2)
        return BoxFilter(mean_8, covariance_88)

    def update(self, box: Box) -> BoxFilter:
        """Correct the estimate by the box that was found."""
        measured_4 = _to_center(box)
        noise_44 = np.diag((_POSITION_STD * _sizes(self.mean_8[:4])) ** 2)
        innovation_44 = self.covariance_88[:4, :4] + noise_44
        gain_84 = np.linalg.solve(innovation_44, self.covariance_88[:4]).T
        mean_8 = self.mean_8 + gain_84 @ (measured_4 - self.mean_8[:4])
        covariance_88 = self.covariance_88 - gain_84 @ self.covariance_88[:4]
        return BoxFilter(mean_8, (covariance_88 + covariance_88.T) / 2)

    @property
    def box(self) -> Box:
        """The box that is estimated."""
        x, y, width, height = self.mean_8[:4].tolist()
        width, height = max(width, 0.0), max(height, 0.0)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _to_center(box: Box) -> NDArray[np.float64]:
    x0, y0, x1, y1 = box
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0])


def _sizes(center_4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width and height, by which noise is measured, at least a cell: (w, h, w, h)."""
    return np.tile(np.maximum(center_4[2:], 1.0), 2)
