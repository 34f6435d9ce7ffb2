"""What finds things by their name, on a picture or through a video: detectors."""

from .detector import Detection, Detector
from .video_detector import FrameDetections, VideoDetector

__all__ = ["Detection", "Detector", "FrameDetections", "VideoDetector"]
