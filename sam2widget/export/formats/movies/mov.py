"""The video with an effect, as QuickTime with ProRes 4444, which editors of films take."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...effects.frame_effect import EFFECT_OPTIONS, Background, EffectName, FrameEffect
from ...effects.mattes import MatteName
from ...effects.rendering import FEATHER_PX
from ...registry import Format
from ...segmentation import Segmentation
from ._movie import Encoding, write_movie

PRORES_4444 = "4"
"""The profile, by FFmpeg's number."""


def write_mov(
    segmentation: Segmentation,
    path: Path,
    *,
    effect: EffectName = "cutout",
    objects: int | Iterable[int] | None = None,
    strength: float | None = None,
    background: Background | None = None,
    feather: float = FEATHER_PX,
    matte: MatteName = "mask",
) -> Path:
    """Write every frame as ProRes 4444, with alpha where the effect is transparent; sound as AAC.

    Odd sizes lose a row or column.

    Parameters
    ----------
    effect, objects, strength, background, feather, matte : see `EFFECT_OPTIONS`.
    """
    frame_effect = FrameEffect.make(
        segmentation, effect, objects, strength, background, feather, matte
    )
    pixel_format = "yuva444p10le" if frame_effect.is_transparent else "yuv444p10le"
    options = {"profile": PRORES_4444, "alpha_bits": "16" if frame_effect.is_transparent else "0"}
    return write_movie(
        segmentation, path, frame_effect, Encoding("prores_ks", pixel_format, options, "aac")
    )


FORMAT = Format(
    "mov",
    ".mov",
    write_mov,
    description="the same as ProRes 4444 with alpha, which editors of films take, sound as AAC",
    options=EFFECT_OPTIONS,
)
