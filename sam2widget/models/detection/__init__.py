"""What finds things on a picture by their name: `Detector`, and those that there are."""

from .detector import Detection, Detector

__all__ = ["Detection", "Detector"]
