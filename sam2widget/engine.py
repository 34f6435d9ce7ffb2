"""Carries out what code and browser ask for, in the one thread that runs the model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol, TypeVar, cast

from .feed import Feed
from .protocol import (
    AddObject,
    Box,
    ClearPrompts,
    Click,
    Propagate,
    ProtocolError,
    Redo,
    RemoveBox,
    RemoveObject,
    RemovePoint,
    ReplyTo,
    Request,
    Undo,
    UpdateObject,
)
from .records import SessionError, Tracked
from .segmenter import Segmenter
from .session import Session
from .worker import Job, Priority, Worker

T = TypeVar("T")
_log = logging.getLogger(__name__)

_CORRECTIONS = (Click, Box, RemovePoint, RemoveBox, ClearPrompts)


INITIAL_STATUS: dict[str, str | int] = {
    "state": "loading",
    "message": "Loading the model",
    "model": "",
    "device": "",
    "click_ms": 0,
}


class Face(Protocol):
    """What the engine needs of the widget before it."""

    @property
    def selected(self) -> Any: ...
    @property
    def auto_propagate(self) -> Any: ...
    def write_traits(self, **values: Any) -> None: ...


class Engine:
    """A session, its model and the queue of what is to be done.

    Parameters
    ----------
    session : of the video.
    feed : tells the browser what changed.
    face : shows the status and the selection.
    """

    def __init__(self, session: Session, feed: Feed, face: Face) -> None:
        self._session = session
        self._feed = feed
        self._face = face
        self._worker = Worker("sam2widget model")
        self._propagation: Job[None] | None = None
        self._retrack_next = False
        self._failure = ""
        self._status = dict(INITIAL_STATUS)

    @property
    def status(self) -> dict[str, str | int]:
        """state ("loading", "ready", "working", "propagating" or "error"), message, model and
        device."""
        return dict(self._status)

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is the thread of the model."""
        return self._worker.is_current

    # Any thread

    def load(self, make: Callable[[Callable[[str], None]], Segmenter]) -> None:
        """Queue the loading of the model; `make` is given a function that shows a message."""
        self._worker.submit(lambda: self._load(make))

    def call(self, action: Callable[[], T]) -> T:
        """Do something in the model's thread and wait for it.

        Raises
        ------
        SessionError
            When the model could not be loaded. And what the action raises.
        """

        def run() -> T:
            if self._failure:
                raise SessionError(self._failure)
            return action()

        return self.read(run)

    def read(self, action: Callable[[], T]) -> T:
        """As `call`, for what needs no model: it works without one too."""
        if self._worker.is_current:
            return action()
        return cast(T, self._worker.submit(action).result())

    def edit(self, action: Callable[[], object]) -> None:
        """Carry out an edit that code asks for, and wait for it."""

        def run() -> None:
            self._show("working")
            try:
                action()
            finally:
                self._feed.answer(None)
                self._settle()

        self.call(run)

    def serve(self, request: Request) -> None:
        """Queue what the browser asks for."""
        self._worker.submit(lambda: self._serve(request))

    def stop(self, reply_to: ReplyTo | None = None) -> None:
        """Stop a propagation after the frame at hand."""
        self._retrack_next = False
        if self._propagation is not None:
            self._propagation.stop()
        if reply_to is not None:
            self._worker.submit(lambda: self._feed.answer(reply_to))

    def halt(self) -> None:
        """Stop a propagation, also one that is only queued, and wait for its end."""

        def stop() -> Job[None] | None:
            job = self._propagation
            self.stop()
            return job

        job = self.call(stop)
        if job is not None:
            job.wait()
            self.call(lambda: None)  # what is told at its end has been told

    def close(self) -> None:
        """End the thread after the step at hand."""
        self._worker.close()

    # The model's thread

    def undo(self) -> None:
        """Take the last edit back; a propagation that runs stops first."""
        self.stop()
        self._session.undo()

    def redo(self) -> None:
        """Do what was undone again; a propagation that runs stops first."""
        self.stop()
        self._session.redo()

    def propagate(
        self,
        steps: Iterator[Tracked],
        on_step: Callable[[Tracked], None] | None = None,
        reply_to: ReplyTo | None = None,
    ) -> Job[None]:
        """Begin a propagation, in place of one that runs.

        Parameters
        ----------
        steps : from `Session.propagate`.
        on_step : called after each.
        reply_to : the request to answer at the end.
        """
        self.stop()
        job = self._worker.start(self._propagate(steps, on_step, reply_to), Priority.PROPAGATE)
        self._propagation = job
        job.when_done(lambda: self._after_propagation(job, reply_to))
        return job

    def _propagate(
        self,
        steps: Iterator[Tracked],
        on_step: Callable[[Tracked], None] | None,
        reply_to: ReplyTo | None,
    ) -> Generator[None, None, None]:
        self._feed.begin()
        self._show("propagating")
        try:
            for tracked in steps:
                self._feed.step(tracked)
                if on_step is not None:
                    on_step(tracked)
                yield
        except Exception as error:
            _log_unless_expected(error, "A propagation failed")
            self._feed.refuse(reply_to, f"The propagation stopped: {sentence(error)}")
            raise

    def _after_propagation(self, job: Job[None], reply_to: ReplyTo | None) -> None:
        self._feed.end()
        self._feed.answer(None if job.failed else reply_to)
        if self._propagation is job:
            self._propagation = None
        if self._retrack_next:
            self._retrack_next = False
            self._retrack_stale()
        self._settle()

    def _load(self, make: Callable[[Callable[[str], None]], Segmenter]) -> None:
        try:
            segmenter = make(lambda message: self._show("loading", message))
        except Exception as error:
            # Whatever it is, the person must see it: each later call repeats it.
            self._failure = f"The model could not be loaded: {sentence(error)}"
            _log_unless_expected(error, "Loading the model failed")
        else:
            self._session.load(segmenter)
            self._status.update(model=segmenter.name, device=segmenter.device)
        self._settle()

    def _show(self, state: str, message: str = "") -> None:
        self._status.update(state=state, message=message)
        self._face.write_traits(status=self.status)

    def _settle(self) -> None:
        """Show what goes on now that a request is through."""
        if self._failure:
            self._show("error", self._failure)
        else:
            self._show("ready" if self._propagation is None else "propagating")

    def _serve(self, request: Request) -> None:
        """Carry out what the browser asks for."""
        reply_to = ReplyTo(request.view, request.id)
        try:
            if self._failure:
                raise SessionError(self._failure)
            self._show("working")
            self._perform(request, reply_to)
        except Exception as error:
            _log_unless_expected(error, f"A request of the browser failed: {request}")
            self._feed.refuse(reply_to, sentence(error))
            self._feed.answer(None)
        else:
            # A propagation is answered when it ends.
            self._feed.answer(None if isinstance(request, Propagate) else reply_to)
        self._settle()

    def _perform(self, request: Request, reply_to: ReplyTo) -> None:
        session = self._session
        match request:
            case Click(frame=frame, x=x, y=y, label=label):
                obj = self._target(request.object)
                session.add_point(frame, x, y, label, obj)
                self._face.write_traits(selected=obj)
            case Box(frame=frame, x0=x0, y0=y0, x1=x1, y1=y1):
                obj = self._target(request.object)
                session.add_box(frame, x0, y0, x1, y1, obj)
                self._face.write_traits(selected=obj)
            case RemovePoint(frame=frame, object=obj, index=index):
                session.remove_point(frame, obj, index)
            case RemoveBox(frame=frame, object=obj):
                session.remove_box(frame, obj)
            case ClearPrompts(frame=frame, object=obj):
                session.clear_prompts(frame, obj)
            case AddObject():
                self._face.write_traits(selected=session.add_object())
            case RemoveObject(object=obj):
                session.remove_object(obj)
            case UpdateObject(object=obj, name=name, color=color, visible=visible):
                session.update_object(obj, name=name, color=color, visible=visible)
            case Propagate(start=start, stop=stop, direction=direction, objects=objects):
                steps = session.propagate(start, stop, direction, objects)
                self.propagate(steps, reply_to=reply_to)
            case Undo():
                self.undo()
            case Redo():
                self.redo()
            case _:
                raise ProtocolError(f"{request.type!r} is not carried out here.")
        if isinstance(request, _CORRECTIONS):
            self._retrack()

    def _target(self, obj: int | None) -> int:
        """The object that a prompt is for: as said, or the selected one, or a new one."""
        if obj is not None:
            return self._session.check_object(obj)
        known = [info.id for info in self._session.objects]
        selected = int(self._face.selected)
        return selected if selected in known else max(known, default=0) + 1

    def _retrack(self) -> None:
        """After a correction, track its span again, now or after the propagation that runs."""
        edit = self._session.last_edit
        if not (self._face.auto_propagate and edit is not None and edit.corrects):
            return
        if self._propagation is not None and not self._propagation.stopped:
            self._retrack_next = True
        else:
            self._retrack_stale()

    def _retrack_stale(self) -> None:
        if self._session.has_stale:
            self.propagate(self._session.propagate(stale_only=True))


def sentence(error: Exception) -> str:
    """An error for a person: ours say it all, others need their kind too."""
    text = str(error).strip() or "no reason given"
    return text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"


def _log_unless_expected(error: Exception, what: str) -> None:
    """A sentence is all that a person needs of misuse; of a fault, the log keeps the rest."""
    if not isinstance(error, ValueError):
        _log.error(what, exc_info=error)
