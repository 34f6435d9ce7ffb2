"""One open video file: which packet holds which frame, and decoding from any of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import TypeAlias

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ..errors import VideoError
from .streams import VideoPacket, iter_packets, open_stream
from .truncation import VideoFile

Ints: TypeAlias = NDArray[np.int64]

HIDDEN = -1
"""In place of the frame of a packet that shows none."""
NO_TIME = -(2**63)
"""What FFmpeg writes where there is no timestamp."""
RETRIES = 6
"""How often decoding starts earlier, at twice the distance each time, to find a missing frame."""
LOST = 64
"""Packets after a seek among which a known keyframe must be."""
BYTE_SOUGHT = frozenset(
    {"mpegts", "mpeg", "h264", "hevc", "vvc", "m4v", "mpegvideo", "obu", "cavsvideo", "vc1", "dv"}
)
"""Formats without an index, whose demuxers look for a time by guesses: a place in bytes is sure."""
BEGUN_EARLIER = 3
"""Packets before a keyframe to start reading at where its own start lies within another's data."""


class Packets:
    """What is known of each packet of a video stream, in the order of the file: arrays of N."""

    def __init__(self) -> None:
        self._columns = [array("q") for _ in range(4)]
        self._flags = bytearray()

    def add(self, pos: int | None, size: int, pts: int | None, dts: int | None, key: bool) -> None:
        """Take one more; None is what the container does not say."""
        values = -1 if pos is None else pos, size, pts, dts
        for column, value in zip(self._columns, values, strict=True):
            column.append(NO_TIME if value is None else value)
        self._flags.append(key)

    def __len__(self) -> int:
        return len(self._flags)

    @property
    def pos(self) -> Ints:
        """(N,) first byte in the file, -1 where unknown."""
        return np.frombuffer(self._columns[0], np.int64)

    @property
    def sizes(self) -> Ints:
        """(N,) bytes."""
        return np.frombuffer(self._columns[1], np.int64)

    @property
    def pts(self) -> Ints:
        """(N,) when it is shown, or `NO_TIME`."""
        return np.frombuffer(self._columns[2], np.int64)

    @property
    def dts(self) -> Ints:
        """(N,) when it is decoded, or `NO_TIME`."""
        return np.frombuffer(self._columns[3], np.int64)

    @property
    def keys(self) -> NDArray[np.bool_]:
        """(N,) whether decoding can start there; set where the container is wrong about it."""
        return np.frombuffer(self._flags, np.bool_)

    @keys.setter
    def keys(self, keys: NDArray[np.bool_]) -> None:
        self._flags = bytearray(keys.tobytes())


class Index:
    """Which packet of a file holds which frame, and where decoding can start.

    Parameters
    ----------
    packets : of the file's video stream.
    fps : to show.
    num_frames : how many.
    starts : packets that decoding can start at, in order; the first is the file's first.
    start_frames : the frame that each holds, ascending.
    frame_of : gives the frame of a packet, by its number and itself; `HIDDEN` if it shows none.
    counted : whether packets do not tell frames, which then are the decoder's pictures in order.
    """

    careful = False
    """Whether the codec refuses some packets, see `Decoder`."""
    order: Ints | None = None
    """(T,) the packet of each frame, where packets tell frames."""
    shown_s: NDArray[np.float64] | None = None
    """(T,) seconds to when each frame is shown; None where `fps` tells it, or nothing does."""
    start_s = 0.0
    """When the first frame is shown by the file's clock."""

    def __init__(
        self,
        packets: Packets,
        fps: float,
        num_frames: int,
        starts: Ints,
        start_frames: Ints,
        frame_of: Callable[[int, VideoPacket], int],
        *,
        counted: bool = False,
    ) -> None:
        self.packets = packets
        self.fps = fps
        self.num_frames = num_frames
        self.starts = starts
        self.start_frames = start_frames
        self.frame_of = frame_of
        self.counted = counted
        keys = np.flatnonzero(packets.keys)
        self._keys_by_pos = keys[np.argsort(packets.pos[keys], kind="stable")]
        self._pos_of_keys = packets.pos[self._keys_by_pos]

    @classmethod
    def of_start(cls, packets: Packets, fps: float, num_pictures: int | None = None) -> Index:
        """Return the index of a file that is always decoded from its start.

        It is by packets, as if each held the frame of its number; or where that is not so, by the
        file's pictures, if they are counted.
        """
        start = np.zeros(1, np.int64)
        if num_pictures is None:
            return cls(packets, fps, len(packets), start, start, _own_number)
        return cls(packets, fps, num_pictures, start, start, _no_frame, counted=True)

    def start_before(self, frame: int) -> int:
        """Which start is the latest that is not after a frame."""
        return max(int(np.searchsorted(self.start_frames, frame, side="right")) - 1, 0)

    def start_in(self, first: int, last: int) -> int:
        """The frame of the latest start from `first` to `last`, or `first` if there is none."""
        return max(int(self.start_frames[self.start_before(last)]), first)

    def number_of(self, packet: VideoPacket) -> int | None:
        """Which packet of the file a keyframe is, by its place and size; None if that is open."""
        pos = -1 if packet.pos is None else packet.pos
        low, high = np.searchsorted(self._pos_of_keys, [pos, pos + 1])
        among = self._keys_by_pos[low:high]
        same = among[self.packets.sizes[among] == packet.size]
        return int(same[0]) if len(same) == 1 else None


