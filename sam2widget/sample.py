"""`sam2widget.samples` by its earlier name."""

import warnings

from .samples import SampleClip, sample_clip

__all__ = ["SampleClip", "sample_clip"]

warnings.warn(
    "sam2widget.sample is called sam2widget.samples now.", DeprecationWarning, stacklevel=2
)
