"""What finds things through a whole video: the `VideoDetector` protocol, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sam2_backend.video import Video

from ...core.errors import SessionError
from .detector import Detection, check_detections


@dataclass(frozen=True)
class FrameDetections:
    """What was found on one frame of a video."""

    frame: int
    """Zero-based index."""
    detections: Mapping[int, Detection]
    """With masks, by the number of the thing, which is the same on all frames."""


@runtime_checkable
class VideoDetector(Protocol):
    """A model that finds things and follows them through a video. Used from one thread only."""

    @property
    def name(self) -> str:
        """Of the model, to show."""
        ...

    def detect_video(self, video: Video, text: str) -> Iterator[FrameDetections | None]:
        """Find all instances of what a text names, on one frame after the other.

        Parameters
        ----------
        video : whose frames are read when they are needed.
        text : such as "zebra".

        Yields
        ------
        FrameDetections or None
            For each frame once, and None where one was computed but is not final yet: whatever
            else waits has its turn then.

        Raises
        ------
        SessionError
            When it cannot look for that.
        """
        ...


def check_frame_detections(
    found: object, *, video: Video, text: str, detector: str
) -> FrameDetections | None:
    """Check what a detector told of a frame of a video; see `check_detections`.

    Raises
    ------
    SessionError
        When it is anything else, or a detection has no mask.
    """
    if found is None:
        return None
    if not isinstance(found, FrameDetections):
        raise SessionError(
            f"The detector {detector} gave a {type(found).__name__} of a frame: it gives "
            "FrameDetections, or None where there is nothing to tell yet."
        )
    num_frames = len(video)
    if not 0 <= found.frame < num_frames:
        raise SessionError(
            f"The detector {detector} told of frame {found.frame}; the video has {num_frames}."
        )
    size_hw = video.size_hw(found.frame)
    checked: dict[int, Detection] = {}
    for number, one in found.detections.items():
        for detection in check_detections([one], size_hw=size_hw, text=text, detector=detector):
            if detection.mask_hw is None:
                raise SessionError(
                    f"The detector {detector} found {detection.name!r} without a mask on frame "
                    f"{found.frame}: through a video, it gives masks."
                )
            checked[int(number)] = detection
    return FrameDetections(int(found.frame), checked)
