"""Carries out what code and browser ask for, in the one thread that runs the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar, cast

from ..annotation.records import Proposal, Tracked
from ..annotation.session import Session
from ..core.arguments import as_int
from ..core.errors import SessionError
from ..models.segmenter import Segmenter, Window
from .error_texts import describe_error, log_unless_expected
from .live_tracker import LiveTracker
from .reporter import Reporter
from .status import Status
from .widget_state import WidgetState
from .worker import CLOSED, ClosedError, Priority, Task, Worker

R = TypeVar("R")
"""By what a request is known to who asked for it."""
T = TypeVar("T")

STOPPED = "stop()"
"""The reason why tasks stop that a person has stopped."""


class Controller(Generic[R]):
    """A session, its model and the queue of what is to be done.

    Parameters
    ----------
    session : of the video.
    reporter : tells the browser what changed.
    state : shows the status and the selection.
    """

    def __init__(self, session: Session, reporter: Reporter[R], state: WidgetState) -> None:
        self._session = session
        self.reporter = reporter
        """Tells the browser what changed."""
        self.status = Status(state)
        """Shows what goes on."""
        self._worker = Worker("sam2widget model")
        self._propagations: list[Task[None]] = []
        """Those that are not over yet, in the order of their turns."""
        self._searches: list[Task[list[Proposal]]] = []
        """The same for proposals."""
        self._replaceable: set[Task[list[Proposal]]] = set()
        """Those of them that the browser asked for."""
        self._live = LiveTracker(session, reporter, self._may_track_live)
        self._tracking_live: Task[None] | None = None
        self._follow_next: Callable[[], None] | None = None
        self._is_loading = False
        self._loading_lock = threading.Lock()
        """Held where a model comes into use, and where a session without one is read."""
        self._closed_because = CLOSED
        self.edit_times_s: list[float] = []
        """When edits began, by a clock that only goes forward."""

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is the thread of the model."""
        return self._worker.is_current

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be done."""
        return self._worker.is_closed

    @property
    def is_loading(self) -> bool:
        """Whether the first model is being loaded."""
        return self._is_loading

    @property
    def num_waiting(self) -> int:
        """How many requests, propagations and searches have not begun."""
        return self._worker.num_waiting

    # Any thread

    def set_notice(self, notice: str) -> None:
        """Show a sentence until the next edit."""
        self.status.notice = notice
        self._worker.submit(self._show_notice)

    def load(self, make: Callable[[Callable[[str], None]], Segmenter]) -> None:
        """Queue the loading of the model; `make` is given a function that shows a message."""
        self._is_loading = True
        self._worker.submit(lambda: self._load(make))

    def wait_until_idle(self) -> None:
        """Wait until nothing is queued."""
        self._worker.wait_until_idle()

    def call(self, action: Callable[[], T]) -> T:
        """Do something in the model's thread and wait for it.

        Raises
        ------
        SessionError
            When the model could not be loaded. And what the action raises.
        """

        def run() -> T:
            if self.status.failure:
                raise SessionError(self.status.failure)
            return action()

        return run() if self._worker.is_current else self._wait_for(run)

    def read(self, action: Callable[[], T]) -> T:
        """Do something that needs no model and changes nothing, and wait for it.

        Unlike `call`, it works without a model, while one is being loaded, and after the thread has
        ended.
        """
        if self._worker.is_current:
            return action()
        with self._loading_lock:
            if self._is_loading:
                # What would change the session waits for the model, which may take minutes.
                return action()
        with suppress(ClosedError):
            return self._wait_for(action)
        self._worker.join()
        return action()

    def _wait_for(self, action: Callable[[], T]) -> T:
        if self._worker.is_closed:
            raise ClosedError(self._closed_because)
        task = self._worker.submit(action)
        result = task.result()
        if task.stopped:
            # Nothing else stops it; its result says nothing then.
            raise ClosedError(self._closed_because)
        return cast(T, result)

    def submit(
        self,
        action: Callable[[], T],
        priority: Priority = Priority.CLICK,
        key: Hashable | None = None,
    ) -> Task[T]:
        """Queue something to do in the model's thread, and return its task; see `Worker.submit`."""
        return self._worker.submit(action, priority, key)

    def start(self, steps: Generator[None, None, None]) -> Task[None]:
        """Queue steps in the model's thread, which give way to what is more urgent."""
        return self._worker.start(steps, Priority.PROPAGATE)

    def start_idle(self, steps: Generator[None, None, None], key: Hashable) -> None:
        """Do something step by step whenever there is nothing else to do.

        Parameters
        ----------
        key : of work with the same key only the newest counts.
        """
        with suppress(ClosedError):
            self._worker.start(steps, Priority.IDLE, key)

    def edit(self, action: Callable[[], T]) -> T:
        """Carry out an edit that code asks for, and wait for it."""

        def run() -> T:
            self.begin_edit()
            try:
                return action()
            finally:
                self.reporter.publish(None)
                self.refresh_status()

        return self.call(run)

    def stop(self, reply_to: R | None = None, reason: str = STOPPED) -> None:
        """Stop all propagations after the frame at hand, and all searches for proposals.

        Parameters
        ----------
        reason : told to those who wait for them.
        """
        self._follow_next = None
        for task in (*self._propagations, *self._searches):
            task.stop(reason)
        if reply_to is not None:
            self._worker.submit(lambda: self.reporter.publish(reply_to))

    def halt(self, reason: str) -> None:
        """Stop all propagations, also those that are only queued, and wait for their end."""

        def stop() -> list[Task[None]]:
            tasks = self._propagations.copy()
            self.stop(reason=reason)
            return tasks

        tasks = self.call(stop)
        for task in tasks:
            task.wait()
        if tasks:
            self.call(lambda: None)  # what is told at their end has been told

    def close(self, why: str = CLOSED) -> None:
        """End the thread after the step at hand and let go of the model.

        A model that is just being loaded is waited for neither here nor by edits that wait for it.
        From now on, edits are refused with the reason.
        """
        self._closed_because = why
        loading = self._is_loading
        self._worker.close(wait=not loading, drop_waiting=loading, then=self._session.unload)

    # The model's thread

    def undo(self) -> None:
        """Take the last edit back; a propagation that runs stops first."""
        self.stop(reason="undo")
        self._session.undo()

    def redo(self) -> None:
        """Do what was undone again; a propagation that runs stops first."""
        self.stop(reason="redo")
        self._session.redo()

    def clear(self) -> None:
        """Remove everything; a propagation that runs stops first."""
        self.stop(reason="clear")
        self._session.clear()

    def propagate(
        self,
        steps: Iterator[Tracked],
        on_step: Callable[[Tracked], None] | None = None,
        reply_to: R | None = None,
    ) -> Task[None]:
        """Begin a propagation, and return its task.

        While another one runs it waits for its turn, and then tracks what is left of its own frames
        and objects.

        Parameters
        ----------
        steps : from `Session.propagate`.
        on_step : called after each.
        reply_to : the request to answer at the end.
        """
        # Of the same priority, the earlier one is through before the next one begins.
        task = self._worker.start(self._propagate(steps, on_step, reply_to), Priority.PROPAGATE)
        self._propagations.append(task)
        task.when_done(lambda: self._after_propagation(task, reply_to))
        return task

    def propose(
        self, frame: int, reply_to: R | None = None, window: Window | None = None
    ) -> Task[list[Proposal]]:
        """Begin to segment everything on a frame, and return the search's task.

        While another search runs, it waits for its turn. The browser's searches are for the frame
        that is shown: a new one takes the place of an earlier one.
        """
        steps = self._session.propose(frame, window)
        return self.search(steps, f"Segmenting everything on frame {frame}", reply_to)

    def search(
        self,
        steps: Generator[None, None, list[Proposal]],
        message: str,
        reply_to: R | None = None,
    ) -> Task[list[Proposal]]:
        """Begin to search a frame for proposals, and return the search's task; see `propose`.

        Parameters
        ----------
        steps : of the search.
        message : what is shown meanwhile.
        reply_to : the request to answer at the end.
        """
        if reply_to is not None:
            for search in self._replaceable:
                search.stop("another search")
        task = self._worker.start(self._search(message, steps, reply_to), Priority.PROPAGATE)
        self._searches.append(task)
        if reply_to is not None:
            self._replaceable.add(task)
        task.when_done(lambda: self._after_proposing(task, reply_to))
        return task

    def track_live(self, on_tracked: Callable[[int], None]) -> None:
        """Track the newest frame of a live video, and those that come meanwhile.

        It is always the newest that is tracked, whatever is skipped. A propagation goes first. Any
        thread.

        Parameters
        ----------
        on_tracked : called with each frame that has been tracked.
        """
        if self._tracking_live is None or self._tracking_live.done:
            self._tracking_live = self._worker.start(self._live.track(on_tracked))

    def prompt(self, frame: int, obj: int, prompt: Callable[[], object]) -> str:
        """Prompt an object, and return what there is to say about it; "" where there is nothing.

        Where the object, or one that it takes pixels from, keeps little of its mask, a sentence
        says so, to the caller and as a notice.
        """
        session = self._session
        before = session.held_on(frame)
        prompt()
        if as_int(obj, "An object's id") not in (info.id for info in session.objects):
            return ""  # nothing was painted
        sentence = (
            session.want_of_positive(frame, obj)
            or session.losses(frame, [obj], before)
            or session.cut_by_window(frame, obj)
        )
        if sentence:
            self.set_notice(sentence)
        return sentence

    def adopt(
        self, frame: int, ids: Iterable[int], *, merge: bool, obj: int | None
    ) -> tuple[list[int], str]:
        """Make proposals objects, and return their ids, and a sentence as `prompt` does."""
        session = self._session
        before = session.held_on(frame)
        objects = session.adopt(frame, ids, merge=merge, obj=obj)
        sentence = session.losses(frame, objects, before)
        if sentence:
            self.set_notice(sentence)
        return objects, sentence

    def run_after_propagation(self, follow: Callable[[], None]) -> None:
        """Do something once all propagations are through, or now if none runs."""
        if any(not task.stopped for task in self._propagations):
            self._follow_next = follow
        else:
            follow()

    def _search(
        self,
        message: str,
        steps: Generator[None, None, list[Proposal]],
        reply_to: R | None,
    ) -> Generator[None, None, list[Proposal]]:
        self.status.show("working", message)
        try:
            return (yield from steps)
        except Exception as error:
            log_unless_expected(error, "A search for proposals failed")
            self.reporter.publish_error(reply_to, describe_error(error))
            raise

    def _after_proposing(self, task: Task[list[Proposal]], reply_to: R | None) -> None:
        self._searches.remove(task)
        self._replaceable.discard(task)
        self.reporter.publish(None if task.failed else reply_to)
        self.refresh_status()

    def _propagate(
        self,
        steps: Iterator[Tracked],
        on_step: Callable[[Tracked], None] | None,
        reply_to: R | None,
    ) -> Generator[None, None, None]:
        self.reporter.report_begin()
        self.status.show("propagating")
        try:
            for tracked in steps:
                self.reporter.report_step(tracked)
                if on_step is not None:
                    on_step(tracked)
                yield
        except Exception as error:
            log_unless_expected(error, "A propagation failed")
            self.reporter.publish_error(
                reply_to, f"The propagation stopped: {describe_error(error)}"
            )
            raise

    def _may_track_live(self) -> bool:
        return not (self.status.failure or self._propagations or self._searches)

    def _after_propagation(self, task: Task[None], reply_to: R | None) -> None:
        self._propagations.remove(task)
        self.reporter.report_end()
        self.reporter.publish(None if task.failed else reply_to)
        if not self._propagations:
            follow, self._follow_next = self._follow_next, None
            if follow is not None:
                follow()
        self.refresh_status()

    def _load(self, make: Callable[[Callable[[str], None]], Segmenter]) -> None:
        try:
            segmenter = make(lambda message: self.status.show("loading", message))
        except Exception as error:
            # Whatever it is, the person must see it: each later call repeats it.
            self.status.failure = f"The model could not be loaded: {describe_error(error)}"
            log_unless_expected(error, "Loading the model failed")
        else:
            self._session.load(segmenter)
            self.status.note_model(segmenter)
        finally:
            with self._loading_lock:
                self._is_loading = False
        self.refresh_status()

    def begin_edit(self) -> None:
        """Note that an edit begins, and show it."""
        self.edit_times_s.append(time.monotonic())
        self.status.notice = ""
        self.status.show("working")

    def refresh_status(self) -> None:
        """Show what goes on now that a request is through."""
        if self.status.failure:
            self.status.show_failure()
        elif self._propagations:
            self.status.show("propagating")
        elif not self._searches:
            self.status.show_ready()

    def _show_notice(self) -> None:
        if self.status.values["state"] == "ready":
            self.refresh_status()
