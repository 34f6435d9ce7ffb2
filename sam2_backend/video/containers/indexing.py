"""The index of a video file: from its header, from its packets, or from decoding it once."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import dropwhile, islice
from typing import Any, cast

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ..base import DEFAULT_FPS
from ..errors import VideoError
from .decoder import HIDDEN, NO_TIME, Decoder, Index, Ints, Packets
from .picture import to_rgb24
from .streams import VideoPacket, damage_error, describe_undecodable, iter_packets, open_stream
from .truncation import VideoFile, is_cut_off

START = 32
"""Packets read to see when the first frame is shown: more than any codec reorders."""
TIMED = frozenset({"mp4", "matroska", "mpegts", "mpeg", "flv", "nut", "ogg", "mxf", "hls", "dash"})
"""Formats that keep when a frame is shown. Of others FFmpeg makes it up."""
WRAPPING = frozenset({"mpegts", "mpeg"})
WRAP = 2**33
"""Times of the formats above begin again at 0 after so many."""
SHORT_PIXELS = 2**26
"""Files of fewer are decoded once when opened."""
CHECKED_PLACES = 4
CHECKED_FRAMES = 16
"""Of longer ones, in how many places it is tried whether so many frames come in the order that
their packets' times give."""
LONG_GROUP = 300
"""Frames on the way to where two recordings are joined beyond which that is not tried."""
NOTICE_S = 3.0
"""Decoding a file from end to end shows how far it is where it takes longer."""
UNEVEN_FRAMES = 0.5
"""How many frames from its place in an even film a frame is shown, at most, for that to be even."""
MAX_FPS = 1000
"""A larger rate is that of a clock, not of frames."""


def read_index(path: VideoFile) -> Index:
    """The index of a video file.

    A header that lists all frames is believed, if its first frames come as it says; other files
    are read from end to end. Packets give frames by their times, where the container keeps those
    and decoding at several places gives the frames that they say; else by decoding the file once,
    which is slow but right for whatever can be decoded.

    Raises
    ------
    VideoError
        When it is not a video, or has no frame that can be decoded.
    """
    container, stream = open_stream(path)
    with container:
        index = _index_of_header(container, stream, path.stat().st_size)
    if index is not None and _starts_as_said(path, index) and _are_starts_true(path, index):
        return index
    container, stream = open_stream(path)
    with container:
        return _index_of_packets(path, container, stream)


def _index_of_header(
    container: InputContainer, stream: VideoStream, size_bytes: int
) -> Index | None:
    """Return the index of a file whose header has it all, else None.

    Where frames are evenly spaced, the times at which they are decoded also give those at which
    they are shown.
    """
    # PyAV has it from 17 on.
    entries: Sequence[Any] = getattr(stream, "index_entries", cast("Sequence[Any]", ()))
    if "mp4" not in container.format.name or len(entries) != stream.frames or len(entries) <= START:
        return None
    shown = [packet.pts for packet in islice(iter_packets(container, stream), START)]
    times = [pts for pts in shown if pts is not None]
    if len(times) < START:
        return None
    first = min(times)
    shift = first - entries[0].timestamp
    table = Packets()
    for entry in entries:
        if entry.is_discard or entry.size == 0 or entry.pos + entry.size > size_bytes:
            return None
        at = entry.timestamp
        table.add(entry.pos, entry.size, at + shift, at, entry.is_keyframe)
    steps = np.diff(table.dts)
    step = int(steps[0])
    if step <= 0 or (steps != step).any() or any((pts - first) % step for pts in times):
        return None

    def frame_of(_: int, packet: VideoPacket) -> int:
        frame, rest = divmod((first if packet.pts is None else packet.pts) - first, step)
        return frame if 0 <= frame < len(table) and not rest else HIDDEN

    # Which frames a keyframe is shown before, its packet tells: none before its number.
    starts = np.flatnonzero(table.keys)
    if not len(starts) or starts[0]:
        return None
    tail = int(starts[-1])
    ends = [packet.pts for packet in _packets_from(container, stream, table, tail)]
    if sorted(pts for pts in ends if pts is not None) != list(
        range(first + tail * step, first + len(table) * step, step)
    ):
        return None  # Some of what the last ones were to be shown between was cut off.
    index = Index(table, _fps_of(stream), len(table), starts, starts, frame_of)
    index.start_s = float(first * (stream.time_base or 0))
    return index


