"""A thread that does one thing after the other, the most urgent first."""

from __future__ import annotations

import atexit
import heapq
import logging
import threading
import weakref
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Future, wait
from enum import IntEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)

CLOSED = "close()"
"""The reason why jobs stop when their worker is closed."""
JOIN_S = 30.0
"""How long closing waits for the step at hand, which cannot be interrupted."""


class ClosedError(RuntimeError):
    """The thread has ended, or is about to."""

    def __init__(self) -> None:
        super().__init__("This widget has been closed: make a new one.")


class Priority(IntEnum):
    """What goes first. A long job is made of steps and gives way between them."""

    CLICK = 0
    HOVER = 1
    PROPAGATE = 2
    PREFETCH = 3


class Job(Generic[T]):
    """Work on a queue, advanced a step at a time.

    Parameters
    ----------
    steps : a generator; its return value is the job's result.
    """

    def __init__(self, steps: Generator[object, None, T]) -> None:
        self._steps = steps
        self._future: Future[T | None] = Future()
        self._stopped = False
        self._reason = ""

    @property
    def done(self) -> bool:
        """Whether it has ended, in whichever way."""
        return self._future.done()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped

    @property
    def failed(self) -> bool:
        """Whether it has ended with an exception."""
        return self.done and self._future.exception() is not None

    @property
    def reason(self) -> str:
        """Why it was told to stop."""
        return self._reason

    def stop(self, reason: str = "") -> None:
        """End before the next step. What the steps so far have done stays. Of several reasons the
        first counts. Any thread."""
        self._reason = self._reason or reason
        self._stopped = True

    def result(self) -> T | None:
        """Wait for the end. None if it was stopped; raises what the work raised."""
        return self._future.result()

    def wait(self) -> None:
        """Wait for the end, whichever it is."""
        wait([self._future])

    def when_done(self, call: Callable[[], None]) -> None:
        """Call at the end, in the worker's thread. What it raises is logged: neither the thread
        nor others who are called must suffer from it."""

        def told(_: object) -> None:
            try:
                call()
            except BaseException as error:
                _log.error("What was to be done at the end of a job failed", exc_info=error)

        self._future.add_done_callback(told)

    def advance(self) -> None:
        """Do the next step, in the worker's thread."""
        try:
            if self._stopped:
                self._steps.close()
                self._future.set_result(None)
            else:
                next(self._steps)
        except StopIteration as end:
            self._future.set_result(end.value)
        except BaseException as error:
            # The thread outlives every failure; whoever waits for the job gets it.
            self._future.set_exception(error)


class Worker:
    """One daemon thread and its queue.

    Parameters
    ----------
    name : of the thread.
    """

    def __init__(self, name: str) -> None:
        self._queue: list[tuple[Priority, int, Job[Any]]] = []
        self._newest: dict[Hashable, Job[Any]] = {}
        self._count = 0
        self._closed = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        _OPEN.add(self)

    @property
    def is_current(self) -> bool:
        """Whether the caller is the worker's thread itself."""
        return threading.current_thread() is self._thread

    def submit(
        self,
        call: Callable[[], T],
        priority: Priority = Priority.CLICK,
        key: Hashable | None = None,
    ) -> Job[T]:
        """Queue a call; `key` as in `start`."""
        return self.start(_once(call), priority, key)

    def start(
        self,
        steps: Generator[object, None, T],
        priority: Priority = Priority.PROPAGATE,
        key: Hashable | None = None,
    ) -> Job[T]:
        """Queue a generator, which is advanced one step at a time.

        Parameters
        ----------
        key : of jobs with the same key only the newest counts; those before it are stopped.

        Raises
        ------
        ClosedError
            When the worker is closed.
        """
        job = Job(steps)
        with self._wake:
            if self._closed:
                raise ClosedError
            if key is not None:
                if key in self._newest:
                    self._newest[key].stop()
                self._newest[key] = job
            heapq.heappush(self._queue, (priority, self._count, job))
            self._count += 1
            self._wake.notify()
        return job

    def close(self) -> None:
        """Stop all jobs and end the thread after the step at hand. Any thread; idempotent."""
        with self._wake:
            self._closed = True
            for _, _, job in self._queue:
                job.stop(CLOSED)
            self._wake.notify()
        if not self.is_current:
            self._thread.join(JOIN_S)

    def join(self) -> None:
        """Wait until the thread of a closed worker has ended."""
        self._thread.join()

    def _run(self) -> None:
        while (entry := self._take()) is not None:
            entry[2].advance()
            if not entry[2].done:
                with self._wake:
                    if self._closed:
                        entry[2].stop(CLOSED)
                    heapq.heappush(self._queue, entry)

    def _take(self) -> tuple[Priority, int, Job[Any]] | None:
        with self._wake:
            while not self._queue:
                if self._closed:
                    return None
                self._wake.wait()
            return heapq.heappop(self._queue)


def _once(call: Callable[[], T]) -> Generator[None, None, T]:
    """A job without a step between."""
    yield from ()
    return call()


_OPEN: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A thread inside a native library when the interpreter goes away crashes it."""
    for worker in list(_OPEN):
        worker.close()
