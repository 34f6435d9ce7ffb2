"""The built-in sample clips, with the true masks of their objects."""

from .sample import HEIGHT, NUM_FRAMES, SAMPLE_CLIPS, WIDTH, SampleClip, sample_clip

__all__ = ["HEIGHT", "NUM_FRAMES", "SAMPLE_CLIPS", "WIDTH", "SampleClip", "sample_clip"]