def _packets_from(
    container: InputContainer, stream: VideoStream, table: Packets, number: int
) -> Iterator[VideoPacket]:
    """Packets from a keyframe to the end; nothing if it is not found, or too far from there."""
    if len(table) - number > LONG_GROUP:
        return
    container.seek(int(table.dts[number]), stream=stream, backward=True)
    pos = int(table.pos[number])
    read = islice(iter_packets(container, stream), 2 * LONG_GROUP)
    yield from dropwhile(lambda packet: packet.pos != pos, read)


def _are_starts_true(path: VideoFile, index: Index) -> bool:
    """Return whether decoding from the first starts gives the same pictures as from frame 0.

    Tried are the first places where decoding can start, if they are so near that all frames may be
    marked as such.
    """
    tried = index.start_frames[1 : 1 + CHECKED_PLACES]
    tried = tried[tried <= CHECKED_FRAMES].tolist()
    if not tried:
        return True
    decoder = Decoder(path, index)
    try:
        if decoder.is_intra_only:
            return True
        came = dict(islice(decoder.frames(), tried[-1] + 1))
        for frame in tried:
            decoder.start_at(frame)
            at, picture = next(decoder.frames(), (None, None))
            if picture is None or at not in came:
                continue
            size = picture.width, picture.height
            if not np.array_equal(to_rgb24(picture, *size), to_rgb24(came[at], *size)):
                return False
    finally:
        decoder.close()
    return True


def _starts_as_said(path: VideoFile, index: Index) -> bool:
    decoder = Decoder(path, index)
    try:
        return [at for at, _ in islice(decoder.frames(), 2)] == [0, 1]
    finally:
        decoder.close()


def _index_of_packets(path: VideoFile, container: InputContainer, stream: VideoStream) -> Index:
    shows = _SHOWS.get(stream.codec_context.name)
    packets, hidden = Packets(), bytearray()
    broken: FFmpegError | None = None
    try:
        for packet in iter_packets(container, stream):
            key = packet.is_keyframe and not packet.is_discard
            packets.add(packet.pos, packet.size, packet.pts, packet.dts, key)
            # What is before the start of an edit, no player shows.
            hidden.append(packet.is_discard or (shows is not None and not shows(packet)))
    except FFmpegError as error:
        if not len(packets):
            raise damage_error(path, error) from error
        broken = error
    if not len(packets):
        raise VideoError(f"{path} has no frames: it may be damaged or only partly downloaded.")
    names = set(container.format.name.split(","))
    fps = _fps_of(stream)
    shown = np.flatnonzero(~np.frombuffer(hidden, np.bool_))
    codec = stream.codec_context.codec
    order: tuple[Ints, Ints] | None = None
    if names & TIMED:
        order = _order_of_times(packets, shown, bool(names & WRAPPING))
    elif not codec.reorder and len(shown):
        order = shown, np.zeros(0, np.int64)
    index = None
    is_short = len(packets) * stream.width * stream.height <= SHORT_PIXELS
    if order is not None and not is_short:
        index = _checked(path, packets, *order, fps)
    if index is None:
        index = _index_by_decoding(path, packets, fps, careful=is_short)
    if not _are_starts_true(path, index):
        packets.keys = _true_keys(path, index)
        index = _index_by_decoding(path, packets, fps, careful=is_short)
    if names & TIMED and stream.time_base is not None:
        _set_times(index, float(stream.time_base), bool(names & WRAPPING))
    # Other containers count differently.
    announced = stream.frames if "mp4" in names else 0
    if broken is not None or len(packets) < announced or is_cut_off(path):
        many = f"announces {announced} frames but holds" if len(packets) < announced else "holds"
        warnings.warn(
            f"{path} {many} {index.num_frames} frames: it seems cut off or damaged, and only those "
            "can be used.",
            stacklevel=2,
        )
    return index


