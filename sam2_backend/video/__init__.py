"""Sources of frames: video files, pictures, folders, arrays. Nothing here knows a notebook."""

from .base import FrameSource, Kind, Video
from .contrast import Channel, Contrast
from .errors import VideoError
from .large import LargeImage, open_large_image
from .live.live_video import LiveVideo
from .opening import is_there, open_video
from .options import OpenOptions
from .pixel_size import PixelSize
from .sources import SourceOpener

__all__ = [
    "Channel",
    "Contrast",
    "FrameSource",
    "Kind",
    "LargeImage",
    "LiveVideo",
    "OpenOptions",
    "PixelSize",
    "SourceOpener",
    "Video",
    "VideoError",
    "is_there",
    "open_large_image",
    "open_video",
]
