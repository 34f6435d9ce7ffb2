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

from ..core.errors import SessionError

T = TypeVar("T")
_log = logging.getLogger(__name__)

CLOSING = "close()"
"""The reason why tasks stop when their worker is closed."""
JOIN_S = 30.0
"""How long closing waits for the step at hand, which cannot be interrupted."""
CLOSED = "This widget has been closed: make a new one. The masks of this one can still be read."


class ClosedError(SessionError):
    """The thread has ended, or is about to."""

    def __init__(self, why: str = CLOSED) -> None:
        super().__init__(why)


class Priority(IntEnum):
    """What goes first. A long task is made of steps and gives way between them."""

    CLICK = 0
    HOVER = 1
    PROPAGATE = 2
    PREFETCH = 3
    IDLE = 4


class Task(Generic[T]):
    """Work on a queue, advanced a step at a time.

    Parameters
    ----------
    steps : a generator; its return value is the task's result.
    """

    def __init__(self, steps: Generator[object, None, T]) -> None:
        self._steps = steps
        self._future: Future[T | None] = Future()
        self._stopped = False
        self._reason = ""
        self.has_begun = False
        """Whether its first step was taken up."""

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
        """End the task before its next step, for a reason.

        What the steps so far have done stays. Of several reasons the first counts. Any thread.
        """
        self._reason = self._reason or reason
        self._stopped = True

    def result(self) -> T | None:
        """Wait for the end. None if it was stopped; raises what the work raised."""
        return self._future.result()

    def wait(self) -> None:
        """Wait for the end, whichever it is."""
        wait([self._future])

    def when_done(self, call: Callable[[], None]) -> None:
        """Call a function at the end, in the worker's thread.

        What it raises is logged: neither the thread nor others who are called must suffer from it.
        """

        def told(_: object) -> None:
            try:
                call()
            except BaseException as error:
                _log.error("What was to be done at the end of a task failed", exc_info=error)

        self._future.add_done_callback(told)

    def drop(self, reason: str) -> None:
        """End before the first step, in whichever thread."""
        self.stop(reason)
        self._steps.close()
        self._future.set_result(None)

    def advance(self) -> None:
        """Do the next step, in the worker's thread."""
        self.has_begun = True
        try:
            if self._stopped:
                self._steps.close()
                self._future.set_result(None)
            else:
                next(self._steps)
        except StopIteration as end:
            self._future.set_result(end.value)
        except BaseException as error:
            # The thread outlives every failure; whoever waits for the task gets it.
            self._future.set_exception(error)


class Worker:
    """One daemon thread and its queue.

    The thread ends with `close`, or with the worker: it holds nothing but what is queued.

    Parameters
    ----------
    name : of the thread.
    """

    def __init__(self, name: str) -> None:
        self._queue = _Queue()
        self._thread = threading.Thread(target=self._queue.run, name=name, daemon=True)
        self._thread.start()
        # At exit, `_close_all` waits for the thread too.
        weakref.finalize(self, self._queue.close).atexit = False
        _OPEN.add(self)

    @property
    def is_current(self) -> bool:
        """Whether the caller is the worker's thread itself."""
        return threading.current_thread() is self._thread

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more work."""
        return self._queue.closed

    @property
    def num_waiting(self) -> int:
        """How many tasks have not begun."""
        return self._queue.num_waiting

    def submit(
        self,
        call: Callable[[], T],
        priority: Priority = Priority.CLICK,
        key: Hashable | None = None,
    ) -> Task[T]:
        """Queue a call; `key` as in `start`."""
        return self.start(_once(call), priority, key)

    def start(
        self,
        steps: Generator[object, None, T],
        priority: Priority = Priority.PROPAGATE,
        key: Hashable | None = None,
    ) -> Task[T]:
        """Queue a generator, which is advanced one step at a time.

        Parameters
        ----------
        key : of tasks with the same key only the newest counts; those before it are stopped.

        Raises
        ------
        ClosedError
            When the worker is closed.
        """
        task = Task(steps)
        self._queue.put(task, priority, key)
        return task

    def wait_until_idle(self) -> None:
        """Wait until nothing else is queued.

        Raises
        ------
        ClosedError
            When the worker is closed.
        """
        self.submit(lambda: None, Priority.IDLE).wait()

    def close(
        self,
        *,
        wait: bool = True,
        drop_waiting: bool = False,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Stop all tasks and end the thread after the step at hand. Any thread; idempotent.

        Parameters
        ----------
        wait : for the thread to end, unless it is the caller's.
        drop_waiting : end tasks that have not begun at once, in the caller's thread; else the
            thread ends them, after the step at hand.
        then : called once no task runs any more, in the thread or the caller's.
        """
        self._queue.close(then, drop_waiting=drop_waiting)
        if wait and not self.is_current:
            self._thread.join(JOIN_S)

    def join(self) -> None:
        """Wait until the thread of a closed worker has ended."""
        self._thread.join()


class _Queue:
    """What a worker's thread works off. It does not know the worker, which may go before it."""

    def __init__(self) -> None:
        self.closed = False
        self._tasks: list[tuple[Priority, int, Task[Any], Hashable | None]] = []
        self._newest: dict[Hashable, Task[Any]] = {}
        """By key, the task that counts, until it is done."""
        self._count = 0
        self._ended = False
        self._then: list[Callable[[], object]] = []
        self._wake = threading.Condition()

    @property
    def num_waiting(self) -> int:
        with self._wake:
            return sum(not task.has_begun for _, _, task, _ in self._tasks)

    def put(self, task: Task[Any], priority: Priority, key: Hashable | None) -> None:
        with self._wake:
            if self.closed:
                raise ClosedError
            if key is not None:
                if key in self._newest:
                    self._newest[key].stop()
                self._newest[key] = task
            heapq.heappush(self._tasks, (priority, self._count, task, key))
            self._count += 1
            self._wake.notify()

    def close(
        self, then: Callable[[], object] | None = None, *, drop_waiting: bool = False
    ) -> None:
        with self._wake:
            self.closed = True
            waiting = [task for _, _, task, _ in self._tasks if drop_waiting and not task.has_begun]
            self._tasks = [entry for entry in self._tasks if entry[2] not in waiting]
            heapq.heapify(self._tasks)
            for _, _, task, _ in self._tasks:
                task.stop(CLOSING)
            if then is not None and not self._ended:
                self._then.append(then)
                then = None
            self._wake.notify()
        for task in waiting:
            task.drop(CLOSING)
        if then is not None:
            then()

    def run(self) -> None:
        while self._run_next():
            pass
        with self._wake:
            self._ended = True
            self._newest.clear()
            calls, self._then = self._then, []
        for call in calls:
            call()

    def _run_next(self) -> bool:
        """Advance the most urgent task by a step; False once the queue is closed and empty.

        What the task was about is let go of before the next is waited for.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._tasks or self.closed)
            if not self._tasks:
                return False
            entry = heapq.heappop(self._tasks)
        _, _, task, key = entry
        task.advance()
        with self._wake:
            if not task.done:
                if self.closed:
                    task.stop(CLOSING)
                heapq.heappush(self._tasks, entry)
            elif key is not None and self._newest.get(key) is task:
                del self._newest[key]
        return True


def _once(call: Callable[[], T]) -> Generator[None, None, T]:
    """A task without a step between."""
    yield from ()
    return call()


_OPEN: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A thread inside a native library when the interpreter goes away crashes it."""
    for worker in list(_OPEN):
        worker.close()
