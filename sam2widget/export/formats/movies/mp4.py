"""The video with its masks, as MP4 with the sound of the source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...effects.frame_effect import (
    EFFECT_OPTIONS,
    Background,
    EffectName,
    FrameEffect,
    refuse_transparency,
)
from ...effects.mattes import MatteName
from ...effects.rendering import FEATHER_PX
from ...registry import Format
from ...segmentation import Segmentation
from ._movie import Encoding, check_crf, write_movie


def write_mp4(
    segmentation: Segmentation,
    path: Path,
    *,
    crf: int = 20,
    effect: EffectName = "overlay",
    objects: int | Iterable[int] | None = None,
    strength: float | None = None,
    background: Background | None = None,
    feather: float = FEATHER_PX,
    matte: MatteName = "mask",
) -> Path:
    """Write every frame with its masks as H.264, and the source's sound as AAC.

    Odd sizes lose a row or column.

    Parameters
    ----------
    crf : quality from 0 (lossless) to 51; 18 cannot be told from the source.
    effect, objects, strength, background, feather, matte : see `EFFECT_OPTIONS`.
    """
    frame_effect = FrameEffect.make(
        segmentation, effect, objects, strength, background, feather, matte
    )
    refuse_transparency(frame_effect, "An MP4")
    encoding = Encoding("libx264", "yuv420p", {"crf": check_crf(crf, 51)}, "aac")
    return write_movie(segmentation, path, frame_effect, encoding)


FORMAT = Format(
    "mp4",
    ".mp4",
    write_mp4,
    description="the video with masks or an effect, H.264, with the source's sound as AAC",
    options={"crf": "quality from 0, which is lossless, to 51; 20 if not given", **EFFECT_OPTIONS},
)
