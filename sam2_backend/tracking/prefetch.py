"""Frames read beside the network, by a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ReadAhead:
    """Reads frames, some of them before they are asked for.

    Parameters
    ----------
    read : reads a frame, from any thread; what it raises is raised where the frame is asked for.
    """

    def __init__(self, read: Callable[[int], NDArray[np.uint8]]) -> None:
        self._read = read
        self._thread: ThreadPoolExecutor | None = None
        self._coming: dict[int, Future[Any]] = {}

    def __call__(self, frame: int) -> NDArray[np.uint8]:
        coming = self._coming.pop(frame, None)
        return self._read(frame) if coming is None else coming.result()

    def expect(self, frames: Iterable[int]) -> None:
        """Begin to read these; what was expected before and is not among them is dropped."""
        self._thread = self._thread or ThreadPoolExecutor(1, "sam2 frames")
        before, self._coming = self._coming, {}
        for frame in frames:
            self._coming[frame] = before.pop(frame, None) or self._thread.submit(self._read, frame)
        for dropped in before.values():
            dropped.cancel()
