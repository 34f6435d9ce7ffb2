"""SAM 2 in PyTorch: promptable segmentation of images and videos.

Numerically equal to the official implementation, loading its checkpoints; objects are a batch
dimension, and memory does not grow with the length of the video.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .module_names import import_lazily, list_lazily

if TYPE_CHECKING:
    from .checkpoints.hub import CheckpointError
    from .checkpoints.loading import AVAILABLE_MODELS, load_model, save_model
    from .kernels.out_of_memory import OutOfMemoryError
    from .network.config import CONFIGS, ModelConfig
    from .network.sam2 import Sam2Model
    from .onnx.export import export_onnx
    from .predictors.automatic.generator import AutomaticMaskGenerator
    from .predictors.automatic.mask_record import MaskRecord
    from .predictors.frame_result import FrameResult
    from .predictors.image import ImagePredictor
    from .predictors.official import SAM2VideoPredictor
    from .predictors.people.multi_person import SAM2MultiPersonSegmentation
    from .predictors.video import VideoPredictor
    from .tracking.policies import (
        CandidateMasks,
        DecidingPolicy,
        Decision,
        FrameHistory,
        FrameRecord,
        MemoryPolicy,
        MemorySelection,
        TrackedPath,
    )
    from .tracking.policies.distractor import DistractorSettings
    from .tracking.policies.motion import MotionSettings
    from .tracking.policies.tree import TreeSettings
    from .video import LiveVideo, VideoError, open_video

__all__ = [
    "AVAILABLE_MODELS",
    "CONFIGS",
    "AutomaticMaskGenerator",
    "CandidateMasks",
    "CheckpointError",
    "DecidingPolicy",
    "Decision",
    "DistractorSettings",
    "FrameHistory",
    "FrameRecord",
    "FrameResult",
    "ImagePredictor",
    "LiveVideo",
    "MaskRecord",
    "MemoryPolicy",
    "MemorySelection",
    "ModelConfig",
    "MotionSettings",
    "OutOfMemoryError",
    "SAM2MultiPersonSegmentation",
    "SAM2VideoPredictor",
    "Sam2Model",
    "TrackedPath",
    "TreeSettings",
    "VideoError",
    "VideoPredictor",
    "export_onnx",
    "load_model",
    "open_video",
    "save_model",
]

# Imported when asked for: sources of frames do without torch.
_HOMES = {
    "AVAILABLE_MODELS": ".checkpoints.loading",
    "CONFIGS": ".network.config",
    "AutomaticMaskGenerator": ".predictors.automatic.generator",
    "CheckpointError": ".checkpoints.hub",
    "CandidateMasks": ".tracking.policies",
    "DecidingPolicy": ".tracking.policies",
    "Decision": ".tracking.policies",
    "DistractorSettings": ".tracking.policies.distractor",
    "FrameHistory": ".tracking.policies",
    "FrameRecord": ".tracking.policies",
    "FrameResult": ".predictors.frame_result",
    "ImagePredictor": ".predictors.image",
    "LiveVideo": ".video",
    "MaskRecord": ".predictors.automatic.mask_record",
    "MemoryPolicy": ".tracking.policies",
    "MemorySelection": ".tracking.policies",
    "ModelConfig": ".network.config",
    "MotionSettings": ".tracking.policies.motion",
    "OutOfMemoryError": ".kernels.out_of_memory",
    "SAM2MultiPersonSegmentation": ".predictors.people.multi_person",
    "SAM2VideoPredictor": ".predictors.official",
    "Sam2Model": ".network.sam2",
    "TrackedPath": ".tracking.policies",
    "TreeSettings": ".tracking.policies.tree",
    "VideoError": ".video",
    "VideoPredictor": ".predictors.video",
    "export_onnx": ".onnx.export",
    "load_model": ".checkpoints.loading",
    "open_video": ".video",
    "save_model": ".checkpoints.loading",
}
__getattr__ = import_lazily(__name__, _HOMES)
__dir__ = list_lazily(globals(), _HOMES)
