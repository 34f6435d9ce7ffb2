"""The video with its masks, as GIF."""

from ...registry import Format
from ._animation import OPTIONS, write_animation

FORMAT = Format(
    "gif",
    ".gif",
    write_animation,
    description="an animation of at most 50 frames a second",
    options=OPTIONS,
)
