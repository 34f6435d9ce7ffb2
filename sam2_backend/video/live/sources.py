"""What a live video reads its frames from, each behind one method."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...extras import install_command
from ..arrays.axes import COLORS
from ..arrays.values import to_numpy
from ..errors import VideoError
from ..pictures.decoding import values_of
from ..pixels import to_rgb

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

STREAM_SCHEMES = frozenset({"rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})
"""Of addresses that are live always; http may be a file too."""
TIMED_FORMATS = frozenset({"flv", "mpegts", "rtsp"})
"""Streams whose timestamps are the camera's clock."""
MAX_LAG_S = 1.0
"""By which a stream may be read late before frames are left out."""


@runtime_checkable
class Capture(Protocol):
    """An object with the ``read()`` of OpenCV's `VideoCapture`."""

    def read(self) -> Any:
        """Return a frame, or as OpenCV does whether there is one, and the frame."""
        ...


LiveSource: TypeAlias = int | str | os.PathLike[str] | Capture | Iterable[Any] | Callable[[], Any]
"""What `LiveVideo` takes."""


class SourceLost(Exception):
    """A source has failed, and may come back; the text says why."""


class Reader(Protocol):
    """A source of frames. Used from one thread at a time."""

    name: str
    """To show."""
    is_bgr: bool
    """Whether frames come in this order of colours unless one says otherwise."""

    def read(self) -> Any:
        """Return the next frame, or None where there is none yet.

        Raises
        ------
        StopIteration
            When there will be none any more.
        SourceLost
            When the source has failed, and may come back.
        """
        ...

    def close(self) -> None:
        """Release what the reader itself has opened."""
        ...


def open_reader(source: Any, timeout: float, options: Mapping[str, str] | None) -> Reader:
    """Open a source.

    Raises
    ------
    VideoError
        When it cannot be opened, or is none.
    """
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        return CameraReader(int(source))
    if isinstance(source, (str, os.PathLike)):
        return _open_address(os.fspath(source), timeout, options)
    if isinstance(source, Capture):
        return CaptureReader(source)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, Mapping)):
        return IteratorReader(iter(source))  # pyright: ignore[reportUnknownArgumentType]
    if callable(source):
        return FunctionReader(source)
    raise VideoError(
        f"A live video cannot be made of a {type(source).__name__}: give the number of a camera, "
        "an address such as 'rtsp://…', an iterator of frames, a function that returns one, or "
        "an object with read(), such as OpenCV's VideoCapture."
    )


def _open_address(address: str, timeout: float, options: Mapping[str, str] | None) -> Reader:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", address):
        return StreamReader(address, timeout, options)
    if address.startswith("/dev/"):
        return CameraReader(address)
    if address.isdecimal():
        return CameraReader(int(address))
    raise VideoError(
        f"{address!r} is neither the address of a stream, such as 'rtsp://…' or 'http://…', nor a "
        "camera, such as 0 or '/dev/video0'. A video file is no live source: give its path to "
        "open_video or Sam2Widget."
    )


