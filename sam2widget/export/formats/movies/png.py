"""Every frame with an effect, as PNGs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from ...effects.frame_effect import EFFECT_OPTIONS, Background, EffectName, FrameEffect
from ...effects.mattes import MatteName
from ...effects.rendering import FEATHER_PX
from ...registry import Format
from ...segmentation import Segmentation
from ...writing.folders import open_folder, save_below


def write_png(
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
    """Write `00000.png`…, RGBA where the effect is transparent, else RGB.

    Files have the names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder.
    effect, objects, strength, background, feather, matte : see `EFFECT_OPTIONS`.
    """
    frame_effect = FrameEffect.make(
        segmentation, effect, objects, strength, background, feather, matte
    )
    names = [f"{segmentation.frame_names.stem(frame)}.png" for frame in range(len(segmentation))]
    open_folder(segmentation, path, [path / name for name in names], [path])
    for frame, name in enumerate(names):
        save_below(path, name, Image.fromarray(frame_effect.render(segmentation, frame)))
    return path


FORMAT = Format(
    "png",
    "",
    write_png,
    description="a folder: each frame with the objects cut out, or another effect, as PNG",
    options=EFFECT_OPTIONS,
)
