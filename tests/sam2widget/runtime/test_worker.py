import gc
import threading
import warnings
import weakref

import pytest

from sam2widget.core.errors import SessionError
from sam2widget.runtime.worker import Priority, Worker
from tests.support.waiting import threads_ended, wait_until


@pytest.fixture
def worker():
    worker = Worker("test")
    yield worker
    worker.close()


@pytest.fixture
def held(worker):
    """The worker is busy until `release` is set; what is queued meanwhile waits."""
    release = threading.Event()
    worker.submit(release.wait)
    yield release
    release.set()


def test_a_call_gives_its_value_or_its_exception(worker):
    assert worker.submit(lambda: 3).result() == 3
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 // 0).result()
    assert worker.submit(lambda: 4).result() == 4


def test_all_work_is_done_in_the_one_thread(worker):
    threads = {worker.submit(threading.current_thread).result() for _ in range(5)}
    assert len(threads) == 1 and threading.current_thread() not in threads
    assert worker.submit(lambda: worker.is_current).result() and not worker.is_current


def test_the_most_urgent_goes_first_and_equals_in_their_order(worker, held):
    done = []
    tasks = [
        worker.submit(lambda name=name: done.append(name), priority)
        for name, priority in [
            ("prefetch", Priority.PREFETCH),
            ("step", Priority.PROPAGATE),
            ("hover", Priority.HOVER),
            ("click 1", Priority.CLICK),
            ("click 2", Priority.CLICK),
        ]
    ]
    held.set()
    for task in tasks:
        task.result()
    assert done == ["click 1", "click 2", "hover", "step", "prefetch"]


def test_a_long_task_gives_way_between_its_steps(worker):
    done, clicked = [], []

    def steps():
        for n in range(5):
            done.append(n)
            if n == 1:
                clicked.append(worker.submit(lambda: done.append("click")))
            yield
        return "end"

    assert worker.start(steps()).result() == "end"
    assert done == [0, 1, "click", 2, 3, 4]


def test_a_stopped_task_ends_before_its_next_step_and_cleans_up(worker):
    done = []

    def steps():
        try:
            for n in range(100):
                done.append(n)
                if n == 2:
                    task.stop()
                yield
        finally:
            done.append("closed")

    ready = threading.Event()
    worker.submit(ready.wait)
    task = worker.start(steps())
    ready.set()
    assert task.result() is None and task.stopped and not task.failed
    assert done == [0, 1, 2, "closed"]


def test_of_tasks_with_one_key_the_newest_counts(worker, held):
    done = []
    tasks = [
        worker.submit(lambda n=n: done.append(n), Priority.HOVER, key="hover") for n in range(9)
    ]
    other = worker.submit(lambda: done.append("other"), Priority.PREFETCH, key="else")
    held.set()
    other.result()
    assert done == [8, "other"] and all(task.done for task in tasks)


def test_a_task_that_fails_midway_fails_alone(worker):
    def steps():
        yield
        raise OSError("disk")

    task = worker.start(steps())
    with pytest.raises(OSError, match="disk"):
        task.result()
    assert task.failed and worker.submit(lambda: 1).result() == 1


def test_even_exits_do_not_end_the_thread(worker):
    def leave():
        raise SystemExit

    with pytest.raises(SystemExit):
        worker.submit(leave).result()
    assert worker.submit(lambda: 1).result() == 1


def test_closing_stops_tasks_and_ends_the_thread():
    before = threading.enumerate()
    worker, held, closed = Worker("test"), threading.Event(), []
    worker.submit(held.wait)

    def steps():
        try:
            while True:
                yield
        finally:
            closed.append(True)

    task = worker.start(steps())
    waiting = worker.submit(lambda: 1)
    held.set()
    worker.close()
    worker.close()
    assert task.done and waiting.done and threads_ended(before)
    with pytest.raises(SessionError, match="has been closed: make a new one"):
        worker.submit(lambda: 1)


def test_the_end_of_a_task_is_told_in_the_thread(worker):
    heard, told = [], threading.Event()
    task = worker.submit(lambda: 1)
    task.result()
    running = worker.start(iter_once())
    running.when_done(lambda: (heard.append(worker.is_current), told.set()))
    assert told.wait(5) and heard in ([True], [False])
    with warnings.catch_warnings(record=True) as caught:
        worker.close()
    assert not caught


def test_of_many_keys_nothing_is_kept_once_their_tasks_are_done(worker):
    def task_of(view):
        return worker.submit(lambda: view, key=("hover", view))

    tasks = [weakref.ref(task_of(view)) for view in range(100)]
    worker.wait_until_idle()
    gc.collect()
    assert [task() for task in tasks] == [None] * 100


def test_the_end_of_a_replaced_task_does_not_forget_the_newer_one(worker, held):
    done = []

    def endless():
        while True:
            yield

    first = worker.submit(lambda: done.append("first"), key="want")
    second = worker.start(endless(), Priority.PREFETCH, key="want")
    held.set()
    first.wait()
    worker.submit(lambda: done.append("third"), key="want").wait()
    wait_until(lambda: second.done)
    assert second.stopped and done == ["third"]


def test_waiting_until_idle_is_over_when_all_else_is_done(worker, held):
    done = []
    worker.start(steps_of(done, 3), Priority.PREFETCH)
    worker.submit(lambda: worker.submit(lambda: done.append("late"), Priority.PREFETCH))
    held.set()
    worker.wait_until_idle()
    assert sorted(map(str, done)) == ["0", "1", "2", "late"]


def test_closing_may_drop_what_has_not_begun_and_not_wait_for_what_has(worker):
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()
    busy = worker.submit(lambda: (begun.set(), release.wait()))
    assert begun.wait(5)
    waiting = [worker.submit(lambda: 1), worker.start(steps_of([], 3))]
    worker.close(wait=False, drop_waiting=True, then=ended.set)
    assert [task.result() for task in waiting] == [None, None]
    assert all(task.stopped and task.reason == "close()" for task in waiting)
    assert not busy.done and not ended.is_set()
    release.set()
    assert ended.wait(5) and busy.done


def steps_of(done, count):
    for n in range(count):
        done.append(n)
        yield


def iter_once():
    yield
