"""The video with its masks, as WebP."""

from ...registry import Format
from ._animation import OPTIONS, write_animation

FORMAT = Format(
    "webp",
    ".webp",
    write_animation,
    description="an animation",
    options=OPTIONS,
)
