"""The thread that reads a live source, and what it keeps."""

from __future__ import annotations

import io
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..base import DEFAULT_FPS
from ..errors import VideoError
from .ring import Ring
from .sources import Reader, SourceLost, to_frame

JPEG_QUALITY = 95
"""Without chroma subsampling: no difference to the source is seen."""
POLL_S = 0.005
"""How long a function that has no frame yet is left alone."""
RETRY_S = 0.5
JOIN_S = 1.0
"""How long closing waits for the frame at hand."""
TIMED_FRAMES = 120
"""Frames whose times the rate is estimated from."""
DEEP = b"16"
"""Begins a frame that is kept as it is, of 16 bits."""


class Recorder:
    """What the thread that reads and the video share: the frames so far, and what is to be said.

    Parameters
    ----------
    ring : where frames are kept.
    lossless : keep them bit for bit.
    bgr : whether colours come in the order blue, green, red.
    size : width and height that every frame is resized to; that of the first if None.
    """

    def __init__(self, ring: Ring, lossless: bool, bgr: bool, size: tuple[int, int] | None) -> None:
        self.ring = ring
        self.bgr = bgr
        self.size = size or (0, 0)
        """Width and height; (0, 0) until the first frame says."""
        self.is_deep = False
        self.count = 0
        self.ended = False
        self.error = ""
        self.news = ""
        self._lossless = lossless
        self._resizes = size is not None
        self._times = deque[float](maxlen=TIMED_FRAMES)
        self._changed = threading.Condition()
        self.stop = threading.Event()

    @property
    def fps(self) -> float:
        """Frames a second, by the median gap between the latest; `DEFAULT_FPS` where unknown."""
        with self._changed:
            gaps = [after - before for before, after in pairwise(self._times)]
        gap = statistics.median(gaps) if gaps else 0.0
        return round(1 / gap, 2) if gap > 0 else DEFAULT_FPS

    def append(self, values_hwc: NDArray[Any]) -> None:
        """Keep a frame."""
        data = _encode(self._fitted(values_hwc), self._lossless)
        if len(data) > self.ring.max_bytes:
            raise VideoError(
                f"A frame takes {len(data):,} bytes, which do not fit into max_bytes="
                f"{self.ring.max_bytes:,}: give room for all frames that are to be kept."
            )
        try:
            self.ring.append(data)
        except OSError as error:
            raise VideoError(f"Frames cannot be kept: {error.strerror or error}.") from error
        with self._changed:
            self.count += 1
            self.news = ""
            self._times.append(time.monotonic())
            self._changed.notify_all()

    def tell(self, news: str) -> None:
        """Say what goes on until the next frame."""
        with self._changed:
            self.news = news
            self._changed.notify_all()

    def end(self, error: str = "", news: str = "") -> None:
        """No more frames come. The first call counts."""
        self.stop.set()
        with self._changed:
            if not self.ended:
                self.ended = True
                self.error, self.news = error, news
            self._changed.notify_all()

    def wait(self, num_frames: int, timeout: float | None) -> bool:
        """Wait until so many frames have come or the recording ends; return whether they have.

        Parameters
        ----------
        num_frames : counted from the first of the recording.
        timeout : in seconds; None waits without limit.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.count >= num_frames or self.ended, timeout)
            return self.count >= num_frames

    def _fitted(self, values_hwc: NDArray[Any]) -> NDArray[Any]:
        height, width, channels = values_hwc.shape
        deep = values_hwc.dtype != np.uint8
        if not self.count:
            self.is_deep, self._channels = deep, channels
            self.size = self.size if self._resizes else (width, height)
        elif (deep, channels) != (self.is_deep, self._channels):
            raise VideoError(
                f"Frame {self.count} has {channels} channels of {values_hwc.dtype}, unlike those "
                "before it."
            )
        if (width, height) == self.size:
            return values_hwc
        if not self._resizes:
            raise VideoError(
                f"Frame {self.count} is {width}x{height}, but those before it are "
                f"{self.size[0]}x{self.size[1]}. Make a new LiveVideo, or one with "
                f"size=({self.size[0]}, {self.size[1]}), which resizes every frame."
            )
        if deep:
            raise VideoError("Frames of 16 bits are not resized: leave size out.")
        image = Image.fromarray(values_hwc)
        return np.asarray(image.resize(self.size, Image.Resampling.BILINEAR))


def run(
    recorder: Recorder,
    reader: Reader,
    reopen: Callable[[], Reader],
    max_fps: float | None,
    timeout: float,
) -> None:
    """Read frames until there are no more or nobody wants them, in the thread for that."""
    gap_s = 0.0 if max_fps is None else 1 / max_fps
    due = time.monotonic()
    while not recorder.stop.is_set():
        try:
            value = reader.read()
            if value is None:
                recorder.stop.wait(POLL_S)
                continue
            recorder.append(to_frame(value, recorder.bgr))
        except StopIteration:
            recorder.end(news="The source gives no more frames.")
        except SourceLost as lost:
            reader.close()
            found = _reconnect(recorder, reopen, str(lost), timeout)
            if found is None:
                return
            reader = found
        except VideoError as error:
            recorder.end(str(error))
        except BaseException as error:
            # Whatever the source raises, SystemExit too: what was recorded stays, and a person is
            # told.
            text = str(error).strip() or "no reason given"
            recorder.end(f"The source failed: {type(error).__name__}: {text}")
        due = max(due + gap_s, time.monotonic())
        recorder.stop.wait(due - time.monotonic())
    reader.close()


def _reconnect(
    recorder: Recorder, reopen: Callable[[], Reader], reason: str, timeout: float
) -> Reader | None:
    """Open a source that was lost again; None where that fails, or nobody wants it."""
    recorder.tell(f"{reason}. Connecting anew.")
    deadline = time.monotonic() + timeout
    while not recorder.stop.wait(RETRY_S):
        try:
            return reopen()
        except VideoError:
            if time.monotonic() > deadline:
                recorder.end(f"{reason}, and did not come back within {timeout:g} s.")
    return None


def close_recorder(recorder: Recorder, thread: threading.Thread) -> None:
    """End the recording, and drop its frames."""
    recorder.end()
    if thread is not threading.current_thread():
        thread.join(JOIN_S)
    recorder.ring.close()


def _encode(values_hwc: NDArray[Any], lossless: bool) -> bytes:
    if values_hwc.dtype != np.uint8:
        return DEEP + values_hwc.tobytes()
    buffer = io.BytesIO()
    image = Image.fromarray(values_hwc)
    if lossless:
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def decode(data: bytes, width: int, height: int) -> NDArray[Any]:
    """(H, W, C) of a frame as it is kept."""
    if data.startswith(DEEP):
        return np.frombuffer(data, np.uint16, offset=len(DEEP)).reshape(height, width, -1)
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)
