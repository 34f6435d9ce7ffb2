"""Finds things on frames by words: asks a detector, and proposes what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from sam2_backend.video import Video

from ..annotation.records import Proposal, Tracked
from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.detection.detector import Detection, Detector, check_detections
from ..models.detection.registry import KNOWN, check_detector, load_detector
from ..models.detection.video_detector import (
    FrameDetections,
    VideoDetector,
    check_frame_detections,
)
from ..models.segmenter import Box
from .controller import Controller
from .video_search import OnStep, report_steps
from .worker import Task

R = TypeVar("R")


class Finder(Generic[R]):
    """Searches for what words name, or boxes show. Detectors are loaded when they are needed.

    Parameters
    ----------
    session : that gets the proposals.
    controller : in whose thread a detector runs.
    get_video : gives the video.
    detector : see `load_detector`.
    device : for detectors that are loaded by their name; the best there is if None.
    """

    def __init__(
        self,
        session: Session,
        controller: Controller[R],
        get_video: Callable[[], Video],
        detector: Any,
        device: str | None,
    ) -> None:
        self._session = session
        self._controller = controller
        self._get_video = get_video
        self._device = device
        self._loaded: tuple[Any, Detector | VideoDetector] | None = None
        """What was asked for last, and what it is."""
        self.detector = detector

    @property
    def detector(self) -> Any:
        """What is asked where a search does not say; None for one that is on this machine."""
        return self._detector

    @detector.setter
    def detector(self, detector: Any) -> None:
        check_detector(detector)
        self._detector = detector

    def find(
        self,
        frame: int,
        text: str,
        boxes: Sequence[Box] = (),
        detector: Any = None,
        reply_to: R | None = None,
    ) -> Task[list[Proposal]]:
        """Begin to look for something on a frame, and return the search's task.

        Parameters
        ----------
        frame : zero-based index.
        text : what to find; may be empty where there are boxes.
        boxes : x0, y0, x1, y1 in pixels of the frame, around examples.
        detector : to ask in place of the chosen one.
        reply_to : the request to answer at the end.

        Raises
        ------
        SessionError
            When it is not said what to look for, or the detector is none.
        """
        text = _as_text(text)
        if not text and not boxes:
            raise SessionError('Say what to find, such as "zebra", or give boxes of examples.')
        chosen = self._detector if detector is None else detector
        check_detector(chosen)
        what = text or "such thing"
        steps = self._session.find(frame, what, lambda: self._detect(frame, text, boxes, chosen))
        return self._controller.search(steps, f"Looking for {what} on frame {frame}", reply_to)

    def find_in_video(
        self,
        text: str,
        detector: Any = None,
        on_step: OnStep | None = None,
        reply_to: R | None = None,
    ) -> Task[list[Proposal]]:
        """Begin to look for something through the video, and return the search's task.

        Parameters
        ----------
        text : what to find.
        detector : to ask in place of the chosen one.
        on_step : called after each frame.
        reply_to : the request to answer at the end.

        Raises
        ------
        SessionError
            When it is not said what to look for, the detector is none, or these are pictures.
        """
        text = _as_text(text)
        if not text:
            raise SessionError('Say what to find in the video, such as "zebra".')
        chosen = self._detector if detector is None else detector
        check_detector(chosen)
        steps = self._session.find_in_video(text, self._detect_in_video(text, chosen))
        message = f"Looking for {text} in the video"

        def tell(tracked: Tracked) -> None:
            self._show(f"{message}: {tracked.done} of {tracked.total} frames")
            if on_step is not None:
                on_step(tracked)

        reported = report_steps(steps, self._controller.reporter, tell)
        return self._controller.search(reported, message, reply_to)

    def _detect(self, frame: int, text: str, boxes: Sequence[Box], chosen: Any) -> list[Detection]:
        detector = self._load(chosen)
        if not isinstance(detector, Detector):
            raise SessionError(
                f"{detector.name} looks through whole videos: call find(…, video=True)."
            )
        self._show(f"{detector.name} looks for {text or 'such things'}")
        video = self._get_video()
        found = detector.detect(video[frame], text, boxes)
        return check_detections(
            found, size_hw=video.size_hw(frame), text=text, detector=detector.name
        )

    def _detect_in_video(self, text: str, chosen: Any) -> Iterator[FrameDetections | None]:
        detector = self._load(chosen)
        if not isinstance(detector, VideoDetector):
            raise SessionError(
                f"{detector.name} looks at single frames. Through a video {KNOWN[0]!r} looks: "
                "choose it as the detector. Or find it on a frame, add it as an object, and "
                "propagate."
            )
        video = self._get_video()
        for found in detector.detect_video(video, text):
            yield check_frame_detections(found, video=video, text=text, detector=detector.name)

    def _load(self, chosen: Any) -> Detector | VideoDetector:
        before = None if self._loaded is None else self._loaded[0]
        is_same = before == chosen if isinstance(chosen, str) else before is chosen
        if self._loaded is None or not is_same:
            self._loaded = None  # its memory is free for the new one
            self._loaded = chosen, load_detector(chosen, self._device, self._show)
        return self._loaded[1]

    def _show(self, message: str) -> None:
        self._controller.status.show("working", message)


def _as_text(text: object) -> str:
    if isinstance(text, str):
        return text.strip()
    raise SessionError(f'What to find is a text, such as "zebra", got {text!r}.')
