"""SAM 2 in PyTorch: promptable segmentation of images and videos.

Numerically equal to the official implementation, loading its checkpoints; objects are a batch
dimension, and memory does not grow with the length of the video.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .automatic import AutomaticMaskGenerator
    from .checkpoint import AVAILABLE_MODELS, load_model, save_model
    from .config import CONFIGS, ModelConfig
    from .hub import CheckpointError
    from .image_predictor import ImagePredictor
    from .mask_record import MaskRecord
    from .model import Sam2Model
    from .multi_person import SAM2MultiPersonSegmentation
    from .out_of_memory import OutOfMemoryError
    from .video import LiveVideo, VideoError, open_video
    from .video_predictor import FrameResult, VideoPredictor

__all__ = [
    "AVAILABLE_MODELS",
    "CONFIGS",
    "AutomaticMaskGenerator",
    "CheckpointError",
    "FrameResult",
    "ImagePredictor",
    "LiveVideo",
    "MaskRecord",
    "ModelConfig",
    "OutOfMemoryError",
    "SAM2MultiPersonSegmentation",
    "Sam2Model",
    "VideoError",
    "VideoPredictor",
    "load_model",
    "open_video",
    "save_model",
]

_HOMES = {
    "AVAILABLE_MODELS": ".checkpoint",
    "CONFIGS": ".config",
    "AutomaticMaskGenerator": ".automatic",
    "CheckpointError": ".hub",
    "FrameResult": ".video_predictor",
    "ImagePredictor": ".image_predictor",
    "LiveVideo": ".video",
    "MaskRecord": ".mask_record",
    "ModelConfig": ".config",
    "OutOfMemoryError": ".out_of_memory",
    "SAM2MultiPersonSegmentation": ".multi_person",
    "Sam2Model": ".model",
    "VideoError": ".video",
    "VideoPredictor": ".video_predictor",
    "load_model": ".checkpoint",
    "open_video": ".video",
    "save_model": ".checkpoint",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: sources of frames do without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name], __name__), name)
