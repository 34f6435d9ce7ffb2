"""The video with its masks, as MP4 with the sound of the source."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

from ..overlay import check_one_size, overlay
from ..registry import Format
from ..segmentation import Segmentation


def write_mp4(segmentation: Segmentation, path: Path, *, crf: int = 20) -> Path:
    """Write every frame with its masks as H.264, and the source's sound as AAC.

    Odd sizes lose a row or column.

    Parameters
    ----------
    crf : quality from 0 (lossless) to 51; 18 cannot be told from the source.
    """
    video = segmentation.video
    check_one_size(video)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(video.fps).limit_denominator(1001))
        stream.width, stream.height = video.width // 2 * 2, video.height // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf)}
        rate = _sound_rate(video.path)
        sound = None if rate is None else out.add_stream("aac", rate=rate)
        for frame in range(len(video)):
            rgb = overlay(segmentation, frame)[: stream.height, : stream.width]
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
        if sound is not None and video.path is not None:
            _copy_sound(video.path, out, sound)
    return path


def _sound_rate(path: Path | None) -> int | None:
    """Give the samples a second of a file's sound; None where there is none."""
    if path is None or not path.is_file():
        return None
    try:
        with av.open(str(path)) as source:
            return source.streams.audio[0].rate if source.streams.audio else None
    except FFmpegError:
        return None


def _copy_sound(path: Path, out: OutputContainer, stream: AudioStream) -> None:
    with av.open(str(path)) as source:
        resampler = AudioResampler(stream.format, stream.layout, stream.rate)
        for frame in source.decode(audio=0):
            for resampled in resampler.resample(frame):
                out.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            out.mux(stream.encode(resampled))
    out.mux(stream.encode(None))


FORMAT = Format(
    "mp4",
    ".mp4",
    write_mp4,
    description="the video with masks, H.264, with the source's sound as AAC",
    options={"crf": "quality from 0, which is lossless, to 51; 20 if not given"},
)
