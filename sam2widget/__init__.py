"""Segment and track objects in video with clicks, in a notebook.

>>> from sam2widget import Sam2Widget
>>> w = Sam2Widget("dog.mp4")
>>> w
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sam2_backend.module_names import import_lazily, list_lazily

if TYPE_CHECKING:
    from sam2_backend.video import LiveVideo, VideoError, open_video

    from .batch.automatic import segment_everything
    from .batch.propagation import propagate_many
    from .core.errors import SessionError
    from .core.masks import Mask
    from .export import (
        Segmentation,
        export_masks,
        import_masks,
        to_dataframe,
        to_datasets,
        to_fiftyone,
        to_napari,
        to_supervision,
        to_xarray,
    )
    from .models.detection import Detection, Detector, FrameDetections, VideoDetector
    from .models.hugging_face.segmenter import TransformersSegmenter
    from .models.segmenter import Candidates, Point, Prediction, PromptSet, Proposed, Segmenter
    from .storage.saved_session import SavedSession
    from .storage.session_file import read_session, write_session
    from .storage.statistics import Statistics
    from .training.finetuning import finetune
    from .widget.widget import Sam2Widget

__all__ = [
    "Candidates",
    "Detection",
    "Detector",
    "FrameDetections",
    "LiveVideo",
    "Mask",
    "Point",
    "Prediction",
    "PromptSet",
    "Proposed",
    "Sam2Widget",
    "SavedSession",
    "Segmentation",
    "Segmenter",
    "SessionError",
    "Statistics",
    "TransformersSegmenter",
    "VideoDetector",
    "VideoError",
    "__version__",
    "export_masks",
    "finetune",
    "import_masks",
    "open_video",
    "propagate_many",
    "read_session",
    "segment_everything",
    "to_dataframe",
    "to_datasets",
    "to_fiftyone",
    "to_napari",
    "to_supervision",
    "to_xarray",
    "write_session",
]
__version__ = "0.1.0"

# Imported when asked for: the command line does without a notebook.
_HOMES = {
    "Candidates": ".models.segmenter",
    "Detection": ".models.detection",
    "Detector": ".models.detection",
    "FrameDetections": ".models.detection",
    "LiveVideo": "sam2_backend.video",
    "Mask": ".core.masks",
    "Point": ".models.segmenter",
    "Prediction": ".models.segmenter",
    "PromptSet": ".models.segmenter",
    "Proposed": ".models.segmenter",
    "Sam2Widget": ".widget.widget",
    "SavedSession": ".storage.saved_session",
    "Segmentation": ".export",
    "Segmenter": ".models.segmenter",
    "SessionError": ".core.errors",
    "Statistics": ".storage.statistics",
    "TransformersSegmenter": ".models.hugging_face.segmenter",
    "VideoDetector": ".models.detection",
    "VideoError": "sam2_backend.video",
    "export_masks": ".export",
    "finetune": ".training.finetuning",
    "import_masks": ".export",
    "open_video": "sam2_backend.video",
    "propagate_many": ".batch.propagation",
    "read_session": ".storage.session_file",
    "segment_everything": ".batch.automatic",
    "to_dataframe": ".export",
    "to_datasets": ".export",
    "to_fiftyone": ".export",
    "to_napari": ".export",
    "to_supervision": ".export",
    "to_xarray": ".export",
    "write_session": ".storage.session_file",
}
__getattr__ = import_lazily(__name__, _HOMES)
__dir__ = list_lazily(globals(), _HOMES)
