"""Calls functions of a user's with what happens, in a thread that may call the widget."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from ..annotation.records import Changed, Result
from ..annotation.view import SessionView
from ..models.segmenter import PromptSet
from ..runtime.worker import ClosedError, Worker

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PromptEvent:
    """The prompts of an object on a frame are others."""

    object: int
    frame: int
    prompts: PromptSet
    """All of them, perhaps none."""


@dataclass(frozen=True)
class MaskEvent:
    """The mask of an object on a frame is another."""

    object: int
    frame: int
    result: Result | None
    """Mask (``result.mask.to_array()``), score, predicted IoU, source and state; None where there
    is none any more: it was taken away, or rejected."""


@dataclass(frozen=True)
class FrameEvent:
    """Another frame is shown."""

    frame: int


E = TypeVar("E", PromptEvent, MaskEvent, FrameEvent)


class Callbacks:
    """Calls functions of a user's, one after the other, in a thread of its own.

    Parameters
    ----------
    session : whose prompts and masks events carry.
    on_error : shows the sentence of a function that failed.
    """

    def __init__(self, session: SessionView, on_error: Callable[[str], None]) -> None:
        self._session = session
        self._on_error = on_error
        self._calls: dict[type, tuple[Callable[[Any], object], ...]] = {}
        self._logged: set[tuple[Callable[[Any], object], type[BaseException]]] = set()
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    def subscribe(self, kind: type[E], call: Callable[[E], object]) -> Callable[[], None]:
        """Call a function with each event of a kind from now on; returns what ends that."""
        if not callable(call):
            raise TypeError(f"A function is needed, to be called with each event, got {call!r}.")

        # Twice the same function is two subscriptions.
        def subscribed(event: E) -> object:
            return call(event)

        with self._lock:
            if self._worker is None:
                self._worker = Worker("sam2widget events")
            self._calls[kind] = (*self._calls.get(kind, ()), subscribed)

        def unsubscribe() -> None:
            with self._lock:
                self._calls[kind] = tuple(one for one in self._calls[kind] if one is not subscribed)
                self._logged = {one for one in self._logged if one[0] is not subscribed}

        return unsubscribe

    def handle_change(self, changed: Changed) -> None:
        """Call functions after a change of the session. Any thread."""
        if self._calls.get(PromptEvent):
            for obj, frame in sorted(changed.prompts):
                self._submit(PromptEvent(obj, frame, self._session.prompts(frame, obj)))
        if self._calls.get(MaskEvent):
            for obj, frame in sorted(changed.results):
                result = self._session.result(frame, obj)
                is_rejected = result is not None and result.state == "rejected"
                self._submit(MaskEvent(obj, frame, None if is_rejected else result))

    def handle_frame(self, frame: int) -> None:
        """Call functions now that a frame is shown. Any thread."""
        self._submit(FrameEvent(frame))

    def wait_until_idle(self) -> None:
        """Wait until all events so far have been told."""
        if self._worker is not None:
            self._worker.wait_until_idle()

    def close(self) -> None:
        """End the thread, and let go of the functions."""
        self._calls.clear()
        self._logged.clear()
        if self._worker is not None:
            self._worker.close()

    def _submit(self, event: PromptEvent | MaskEvent | FrameEvent) -> None:
        if self._worker is not None and self._calls.get(type(event)):
            # A widget that is being closed calls nobody any more.
            with suppress(ClosedError):
                self._worker.submit(lambda: self._call(event))

    def _call(self, event: PromptEvent | MaskEvent | FrameEvent) -> None:
        for call in self._calls.get(type(event), ()):
            try:
                call(event)
            except BaseException as error:
                # A user's fault, be it sys.exit(), must not end the others' turn.
                self._log_once(call, event, error)
                self._on_error(
                    f"A function called with each {type(event).__name__} failed: "
                    f"{type(error).__name__}: {error}"
                )

    def _log_once(self, call: Callable[[Any], object], event: object, error: BaseException) -> None:
        """Log how a function failed, but not again for each frame of a film."""
        cause = call, type(error)
        if cause in self._logged:
            return
        self._logged.add(cause)
        _log.error(
            "A function called with %s failed; its next %s is not logged",
            *(event, type(error).__name__),
            exc_info=error,
        )
