"""Segment and track objects in video with clicks, in a notebook.

>>> from sam2widget import Sam2Widget
>>> w = Sam2Widget("dog.mp4")
>>> w
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_backend.video import LiveVideo, VideoError, open_video

    from .batch import propagate_many
    from .everything import segment_everything
    from .export import Segmentation, export_masks, import_masks, to_dataframe
    from .finetuning import finetune
    from .records import SessionError
    from .saved_session import SavedSession
    from .session_file import read_session, write_session
    from .statistics import Statistics
    from .widget import Sam2Widget

__all__ = [
    "LiveVideo",
    "Sam2Widget",
    "SavedSession",
    "Segmentation",
    "SessionError",
    "Statistics",
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
    "write_session",
]
__version__ = "0.1.0"

_HOMES = {
    "LiveVideo": "sam2_backend.video",
    "Sam2Widget": ".widget",
    "SavedSession": ".saved_session",
    "Segmentation": ".export",
    "SessionError": ".records",
    "Statistics": ".statistics",
    "VideoError": "sam2_backend.video",
    "export_masks": ".export",
    "finetune": ".finetuning",
    "import_masks": ".export",
    "open_video": "sam2_backend.video",
    "propagate_many": ".batch",
    "read_session": ".session_file",
    "segment_everything": ".everything",
    "to_dataframe": ".export",
    "write_session": ".session_file",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: the command line does without a notebook."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name], __name__), name)
