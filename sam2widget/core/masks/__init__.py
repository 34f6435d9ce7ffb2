"""Masks: how they are kept, combined, painted, cleaned, and laid in label maps."""

from .mask import Mask, MaskVolume

__all__ = ["Mask", "MaskVolume"]
