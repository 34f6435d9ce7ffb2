"""SAM 2 in PyTorch: promptable segmentation of images and videos.

Numerically equal to the official implementation, loading its checkpoints; objects are a batch
dimension, and memory does not grow with the length of the video.
"""

from .automatic import AutomaticMaskGenerator
from .checkpoint import AVAILABLE_MODELS, load_model, save_model
from .config import CONFIGS, ModelConfig
from .hub import CheckpointError
from .image_predictor import ImagePredictor
from .mask_record import MaskRecord
from .model import Sam2Model
from .multi_person import SAM2MultiPersonSegmentation
from .out_of_memory import OutOfMemoryError
from .video_predictor import FrameResult, VideoPredictor

__all__ = [
    "AVAILABLE_MODELS",
    "CONFIGS",
    "AutomaticMaskGenerator",
    "CheckpointError",
    "FrameResult",
    "ImagePredictor",
    "MaskRecord",
    "ModelConfig",
    "OutOfMemoryError",
    "SAM2MultiPersonSegmentation",
    "Sam2Model",
    "VideoPredictor",
    "load_model",
    "save_model",
]
