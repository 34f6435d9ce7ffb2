"""A video that is being recorded: a camera, a stream, or frames that a program makes."""

from __future__ import annotations

import os
import secrets
import threading
import time
import warnings
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...arguments import check_flag, check_flag_or_none
from ..base import Video
from ..errors import VideoError
from ..identity import identify_recording
from ..lru import BytesLru
from .recorder import JOIN_S, Recorder, close_recorder, decode, run
from .ring import Ring
from .sources import LiveSource, Reader, open_reader

MAX_BYTES = 4 * 2**30
CACHE_BYTES = 64 * 2**20
TIMEOUT_S = 10.0
FASTEST_FPS = 60.0


class LiveVideo(Video):
    """Frames from now on, kept as they come.

    A thread reads the source and keeps its frames in a file of bounded size, which is gone when
    the video is closed, or no longer used, or the process ends. Frame numbers count from 0 and
    only grow, and ``len(video)`` with them. A frame that had to make room for newer ones cannot
    be read any more. Frames are JPEG of high quality unless `lossless`; those of 16 bits are kept
    as they are.

    Parameters
    ----------
    source : the number of a camera or its device, such as "/dev/video0"; the address of a stream
        ("rtsp://…", "http://…", "udp://…"); an iterator of frames; a function that returns the
        next frame, or None where there is none yet; or an object whose ``read()`` gives frames,
        or pairs as OpenCV's `VideoCapture` does, which stays yours to release. Frames are
        (H, W, 3) or (H, W) arrays of uint8 or uint16, or of floats in 0..1, tensors (also
        (3, H, W)), or Pillow images.
    max_bytes : most bytes of frames kept on disk.
    folder : where; where temporary files are if None.
    lossless : keep frames bit for bit, as PNG, which takes several times the room and time.
    bgr : whether colours come in the order blue, green, red; if None, they do so from an object
        with ``read()``.
    size : width and height that every frame is resized to; if None, that of the first, and the
        recording ends where a frame has another.
    max_fps : frames a second at most: an iterator or a function is not asked sooner, and of
        other sources frames are left out. None is no limit.
    timeout : seconds to wait for the first frame, for a stream that stalls, and to connect anew
        to one that was lost.
    options : of FFmpeg, for a stream: ``{"rtsp_transport": "udp"}``.
    name : to show.

    Raises
    ------
    VideoError
        When the source cannot be opened, or gives no frame in time.

    Examples
    --------
    >>> live = LiveVideo(0)
    >>> Sam2Widget(live)
    >>> live.stop()
    >>> live.save("recording.mp4")
    """

    def __init__(
        self,
        source: LiveSource,
        *,
        max_bytes: int = MAX_BYTES,
        folder: str | os.PathLike[str] | None = None,
        lossless: bool = False,
        bgr: bool | None = None,
        size: tuple[int, int] | None = None,
        max_fps: float | None = FASTEST_FPS,
        timeout: float = TIMEOUT_S,
        options: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        lossless = check_flag(lossless, "lossless")
        bgr = check_flag_or_none(bgr, "bgr")
        if max_fps is not None and max_fps <= 0:
            raise VideoError(f"max_fps must be above 0, or None for no limit, got {max_fps}.")

        if size is not None and not _is_size(size):
            raise VideoError(f"size is (width, height) in pixels, such as (1280, 720), got {size}.")

        def reopen() -> Reader:
            return open_reader(source, timeout, options)

        try:
            ring = Ring(max_bytes, folder)
        except OSError as error:
            raise VideoError(
                f"Frames cannot be kept in {folder or 'the folder of temporary files'}: "
                f"{error.strerror or error}."
            ) from error
        try:
            reader = reopen()
        except BaseException:
            ring.close()
            raise
        recorder = Recorder(ring, lossless, reader.is_bgr if bgr is None else bgr, size)
        self._recorder = recorder
        # Neither thread nor finalizer holds the video itself, so that it ends when it is dropped.
        self._thread = threading.Thread(
            target=run,
            args=(recorder, reader, reopen, max_fps, timeout),
            name="sam2 live video",
            daemon=True,
        )
        self._finalizer = weakref.finalize(self, close_recorder, recorder, self._thread)
        self._thread.start()
        try:
            recorder.wait(1, timeout)
        except BaseException:
            self.close()
            raise
        if not recorder.count:
            error = recorder.error or (
                "it ended before a frame came"
                if recorder.ended
                else f"no frame came within {timeout:g} s"
            )
            self.close()
            raise VideoError(f"{name or reader.name} cannot be recorded: {error.rstrip('.')}.")
        width, height = recorder.size
        super().__init__(recorder.count, width, height, 0.0, name or reader.name)
        self.recording = time.strftime(f"live-%Y%m%d-%H%M%S-{secrets.token_hex(4)}")
        self._cache = BytesLru[int, NDArray[Any]](CACHE_BYTES, lambda values: values.nbytes)

    @property
    def num_frames(self) -> int:
        """How many there have been so far."""
        return self._recorder.count

    @property
    def first_frame(self) -> int:
        """The oldest frame that is still kept."""
        first = self._recorder.ring.first
        return self.num_frames - 1 if first is None else first

    @property
    def fps(self) -> float:
        """Frames a second, as they have been coming lately, unless it was set."""
        return self._fps or self._recorder.fps

    @fps.setter
    def fps(self, fps: float) -> None:
        self._fps = fps

    @property
    def nbytes(self) -> int:
        """Bytes of the frames that are kept."""
        return self._recorder.ring.nbytes

    @property
    def is_recording(self) -> bool:
        """Whether more frames may come."""
        return not self._recorder.ended

    @property
    def error(self) -> str:
        """Why the recording ended before the source did and before it was stopped; "" if not."""
        return self._recorder.error

    @property
    def message(self) -> str:
        """What is to be known of the source: that it has ended, was lost, or the error."""
        return self._recorder.error or self._recorder.news

    def wait(self, num_frames: int, timeout: float | None = None) -> bool:
        """Wait until there are so many frames, or no more come.

        Returns
        -------
        bool
            Whether there are.
        """
        return self._recorder.wait(num_frames, timeout)

    def stop(self) -> None:
        """End the recording; from now on this is a video like any other."""
        self._recorder.end()
        self._thread.join(JOIN_S)

    def close(self) -> None:
        """End the recording and drop its frames.

        A source that is in the middle of a frame is released when it has given it.
        """
        self._finalizer()

    def _identify(self) -> str:
        assert self.recording is not None
        return identify_recording(self.recording)

    def snapshot(self) -> Video:
        """The frames so far, as a video that does not grow."""
        return _Snapshot(self)

    def save(self, path: str | os.PathLike[str], *, crf: int = 12) -> Path:
        """Write the frames that are kept, to a folder of pictures or a video file.

        Parameters
        ----------
        path : of a folder, which gets the very pictures that are kept, named by frame number; or
            ending in .mp4, .mov or .mkv, of a file in H.264.
        crf : quality of H.264 from 0 (best) to 51.

        Returns
        -------
        Path
            Its absolute path.

        Raises
        ------
        VideoError
            When it cannot be written.
        """
        from .files import write_folder, write_movie

        path = Path(path).expanduser().absolute()
        if path.suffix.lower() not in ("", ".mp4", ".mov", ".mkv"):
            raise VideoError(
                f"{path.name} says no format that recordings are written in: give a folder, or a "
                "file ending in .mp4, .mov or .mkv."
            )
        frames = range(self.first_frame, self.num_frames)
        if frames.start:
            warnings.warn(
                f"The first {frames.start} frames of {self.name} had to make room for newer "
                f"ones: frame 0 of {path.name} is frame {frames.start} of the recording.",
                stacklevel=2,
            )
        try:
            if path.suffix:
                write_movie(self, frames, path, crf)
            else:
                write_folder(self, frames, path)
        except OSError as error:
            raise VideoError(f"{path} cannot be written: {error}.") from error
        return path

    def stored(self, frame: int) -> bytes:
        """A frame as it is kept: bytes of a JPEG or PNG, or of 16 bits.

        Raises
        ------
        VideoError
            When it is not kept any more.
        """
        self._check(frame)
        data = self._recorder.ring.read(frame)
        if data is not None:
            return data
        if not self._finalizer.alive:
            raise VideoError(f"{self.name} has been closed: its frames are gone.")
        raise VideoError(
            f"Frame {frame} of {self.name} had to make room for newer ones: frames "
            f"{self.first_frame} to {self.num_frames - 1} are kept. A larger max_bytes, now "
            f"{self._recorder.ring.max_bytes:,}, keeps more."
        )

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._cache.get(frame)
        if values is None:
            values = decode(self.stored(frame), self.width, self.height)
            self._cache.put(frame, values)
        return values

    @property
    def _is_deep(self) -> bool:
        return self._recorder.is_deep

    def _samples(self) -> Iterator[NDArray[Any]]:
        # Of the newest alone: others may be dropped meanwhile.
        yield self._read(self.num_frames - 1)


class _Snapshot(Video):
    """The frames of a live video up to now."""

    def __init__(self, live: LiveVideo) -> None:
        super().__init__(len(live), live.width, live.height, live.fps, live.name)
        self._live = live
        self.recording = live.recording
        self._contrast = live.contrast

    def _identify(self) -> str:
        return self._live.identity()

    @property
    def first_frame(self) -> int:
        return self._live.first_frame

    def _read(self, frame: int) -> NDArray[Any]:
        return self._live.raw(frame)


def _is_size(size: object) -> bool:
    return (
        isinstance(size, (tuple, list))
        and len(size) == 2  # pyright: ignore[reportUnknownArgumentType]
        and all(isinstance(one, int) and one > 0 for one in size)  # pyright: ignore[reportUnknownVariableType]
    )
