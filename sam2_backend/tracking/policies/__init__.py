"""Memory policies: what a frame attends to, and which mask is taken. One file a policy."""

from .candidates import CandidateMasks, FrameRecord
from .lookup import find_policy, list_policies, name_policy
from .policy import (
    DecidingPolicy,
    Decision,
    FrameHistory,
    MemoryPolicy,
    MemorySelection,
    TrackedPath,
)

__all__ = [
    "CandidateMasks",
    "DecidingPolicy",
    "Decision",
    "FrameHistory",
    "FrameRecord",
    "MemoryPolicy",
    "MemorySelection",
    "TrackedPath",
    "find_policy",
    "list_policies",
    "name_policy",
]
