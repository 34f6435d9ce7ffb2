"""Tracks the newest frame of a live video, whatever is skipped."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ..annotation.session import Session
from .error_texts import describe_error, log_unless_expected
from .reporter import Reporter


class LiveTracker:
    """Tracks what comes, step by step, in the model's thread.

    Parameters
    ----------
    session : of the video.
    reporter : is told of each frame, and once of a fault that stays the same.
    may_track : whether nothing else is to be done first.
    """

    def __init__(
        self, session: Session, reporter: Reporter[Any], may_track: Callable[[], bool]
    ) -> None:
        self._session = session
        self._reporter = reporter
        self._may_track = may_track
        self._failure = ""
        """What was told of the last frame; "" where it was tracked."""

    def track(self, on_tracked: Callable[[int], None]) -> Generator[None, None, None]:
        """Track the newest frame, and those that come meanwhile, one a step.

        Parameters
        ----------
        on_tracked : called with each frame that has been tracked.
        """
        while self._may_track():
            try:
                tracked = self._session.track_newest()
            except Exception as error:
                # The next frame is tried all the same, but one sentence is enough.
                if self._failure != describe_error(error):
                    self._failure = describe_error(error)
                    log_unless_expected(error, "Tracking a live video failed")
                    self._reporter.publish_error(
                        None, f"The newest frame cannot be tracked: {self._failure}"
                    )
                return
            if tracked is None:
                self._reporter.report_live_rest()
                return
            self._failure = ""
            self._reporter.report_live_step(tracked.frame)
            on_tracked(tracked.frame)
            yield