class CameraReader:
    """A camera of this machine, by its number or device, through OpenCV."""

    is_bgr = True

    def __init__(self, camera: int | str) -> None:
        try:
            import cv2  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise VideoError(
                "Cameras are read with OpenCV, which is not installed: run "
                f"{install_command('cv2')}."
            ) from None
        opencv: Any = cv2
        self.name = f"camera {camera}" if isinstance(camera, int) else camera
        self._capture: Any = opencv.VideoCapture(camera)
        if not self._capture.isOpened():
            raise VideoError(
                f"There is no {self.name}, or it is in use by another program: close that, or "
                "give another number. A kernel on another machine sees the cameras of that one."
            )
        # Of the frames that wait, only the newest is wanted; not every camera can do it.
        self._capture.set(opencv.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> Any:
        """Return the camera's next frame; raise SourceLost where it gives none."""
        there, frame = self._capture.read()
        if not there:
            raise SourceLost(f"The {self.name} gives no more frames")
        return frame

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


class CaptureReader:
    """An object with ``read()``, which stays its owner's to close."""

    is_bgr = True

    def __init__(self, capture: Capture) -> None:
        self.name = type(capture).__name__
        self._capture = capture

    def read(self) -> Any:
        """Return the object's next frame; raise StopIteration where it says there is none."""
        found = self._capture.read()
        if not isinstance(found, tuple):
            return found
        there, frame = found  # pyright: ignore[reportUnknownVariableType]
        if not there:
            raise StopIteration
        return frame  # pyright: ignore[reportUnknownVariableType]

    def close(self) -> None:
        """Do nothing: the object is its owner's to close."""


class IteratorReader:
    """An iterator of frames."""

    is_bgr = False

    def __init__(self, frames: Iterator[Any]) -> None:
        self.name = "live frames"
        self._frames = frames

    def read(self) -> Any:
        """Return the iterator's next frame; raise StopIteration at its end."""
        return next(self._frames)

    def close(self) -> None:
        """Do nothing: the iterator is its owner's to close."""


class FunctionReader:
    """A function that returns the next frame, or None where there is none yet."""

    is_bgr = False

    def __init__(self, call: Callable[[], Any]) -> None:
        self.name = getattr(call, "__name__", "live frames")
        self._call = call

    def read(self) -> Any:
        """Return the next frame from the function, or None where there is none yet."""
        return self._call()

    def close(self) -> None:
        """Do nothing: a function holds nothing to close."""


class StreamReader:
    """A stream in the network, through FFmpeg.

    Parameters
    ----------
    address : with its scheme, such as "rtsp://".
    timeout : in seconds, to connect and for each packet.
    options : of FFmpeg.
    """

    is_bgr = False

    def __init__(self, address: str, timeout: float, options: Mapping[str, str] | None) -> None:
        import av
        from av.error import FFmpegError

        # Without name and password, as an address may have them.
        self.name = re.sub(r"//[^/@]*@", "//", address)
        self._lost = FFmpegError
        own = {"rtsp_transport": "tcp"} if address.lower().startswith("rtsp") else {}
        try:
            self._container = av.open(
                address, options={**own, **(options or {})}, timeout=(timeout, timeout)
            )
        except (FFmpegError, OSError) as error:
            raise VideoError(
                f"The stream {self.name} cannot be opened: {_reason(error)}. Check the address, "
                "and whether this machine reaches it."
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise VideoError(f"The stream {self.name} has no pictures.")
        stream = self._container.streams.video[0]
        # Threads that decode several frames at once hold each of them back.
        stream.thread_type = "SLICE"
        self._ends = bool(self._container.duration)
        self._timed = self._container.format.name in TIMED_FORMATS
        self._min_delay_s = float("inf")
        self._frames = self._container.decode(stream)

    def read(self) -> NDArray[np.uint8]:
        """Return the next frame that is not late, as (H, W, 3) uint8 RGB.

        Raises
        ------
        StopIteration
            When a stream with a known duration has ended.
        SourceLost
            When any other stream has ended, or the connection is lost.
        """
        try:
            frame = next(self._frames)
            while self._is_late(frame):
                frame = next(self._frames)
        except StopIteration:
            if self._ends:
                raise
            raise SourceLost(f"The stream {self.name} has ended") from None
        except (self._lost, OSError) as error:
            raise SourceLost(f"The stream {self.name} was lost: {_reason(error)}") from error
        return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)

    def close(self) -> None:
        """Close the stream."""
        self._container.close()

    def _is_late(self, frame: VideoFrame) -> bool:
        """Whether frames wait because they come faster than they can be kept."""
        if not self._timed or frame.pts is None:
            return False
        late_s = time.monotonic() - frame.time
        self._min_delay_s = min(self._min_delay_s, late_s)
        return late_s > self._min_delay_s + MAX_LAG_S


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def to_frame(value: Any, bgr: bool) -> NDArray[Any]:
    """A frame that a source gave, as (H, W, 3) uint8 RGB, or (H, W, C) of 16 bits as it is.

    Raises
    ------
    VideoError
        When it is none.
    """
    if isinstance(value, Image.Image):
        array, bgr = values_of(value), False
    elif hasattr(value, "to_ndarray"):  # a frame of PyAV
        return value.to_ndarray(format="rgb24")
    elif any(hasattr(value, way) for way in ("__array__", "__dlpack__", "detach")):
        array = to_numpy(value, "A frame")
    else:
        raise VideoError(
            f"A frame must be an (H, W, 3) array, a tensor or a Pillow image, got a "
            f"{type(value).__name__}."
        )
    shape = array.shape
    if array.ndim == 4 and shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] in COLORS and array.shape[-1] not in COLORS:
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in COLORS or 0 in array.shape:
        raise VideoError(
            f"A frame must have shape (H, W, 3), or (H, W) where it is grey, got {shape}."
        )
    if bgr and array.shape[-1] >= 3:
        array = array[..., [2, 1, 0]]
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return np.ascontiguousarray(array[..., :3], np.uint16)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    return np.ascontiguousarray(to_rgb(array, "A frame"))
