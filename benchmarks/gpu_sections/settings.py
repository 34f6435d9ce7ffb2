"""What is measured, and how much time there is for it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from sam2_backend.kernels.runtime import Runtime


class Budget:
    """Seconds that there are, and what there was no time for.

    Parameters
    ----------
    seconds : from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._began, self._seconds = time.monotonic(), seconds
        self.left_out: list[str] = []
        """What there was no time for."""

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float:
        """Seconds that are left; below 0 when it is exceeded."""
        return self._seconds - self.spent_s

    def allows(self, what: str, seconds: float = 0.0) -> bool:
        """Whether there is time for something that takes so long; else it is noted."""
        if self.left_s > seconds:
            return True
        self.left_out.append(what)
        return False


@dataclass(frozen=True)
class Settings:
    """What all sections share."""

    device: torch.device
    names: list[str]
    """Of networks."""
    objects: list[int]
    """How many are tracked together: each number is a row."""
    size_hw: tuple[int, int]
    """(H, W) of frames in pixels."""
    image_size: int | None
    """Side of the network's input; the network's own if None."""
    frames: int
    """Of the comparison with the CPU, and of the session."""
    batches: int
    """Batches of frames that are timed."""
    warm_up: int
    """Batches of frames before: memories and pointers fill up, graphs are captured."""
    budget: Budget

    @property
    def runtime(self) -> Runtime:
        """The default of the device, without graphs."""
        return Runtime.choose(self.device)

    @property
    def is_cuda(self) -> bool:
        """Whether the device is a CUDA one."""
        return self.device.type == "cuda"

    def synchronize(self) -> None:
        """Wait for a GPU."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)
