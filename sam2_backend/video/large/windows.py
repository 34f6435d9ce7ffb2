"""Windows of a large picture as frames, so that what segments frames can segment them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, overload

from numpy.typing import NDArray

from ..base import DEFAULT_FPS, Video
from ..errors import VideoError
from .image import LargeImage, Window

WINDOW_SIDE = 1024
"""Longer side of a window as a model sees it, in pixels: what SAM 2 takes."""


class WindowFrames(Video):
    """Windows of a large picture, each a frame that is read when it is needed.

    Frame 0 is all of the picture, small; others come when they are asked for by `find`. A window
    has as many pixels as the picture has there, but at most `side` along its longer side.

    Parameters
    ----------
    image : the picture.
    side : most pixels along a frame.
    """

    def __init__(self, image: LargeImage, side: int = WINDOW_SIDE) -> None:
        self.image = image
        self._side = side
        self._windows: list[Window] = []
        self._numbers: dict[Window, int] = {}
        self._adding = threading.Lock()
        first = 0, 0, image.width, image.height
        height, width = self.size_of_window(first)
        super().__init__(1, width, height, DEFAULT_FPS, image.name)
        self.kind = "images"
        self.find(first)

    @property
    def num_frames(self) -> int:
        """How many windows were asked for."""
        return len(self._windows)

    def find(self, window: Window) -> int:
        """Return the number of the frame that shows a window, a new one where there is none.

        Raises
        ------
        VideoError
            When the window is empty or not inside the picture.
        """
        x0, y0, x1, y1 = window
        if not (0 <= x0 < x1 <= self.image.width and 0 <= y0 < y1 <= self.image.height):
            raise VideoError(
                f"There is no window ({x0}, {y0}, {x1}, {y1}) of {self.name}, which is "
                f"{self.image.width} x {self.image.height} pixels."
            )
        with self._adding:
            number = self._numbers.setdefault(window, len(self._windows))
            if number == len(self._windows):
                self._windows.append(window)
        return number

    def window_of(self, frame: int) -> Window:
        """The window that a frame shows."""
        self._check(frame)
        return self._windows[frame]

    def size_of_window(self, window: Window) -> tuple[int, int]:
        """(h, w) of the frame that shows a window, in its own pixels."""
        x0, y0, x1, y1 = window
        share = min(self._side / max(x1 - x0, y1 - y0), 1)
        return max(round((y1 - y0) * share), 1), max(round((x1 - x0) * share), 1)

    @property
    def sizes_hw(self) -> Sequence[tuple[int, int]]:
        """(h, w) of each frame; it grows with them."""
        return _Sizes(self)

    def size_hw(self, frame: int) -> tuple[int, int]:
        """(h, w) of a frame in its own pixels."""
        return self.size_of_window(self.window_of(frame))

    def _read(self, frame: int) -> NDArray[Any]:
        height, width = self.size_hw(frame)
        return self.image.read_region(*self.window_of(frame), (width, height))


class _Sizes(Sequence[tuple[int, int]]):
    """Sizes of the windows that there are by now."""

    def __init__(self, frames: WindowFrames) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, int]]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._frames.size_hw(n) for n in range(*index.indices(len(self)))]
        return self._frames.size_hw(index)