def _set_times(index: Index, unit_s: float, wrapping: bool) -> None:
    """Say when frames are shown, where the packets' times grow from frame to frame."""
    pts = index.packets.pts if index.order is None else index.packets.pts[index.order]
    if not len(pts) or (pts == NO_TIME).any():
        return
    if wrapping:
        pts = np.unwrap(pts, period=WRAP)
    if index.order is None:
        index.start_s = float(pts[:START].min() * unit_s)
        return
    index.start_s = float(pts[0] * unit_s)
    shown_s = (pts - pts[0]) * unit_s
    off_s = np.abs(shown_s - np.arange(len(shown_s)) / index.fps)
    # Matroska rounds to milliseconds: that alone makes no film uneven.
    if (np.diff(shown_s) > 0).all() and off_s.max() > UNEVEN_FRAMES / index.fps:
        index.shown_s = shown_s
        # Matroska tells no mean rate, but one that is guessed from the first frames.
        index.fps = float((len(shown_s) - 1) / shown_s[-1])


def _order_of_times(packets: Packets, shown: Ints, wrapping: bool) -> tuple[Ints, Ints] | None:
    """Return packets in the order in which they are shown, by their times, and the joints.

    Joints are the frames at which a recording ends and the next begins. None if the times are not
    good.
    """
    pts, dts = packets.pts[shown].copy(), packets.dts[shown].copy()
    if not len(shown) or (pts == NO_TIME).any():
        return None
    recording = np.zeros_like(pts)
    if (dts != NO_TIME).all():
        if wrapping:
            dts[1:] -= WRAP * np.cumsum(np.rint(np.diff(dts) / WRAP).astype(np.int64))
            pts -= WRAP * np.rint((pts - dts) / WRAP).astype(np.int64)
        # Each recording in a file of several begins at a time of its own.
        recording = np.cumsum(np.diff(dts, prepend=dts[0]) < 0)
    order = np.lexsort((pts, recording))
    twice = (np.diff(pts[order]) == 0) & (np.diff(recording[order]) == 0)
    return None if twice.any() else (shown[order], np.flatnonzero(np.diff(recording[order])))


def _index_of_order(packets: Packets, order: Ints, fps: float) -> Index:
    """The index, where packets are shown in this order."""
    frames = np.full(len(packets), HIDDEN)
    frames[order] = np.arange(len(order))
    keys = np.flatnonzero(packets.keys & (frames > 0))
    # Nothing that is shown from a start on may have been decoded before it.
    earliest = np.minimum.accumulate(order[::-1])[::-1]
    keys = keys[(earliest[frames[keys]] == keys) & (keys > 0)]
    starts = np.concatenate([[0], keys])
    start_frames = np.concatenate([[0], frames[keys]])
    index = Index(packets, fps, len(order), starts, start_frames, _by_number(frames))
    index.order = order
    return index


