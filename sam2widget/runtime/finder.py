"""Finds things on frames by words: asks a detector, and proposes what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sam2_backend.video import Video

from ..annotation.records import Proposal
from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.detection.detector import Detection, Detector, check_detections
from ..models.detection.registry import check_detector, load_detector
from ..models.segmenter import Box
from .controller import Controller
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
        self._loaded: tuple[Any, Detector] | None = None
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
        text = text.strip()
        if not text and not boxes:
            raise SessionError('Say what to find, such as "zebra", or give boxes of examples.')
        chosen = self._detector if detector is None else detector
        check_detector(chosen)
        what = text or "such thing"
        steps = self._session.find(frame, what, lambda: self._detect(frame, text, boxes, chosen))
        return self._controller.search(steps, f"Looking for {what} on frame {frame}", reply_to)

    def _detect(self, frame: int, text: str, boxes: Sequence[Box], chosen: Any) -> list[Detection]:
        before = None if self._loaded is None else self._loaded[0]
        is_same = before == chosen if isinstance(chosen, str) else before is chosen
        if self._loaded is None or not is_same:
            self._loaded = None  # its memory is free for the new one
            self._loaded = chosen, load_detector(chosen, self._device, self._show)
        detector = self._loaded[1]
        self._show(f"{detector.name} looks for {text or 'such things'}")
        video = self._get_video()
        found = detector.detect(video[frame], text, boxes)
        return check_detections(
            found, size_hw=video.size_hw(frame), text=text, detector=detector.name
        )

    def _show(self, message: str) -> None:
        self._controller.show("working", message)
