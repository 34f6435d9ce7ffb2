"""Who is told what becomes of what is asked of the model's thread."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ..annotation.records import Tracked

Request = TypeVar("Request", contravariant=True)
"""By what a request is known to who asked for it."""


class Reporter(Protocol[Request]):
    """Is told of edits, propagations and errors, in the model's thread."""

    def publish(self, reply_to: Request | None) -> None:
        """Tell what has changed, then that this request is done."""
        ...

    def publish_error(self, reply_to: Request | None, sentence: str) -> None:
        """Show why something cannot be done."""
        ...

    def report_begin(self) -> None:
        """Tell that a propagation begins."""
        ...

    def report_step(self, tracked: Tracked) -> None:
        """Tell that a frame has been tracked."""
        ...

    def report_end(self) -> None:
        """Tell that the propagation has ended."""
        ...

    def report_live_step(self, frame: int) -> None:
        """Tell that the newest frame of a live video has been tracked."""
        ...

    def report_live_rest(self) -> None:
        """Tell that there is nothing to track in a live video now."""
        ...
