"""Prefetching of frames by a thread, while the network works on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8] | Tensor
"""On the host, or on a device."""


class Prefetcher:
    """Reads frames, some of them before they are needed.

    Parameters
    ----------
    read : reads a frame, from any thread; what it raises is raised where the frame is needed.
    """

    def __init__(self, read: Callable[[int], Pixels]) -> None:
        self._read = read
        self._thread: ThreadPoolExecutor | None = None
        self._pending: dict[int, Future[Any]] = {}

    def __call__(self, frame: int) -> Pixels:
        """Read a frame, or wait for it where it is being prefetched."""
        pending = self._pending.pop(frame, None)
        return self._read(frame) if pending is None else pending.result()

    def wait(self, frames: Iterable[int]) -> bool:
        """Wait for frames that are being prefetched.

        Returns
        -------
        bool
            Whether all of them were, and can be read.
        """
        pending = [self._pending.get(frame) for frame in frames]
        return all(one is not None and one.exception() is None for one in pending)

    def prefetch(self, frames: Iterable[int]) -> None:
        """Begin to read these frames; pending ones that are not among them are cancelled."""
        self._thread = self._thread or ThreadPoolExecutor(1, "sam2 frames")
        before, self._pending = self._pending, {}
        for frame in frames:
            self._pending[frame] = before.pop(frame, None) or self._thread.submit(self._read, frame)
        for cancelled in before.values():
            cancelled.cancel()
