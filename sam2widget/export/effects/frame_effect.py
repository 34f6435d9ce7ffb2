"""An effect on frames: which, on which objects, how strong, checked once for all of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from ...annotation.records import ObjectInfo
from ...core.arguments import as_float_between, as_int
from ...core.errors import SessionError
from ..segmentation import Segmentation
from . import rendering
from .mattes import MatteName, check_matte, join_mattes, soft_matte, warn_of_hard_edges
from .overlay import overlay

EffectName = Literal["overlay", "cutout", "blur", "spotlight", "outline", "background"]
Background: TypeAlias = str | os.PathLike[str] | ArrayLike | Image.Image
"""A colour, ``"#rrggbb"`` or (R, G, B); or a picture: its path, a Pillow image, or (H, W, 3)."""

STRENGTHS = {"blur": 0.5, "spotlight": 0.7, "outline": 0.5}
"""How strong the effects are unless said, 0..1; the others have no strength."""
DEFAULT_BACKGROUND = "#00b140"
"""The green of film studios."""
EFFECT_OPTIONS = {
    "effect": "'overlay', 'cutout', 'blur', 'spotlight', 'outline' or 'background'",
    "objects": "ids; all visible ones if not given",
    "strength": "of 'blur', 'spotlight' and 'outline', 0 to 1",
    "background": "'#rrggbb', or the path of a picture",
    "feather": "softness of edges in pixels; 1 if not given",
    "matte": "'mask', or 'logits', whose edges are as soft as the model saw them",
}
"""What the options of a format that has effects do."""


@dataclass(frozen=True)
class FrameEffect:
    """An effect with all that belongs to it, checked."""

    name: EffectName
    objects: frozenset[int] | None
    """Ids; None for all that are visible."""
    strength: float
    background: tuple[int, int, int] | Image.Image
    feather: float
    matte: MatteName = "mask"

    @classmethod
    def make(
        cls,
        segmentation: Segmentation,
        effect: str = "overlay",
        objects: int | Iterable[int] | None = None,
        strength: float | None = None,
        background: Background | None = None,
        feather: float = rendering.FEATHER_PX,
        matte: MatteName = "mask",
    ) -> FrameEffect:
        """Check the options of an effect, which `EFFECT_OPTIONS` describes.

        Raises
        ------
        SessionError
            When one of them is not what it should be, or says something of another effect.
        """
        if effect not in get_args(EffectName):
            raise SessionError(
                f"There is no effect {effect!r}. Effects: {', '.join(get_args(EffectName))}."
            )
        if strength is not None and effect not in STRENGTHS:
            raise SessionError(
                f"strength= is for the effects {', '.join(STRENGTHS)}, and {effect!r} has none."
            )
        if background is not None and effect != "background":
            raise SessionError(
                f"background= is for the effect 'background', and this is {effect!r}."
            )
        if strength is None:
            strength = STRENGTHS.get(effect, 0.0)
        strength = as_float_between(strength, 0, 1, "strength= is a number")
        feather = as_float_between(feather, 0, 100, "feather= is a number of pixels")
        check_matte(matte)
        if matte != "mask" and effect == "overlay":
            raise SessionError("matte= is for effects with soft edges, and 'overlay' has none.")
        ids = check_objects(segmentation, objects)
        if matte == "logits":
            warn_of_hard_edges(segmentation, ids)
        return cls(
            cast("EffectName", effect),
            ids,
            strength,
            _read_background(DEFAULT_BACKGROUND if background is None else background),
            feather,
            matte,
        )

    @property
    def is_transparent(self) -> bool:
        """Whether what it renders has an alpha channel."""
        return self.name == "cutout"

    def shown(
        self, segmentation: Segmentation, frame: int
    ) -> Iterator[tuple[ObjectInfo, NDArray[np.bool_]]]:
        """Yield the objects that it is about and that have a pixel on a frame, with their masks."""
        for info, mask_hw in segmentation.shown(frame):
            if info.visible if self.objects is None else info.id in self.objects:
                yield info, mask_hw

    def render(self, segmentation: Segmentation, frame: int) -> NDArray[np.uint8]:
        """Give a frame with the effect: (H, W, 3) uint8 RGB, of 'cutout' (H, W, 4) RGBA."""
        if self.name == "overlay":
            return overlay(segmentation, frame, self.shown(segmentation, frame))
        rgb = segmentation.picture(frame)
        hw = height, _ = rgb.shape[:2]
        shown = list(self.shown(segmentation, frame))
        found = [(mask_hw, info.rgb) for info, mask_hw in shown]
        matte_hw = self._matte(segmentation, frame, shown, hw)
        match self.name:
            case "cutout":
                return rendering.cut_out(rgb, matte_hw)
            case "blur":
                sigma_px = self.strength * rendering.MAX_BLUR_SHARE * height
                return rendering.blur_background(rgb, matte_hw, sigma_px)
            case "spotlight":
                return rendering.darken_background(rgb, matte_hw, self.strength)
            case "outline":
                width_px = max(self.strength * rendering.MAX_OUTLINE_SHARE * height, 1)
                return rendering.draw_outlines(rgb, found, matte_hw, width_px)
            case _:
                return rendering.replace_background(rgb, matte_hw, self._background(hw))

    def _matte(
        self,
        segmentation: Segmentation,
        frame: int,
        shown: list[tuple[ObjectInfo, NDArray[np.bool_]]],
        hw: tuple[int, int],
    ) -> NDArray[np.float32]:
        """Give the matte of the objects shown, (H, W) float32; what has no logits is feathered."""
        masks = [mask_hw for _, mask_hw in shown]
        if self.matte == "mask":
            return rendering.make_matte(masks, hw, self.feather)
        results = [segmentation.results[info.id, frame] for info, _ in shown]
        hard = (mask for mask, one in zip(masks, results, strict=True) if one.logits is None)
        mattes = [soft_matte(one) for one in results if one.logits is not None]
        mattes.append(rendering.make_matte(hard, hw, self.feather))
        return join_mattes(mattes, hw, add=segmentation.non_overlapping)

    def _background(self, hw: tuple[int, int]) -> tuple[int, int, int] | NDArray[np.uint8]:
        picture = self.background
        return (
            rendering.fit_background(picture, hw) if isinstance(picture, Image.Image) else picture
        )


def refuse_transparency(frame_effect: FrameEffect, format: str) -> None:
    """Raise SessionError where a format holds no transparency, and the effect needs it."""
    if frame_effect.is_transparent:
        raise SessionError(
            f"{format} holds no transparency: export 'webm', 'mov', 'webp' or 'png', or put the "
            "objects on a colour with effect='background', background='#00b140'."
        )


def check_objects(
    segmentation: Segmentation, objects: int | Iterable[int] | None
) -> frozenset[int] | None:
    """Give the ids of the objects that are asked for, None for all; an unknown one is refused."""
    if objects is None:
        return None
    if isinstance(objects, Iterable) and not isinstance(objects, (str, bytes)):
        ids = frozenset(as_int(obj, "An object's id") for obj in objects)
    else:
        ids = frozenset((as_int(objects, "An object's id"),))
    known = [info.id for info in segmentation.objects]
    wrong = sorted(ids - set(known))
    if wrong or not ids:
        raise SessionError(
            f"There is no object {', '.join(map(str, wrong)) or 'to show'}. Objects: "
            f"{', '.join(map(str, known))}."
        )
    return ids


def _read_background(given: Background) -> tuple[int, int, int] | Image.Image:
    if isinstance(given, Image.Image):
        return given
    if isinstance(given, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", given):
        red, green, blue = bytes.fromhex(given[1:])
        return red, green, blue
    if isinstance(given, (str, os.PathLike)):
        try:
            with Image.open(Path(given).expanduser()) as picture:
                return picture.convert("RGB")
        except (OSError, UnidentifiedImageError) as error:
            raise SessionError(
                f"background= is a colour such as '#00b140' or the path of a picture, and "
                f"{os.fspath(given)!r} is neither ({error})."
            ) from error
    values: NDArray[Any] = np.asarray(given)
    if values.shape == (3,) and ((values >= 0) & (values <= 255)).all():
        red, green, blue = (int(value) for value in values)
        return red, green, blue
    if values.ndim == 3 and values.shape[2] == 3 and values.dtype == np.uint8:
        return Image.fromarray(values)
    raise SessionError(
        "background= is '#rrggbb', (R, G, B) from 0 to 255, the path of a picture, a Pillow image "
        f"or an array (H, W, 3) of uint8, got one of the shape {values.shape}, {values.dtype}."
    )
