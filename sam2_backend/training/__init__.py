"""Teaching SAM 2: synthetic clips, simulated users, and the loop that learns from them."""

from .assets import Assets
from .synthetic import Clip, render_clip
from .trainer import Stage, Trainer

__all__ = ["Assets", "Clip", "Stage", "Trainer", "render_clip"]
