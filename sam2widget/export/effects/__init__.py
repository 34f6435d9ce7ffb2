"""Frames as films need them: with their objects cut out, lit, outlined, on another background.

Each function is of an (H, W, 3) uint8 RGB frame and an (H, W) float32 matte, 0..1, which
`make_matte` gives.
"""

from .rendering import (
    FEATHER_PX,
    MAX_BLUR_SHARE,
    MAX_OUTLINE_SHARE,
    SMALL_SIGMA_PX,
    blur_background,
    cut_out,
    darken_background,
    draw_outlines,
    fit_background,
    make_matte,
    replace_background,
)

__all__ = [
    "FEATHER_PX",
    "MAX_BLUR_SHARE",
    "MAX_OUTLINE_SHARE",
    "SMALL_SIGMA_PX",
    "blur_background",
    "cut_out",
    "darken_background",
    "draw_outlines",
    "fit_background",
    "make_matte",
    "replace_background",
]
