"""What a session asks of a model, and the models that answer.

`Segmenter` is what a model of your own has to be; what it may be able to besides are the
protocols of `capabilities`.
"""

from .capabilities import (
    HasModelNote,
    ModelNote,
    SupportsDeferredTracking,
    SupportsExclusiveMemory,
    SupportsFrameChanges,
    SupportsMaskCleaning,
    SupportsMemoryPolicies,
    SupportsPreview,
    SupportsProposals,
    SupportsProposalThresholds,
)
from .segmenter import Candidates, Point, Prediction, PromptSet, Proposed, Segmenter

__all__ = [
    "Candidates",
    "HasModelNote",
    "ModelNote",
    "Point",
    "Prediction",
    "PromptSet",
    "Proposed",
    "Segmenter",
    "SupportsDeferredTracking",
    "SupportsExclusiveMemory",
    "SupportsFrameChanges",
    "SupportsMaskCleaning",
    "SupportsMemoryPolicies",
    "SupportsPreview",
    "SupportsProposalThresholds",
    "SupportsProposals",
]
