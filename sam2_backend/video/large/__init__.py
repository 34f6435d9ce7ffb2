"""Pictures too large to be decoded whole: read by region and level, from tiles."""

from .image import LargeImage, Window
from .levels import PyramidLevel
from .opening import open_large_image
from .windows import WindowFrames

__all__ = ["LargeImage", "PyramidLevel", "Window", "WindowFrames", "open_large_image"]
