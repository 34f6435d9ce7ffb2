"""Animations that play over and over, as GIF and WebP have them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.filter import Graph
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video

from ....core.arguments import as_int_from
from ....core.errors import SessionError
from ...effects.frame_effect import (
    EFFECT_OPTIONS,
    Background,
    EffectName,
    FrameEffect,
    refuse_transparency,
)
from ...effects.mattes import MatteName
from ...effects.rendering import FEATHER_PX
from ...segmentation import Segmentation, check_one_size

ANIMATION_WIDTH = 480
"""Of GIF and WebP, which grow large."""
WEBP_OPTIONS = {"quality": "80", "compression_level": "0"}
OPTIONS = {
    "width": "in pixels at most; 480 if not given, None for the source's",
    "every": "take one frame in so many",
    **EFFECT_OPTIONS,
}
"""What the options of `write_animation` do."""


def write_animation(
    segmentation: Segmentation,
    path: Path,
    *,
    width: int | None = ANIMATION_WIDTH,
    every: int = 1,
    effect: EffectName = "overlay",
    objects: int | Iterable[int] | None = None,
    strength: float | None = None,
    background: Background | None = None,
    feather: float = FEATHER_PX,
    matte: MatteName = "mask",
) -> Path:
    """Write a GIF or WebP that plays over and over, a frame at a time.

    The compressed frames of a WebP are in memory until the end, as its encoder joins them; of a GIF
    none is.

    Parameters
    ----------
    path : its suffix says which. A GIF shows 50 frames a second at most, as browsers do.
    width : in pixels at most; the source's if None.
    every : take each so many frames.
    effect, objects, strength, background, feather, matte : see `EFFECT_OPTIONS`; a GIF is not
        transparent.
    """
    frame_effect = FrameEffect.make(
        segmentation, effect, objects, strength, background, feather, matte
    )
    every = as_int_from(every, 1, "every")
    width = None if width is None else as_int_from(width, 1, "width")
    check_one_size(segmentation.video)
    frames = range(0, len(segmentation), every)
    is_gif = path.suffix.lower() == ".gif"
    if is_gif:
        refuse_transparency(frame_effect, "A GIF")
    times, last = _times(segmentation.video, frames, *((100, 2) if is_gif else (1000, 1)))
    options = {"loop": "0", **({"final_delay": str(last)} if is_gif else {})}
    with av.open(str(path), "w", options=options) as out:
        if is_gif:
            encoder = _Encoder(out, "gif", "pal8", Fraction(1, 100), palette=True)
        else:
            encoder = _Encoder(out, "libwebp_anim", "bgra", Fraction(1, 1000), WEBP_OPTIONS)
        for frame, time in zip(frames, times, strict=True):
            picture = Image.fromarray(frame_effect.render(segmentation, frame))
            if width is not None and picture.width > width:
                height = max(round(picture.height * width / picture.width), 1)
                picture = picture.resize((width, height))
            encoder.write(np.asarray(picture), time)
        encoder.end()
    return path


def _times(video: Video, frames: range, rate: int, min_units: int) -> tuple[list[int], int]:
    """Give when each of some frames is shown, and for how long the last.

    Parameters
    ----------
    rate : units of time in a second.
    min_units : for how long each is shown at least, in such units.
    """
    step = max(rate * frames.step / video.fps, float(min_units))
    if video.found_shown_s is None:
        return [int(n * step + 0.5) for n in range(len(frames))], round(step)
    times: list[int] = []
    for shown_s in video.found_shown_s[:: frames.step].tolist():
        at = int(rate * shown_s + 0.5)
        times.append(max(at, times[-1] + min_units) if times else at)
    return times, round(step)


class _Encoder:
    """Encoder that writes one picture after the other to a stream of a file.

    Parameters
    ----------
    codec, pixel_format, options : of FFmpeg.
    time_base : in which times of pictures are, in seconds.
    palette : give each picture the 256 colours that suit it best.
    """

    def __init__(
        self,
        out: OutputContainer,
        codec: str,
        pixel_format: str,
        time_base: Fraction,
        options: dict[str, str] | None = None,
        *,
        palette: bool = False,
    ) -> None:
        try:
            stream = out.add_stream(codec, rate=round(1 / time_base), options=options or {})
        except UnknownCodecError as error:
            raise SessionError(
                f"This PyAV has no encoder {codec}: install another, or export 'mp4'."
            ) from error
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        self._out, self._stream, self._time_base = out, stream, time_base
        self._graph = Graph() if palette else None

    def write(self, pixels_hwc: NDArray[np.uint8], time: int) -> None:
        """Write a picture, RGB or RGBA, that is shown from a time on, in units of the time base."""
        mode = "rgba" if pixels_hwc.shape[2] == 4 else "rgb24"
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels_hwc), format=mode)
        picture.pts, picture.time_base = time, self._time_base
        if time == 0:
            self._stream.height, self._stream.width = pixels_hwc.shape[:2]
            if self._graph is not None:
                _choose_palettes(self._graph, picture)
        self._push(picture)

    def end(self) -> None:
        """Write what is left."""
        if self._graph is not None:
            self._push(None)
        self._out.mux(self._stream.encode(None))

    def _push(self, picture: av.VideoFrame | None) -> None:
        if self._graph is None:
            self._out.mux(self._stream.encode(picture))
            return
        self._graph.push(picture)
        # It gives a picture once the next one has come.
        with suppress(BlockingIOError, EOFError):
            while True:
                found = self._graph.pull()
                assert isinstance(found, av.VideoFrame)
                self._out.mux(self._stream.encode(found))


def _choose_palettes(graph: Graph, like: av.VideoFrame) -> None:
    """Set up a graph that chooses a palette for each picture, and converts the picture to it."""
    source = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    split = graph.add("split")
    choose = graph.add("palettegen", "stats_mode=single")
    use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=5")
    source.link_to(split)
    split.link_to(choose, 0)
    split.link_to(use, 1, 0)
    choose.link_to(use, 0, 1)
    use.link_to(graph.add("buffersink"))
    graph.configure()
