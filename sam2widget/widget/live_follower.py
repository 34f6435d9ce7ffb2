"""Follows a live video: tells a widget's parts of the frames that come."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sam2_backend.video import LargeImage, Video
from sam2_backend.video.live.live_video import LiveVideo

from ..annotation.session import Session
from ..bridge.protocol import ReplyTo
from ..runtime.controller import Controller
from ..runtime.widget_state import WidgetState

INTERVAL_S = 0.1
"""Least time between two changes of the length that is shown."""
CLOSING_S = 0.5
"""How soon the thread notices that it is to end."""
TRACKING_S = 2.0
"""A frame that was tracked so long ago is not what is shown as the newest."""


def describe_video(video: Video, *, newest: int | None = None) -> dict[str, Any]:
    """What the front end is told of a video, as its trait.

    Parameters
    ----------
    newest : of a live video, the frame to show to those who follow it; the last if None.
    """
    live = None
    if isinstance(video, LiveVideo):
        live = {
            "recording": video.is_recording,
            "first": video.first_frame,
            "newest": len(video) - 1 if newest is None else newest,
            "message": video.message,
        }
    return {
        "width": video.width,
        "height": video.height,
        "num_frames": len(video),
        "fps": video.fps,
        "interval_s": video.interval_s,
        "name": video.name,
        "kind": video.kind,
        "sizes": None if video.sizes is None else [list(size) for size in video.sizes],
        "live": live,
        "pixel_size": describe_pixel_size(video),
        "windowed": isinstance(video, LargeImage),
    }


def describe_pixel_size(video: Video) -> dict[str, Any] | None:
    """What the front end is told of the size of a video's pixels; None where it is not known."""
    return None if video.pixel_size is None else asdict(video.pixel_size)


class LiveFollower:
    """A thread that tells session, model and views of the frames that come.

    Parameters
    ----------
    video : that is recorded.
    session, controller, state : who are told.
    on_error : shows why the recording has ended.
    """

    def __init__(
        self,
        video: LiveVideo,
        session: Session,
        controller: Controller[ReplyTo],
        state: WidgetState,
        on_error: Callable[[str], None],
    ) -> None:
        self._video = video
        self._session = session
        self._controller = controller
        self._state = state
        self._on_error = on_error
        self._closing = threading.Event()
        self._tracked = -1
        self._tracked_at = 0.0
        # The thread holds the video alone: who drops the widget ends it too.
        self._thread = threading.Thread(
            target=_run,
            args=(weakref.ref(self), video, self._closing),
            name="sam2widget live",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread. The recording goes on."""
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def step(self) -> None:
        """Tell what there is by now."""
        video = self._video
        self._session.grow(len(video))
        if self._state.auto_propagate != "never":
            self._controller.track_live(self._note_tracked)
        is_tracking = time.monotonic() - self._tracked_at < TRACKING_S
        newest = self._tracked if is_tracking and video.is_recording else None
        self._state.write_traits(video=describe_video(video, newest=newest))

    def end(self) -> None:
        """Say why no more frames come, where the source has failed."""
        if self._video.error:
            self._on_error(f"The recording has ended: {self._video.error}")

    def _note_tracked(self, frame: int) -> None:
        self._tracked, self._tracked_at = frame, time.monotonic()


def _run(follower: weakref.ref[LiveFollower], video: LiveVideo, closing: threading.Event) -> None:
    shown = 0
    while not closing.is_set():
        video.wait(shown + 1, CLOSING_S)
        is_last = not video.is_recording
        told = follower()
        if told is None:
            return
        # Also where no frame has come: the one before may have been tracked meanwhile.
        shown = len(video)
        told.step()
        if is_last and not closing.is_set():
            told.end()
            return
        del told
        closing.wait(INTERVAL_S)
