"""Clips from data sets on disk: videos with masks, and still pictures made into clips.

Each reader is a `ClipSource`. Nothing is decoded before a clip is drawn.

>>> source = Davis("DAVIS", year=2017, split="train")
>>> train, held_out = split_by_video(source, held_out=0.1)
>>> clip = train.draw(np.random.default_rng(0), size=512, frames=8, targets=3)
"""

from .coco import Coco
from .folders import Davis, ImageMaskFolder, YouTubeVos
from .opening import FORMATS, open_dataset
from .records import DatasetError, Frames, Record, VideoRecords, split_by_video
from .sa_v import SaV

__all__ = [
    "FORMATS",
    "Coco",
    "DatasetError",
    "Davis",
    "Frames",
    "ImageMaskFolder",
    "Record",
    "SaV",
    "VideoRecords",
    "YouTubeVos",
    "open_dataset",
    "split_by_video",
]
