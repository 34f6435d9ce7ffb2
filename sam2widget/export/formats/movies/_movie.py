"""Movies with the sound of the source, as MP4, WebM and QuickTime have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from ....core.arguments import as_float_between, as_int
from ....core.errors import SessionError
from ...effects.frame_effect import FrameEffect
from ...segmentation import Segmentation, check_one_size

CLOCK, COARSE_CLOCK = Fraction(1, 90_000), Fraction(1, 1000)
"""Seconds in which the times of frames are written where they are not even…"""
LONGEST_TICKS = 2**31 - 1
"""…and how many of them MP4 and QuickTime let a frame be shown: by the first, for six hours."""


@dataclass(frozen=True)
class Encoding:
    """How FFmpeg is to write pictures and sound."""

    video_codec: str
    pixel_format: str
    options: Mapping[str, str]
    audio_codec: str
    audio_rate: int | None = None
    """Samples a second, where the codec has few; else those of the source."""


def write_movie(
    segmentation: Segmentation, path: Path, frame_effect: FrameEffect, encoding: Encoding
) -> Path:
    """Write every frame with an effect, and the source's sound. Odd sizes lose a row or column.

    Frames are shown as long as in the source, also where that varies, and sound is heard with the
    same frame as there.
    """
    video = segmentation.video
    check_one_size(video)
    if min(video.width, video.height) < 2:
        raise SessionError(
            f"A movie has at least 2x2 pixels, and {video.name} {video.width}x{video.height}: "
            "export 'png' or 'gif'."
        )
    with av.open(str(path), "w") as out:
        stream = _add_stream(out, encoding, _rate_of(video.fps))
        stream.width, stream.height = video.width // 2 * 2, video.height // 2 * 2
        rate = _sound_rate(video.path)
        sound = None
        if rate is not None:
            sound = out.add_stream(encoding.audio_codec, rate=encoding.audio_rate or rate)
            assert isinstance(sound, AudioStream)
        shown_s = video.found_shown_s
        clock = CLOCK
        if shown_s is not None:
            if np.diff(shown_s).max() / CLOCK > LONGEST_TICKS:
                clock = COARSE_CLOCK
            stream.codec_context.time_base = clock
            # Frames that are stored out of order would end an MP4 before the last is shown.
            stream.codec_context.max_b_frames = 0
        for frame in range(len(video)):
            pixels = frame_effect.render(segmentation, frame)[: stream.height, : stream.width]
            mode = "rgba" if pixels.shape[2] == 4 else "rgb24"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=mode)
            if shown_s is not None:
                picture.pts, picture.time_base = round(shown_s[frame] / clock), clock
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
        if sound is not None and video.path is not None:
            _copy_sound(video.path, out, sound, video.start_s)
    return path


def check_crf(crf: object, worst: int) -> str:
    """Give the quality, from 0 to the worst, as FFmpeg takes it.

    Raises
    ------
    SessionError
        When it is another.
    """
    number = as_float_between(crf, 0, worst, "crf= is a whole number")
    return str(as_int(number, "crf="))


def _rate_of(fps: float) -> Fraction:
    """Give frames a second as 30000/1001 and the like, also where one is shown for hours."""
    if fps < 1:
        return 1 / Fraction(1 / fps).limit_denominator(1001)
    return Fraction(fps).limit_denominator(1001)


def _add_stream(out: OutputContainer, encoding: Encoding, rate: Fraction) -> VideoStream:
    try:
        stream = out.add_stream(encoding.video_codec, rate=rate, options=dict(encoding.options))
    except UnknownCodecError as error:
        raise SessionError(
            f"This PyAV has no encoder {encoding.video_codec}: install another, or export 'png'."
        ) from error
    assert isinstance(stream, VideoStream)
    stream.pix_fmt = encoding.pixel_format
    return stream


def _sound_rate(path: Path | None) -> int | None:
    """Give the samples a second of a file's sound; None where there is none."""
    if path is None or not path.is_file():
        return None
    try:
        with av.open(str(path)) as source:
            return source.streams.audio[0].rate if source.streams.audio else None
    except FFmpegError:
        return None


def _copy_sound(path: Path, out: OutputContainer, stream: AudioStream, start_s: float) -> None:
    """Write a file's sound from the time of its first frame on, by the file's clock."""
    with av.open(str(path)) as source:
        resampler = AudioResampler(
            stream.format, stream.layout, stream.rate, frame_size=stream.frame_size or None
        )
        for frame in source.decode(audio=0):
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(start_s / frame.time_base)
                if frame.pts < 0:
                    continue
            for resampled in resampler.resample(frame):
                out.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            out.mux(stream.encode(resampled))
    out.mux(stream.encode(None))
