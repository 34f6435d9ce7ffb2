"""The video with its masks, as MP4 with the sound of the source, GIF or WebP."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from PIL import Image

from ..records import SessionError
from .pictures import overlay
from .segmentation import Segmentation

ANIMATION_WIDTH = 480
"""Of GIF and WebP, which grow large."""


def write_mp4(segmentation: Segmentation, path: Path, *, crf: int = 20) -> Path:
    """Write every frame with its masks as H.264, and the source's sound as AAC. Odd sizes lose
    a row or column.

    Parameters
    ----------
    crf : quality from 0 (lossless) to 51; 18 cannot be told from the source.
    """
    video = segmentation.video
    if video.sizes is not None and len(set(video.sizes)) > 1:
        raise SessionError("Pictures of several sizes make no video: export 'cutouts'.")
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


def write_animation(
    segmentation: Segmentation, path: Path, *, width: int | None = ANIMATION_WIDTH, every: int = 1
) -> Path:
    """Write a GIF or WebP that plays over and over.

    Parameters
    ----------
    path : its suffix says which.
    width : in pixels at most; the source's if None.
    every : take each so many frames.
    """
    if every < 1:
        raise SessionError(f"every must be at least 1, got {every}.")

    def pictures() -> Iterator[Image.Image]:
        for frame in range(0, len(segmentation), every):
            picture = Image.fromarray(overlay(segmentation, frame))
            if width is not None and picture.width > width:
                picture = picture.resize((width, round(picture.height * width / picture.width)))
            yield picture

    several = pictures()
    first = next(several)
    duration_ms = round(1000 * every / segmentation.video.fps)
    first.save(path, save_all=True, append_images=several, duration=duration_ms, loop=0)
    return path


def _sound_rate(path: Path | None) -> int | None:
    """Samples a second of a file's sound; None where there is none."""
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