def _no_frame(_number: int, _: VideoPacket) -> int:
    return 0


def _own_number(number: int, _: VideoPacket) -> int:
    return number


class _LostError(Exception):
    """What comes after a seek is not what was read there when the file was opened."""


class Decoder:
    """One open file and a place in it.

    Each packet is given the number of its frame in place of its time before it is decoded, so
    that a picture tells its frame whatever the container says of times. Where a seek lands is
    read off the packets that come, not believed.

    Parameters
    ----------
    path, index : of the file.
    leave_out : pictures on the way to a frame that no other depends on, where the codec allows it.
    careful : decode one frame at a time, so that of data with faults all comes that can.
    """

    _AT_END = 2**62

    def __init__(
        self, path: VideoFile, index: Index, leave_out: bool = False, careful: bool = False
    ) -> None:
        self._path = path
        self._index = index
        self._careful = careful or index.careful
        self._leave_out = leave_out and not index.counted and not self._careful
        self._container: InputContainer | None = None
        self.has_faults = False
        """Whether the codec refused a packet other than those before the first that it can use."""
        self._has_begun = False
        self._open()
        by_bytes = not BYTE_SOUGHT.isdisjoint(self._opened.format.name.split(","))
        bytes_first = (self._seek_bytes, self._seek_bytes_before, self._seek_dts)
        self._seeks = bytes_first if by_bytes else (self._seek_pts, self._seek_dts)
        self._pictures = self._decode(self._packets())
        self._first_whole = 0
        """Frames before that depend on what was not decoded."""
        self._left_out_before = 0
        """Frames before that may be left out."""
        self.next = 0
        """The frame that decoding on gives."""

    def close(self) -> None:
        """Give the file back."""
        if self._container is not None:
            self._container.close()

    def go_to(self, frame: int) -> None:
        """Be where decoding on reaches `frame`."""
        start = self._index.start_before(frame)
        begin = int(self._index.start_frames[start])
        if frame < self._left_out_before or not begin <= self.next <= frame:
            self._start_at(start)

    def start_at(self, frame: int) -> None:
        """Begin anew at the start for a frame."""
        self._start_at(self._index.start_before(frame))

    @property
    def is_intra_only(self) -> bool:
        """Whether every frame of the codec stands on its own."""
        return self._stream.codec_context.codec.intra_only

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from here on, with their indices."""
        try:
            for picture in self._pictures:
                at = self.next if self._index.counted else picture.pts
                if at is None or at < self._first_whole:
                    continue
                self.next = at + 1
                yield at, picture
        except _LostError:
            self._seeks = ()
        self.next = self._AT_END

    def pictures(self) -> Iterator[VideoFrame]:
        """Pictures from here on; their times are what the index calls their packets' frames."""
        try:
            yield from self._pictures
        except _LostError:
            return

    def pictures_to(
        self, frame: int, *, enough: int | None = None, kept: int = 0
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Frames on the way to one, and that at the end; if it is missing, one beside it.

        Parameters
        ----------
        frame : where to.
        enough : from which on any frame will do in its place; None for that very frame.
        kept : how many just before it must not be left out.
        """
        enough = frame if enough is None else enough
        begin = self._index.start_in(enough, frame)
        self.go_to(begin)
        start = self._index.start_before(begin)
        for retry in range(RETRIES + 1):
            self._left_out_before = max(self._left_out_before, begin - kept)
            after: tuple[int, VideoFrame] | None = None
            nothing = True
            for at, picture in self.frames():
                if at > frame:
                    after = at, picture
                    break
                nothing = False
                yield at, picture
                if at >= enough:
                    return
            if (start == 0 and retry) or retry == RETRIES:
                if nothing and after is not None:
                    yield after
                return
            # What is marked as a start need not be one, and a seek may have gone astray.
            start = max(start - 2**retry + 1, 0) if retry < RETRIES - 1 else 0
            self._start_at(start)

    @property
    def _opened(self) -> InputContainer:
        assert self._container is not None
        return self._container

    def _open(self) -> None:
        self.close()
        self._container, self._stream = open_stream(self._path)
        self._stream.thread_type = "SLICE" if self._careful else "AUTO"
        if self._stream.codec_context.name != "h264":
            self._leave_out = False

    def _start_at(self, start: int) -> None:
        number = int(self._index.starts[start])
        first, packets = self._land(number)
        self._first_whole = self._index.frame_of(number, first) if number else 0
        self._pictures = self._decode(chain([(number, first)], packets))
        self.next = int(self._index.start_frames[start])
        self._left_out_before = 0

    def _land(self, number: int) -> tuple[VideoPacket, Iterator[tuple[int, VideoPacket]]]:
        """A packet, and those after it with their numbers."""
        for seek in self._seeks:
            try:
                if not seek(number):
                    continue
                landed = self._find(number)
            except (FFmpegError, OverflowError, _LostError):
                continue
            if landed is not None:
                self._seeks = (seek, *(other for other in self._seeks if other != seek))
                return landed
        self._open()
        packets = self._packets()
        with suppress(_LostError):
            for at, packet in packets:
                if at == number:
                    return packet, packets
        raise VideoError(f"{self._path} is not what it was when it was opened: open it again.")

    def _find(self, number: int) -> tuple[VideoPacket, Iterator[tuple[int, VideoPacket]]] | None:
        """As `_land`, from where the file is read now; None if the packet does not come."""
        read = self._read()
        for packet in islice(read, LOST):
            at = self._index.number_of(packet) if packet.is_keyframe else None
            if at is None:
                continue
            for came, landed in (packets := self._numbered(chain([packet], read), at)):
                if came >= number:
                    return (landed, packets) if came == number else None
        return None

    def _seek_pts(self, number: int) -> bool:
        return self._seek_time(int(self._index.packets.pts[number]))

    def _seek_dts(self, number: int) -> bool:
        return self._seek_time(int(self._index.packets.dts[number]))

    def _seek_time(self, time: int) -> bool:
        if time != NO_TIME:
            self._opened.seek(time, stream=self._stream, backward=True)
        return time != NO_TIME

    def _seek_bytes(self, number: int) -> bool:
        pos = int(self._index.packets.pos[number])
        if pos >= 0:
            self._opened.seek(pos, stream=self._stream, unsupported_byte_offset=True)
        return pos >= 0

    def _seek_bytes_before(self, number: int) -> bool:
        before = self._index.packets.pos[: max(number - BEGUN_EARLIER, 0) + 1]
        return self._seek_bytes(int(before.argmax()))

    def _read(self) -> Iterator[VideoPacket]:
        """Packets from here on; a file that breaks off ends there."""
        with suppress(FFmpegError):
            yield from iter_packets(self._opened, self._stream)

    def _packets(self) -> Iterator[tuple[int, VideoPacket]]:
        return self._numbered(self._read(), 0)

    def _numbered(
        self, packets: Iterator[VideoPacket], first: int
    ) -> Iterator[tuple[int, VideoPacket]]:
        sizes = self._index.packets.sizes
        for number, packet in enumerate(packets, first):
            if number >= len(sizes) or packet.size != sizes[number]:
                raise _LostError
            yield number, packet

    def _decode(self, packets: Iterator[tuple[int, VideoPacket]]) -> Iterator[VideoFrame]:
        context = self._stream.codec_context
        for number, packet in packets:
            frame = self._index.frame_of(number, packet)
            if self._leave_out:
                # No other picture depends on those, so leaving them out changes none.
                context.skip_frame = "NONREF" if frame < self._left_out_before else "DEFAULT"
            packet.pts = frame
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: VideoPacket | None) -> Iterator[VideoFrame]:
        try:
            for picture in self._stream.codec_context.decode(packet):
                self._has_begun = True
                yield picture
        except FFmpegError:
            self.has_faults |= self._has_begun
