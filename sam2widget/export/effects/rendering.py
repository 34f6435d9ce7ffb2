"""Looks of a frame and its masks, as films need them: cut out, blurred, lit, outlined, replaced.

The widget shows the same on its stage (js/src/stage/draw/effects.ts, which has the numbers of this
file).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FEATHER_PX = 1.0
"""How soft the edge of a matte is unless said: as soft as a photograph's."""
MAX_BLUR_SHARE = 0.05
"""Standard deviation of the strongest blur, as a share of the frame's height."""
MAX_OUTLINE_SHARE = 0.02
"""Width of the widest outline, as a share of the frame's height."""
SMALL_SIGMA_PX = 2.0
"""A wide blur is made on a smaller picture, where its standard deviation is about this."""


def make_matte(
    masks: Iterable[NDArray[np.bool_]], hw: tuple[int, int], feather_px: float = FEATHER_PX
) -> NDArray[np.float32]:
    """Make one matte of some masks, (H, W) float32, 1 on an object and 0 off all of them.

    Parameters
    ----------
    masks : (H, W) bool each.
    hw : (H, W) of the frame.
    feather_px : standard deviation in pixels of how the edge fades; 0 keeps it hard.
    """
    union_hw = np.zeros(hw, np.bool_)
    for mask_hw in masks:
        union_hw |= mask_hw
    picture = Image.fromarray(union_hw.astype(np.uint8) * 255)
    if feather_px > 0 and union_hw.any():
        picture = picture.filter(ImageFilter.GaussianBlur(feather_px))
    return (np.asarray(picture) / 255).astype(np.float32)


def cut_out(rgb_hw3: NDArray[np.uint8], matte_hw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Give the frame as (H, W, 4) uint8 RGBA, transparent off the matte; alpha is straight."""
    return np.dstack((rgb_hw3, np.rint(matte_hw * 255).astype(np.uint8)))


def blur_background(
    rgb_hw3: NDArray[np.uint8], matte_hw: NDArray[np.float32], sigma_px: float
) -> NDArray[np.uint8]:
    """Give the frame, (H, W, 3) uint8, blurred off the matte.

    The objects' colours do not run into the background, as they would where the whole frame is
    blurred.

    Parameters
    ----------
    sigma_px : standard deviation of the blur, in pixels.
    """
    height, width = matte_hw.shape
    step = max(int(sigma_px / SMALL_SIGMA_PX), 1)
    kept_hw1 = (1 - matte_hw)[..., None]
    # With premultiplied alpha, what is cut out weighs nothing.
    weighted = np.concatenate((rgb_hw3 * kept_hw1, 255 * kept_hw1), axis=2)
    # "RGBX", as Pillow would multiply "RGBA" by its alpha once more.
    values = np.rint(weighted).astype(np.uint8)
    small = Image.frombytes("RGBX", (width, height), values.tobytes()).reduce(step)
    small = small.filter(ImageFilter.GaussianBlur(sigma_px / step))
    blurred_hw4 = np.asarray(small, np.float32)
    alpha_hw1 = np.maximum(blurred_hw4[..., 3:], 1)
    colors = np.clip(255 * blurred_hw4[..., :3] / alpha_hw1, 0, 255)
    picture = Image.fromarray(np.rint(colors).astype(np.uint8))
    # What is left over at the right and below is a part of a pixel.
    box = 0, 0, width / step, height / step
    blurred = picture.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return _blend(rgb_hw3, np.asarray(blurred), matte_hw)


def darken_background(
    rgb_hw3: NDArray[np.uint8], matte_hw: NDArray[np.float32], share: float
) -> NDArray[np.uint8]:
    """Give the frame, (H, W, 3) uint8, with a share (0..1) of its light taken off the matte."""
    factor_hw1 = 1 - share * (1 - matte_hw[..., None])
    return np.rint(rgb_hw3 * factor_hw1).astype(np.uint8)


def replace_background(
    rgb_hw3: NDArray[np.uint8],
    matte_hw: NDArray[np.float32],
    background: tuple[int, int, int] | NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Give the frame, (H, W, 3) uint8, on another background.

    Parameters
    ----------
    background : a colour, RGB 0..255, or a picture (H, W, 3) uint8 of the frame's size.
    """
    return _blend(rgb_hw3, np.asarray(background, np.uint8), matte_hw)


def draw_outlines(
    rgb_hw3: NDArray[np.uint8],
    masks: Iterable[tuple[NDArray[np.bool_], tuple[int, int, int]]],
    matte_hw: NDArray[np.float32],
    width_px: float,
) -> NDArray[np.uint8]:
    """Give the frame, (H, W, 3) uint8, with lines around objects, and all objects above them.

    Parameters
    ----------
    masks : (H, W) bool, and the colour of its line, RGB 0..255; later ones lie on top.
    matte_hw : of all of them.
    width_px : of the lines, in pixels.
    """
    from scipy import ndimage

    drawn = rgb_hw3.astype(np.float32)
    margin = int(width_px) + 2
    for mask_hw, color in masks:
        rows, columns = np.flatnonzero(mask_hw.any(1)), np.flatnonzero(mask_hw.any(0))
        if not len(rows):
            continue
        # Distances are slow: only around the object.
        part = (
            slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
            slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
        )
        distance_hw = np.asarray(ndimage.distance_transform_edt(~mask_hw[part]), np.float32)
        line_hw1 = np.clip(width_px + 1 - distance_hw, 0, 1)[..., None]
        drawn[part] += line_hw1 * (np.asarray(color, np.float32) - drawn[part])
    return _blend(rgb_hw3, np.rint(drawn).astype(np.uint8), matte_hw)


def fit_background(picture: Image.Image, hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Give a picture as (H, W, 3) uint8: scaled to cover the frame, and cut where it is larger."""
    height, width = hw
    scale = max(width / picture.width, height / picture.height)
    box_w, box_h = width / scale, height / scale
    left, top = (picture.width - box_w) / 2, (picture.height - box_h) / 2
    box = left, top, left + box_w, top + box_h
    fitted = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(fitted)


def _blend(
    above: NDArray[np.uint8], below: NDArray[np.uint8], matte_hw: NDArray[np.float32]
) -> NDArray[np.uint8]:
    matte_hw1 = matte_hw[..., None]
    mixed = above * matte_hw1 + below * (1 - matte_hw1)
    return np.rint(mixed).astype(np.uint8)
