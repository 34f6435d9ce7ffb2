"""Every container with every codec, made on the spot by ffmpeg, frame by frame.

    python -m benchmarks.containers [NAME …]

A number is burnt into each frame. Each file is read in order, by leaps, backwards, by the way that
the widget takes to a frame, and as thumbnails; a frame is right if it shows the number that it has
when the file is decoded from its start. A file that is refused prints its sentence.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from sam2_backend.video import VideoError, open_video
from sam2_backend.video.containers.streams import iter_packets

WIDTH, HEIGHT, FRAMES, BITS = 256, 96, 90, 10
LEAPS = 24
COVER = 999
RATE = Fraction(25)
TONE = "sine=frequency=440:duration"

X264 = "-c:v libx264 -preset veryfast -crf 16 -x264-params "
H264 = X264 + "bframes=3:b-adapt=0:scenecut=0:keyint=30"
H264_OPEN = H264 + ":open-gop=1"
H264_ONE = H264.replace("keyint=30", "keyint=250")
X265 = "-c:v libx265 -preset ultrafast -x265-params "
HEVC = X265 + "log-level=none:bframes=3:b-adapt=0:keyint=30:min-keyint=30:open-gop=0"
HEVC_OPEN = HEVC.replace("open-gop=0", "open-gop=1")
VP8 = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -g 30"
VP8_ALT = "-c:v libvpx -deadline good -cpu-used 5 -b:v 1M -g 30 -auto-alt-ref 1 -lag-in-frames 16"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M -g 30"
VP9_ALT = VP8_ALT.replace("libvpx ", "libvpx-vp9 ")
AV1 = "-c:v libsvtav1 -preset 10 -crf 35 -g 30"
MPEG2 = "-c:v mpeg2video -bf 2 -q:v 2 -g 15"
MPEG2_CLOSED = MPEG2 + " -flags +cgop -sc_threshold 1000000000"
MPEG2_FIELDS = MPEG2 + " -flags +ildct+ilme"
MPEG4 = "-c:v mpeg4 -q:v 2 -g 30"
MPEG4_B = MPEG4 + " -bf 2"
XVID = "-c:v libxvid -q:v 3 -g 30 -bf 2"
MJPEG = "-c:v mjpeg -q:v 3"
PRORES = "-c:v prores_ks -profile:v 2 -pix_fmt yuv422p10le"
FFV1 = "-c:v ffv1"
EMPTY_MOOV = " -movflags empty_moov+frag_keyframe+default_base_moof"


class NoFfmpegError(Exception):
    """There is no ffmpeg command, or it cannot make a film."""


Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Film:
    """A file to be made, and what it holds.

    Parameters
    ----------
    name : of the file.
    codec : what is in it, in words.
    make : makes it in a folder.
    is_cut : whether some of its frames lack data, which a codec makes up as it likes: those are
        right if they show their number.
    """

    name: str
    codec: str
    make: Make
    is_cut: bool = False


def numbered(n: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """(H, W, 3) bars that tell n, white where its bit is set, over something that moves."""
    rgb = np.empty((height, width, 3), np.uint8)
    half = height // 2
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        rgb[:half, left:right] = 235 if n >> bit & 1 else 16
    slope = (np.add.outer(np.arange(height - half), np.arange(width) + 3 * n) * 4) % 256
    rgb[half:] = slope[..., None]
    return rgb


def number_of(rgb: NDArray[Any]) -> int:
    """The number that a picture tells, of any size."""
    height, width = rgb.shape[:2]
    bars = rgb[height // 10 : height * 2 // 5].mean((0, 2))
    edges = [round(width * bit / BITS) for bit in range(BITS + 1)]
    middles = [(left + right) // 2 for left, right in pairwise(edges)]
    margin = max(width // BITS // 6, 0)
    return sum(
        1 << bit
        for bit, at in enumerate(middles)
        if bars[at - margin : at + margin + 1].mean() > 128
    )


def ffmpeg(*arguments: object, pictures: bytes = b"", cwd: Path | None = None) -> None:
    """Run the ffmpeg command."""
    if shutil.which("ffmpeg") is None:
        raise NoFfmpegError("there is no ffmpeg command")
    command = ["ffmpeg", "-v", "error", "-y", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, input=pictures, cwd=cwd, capture_output=True, check=False)
    if done.returncode:
        raise NoFfmpegError(f"ffmpeg cannot make it: {done.stderr.decode().strip()[-120:]}")


def encode(
    path: Path,
    options: str,
    *,
    count: int = FRAMES,
    first: int = 0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    filters: str = "",
) -> Path:
    """A film of numbered pictures, by options of ffmpeg."""
    raw = b"".join(numbered(first + n, *size).tobytes() for n in range(count))
    given = f"-f rawvideo -pix_fmt rgb24 -s {size[0]}x{size[1]} -r 25 -i -"
    pix_fmt = "" if "-pix_fmt" in options else "-pix_fmt yuv420p"
    vf = ["-vf", filters] if filters else []
    ffmpeg(*given.split(), *pix_fmt.split(), *vf, *options.split(), path, pictures=raw)
    return path


def plain(name: str, codec: str, options: str, **more: Any) -> Film:
    """A film that one run of ffmpeg makes."""
    return Film(name, codec, lambda folder: encode(folder / name, options, **more))


def rewrapped(name: str, codec: str, options: str, then: str, given: str = "", **more: Any) -> Film:
    """A film in MP4 or MPEG-TS that ffmpeg then puts into another file without encoding it."""
    source = "source.ts" if name.endswith("ts") else "source.mp4"

    def make(folder: Path) -> Path:
        encode(folder / source, options, **more)
        ffmpeg(*given.split(), "-i", folder / source, *f"-c copy {then}".split(), folder / name)
        return folder / name

    return Film(name, codec, make)


def joined(name: str, codec: str, options: str, shift: str = "") -> Film:
    """Three recordings in one file, one after the other, as `cat` leaves them."""

    def make(folder: Path) -> Path:
        parts = [
            encode(folder / f"{n}-{name}", f"{options} {shift}", first=40 * n, count=40)
            for n in range(3)
        ]
        path = folder / name
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        return path

    return Film(name, codec, make)


def cut(film: Film, name: str, codec: str, begin: float, end: float, align: int = 1) -> Film:
    """A part of another film's bytes."""

    def make(folder: Path) -> Path:
        data = film.make(folder).read_bytes()
        path = folder / name
        path.write_bytes(data[int(begin * len(data)) // align * align : int(end * len(data))])
        return path

    return Film(name, codec, make, is_cut=True)


def with_cover(name: str) -> Film:
    """A film with a picture of its cover as the first stream."""

    def make(folder: Path) -> Path:
        encode(folder / "film.mkv", H264)
        encode(
            folder / "cover.jpg", "-c:v mjpeg -pix_fmt yuvj420p -frames:v 1", first=COVER, count=1
        )
        streams = "-map 0:v -map 1:v -c copy -disposition:v:0 attached_pic"
        inputs = ["-i", folder / "cover.jpg", "-i", folder / "film.mkv"]
        ffmpeg(*inputs, *streams.split(), folder / name)
        return folder / name

    return Film(name, "H.264 after a cover", make)


def two_videos(name: str) -> Film:
    """A film with another, smaller one beside it."""

    def make(folder: Path) -> Path:
        encode(folder / "film.mkv", H264)
        encode(folder / "other.mkv", H264, first=500, size=(WIDTH // 2, HEIGHT // 2))
        inputs = ["-i", folder / "film.mkv", "-i", folder / "other.mkv"]
        ffmpeg(*inputs, *["-map", "0:v", "-map", "1:v", "-c", "copy"], folder / name)
        return folder / name

    return Film(name, "two of H.264", make)


def with_sound(name: str, codec: str, options: str) -> Film:
    """A film with a tone."""

    def make(folder: Path) -> Path:
        encode(folder / "film.mkv", FFV1)
        tone = f"-f lavfi -i {TONE}=3.6"
        inputs = ["-i", folder / "film.mkv", *tone.split()]
        ffmpeg(*inputs, *f"-pix_fmt yuv420p -shortest {options}".split(), folder / name)
        return folder / name

    return Film(name, codec, make)


def late_sound(name: str, options: str, sound: str) -> Film:
    """A recording whose sound begins when it has long been running."""

    def make(folder: Path) -> Path:
        silent = encode(folder / f"0-{name}", options)
        tone = f"-f lavfi -i {TONE}=1 -shortest -map 0:v -map 1:a".split()
        encode(folder / f"1-{name}", options, first=FRAMES, count=30)
        loud = folder / f"2-{name}"
        inputs = ["-i", folder / f"1-{name}", *tone, *f"-c:v copy {sound}".split()]
        ffmpeg(*inputs, *(["-f", "vob"] if name.endswith("vob") else []), loud)
        path = folder / name
        # As much without it that it is not known when the file is opened.
        path.write_bytes(silent.read_bytes() * 12 + loud.read_bytes())
        return path

    return Film(name, "sound begins late", make)


def packed(name: str) -> Film:
    """A film whose B-frames are packed as DivX does it.

    Each is put into one packet with the frame that it comes before, and after it comes a packet
    that stands for nothing.
    """
    mark, nothing = b"\0\0\1\xb2DivX503b1393p", b"\0\0\1\xb6\x50\x40"

    def make(folder: Path) -> Path:
        encode(folder / "film.avi", MPEG4 + " -bf 1 -sc_threshold 1000000000")
        with av.open(str(folder / "film.avi")) as given, av.open(str(folder / name), "w") as made:
            stream = made.add_stream_from_template(given.streams.video[0])
            parts = [bytes(packet) for packet in given.demux(video=0) if packet.size]
            vops = [part[part.index(b"\0\0\1\xb6") + 4] >> 6 for part in parts]
            packs: list[bytes] = []
            for part, kind, after in zip(parts, vops, [*vops[1:], 0], strict=True):
                if kind == 2:
                    packs += [packs.pop() + part, nothing]
                else:
                    packs.append(mark + part if after == 2 else part)
            for n, data in enumerate(packs):
                packet = av.Packet(data)
                packet.stream, packet.dts, packet.pts, packet.time_base = stream, n, n, 1 / RATE
                packet.is_keyframe = b"\0\0\1\xb6" in data and vops[n] == 0
                made.mux(packet)
        return folder / name

    return Film(name, "MPEG-4 ASP, packed B-frames", make)


VFR = "setpts='(N+floor(N/7)*3+mod(N\\,3)*0.3)/25/TB'"
FIELDS = "tinterlace=interleave_top,fieldorder=tff"

TABLE: list[Film] = [
    plain("closed.mp4", "H.264", H264),
    plain("open.mp4", "H.264, open groups", H264_OPEN),
    plain("one.mp4", "H.264, one group", H264_ONE),
    plain("refresh.mp4", "H.264, intra refresh", H264 + ":intra-refresh=1"),
    plain("end.mov", "H.264", H264),
    plain("start.mp4", "H.264, header first", H264 + " -movflags faststart"),
    plain("fragments.mp4", "H.264, fragmented", H264 + EMPTY_MOOV),
    plain("fragments_open.mp4", "HEVC, fragmented, open groups", HEVC_OPEN + EMPTY_MOOV),
    plain("hevc.mp4", "HEVC", HEVC),
    plain("hevc_open.mp4", "HEVC, open groups", HEVC_OPEN),
    plain("av1.mp4", "AV1", AV1),
    plain("vp9.mp4", "VP9", VP9),
    plain("mpeg4.mp4", "MPEG-4 ASP", MPEG4_B),
    plain("mpeg2.mp4", "MPEG-2", MPEG2),
    plain("ten_bits.mp4", "H.264, 10 bit", H264 + " -pix_fmt yuv420p10le"),
    plain("ten_bits_hevc.mp4", "HEVC, 10 bit", HEVC + " -pix_fmt yuv420p10le"),
    plain("lossless.mp4", "H.264, lossless 4:4:4", X264 + "qp=0 -pix_fmt yuv444p"),
    plain("lossless_rgb.mkv", "H.264, RGB", "-c:v libx264rgb -qp 0 -pix_fmt rgb24 -bf 2 -g 30"),
    plain("fields.mp4", "H.264, interlaced", H264 + ":tff=1", filters=FIELDS),
    plain("rates.mp4", "H.264, uneven rate", H264 + " -vsync vfr", filters=VFR),
    plain("rates.mkv", "H.264, uneven rate", H264 + " -vsync vfr", filters=VFR),
    plain("rates.ts", "H.264, uneven rate", H264 + " -vsync vfr", filters=VFR),
    plain("rates.avi", "H.264, uneven rate", H264 + " -vsync vfr", filters=VFR),
    rewrapped("edit.mp4", "H.264, cut by an edit list", H264, "", "-ss 1.5"),
    rewrapped("edit_open.mp4", "HEVC, cut by an edit list", HEVC_OPEN, "", "-ss 1.5"),
    rewrapped("edit_late.mov", "H.264, begins late", H264, "", "-itsoffset 2"),
    rewrapped("no_edit.mp4", "H.264, cut without", H264_OPEN, "-use_editlist 0", "-ss 1.5"),
    plain("prores.mov", "ProRes", PRORES),
    plain("mjpeg.mov", "MJPEG", MJPEG + " -pix_fmt yuvj420p"),
    plain("alpha.mov", "PNG with alpha", "-c:v png -pix_fmt rgba"),
    plain("animation.mov", "QuickTime Animation", "-c:v qtrle -pix_fmt rgb24"),
    plain("dnxhr.mov", "DNxHR", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -s 320x128"),
    plain("h264.mkv", "H.264", H264),
    plain("open.mkv", "H.264, open groups", H264_OPEN),
    plain("hevc.mkv", "HEVC, open groups", HEVC_OPEN),
    plain("ffv1.mkv", "FFV1", FFV1),
    plain("mpeg2.mkv", "MPEG-2", MPEG2),
    plain("mpeg4.mkv", "MPEG-4 ASP", MPEG4_B),
    rewrapped("cut.mkv", "H.264, cut", H264_OPEN, "", "-ss 1.5"),
    with_cover("cover.mkv"),
    with_cover("cover.mp4"),
    two_videos("two.mkv"),
    two_videos("two.mp4"),
    two_videos("two.ts"),
    plain("vp8.webm", "VP8", VP8),
    plain("vp8_hidden.webm", "VP8 with hidden frames", VP8_ALT),
    plain("vp9.webm", "VP9", VP9),
    plain("vp9_hidden.webm", "VP9 with hidden frames", VP9_ALT),
    plain("alpha.webm", "VP9 with alpha", VP9 + " -pix_fmt yuva420p"),
    plain("av1.webm", "AV1", AV1),
    plain("h264.avi", "H.264", H264),
    plain("open.avi", "H.264, open groups", H264_OPEN),
    plain("hevc.avi", "HEVC", HEVC),
    plain("mpeg4.avi", "MPEG-4 ASP", MPEG4),
    plain("mpeg4_b.avi", "MPEG-4 ASP, B-frames", MPEG4_B),
    plain("xvid.avi", "Xvid, B-frames", XVID),
    packed("packed.avi"),
    plain("mjpeg.avi", "MJPEG", MJPEG + " -pix_fmt yuvj420p"),
    plain("raw.avi", "uncompressed", "-c:v rawvideo -pix_fmt bgr24"),
    plain("huffyuv.avi", "HuffYUV", "-c:v huffyuv -pix_fmt yuv422p"),
    plain("mpeg2.avi", "MPEG-2", MPEG2),
    plain("vp8.avi", "VP8 with hidden frames", VP8_ALT),
    with_sound("sound.avi", "MPEG-4 ASP, sound", MPEG4_B + " -c:a mp3"),
    plain("h264.asf", "H.264", H264),
    plain("mpeg4.asf", "MPEG-4 ASP, B-frames", MPEG4_B),
    plain("wmv1.wmv", "WMV 7", "-c:v wmv1 -q:v 2 -g 30"),
    plain("wmv2.wmv", "WMV 8", "-c:v wmv2 -q:v 2 -g 30"),
    plain("msmpeg4.wmv", "MS MPEG-4", "-c:v msmpeg4 -q:v 2 -g 30"),
    with_sound("sound.wmv", "WMV 8, sound", "-c:v wmv2 -q:v 2 -g 30 -c:a wmav2"),
    plain("h264.ts", "H.264", H264),
    plain("open.ts", "H.264, open groups", H264_OPEN),
    plain("one.ts", "H.264, one group", H264_ONE),
    plain("refresh.ts", "H.264, intra refresh", H264 + ":intra-refresh=1"),
    plain("fields.ts", "H.264, interlaced", H264 + ":tff=1", filters=FIELDS),
    plain("hevc.ts", "HEVC", HEVC),
    plain("hevc_open.ts", "HEVC, open groups", HEVC_OPEN),
    plain("mpeg2.ts", "MPEG-2", MPEG2),
    plain("mpeg4.ts", "MPEG-4 ASP", MPEG4_B),
    plain("h264.m2ts", "H.264", H264 + " -mpegts_m2ts_mode 1"),
    plain("mpeg2.m2ts", "MPEG-2", MPEG2 + " -mpegts_m2ts_mode 1"),
    with_sound("sound.mts", "H.264, sound", H264 + " -c:a ac3 -mpegts_m2ts_mode 1 -f mpegts"),
    late_sound("late_sound.ts", H264, "-c:a mp2"),
    late_sound("late_sound.vob", MPEG2 + " -f vob", "-c:a mp2"),
    joined("joined.ts", "H.264, joined", H264),
    joined("joined_hevc.ts", "HEVC, joined", HEVC_OPEN),
    joined("joined_mpeg2.ts", "MPEG-2, joined", MPEG2),
    joined("joined_late.ts", "H.264, joined", H264, "-output_ts_offset 5000"),
    plain("wrap.ts", "H.264, clock wraps", H264 + " -output_ts_offset 95440.0"),
    rewrapped("wrap_early.ts", "H.264, clock wraps", H264, "-output_ts_offset 95441.5"),
    plain("mpeg2.mpg", "MPEG-2", MPEG2),
    plain("closed.mpg", "MPEG-2, closed groups", MPEG2_CLOSED),
    plain("fields.mpg", "MPEG-2, interlaced", MPEG2_FIELDS, filters=FIELDS),
    plain("mpeg1.mpg", "MPEG-1", "-c:v mpeg1video -bf 2 -q:v 2 -g 15"),
    plain("h264.mpg", "H.264", H264 + " -f vob"),
    plain("mpeg2.vob", "MPEG-2", MPEG2 + " -f vob"),
    plain("dvd.vob", "MPEG-2", MPEG2 + " -f dvd"),
    with_sound("sound.vob", "MPEG-2, sound", MPEG2 + " -c:a mp2 -f vob"),
    joined("joined.mpg", "MPEG-2, joined", MPEG2),
    joined("joined.vob", "MPEG-2, joined", MPEG2 + " -f vob"),
    plain("h264.flv", "H.264", H264),
    plain("flv1.flv", "Sorenson", "-c:v flv -q:v 2 -g 30"),
    plain("theora.ogv", "Theora", "-c:v libtheora -q:v 9 -g 30"),
    plain("raw.h264", "H.264", H264),
    plain("open.h264", "H.264, open groups", H264_OPEN),
    plain("still.h264", "H.264, small frames", H264_ONE + " -crf 45"),
    joined("joined.h264", "H.264, joined", H264),
    plain("raw.hevc", "HEVC, open groups", HEVC_OPEN),
    plain("raw.265", "HEVC", HEVC + " -f hevc"),
    plain("raw.m2v", "MPEG-2", MPEG2),
    plain("raw.m4v", "MPEG-4 ASP", MPEG4_B),
    plain("raw.mjpeg", "MJPEG", MJPEG + " -pix_fmt yuvj420p"),
    plain("vp8.ivf", "VP8 with hidden frames", VP8_ALT),
    plain("vp9.ivf", "VP9 with hidden frames", VP9_ALT),
    plain("av1.ivf", "AV1", AV1),
    plain("av1.obu", "AV1", AV1),
    plain("h264.nut", "H.264", H264),
    plain("mpeg2.mxf", "MPEG-2", MPEG2 + " -sc_threshold 1000000000"),
    plain("raw.y4m", "uncompressed", "-f yuv4mpegpipe"),
    plain("dv.dv", "DV", "-c:v dvvideo -pix_fmt yuv420p -s 720x576 -r 25"),
    plain("rm.rm", "RealVideo 1", "-c:v rv10 -q:v 3 -g 30"),
    plain("play.m3u8", "H.264, HLS", H264 + " -hls_time 1 -hls_list_size 0"),
    cut(plain("whole.ts", "", H264), "begun.ts", "H.264, begins within a group", 0.2, 1, 188),
    cut(plain("whole.ts", "", HEVC), "begun_hevc.ts", "HEVC, begins within a group", 0.2, 1, 188),
    cut(plain("whole.ts", "", MPEG2), "begun_mpeg2.ts", "MPEG-2, begins within", 0.2, 1, 188),
    cut(plain("whole.mpg", "", MPEG2), "begun.mpg", "MPEG-2, begins within", 0.2, 1, 2048),
    cut(plain("whole.h264", "", H264), "begun.h264", "H.264, begins within a group", 0.2, 1),
    cut(plain("whole.ts", "", H264), "cut.ts", "H.264, cut off", 0, 0.7),
    cut(plain("whole.mkv", "", H264), "cut_off.mkv", "H.264, cut off", 0, 0.7),
    cut(plain("whole.avi", "", H264), "cut_off.avi", "H.264, cut off", 0, 0.7),
    cut(plain("whole.mp4", "", H264 + EMPTY_MOOV), "cut_off.mp4", "H.264, fragmented, cut", 0, 0.7),
    cut(plain("whole.mp4", "", H264), "headless.mp4", "H.264, cut off", 0, 0.7),
]


def truth_of(path: Path) -> list[NDArray[np.uint8]]:
    """The pictures of a file, decoded from its start; of the first video that is no cover."""
    with av.open(str(path)) as container:
        streams = len(container.streams.video)
    for n in range(streams):
        pictures: list[NDArray[np.uint8]] = []
        with av.open(str(path)) as container:
            stream = container.streams.video[n]
            for packet in chain(iter_packets(container, stream), [None]):
                try:
                    decoded = stream.codec_context.decode(packet)
                except FFmpegError:  # what depends on frames before the file's first
                    continue
                pictures += [picture.to_ndarray(format="rgb24") for picture in decoded]
        if [number_of(rgb) for rgb in pictures] != [COVER]:
            return pictures
    raise ValueError(f"{path} holds only a cover.")


WAYS = "in order", "leaps", "backwards", "progressive", "thumbnails"


def right_of(
    path: Path, truth: list[NDArray[np.uint8]], is_cut: bool = False
) -> dict[str, tuple[int, int]]:
    """For each way to read a file, how many frames are right, and how many were tried.

    Right is to the pixel; thumbnails are right if they show a frame nearby.
    """
    rng = random.Random(0)
    frames = range(len(truth))
    numbers = [number_of(rgb) for rgb in truth]
    leaps = [rng.choice(frames) for _ in range(LEAPS)]

    def is_right(n: int, rgb: NDArray[np.uint8]) -> bool:
        if is_cut:
            return n < len(truth) and number_of(rgb) == numbers[n]
        return n < len(truth) and np.array_equal(rgb, truth[n])

    def read(order: Sequence[int]) -> tuple[int, int]:
        video = open_video(path)
        right = sum(is_right(n, video[n]) for n in order if n < len(video))
        return right, max(len(order), len(video) if len(order) == len(truth) else 0)

    right = {"in order": read(frames), "leaps": read(leaps), "backwards": read(frames[::-1])}
    video = open_video(path)
    found = [
        one for n in leaps if n < len(video) for one in video.read_progressive(n) if one is not None
    ]
    right["progressive"] = sum(is_right(n, rgb) for n, rgb in found), len(found)
    apart = max(len(truth) // 12, 1)
    near = min(apart, len(video)) // 2
    wanted = range(0, min(len(video), len(truth)), apart)
    shown = [one for one in video.thumbnails(wanted, HEIGHT) if one is not None]
    good = sum(number_of(rgb) in numbers[max(n - near, 0) : n + 1] for n, rgb in shown)
    right["thumbnails"] = good, len(wanted)
    return right


@dataclass(frozen=True)
class Outcome:
    """What became of a film: frames right of those tried by each way, or a sentence."""

    right: dict[str, tuple[int, int]]
    said: list[str]
    refused: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether all frames that were tried are."""
        return all(right == tried for right, tried in self.right.values())


def outcome_of(film: Film, folder: Path) -> Outcome:
    """Make a film, and read it by all ways."""
    path = film.make(folder)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            open_video(path)
        except VideoError as error:
            return Outcome({}, [], str(error))
        try:
            truth = truth_of(path)
        except FFmpegError:  # it does not open what is cut within a fragment
            truth = truth_of(path.with_stem("whole"))[: len(open_video(path))]
        right = right_of(path, truth, film.is_cut)
    sentences = {str(one.message).replace(f"{path.parent}/", "") for one in said}
    return Outcome(right, sorted(sentences))


def main() -> None:
    """Print for each film and each way to read it how many frames are right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="of files in the table; all if none")
    parser.add_argument("--long", action="store_true", help="as if the films were long")
    arguments = parser.parse_args()
    if arguments.long:
        from sam2_backend.video.containers import indexing

        indexing.SHORT_PIXELS = 0
    films = [film for film in TABLE if not arguments.names or film.name in arguments.names]
    print(f"{'file':20}{'codec':30}" + "".join(f"{way:>12}" for way in WAYS))
    right = tried = files = 0
    began_at = time.monotonic()
    for film in films:
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome = outcome_of(film, Path(folder))
            except NoFfmpegError as reason:
                print(f"{film.name:20}{film.codec:30}  not made: {reason}", flush=True)
                continue
            refused = (outcome.refused or "").replace(f"{folder}/", "")
        counts = [f"{good}/{of}" for good, of in outcome.right.values()]
        wrong = "" if outcome.is_right else "  WRONG"
        line = "".join(f"{one:>12}" for one in counts) or f"  refused: {refused}"
        print(f"{film.name:20}{film.codec:30}{line}{wrong}", flush=True)
        for sentence in outcome.said:
            print(f"{'':20}said: {sentence}")
        files += outcome.is_right and not outcome.refused
        right += sum(good for good, _ in outcome.right.values())
        tried += sum(of for _, of in outcome.right.values())
    passed_s = time.monotonic() - began_at
    print(f"{right} of {tried} frames right, in {files} of {len(films)} files; {passed_s:.0f} s")


if __name__ == "__main__":
    main()
