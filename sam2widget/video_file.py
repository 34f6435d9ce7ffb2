"""Frames of a video file, by index and exact."""

from __future__ import annotations

import threading
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from .lru import BytesLru
from .video_base import DEFAULT_FPS, Video, VideoError

CACHE_BYTES = 256 * 2**20
KEPT_ON_THE_WAY = 32
"""Frames just before a wanted one that are kept too when it takes decoding to get there: going
backward then decodes each stretch between keyframes a few times, not once per frame."""
DECODED_AT_ONCE = 8
"""Frames decoded on the way to a thumbnail before others get their turn."""


class FileVideo(Video):
    """A video file, decoded when needed.

    The index of timestamps is read once, without decoding. To read a frame, the decoder goes on
    from where it is, or starts again from the keyframe before. Each thread has a decoder of its
    own; frames are shared in a cache that is bounded in bytes.

    Parameters
    ----------
    path : of the file.

    Raises
    ------
    VideoError
        When it is not a video, is damaged, or has no frames.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoders = threading.local()
        self._cache = BytesLru[int, NDArray[np.uint8]](CACHE_BYTES, lambda rgb: rgb.nbytes)
        self._index = _read_index(path)
        first = self._first_frame()
        self._quarter_turns = round(first.rotation / 90) % 4
        self._coded = first.width, first.height
        width, height = self._coded[:: -1 if self._quarter_turns % 2 else 1]
        super().__init__(len(self._index.pts), width, height, self._index.fps, path.name)

    def _read(self, frame: int) -> NDArray[np.uint8]:
        rgb = self._cache.get(frame)
        return self._decode(frame) if rgb is None else rgb

    def thumbnails(
        self, frames: Sequence[int], height: int
    ) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.thumbnails`. The file is read once, in order, by a decoder of its own; a
        keyframe stands for what is nearer to it than half of the least gap between the frames."""
        wanted = sorted(set(frames))
        gaps = [after - before for before, after in pairwise(wanted)]
        slack = min(gaps, default=self.num_frames) // 2
        decoder = _Decoder(self._path, self._index)
        try:
            for frame in wanted:
                least = max(frame - slack, 0)
                decoder.go_to(self._index.keyframe_in(least, frame))
                best: VideoFrame | None = None
                for n, (at, picture) in enumerate(decoder.frames(), 1):
                    best = picture
                    if at >= least:
                        break
                    if n % DECODED_AT_ONCE == 0:
                        yield None
                if best is not None:
                    width = max(round(self.width * height / self.height), 1)
                    yield frame, self._to_rgb(best, (width, height))
        except FFmpegError as error:
            raise _damaged(self._path, error) from error
        finally:
            decoder.close()

    def _decode(self, frame: int) -> NDArray[np.uint8]:
        decoder = self._decoder()
        try:
            decoder.go_to(frame)
            at, picture = self._nearest(decoder, frame)
            if at > frame:
                # The keyframe table of some files is wrong: the start is always right.
                decoder.restart()
                at, picture = self._nearest(decoder, frame)
        except FFmpegError as error:
            del self._decoders.decoder
            raise _damaged(self._path, error) from error
        # Where a damaged file lacks the frame, its predecessor is shown for it.
        rgb = self._to_rgb(picture)
        self._cache.put(frame, rgb)
        return rgb

    def _nearest(self, decoder: _Decoder, frame: int) -> tuple[int, VideoFrame]:
        """Decode up to a frame; the last that is not after it, if there is one."""
        kept = min(KEPT_ON_THE_WAY, CACHE_BYTES // (3 * self.width * self.height) // 2)
        best: tuple[int, VideoFrame] | None = None
        for at, picture in decoder.frames():
            if best is None or at <= frame:
                best = at, picture
            if at >= frame:
                break
            if at >= frame - kept and at not in self._cache:
                self._cache.put(at, self._to_rgb(picture))
        if best is None:
            raise VideoError(
                f"Frame {frame} of {self._path} cannot be decoded: the file may be damaged."
            )
        return best

    def _to_rgb(
        self, picture: VideoFrame, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, upright; `size` is width and height if not those of the video."""
        width, height = self._coded
        if size is not None:
            width, height = size[:: -1 if self._quarter_turns % 2 else 1]
        rgb = picture.to_ndarray(format="rgb24", width=width, height=height).astype(
            np.uint8, copy=False
        )
        if self._quarter_turns:
            rgb = np.ascontiguousarray(np.rot90(rgb, self._quarter_turns))
        return rgb

    def _first_frame(self) -> VideoFrame:
        try:
            for _, picture in self._decoder().frames():
                return picture
        except FFmpegError as error:
            raise _damaged(self._path, error) from error
        raise VideoError(f"{self._path} has no frame that can be decoded: it may be damaged.")

    def _decoder(self) -> _Decoder:
        decoder = getattr(self._decoders, "decoder", None)
        if decoder is None:
            decoder = self._decoders.decoder = _Decoder(self._path, self._index)
        return decoder


@dataclass(frozen=True)
class _Index:
    pts: list[int]
    """Of each frame, ascending."""
    keyframes: list[int]
    """Indices of frames that decoding can start at, ascending."""
    fps: float

    def keyframe_in(self, first: int, last: int) -> int:
        """The latest keyframe from `first` to `last`, or `first` if there is none."""
        keyframe = self.keyframes[max(bisect_right(self.keyframes, last) - 1, 0)]
        return max(keyframe, first)


class _Decoder:
    """One open file and a place in it."""

    _AT_END = 2**63

    def __init__(self, path: Path, index: _Index) -> None:
        self._index = index
        self._container, self._stream = _open(path)
        self._stream.thread_type = "AUTO"
        self._pictures = self._container.decode(self._stream)
        self._next = 0

    def go_to(self, frame: int) -> None:
        """Be where decoding on reaches `frame`."""
        keyframes = self._index.keyframes
        start = keyframes[max(bisect_right(keyframes, frame) - 1, 0)]
        if not start <= self._next <= frame:
            self._seek(start)

    def restart(self) -> None:
        """Be at the start."""
        self._seek(0)

    def close(self) -> None:
        """Give the file back."""
        self._container.close()

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from here on, with their indices."""
        for picture in self._pictures:
            if picture.pts is None:
                continue
            at = bisect_right(self._index.pts, picture.pts) - 1
            self._next = at + 1
            yield at, picture
        self._next = self._AT_END

    def _seek(self, frame: int) -> None:
        self._container.seek(self._index.pts[frame], stream=self._stream, backward=True)
        self._pictures = self._container.decode(self._stream)
        self._next = frame


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    try:
        container = av.open(str(path))
    except FFmpegError as error:
        raise _damaged(path, error) from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"{path} holds no video, only sound or data.")
    return container, container.streams.video[0]


def _read_index(path: Path) -> _Index:
    container, stream = _open(path)
    fps = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
    frames: dict[int, bool] = {}
    with container:
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                pts = packet.dts if packet.pts is None else packet.pts
                if pts is None:
                    raise VideoError(
                        f"{path} has frames without timestamps. Rewrap it, for instance with: "
                        f"ffmpeg -fflags +genpts -i {path.name} -c copy fixed.mp4"
                    )
                frames[pts] = packet.is_keyframe or frames.get(pts, False)
        except FFmpegError as error:
            if not frames:
                raise _damaged(path, error) from error
        # Other containers count differently.
        announced = stream.frames if "mp4" in container.format.name else 0
    if not frames:
        raise VideoError(f"{path} has no frames: it may be damaged or only partly downloaded.")
    if len(frames) < announced:
        warnings.warn(
            f"{path} announces {announced} frames but holds {len(frames)}: it seems cut off, and "
            "only those can be used.",
            stacklevel=2,
        )
    pts = sorted(frames)
    return _Index(pts, [n for n, t in enumerate(pts) if frames[t]] or [0], fps)


def _damaged(path: Path, error: Exception) -> VideoError:
    reason = str(getattr(error, "strerror", None) or error)
    return VideoError(
        f"{path} cannot be read as a video ({reason}). It may be damaged or only partly "
        "downloaded: try it in a player, or fetch it again."
    )
