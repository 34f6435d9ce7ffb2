"""Teaching SAM 2: synthetic clips, simulated users, and the loop that learns from them."""

from .assets import Assets
from .clips import Clip, ClipSource
from .synthetic import render_clip
from .trainer import Stage, Trainer

__all__ = ["Assets", "Clip", "ClipSource", "Stage", "Trainer", "render_clip"]
