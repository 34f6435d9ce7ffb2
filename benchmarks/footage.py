"""A long video made for benchmarks, kept for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

CACHE = Path.home() / ".cache" / "sam2widget" / "benchmarks"
WIDTH, HEIGHT, FPS = 1920, 1080, 30
NUM_FRAMES = 10 * 60 * FPS
GOP = 250
"""Frames between keyframes: what x264 does by default."""
PERIOD = 4 * GOP
"""Frames that are encoded; the file repeats them."""
NOISES = 7


def long_video(preset: str) -> Path:
    """Ten minutes of H.264 in full HD: waves that drift by, under grain.

    Parameters
    ----------
    preset : of x264; "medium" has what camera files have (frames in both directions, a loop
        filter, arithmetic coding), "ultrafast" none of it.
    """
    path = CACHE / f"ten-minutes-{preset}.mp4"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"Encoding {path}: some minutes, the first time")
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = GOP
        stream.options = {"preset": preset, "x264-params": "scenecut=0"}
        packets: list[Packet] = []
        for frame in _frames():
            packets += stream.encode(frame)
        packets += stream.encode()
        times = [(packet.pts or 0, packet.dts or 0) for packet in packets]
        for start in range(0, NUM_FRAMES, PERIOD):
            for packet, (pts, dts) in zip(packets, times, strict=True):
                # Muxing has put them in units of the file.
                packet.time_base = Fraction(1, FPS)
                packet.pts, packet.dts = pts + start, dts + start
                container.mux_one(packet)
    unfinished.rename(path)
    return path


def _frames() -> Iterator[VideoFrame]:
    y, x = np.mgrid[:HEIGHT, : WIDTH + 640]
    waves = (60 * (np.sin(x / 47) + np.sin(y / 31) + 2)).astype(np.uint8)
    rng = np.random.default_rng(0)
    noises = rng.normal(8, 3, (NOISES, HEIGHT, WIDTH)).clip(0, 15).astype(np.uint8)
    for n in range(PERIOD):
        left = round(320 * (1 + np.sin(n / 90)))
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        frame.planes[0].update(waves[:, left : left + WIDTH] + noises[n % NOISES])
        for plane in frame.planes[1:]:
            plane.update(np.full((plane.height, plane.line_size), 90 + n // 10 % 80, np.uint8))
        yield frame
