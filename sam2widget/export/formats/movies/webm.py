"""The video with an effect, as WebM, which may be transparent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...effects.frame_effect import EFFECT_OPTIONS, Background, EffectName, FrameEffect
from ...effects.mattes import MatteName
from ...effects.rendering import FEATHER_PX
from ...registry import Format
from ...segmentation import Segmentation
from ._movie import Encoding, check_crf, write_movie

OPUS_RATE = 48_000
"""Samples a second, the most that Opus has."""


def write_webm(
    segmentation: Segmentation,
    path: Path,
    *,
    crf: int = 24,
    effect: EffectName = "cutout",
    objects: int | Iterable[int] | None = None,
    strength: float | None = None,
    background: Background | None = None,
    feather: float = FEATHER_PX,
    matte: MatteName = "mask",
) -> Path:
    """Write every frame as VP9, with alpha where the effect is transparent; sound as Opus.

    Odd sizes lose a row or column.

    Parameters
    ----------
    crf : quality from 0 (best) to 63.
    effect, objects, strength, background, feather, matte : see `EFFECT_OPTIONS`.
    """
    frame_effect = FrameEffect.make(
        segmentation, effect, objects, strength, background, feather, matte
    )
    # Without a bit rate, crf alone decides. Alpha knows no reference frames that are not shown.
    options = {
        "crf": check_crf(crf, 63),
        "b": "0",
        "cpu-used": "4",
        "row-mt": "1",
        "deadline": "good",
    }
    if frame_effect.is_transparent:
        options["auto-alt-ref"] = "0"
    pixel_format = "yuva420p" if frame_effect.is_transparent else "yuv420p"
    encoding = Encoding("libvpx-vp9", pixel_format, options, "libopus", OPUS_RATE)
    return write_movie(segmentation, path, frame_effect, encoding)


FORMAT = Format(
    "webm",
    ".webm",
    write_webm,
    description="the objects cut out, or another effect, VP9 with alpha, sound as Opus",
    options={"crf": "quality from 0, which is best, to 63; 24 if not given", **EFFECT_OPTIONS},
)
