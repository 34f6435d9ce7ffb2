"""A decoded picture as RGB, upright."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

UNSPECIFIED = 2
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
        data = picture.side_data.get("DISPLAYMATRIX")
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

    def apply(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) upright."""
        if self.mirrored:
            rgb = rgb[:, ::-1]
        return np.ascontiguousarray(np.rot90(rgb, self.quarters))


def to_rgb24(picture: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB, by the matrix that the picture names; where it names none, as
    players do: that of BT.709 for high definition, else of BT.601."""
    matrix = None
    is_hd = picture.width >= HD_WIDTH or picture.height > HD_HEIGHT
    if picture.colorspace == UNSPECIFIED and is_hd:
        matrix = Colorspace.ITU709
    rgb = picture.to_ndarray(format="rgb24", width=width, height=height, src_colorspace=matrix)
    return rgb.astype(np.uint8, copy=False)