def _checked(
    path: VideoFile, packets: Packets, order: Ints, joints: Ints, fps: float, careful: bool = False
) -> Index | None:
    """The index of an order that decoding confirms where it is tried; None if it does not."""
    index = _index_of_order(packets, order, fps)
    index.careful = careful
    if len(joints) > CHECKED_PLACES:
        return None
    last = len(order) - 1
    tail = int(index.start_frames[-1])
    middle = [last * n // CHECKED_PLACES for n in range(1, CHECKED_PLACES)]
    places = [0, *middle, *joints.tolist()]
    is_tail_short = len(order) - tail <= 2 * CHECKED_FRAMES
    if is_tail_short:
        places.append(tail)
    decoder = Decoder(path, index)
    first = 0
    try:
        for frame in places:
            begin = int(index.start_frames[index.start_before(frame)])
            if frame not in joints:
                frame = begin
            if frame - begin > LONG_GROUP:
                return None
            count = None if is_tail_short and begin == tail else frame - begin + CHECKED_FRAMES
            decoder.go_to(begin)
            came = [at for at, _ in islice(decoder.frames(), count)]
            if decoder.has_faults and not careful:
                break
            if not came or came != list(range(came[0], came[0] + len(came))):
                return None
            if begin == 0:
                first = max(first, came[0])
            if count is None:
                last = came[-1]
    finally:
        decoder.close()
    if decoder.has_faults and not careful:
        return _checked(path, packets, order, joints, fps, careful=True)
    # Those without what they depend on are shown by no player.
    if first > 0 or last < len(order) - 1:
        index = _index_of_order(packets, order[first : last + 1], fps)
        index.careful = careful
    return index


def _index_by_decoding(path: VideoFile, packets: Packets, fps: float, careful: bool) -> Index:
    """The index of what comes when the whole file is decoded."""
    by_packet = Index.of_start(packets, fps)
    came, has_faults = _all_that_come(path, by_packet, careful)
    if has_faults and not careful:
        came, careful = _all_that_come(path, by_packet, True)[0], True
    order = np.array(came, np.int64)
    if not len(order):
        raise VideoError(describe_undecodable(path))
    if order.min() == HIDDEN or len(np.unique(order)) < len(order):
        index = Index.of_start(packets, fps, len(order))
    else:
        index = _index_of_order(packets, order, fps)
    index.careful = careful
    return index


def _all_that_come(path: VideoFile, by_packet: Index, careful: bool) -> tuple[array[int], bool]:
    """The numbers of the packets whose pictures come, in that order; whether there are faults."""
    decoder = Decoder(path, by_packet, careful=careful)
    came = array("q")
    try:
        for picture in _showing_progress(decoder, path, by_packet):
            came.append(HIDDEN if picture.pts is None else picture.pts)
    finally:
        decoder.close()
    return came, decoder.has_faults


def _true_keys(path: VideoFile, index: Index) -> NDArray[np.bool_]:
    """(N,) whether the decoder, not the container, takes a packet for a keyframe."""
    keys = np.zeros(len(index.packets), np.bool_)
    by_packet = Index.of_start(index.packets, index.fps)
    decoder = Decoder(path, by_packet)
    try:
        for picture in _showing_progress(decoder, path, by_packet):
            if picture.key_frame and picture.pts is not None:
                keys[picture.pts] = True
    finally:
        decoder.close()
    keys[0] = True
    return keys


def _showing_progress(decoder: Decoder, path: VideoFile, index: Index) -> Iterable[VideoFrame]:
    """All pictures of a file, with a bar of how many there are yet where that takes long."""
    return tqdm(
        decoder.pictures(),
        desc=f"Reading {path.name} once to find its frames",
        total=len(index.packets),
        unit="frame",
        delay=NOTICE_S,
        leave=False,
    )


def _by_number(frames: Ints | range) -> Callable[[int, VideoPacket], int]:
    def frame_of(number: int, _: VideoPacket) -> int:
        return int(frames[number])

    return frame_of


def _fps_of(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= MAX_FPS:
            return float(rate)
    return DEFAULT_FPS


def _vp8_shows(packet: VideoPacket) -> bool:
    return bool(bytes(memoryview(packet)[:1])[0] >> 4 & 1)


def _vp9_shows(packet: VideoPacket) -> bool:
    data = memoryview(packet)
    head, last = data[0], data[-1]
    if last & 0xE0 == 0xC0:  # several frames in one, of which the last is shown
        return True
    after_profile = 5 if head >> 4 & 3 == 3 else 4
    exists, _, shown = (head >> 7 - after_profile - n & 1 for n in range(3))
    return bool(exists or shown)


_SHOWS: dict[str, Callable[[VideoPacket], bool]] = {"vp8": _vp8_shows, "vp9": _vp9_shows}
