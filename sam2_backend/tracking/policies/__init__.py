"""Memory policies: which memories and object pointers a frame attends to. One file a policy."""

from .lookup import find_policy
from .policy import FrameHistory, MemoryPolicy, MemorySelection

__all__ = ["FrameHistory", "MemoryPolicy", "MemorySelection", "find_policy"]
