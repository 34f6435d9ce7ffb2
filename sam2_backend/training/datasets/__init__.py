"""Clips from data sets on disk: videos with masks, and still pictures made into clips.

What opens a data set returns `VideoRecords`, a `ClipSource`. Nothing is decoded before a clip is
drawn.

>>> source = open_davis("DAVIS", year=2017, split="train")
>>> train, held_out = split_by_video(source, held_out=0.1)
>>> clip = train.draw(np.random.default_rng(0), size=512, frames=8, targets=3)
"""

from ...module_names import keep_old_names
from .coco import open_coco
from .folders import open_davis, open_image_masks, open_youtube_vos
from .opening import DATASET_FORMATS, open_dataset
from .records import DatasetError, Frames, Record, VideoRecords, split_by_video
from .sa_v import open_sa_v

__all__ = [
    "DATASET_FORMATS",
    "DatasetError",
    "Frames",
    "Record",
    "VideoRecords",
    "open_coco",
    "open_dataset",
    "open_davis",
    "open_image_masks",
    "open_sa_v",
    "open_youtube_vos",
    "split_by_video",
]

_RENAMED = {
    "Coco": "open_coco",
    "Davis": "open_davis",
    "FORMATS": "DATASET_FORMATS",
    "ImageMaskFolder": "open_image_masks",
    "SaV": "open_sa_v",
    "YouTubeVos": "open_youtube_vos",
}
__getattr__ = keep_old_names(__name__, _RENAMED, globals())
