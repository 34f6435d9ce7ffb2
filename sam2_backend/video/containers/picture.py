"""A decoded picture as RGB or as values, upright."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

UNSPECIFIED = 2
STUDIO = 1
"""A range of values that leaves room at both ends, as films have it."""
DEEP = re.compile(r"gray(9|10|12|14|16)(le|be)|(gray|gbrp|gbrap)f32(le|be)")
"""Formats of grey of more than 8 bits, and of floats: cameras and programs that measure fill their
range as they like."""
HD_WIDTH, HD_HEIGHT = 1280, 576
"""From this width, or above this height, players take untagged colours to be of BT.709."""


@dataclass(frozen=True)
class Turn:
    """How pictures are to be turned to stand upright.

    Parameters
    ----------
    quarters : counterclockwise, after mirroring.
    mirrored : left and right are exchanged first.
    """

    quarters: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, picture: VideoFrame) -> Turn:
        """What the file says of it."""
        try:
            data = picture.side_data.get("DISPLAYMATRIX")
        except ValueError:  # PyAV knows not all kinds of side data, and then gives none.
            data = None
        if data is None:
            return cls(round(picture.rotation / 90) % 4)
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data))
        # A point (x, y) is shown at (a x + c y, b x + d y), y downward.
        mirrored = a * d - b * c < 0
        if mirrored:
            a, b = -a, -b
        return cls(round(np.degrees(np.arctan2(-b, a)) / 90) % 4, mirrored)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after turning, from those before, or the other way round."""
        return (height, width) if self.quarters % 2 else (width, height)

    def apply(self, values_hwc: NDArray[T]) -> NDArray[T]:
        """(H, W, C) upright."""
        if self.mirrored:
            values_hwc = values_hwc[:, ::-1]
        return np.ascontiguousarray(np.rot90(values_hwc, self.quarters))


def is_deep(picture: VideoFrame) -> bool:
    """Whether a picture holds values that need a contrast to be seen."""
    name = picture.format.name
    return DEEP.fullmatch(name) is not None and picture.color_range != STUDIO


def is_high_definition(width: int, height: int) -> bool:
    """Whether players take colours that are not named to be of BT.709."""
    return width >= HD_WIDTH or height > HD_HEIGHT


def to_values(picture: VideoFrame) -> NDArray[Any]:
    """(H, W, 1) uint16 or float32 of a picture that `is_deep`; of colours (H, W, 3)."""
    values = picture.to_ndarray()
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return values[..., None] if values.ndim == 2 else values[..., :3]


def to_rgb24(picture: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    """Convert a picture to (height, width, 3) uint8 RGB, by the matrix that it names.

    Where it names none, the matrix is as in players: that of BT.709 for high definition, else of
    BT.601.
    """
    matrix = None
    is_unnamed = picture.colorspace == UNSPECIFIED
    if is_unnamed and is_high_definition(picture.width, picture.height):
        matrix = Colorspace.ITU709
    rgb = picture.to_ndarray(format="rgb24", width=width, height=height, src_colorspace=matrix)
    return rgb.astype(np.uint8, copy=False)
