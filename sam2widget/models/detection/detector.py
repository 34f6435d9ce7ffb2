"""What finds things on a picture: the `Detector` protocol, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...core.errors import SessionError
from ..segmenter import Box


@dataclass(frozen=True)
class Detection:
    """One thing on a picture, by its box or its mask."""

    name: str
    """What it is."""
    score: float
    """How sure the detector is, 0..1."""
    box: Box | None = None
    """x0, y0, x1, y1 in pixels of the picture; not needed where there is a mask."""
    mask_hw: NDArray[np.bool_] | None = None
    """(H, W) in pixels of the picture; if None the segmenter makes it of the box."""


@runtime_checkable
class Detector(Protocol):
    """A model that finds things on a picture. Used from one thread only."""

    @property
    def name(self) -> str:
        """Of the model, to show."""
        ...

    def detect(
        self, image_hw3: NDArray[np.uint8], text: str, boxes: Sequence[Box]
    ) -> Sequence[Detection]:
        """Find all instances of what a text names, or of what boxes show, the best first.

        Parameters
        ----------
        image_hw3 : (H, W, 3) in RGB.
        text : such as "zebra" or "the man in red"; "" where only boxes are given.
        boxes : x0, y0, x1, y1 in pixels, around examples of what to find; perhaps none.

        Raises
        ------
        SessionError
            When it cannot look for that, such as for examples.
        """
        ...


def check_detections(
    found: object, *, size_hw: tuple[int, int], text: str, detector: str
) -> list[Detection]:
    """Check what a detector answered, and return it with boxes within the picture, best first.

    Parameters
    ----------
    found : detections, or mappings with "label", "score" and "box" or "mask", as the pipelines of
        transformers give them; a box is four numbers, or a mapping with xmin, ymin, xmax and ymax.
    size_hw : (H, W) of the picture in pixels.
    text : that was looked for; the name of what has none.
    detector : its name, for sentences.

    Raises
    ------
    SessionError
        When it is anything else. Detections whose box lies outside the picture are left out.
    """
    if isinstance(found, (str, bytes, Mapping)) or not isinstance(found, Iterable):
        raise SessionError(
            f"The detector {detector} gave a {type(found).__name__}: it gives a list of Detection, "
            'or of {"label": …, "score": …, "box": (x0, y0, x1, y1)}.'
        )
    checked = [
        _check(_as_detection(one, text, detector), size_hw, detector)
        for one in cast(Iterable[object], found)
    ]
    inside = [one for one in checked if one.mask_hw is not None or _has_area(one.box)]
    return sorted(inside, key=lambda one: -one.score)


def _as_detection(one: object, text: str, detector: str) -> Detection:
    if isinstance(one, Detection):
        return one
    if not isinstance(one, Mapping) or not ("box" in one or "mask" in one):
        raise SessionError(
            f"The detector {detector} found {one!r}, which is neither a Detection nor "
            '{"label": …, "score": …, "box": (x0, y0, x1, y1)}.'
        )
    values = cast("Mapping[str, Any]", one)
    box: Any = values.get("box")
    if isinstance(box, Mapping):
        box = [cast("Mapping[str, Any]", box).get(key) for key in ("xmin", "ymin", "xmax", "ymax")]
    return Detection(
        str(values.get("label") or text), values.get("score", 1.0), box, values.get("mask")
    )


def _check(one: Detection, size_hw: tuple[int, int], detector: str) -> Detection:
    height, width = size_hw
    score = _as_floats([one.score], f"The detector {detector} gave a score")[0]
    mask_hw = None
    if one.mask_hw is not None:
        mask_hw = np.asarray(one.mask_hw)
        if mask_hw.shape != size_hw:
            raise SessionError(
                f"The detector {detector} gave a mask of shape {mask_hw.shape} for a picture of "
                f"{height} x {width}: a mask is (H, W) in pixels of the picture."
            )
        mask_hw = mask_hw.astype(bool)
    box = None
    if one.box is not None:
        x0, y0, x1, y1 = _as_floats(one.box, f"The detector {detector} gave a box", 4)
        box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    if mask_hw is None and box is None:
        raise SessionError(f"The detector {detector} found {one.name!r} without a box or a mask.")
    return replace(
        one, name=str(one.name), score=min(max(score, 0.0), 1.0), box=box, mask_hw=mask_hw
    )


def _as_floats(values: Any, what: str, count: int = 1) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        wanted = "a number" if count == 1 else "x0, y0, x1, y1, finite numbers"
        raise SessionError(f"{what} {values!r}: it is {wanted}.")
    return numbers


def _has_area(box: Box | None) -> bool:
    return box is not None and box[0] < box[2] and box[1] < box[3]
