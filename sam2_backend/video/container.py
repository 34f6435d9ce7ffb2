"""Frames of a video file, by index and exact."""

from __future__ import annotations

import threading
import time
import warnings
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from .base import DEFAULT_FPS, Video, VideoError
from .lru import BytesLru
from .remote_file import RemoteFile, open_bytes

CACHE_BYTES = 256 * 2**20
KEPT_ON_THE_WAY = 32
"""Frames just before a wanted one that are kept too when one steps backward: that decodes each
stretch between keyframes a few times, not once per frame."""
DECODED_AT_ONCE = 8
"""Frames decoded on the way to one before others get their turn."""
ON_THE_WAY_S = 0.15
"""After so long a frame that has been reached is shown while decoding goes on; the next one after
twice as long, and so forth, since each takes time from decoding."""
START = 32
"""Packets read to see when the first frame is shown: more than any codec reorders."""


class FileVideo(Video):
    """A video file, decoded when needed.

    The index of timestamps is read once, without decoding, and of most MP4 files without reading
    their packets. To read a frame, the decoder goes on from where it is, or starts again from the
    keyframe before. Each thread has a decoder of its own; frames are shared in a cache that is
    bounded in bytes.

    Parameters
    ----------
    path : of the file.

    Raises
    ------
    VideoError
        When it is not a video, is damaged, or has no frames.
    """

    def __init__(self, path: Path | RemoteFile) -> None:
        self._path = path
        self._decoders = threading.local()
        self._cache = BytesLru[int, "NDArray[np.uint8] | VideoFrame"](CACHE_BYTES, _bytes_of)
        self._converting = threading.Lock()
        # Of a damaged file, every packet helps.
        self._leave_out = True
        self._index = _read_index(path)
        first = self._first_frame()
        self._quarter_turns = round(first.rotation / 90) % 4
        self._coded = first.width, first.height
        width, height = self._coded[:: -1 if self._quarter_turns % 2 else 1]
        super().__init__(len(self._index.pts), width, height, self._index.fps, path.name)

    def _read(self, frame: int) -> NDArray[np.uint8]:
        rgb = self._known(frame)
        if rgb is None:
            ((_, picture),) = deque(self._pictures_to(frame), maxlen=1)
            rgb = self._keep(frame, picture)
        return rgb

    def approach(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.approach`."""
        self._check(frame)
        rgb = self._known(frame)
        if rgb is None:
            shown_at, pause_s = time.monotonic(), ON_THE_WAY_S
            best = None
            for n, (at, picture) in enumerate(self._pictures_to(frame), 1):
                if at < frame and time.monotonic() - shown_at > pause_s:
                    yield at, self.show(self._keep(at, picture))
                    shown_at, pause_s = time.monotonic(), 2 * pause_s
                elif n % DECODED_AT_ONCE == 0:
                    yield None
                best = picture
            assert best is not None
            rgb = self._keep(frame, best)
        yield frame, self.show(rgb)

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
                    yield frame, self.show(self._to_rgb(best, (width, height)))
        except FFmpegError as error:
            raise _damaged(self._path, error) from error
        finally:
            decoder.close()

    def _known(self, frame: int) -> NDArray[np.uint8] | None:
        kept = self._cache.get(frame)
        if isinstance(kept, VideoFrame):
            with self._converting:
                return self._keep(frame, kept)
        return kept

    def _keep(self, frame: int, picture: VideoFrame) -> NDArray[np.uint8]:
        rgb = self._to_rgb(picture)
        self._cache.put(frame, rgb)
        return rgb

    def _pictures_to(self, frame: int) -> Iterator[tuple[int, VideoFrame]]:
        """Decode up to a frame. The last picture is to be shown for it: where a damaged file lacks
        the frame, its predecessor."""
        decoder = self._decoder()
        kept = 0
        if 0 < decoder.next - frame <= 2 * KEPT_ON_THE_WAY:
            kept = min(KEPT_ON_THE_WAY, CACHE_BYTES // (3 * self.width * self.height) // 2)
        nothing = True
        try:
            for at, picture in decoder.pictures_to(frame, kept):
                nothing = False
                yield at, picture
                if kept and frame - kept <= at < frame and at not in self._cache:
                    self._cache.put(at, picture)
        except FFmpegError as error:
            del self._decoders.decoder
            if not self._leave_out:
                raise _damaged(self._path, error) from error
            self._leave_out = False
            yield from self._pictures_to(frame)
            return
        if nothing:
            raise VideoError(
                f"Frame {frame} of {self._path} cannot be decoded: the file may be damaged."
            )

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
            decoder = self._decoders.decoder = _Decoder(self._path, self._index, self._leave_out)
        return decoder


@dataclass(frozen=True)
class _Index:
    pts: list[int]
    """Of each frame, ascending."""
    keyframes: list[int]
    """Indices of frames that decoding can start at, ascending."""
    fps: float

    def keyframe_before(self, frame: int) -> int:
        """Which keyframe is the latest that is not after a frame."""
        return max(bisect_right(self.keyframes, frame) - 1, 0)

    def keyframe_in(self, first: int, last: int) -> int:
        """The latest keyframe from `first` to `last`, or `first` if there is none."""
        return max(self.keyframes[self.keyframe_before(last)], first)


class _Decoder:
    """One open file and a place in it.

    Parameters
    ----------
    path, index : of the file.
    leave_out : pictures on the way to a frame that no other depends on, where the codec allows it.
    """

    _AT_END = 2**63

    def __init__(self, path: Path | RemoteFile, index: _Index, leave_out: bool = False) -> None:
        self._index = index
        self._container, self._stream = _open(path)
        self._stream.thread_type = "AUTO"
        self._leave_out = leave_out and self._stream.codec_context.name == "h264"
        self._pictures = self._decode()
        self.next = 0
        """The frame that decoding on gives."""
        self._whole_from = 0
        """Frames before that may be left out."""

    def go_to(self, frame: int) -> None:
        """Be where decoding on reaches `frame`."""
        start = self._index.keyframes[self._index.keyframe_before(frame)]
        if frame < self._whole_from or not start <= self.next <= frame:
            self._seek(start)

    def close(self) -> None:
        """Give the file back."""
        self._container.close()

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from here on, with their indices."""
        for picture in self._pictures:
            if picture.pts is None:
                continue
            at = bisect_right(self._index.pts, picture.pts) - 1
            self.next = at + 1
            yield at, picture
        self.next = self._AT_END

    def pictures_to(self, frame: int, kept: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames on the way to one, and that at the end; if it is missing, not beyond it.

        Parameters
        ----------
        frame : where to.
        kept : how many just before it must not be left out.
        """
        self.go_to(frame)
        position, back = self._index.keyframe_before(frame), 1
        while True:
            self._whole_from = max(self._whole_from, frame - kept)
            first = True
            for at, picture in self.frames():
                if at > frame and first and position > 0:
                    break
                if first or at <= frame:
                    yield at, picture
                if at >= frame:
                    return
                first = False
            else:
                if not first or position == 0:
                    return
            # The keyframe table of some files is wrong: the start is always right.
            position, back = max(position - back, 0), 2 * back
            self._seek(self._index.keyframes[position])

    def _decode(self) -> Iterator[VideoFrame]:
        context = self._stream.codec_context
        for packet in self._container.demux(self._stream):
            if self._leave_out:
                # No other picture depends on those, so leaving them out changes none.
                early = packet.pts is not None and packet.pts < self._index.pts[self._whole_from]
                context.skip_frame = "NONREF" if early else "DEFAULT"
            for picture in packet.decode():
                assert isinstance(picture, VideoFrame)
                yield picture

    def _seek(self, frame: int) -> None:
        self._container.seek(self._index.pts[frame], stream=self._stream, backward=True)
        self._pictures = self._decode()
        self.next = frame
        self._whole_from = 0


def _open(path: Path | RemoteFile) -> tuple[InputContainer, VideoStream]:
    try:
        container = av.open(open_bytes(path), "r", metadata_errors="ignore")
    except FFmpegError as error:
        raise _damaged(path, error) from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"{path} holds no video, only sound or data.")
    stream = container.streams.video[0]
    if stream.codec_context is None:  # pyright: ignore[reportUnnecessaryComparison]
        container.close()
        raise VideoError(
            f"{path} is of a kind that cannot be decoded here, or damaged. Convert it, for "
            f"instance with: ffmpeg -i {path.name} -c:v libx264 converted.mp4"
        )
    return container, stream


def _read_index(path: Path | RemoteFile) -> _Index:
    container, stream = _open(path)
    fps = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
    frames: dict[int, bool] = {}
    hidden = 0
    with container:
        index = _index_of_header(container, stream, fps, path.stat().st_size)
        if index is not None:
            return index
        try:
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                if packet.is_discard:  # before the start of an edit, no player shows it
                    hidden += 1
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
    held = len(frames) + hidden
    if held < announced:
        warnings.warn(
            f"{path} announces {announced} frames but holds {held}: it seems cut off, and "
            "only those can be used.",
            stacklevel=2,
        )
    pts = sorted(frames)
    return _Index(pts, [n for n, t in enumerate(pts) if frames[t]] or [0], fps)


def _index_of_header(
    container: InputContainer, stream: VideoStream, fps: float, size_bytes: int
) -> _Index | None:
    """The index of a file whose header has it all: where frames are evenly spaced, the times at
    which they are decoded also tell those at which they are shown."""
    entries = getattr(stream, "index_entries", ())  # PyAV has it from 17 on
    if "mp4" not in container.format.name or len(entries) <= START:
        return None
    dts: list[int] = []
    keyframes: list[int] = []
    for n, entry in enumerate(entries):
        if entry.is_discard or entry.pos + entry.size > size_bytes:
            return None
        dts.append(entry.timestamp)
        if entry.is_keyframe:
            keyframes.append(n)
    step = dts[1] - dts[0]
    if step <= 0 or len(dts) != stream.frames or any(b - a != step for a, b in pairwise(dts)):
        return None
    packets = islice(container.demux(stream), START)
    shown = [packet.pts for packet in packets if packet.pts is not None]
    container.seek(0)
    if len(shown) < START or any((pts - min(shown)) % step for pts in shown):
        return None
    return _Index([min(shown) + step * n for n in range(len(dts))], keyframes or [0], fps)


def _bytes_of(kept: NDArray[np.uint8] | VideoFrame) -> int:
    if isinstance(kept, VideoFrame):
        return sum(plane.buffer_size for plane in kept.planes)
    return kept.nbytes


def _damaged(path: Path | RemoteFile, error: Exception) -> VideoError:
    reason = str(getattr(error, "strerror", None) or error)
    return VideoError(
        f"{path} cannot be read as a video ({reason}). It may be damaged or only partly "
        "downloaded: try it in a player, or fetch it again."
    )
