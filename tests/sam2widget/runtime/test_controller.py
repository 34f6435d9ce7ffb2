"""The controller without a widget: one thread, which never holds up who reads or closes."""

from __future__ import annotations

import threading

import pytest

from sam2widget.core.errors import SessionError
from sam2widget.runtime.worker import ClosedError
from tests.support.parts import FRAMES, Parts
from tests.support.waiting import threads_ended, wait_until


@pytest.fixture
def parts():
    parts = Parts().load()
    yield parts
    parts.close()


class Download:
    """A model that is loaded once the test lets it."""

    def __init__(self, parts):
        self.parts, self.begun, self.over = parts, threading.Event(), threading.Event()

    def __call__(self, on_status):
        on_status("Downloading")
        self.begun.set()
        assert self.over.wait(60)
        return self.parts.segmenter


@pytest.fixture
def loading():
    """Parts whose model is just being loaded, and the download."""
    parts = Parts()
    download = Download(parts)
    parts.controller.load(download)
    assert download.begun.wait(60)
    yield parts, download
    download.over.set()
    parts.close()


def test_an_edit_is_carried_out_published_and_shown(parts):
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    assert parts.session.masks(1)[0].any() and parts.reports.of("publish")
    states = [one["status"]["state"] for one in parts.traits.written]
    assert states[-2:] == ["working", "ready"]
    assert parts.controller.status.values["model"] == "choosy"


def test_an_edit_that_fails_is_raised_where_it_was_asked_for_and_the_next_one_works(parts):
    with pytest.raises(SessionError, match="no frame 99"):
        parts.controller.edit(lambda: parts.session.add_point(99, 10, 6))
    assert parts.controller.status.values["state"] == "ready"
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))


def test_a_propagation_is_told_step_by_step(parts):
    controller, session = parts.controller, parts.session
    controller.edit(lambda: session.add_point(0, 10, 6))
    seen = []
    task = controller.call(
        lambda: controller.propagate(session.propagate(), lambda t: seen.append(t.frame), "me")
    )
    task.result()
    parts.reports.wait_for("publish", "me")
    assert seen == list(range(1, FRAMES)) == [frame for _, frame in parts.reports.of("step")]
    kinds = [what[0] for what in parts.reports.told]
    assert kinds.index("begin") < kinds.index("step") < kinds.index("end")


def test_a_prompt_says_what_it_lost_once_it_is_made(parts):
    controller, session = parts.controller, parts.session

    def prompt(label):
        return controller.edit(
            lambda: controller.prompt(3, 1, lambda: session.add_point(3, 10, 6, label))
        )

    assert "has only points where it is not" in prompt(0)
    controller.wait_until_idle()
    assert "has only points" in controller.status.values["message"]
    assert prompt(1) == ""
    assert controller.edit(lambda: controller.prompt(3, 7, lambda: None)) == ""


def test_who_reads_does_not_wait_for_a_download(loading, pool):
    parts, _ = loading
    assert pool.submit(parts.controller.read, lambda: parts.session.num_frames).result(10) == FRAMES
    assert parts.controller.status.values == {
        **parts.controller.status.values,
        "message": "Downloading",
    }


def test_closing_does_not_wait_for_a_download_and_neither_do_those_who_wait_for_it(loading, pool):
    parts, download = loading
    clicks = [
        pool.submit(parts.controller.edit, lambda: parts.session.add_point(0, 10, 6))
        for _ in range(3)
    ]
    pool.submit(parts.controller.close, "It was closed.").result(10)
    for click in clicks:
        with pytest.raises(ClosedError, match=r"^It was closed\.$"):
            click.result(10)
    assert not download.over.is_set() and not parts.session.objects
    download.over.set()
    wait_until(lambda: not {"sam2widget model"} & {one.name for one in threading.enumerate()})
    with pytest.raises(ClosedError, match="It was closed"):
        parts.controller.edit(lambda: None)


def test_what_waited_for_a_download_is_done_after_it_in_its_order(loading, pool):
    parts, download = loading
    done = []
    waiting = [
        pool.submit(parts.controller.edit, lambda n=n: done.append((n, parts.session.add_object())))
        for n in range(3)
    ]
    download.over.set()
    for one in waiting:
        one.result(60)
    assert [obj for _, obj in done] == [1, 2, 3]


def test_a_model_that_cannot_be_loaded_is_said_to_each_who_edits_and_none_who_reads():
    parts = Parts()

    def fail(on_status):
        raise OSError("no route to host")

    parts.controller.load(fail)
    for _ in range(2):
        with pytest.raises(SessionError, match="could not be loaded: OSError: no route to host"):
            parts.controller.edit(lambda: None)
    assert (
        parts.controller.read(lambda: 3) == 3 and parts.controller.status.values["state"] == "error"
    )
    parts.close()


def test_closing_ends_the_thread_and_results_can_still_be_read():
    before = threading.enumerate()
    parts = Parts().load()
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    parts.close()
    wait_until(lambda: threads_ended(before))
    assert parts.controller.read(lambda: parts.session.masks(1)[0].any())


@pytest.mark.parametrize("fault", [ZeroDivisionError, SystemExit])
def test_the_end_of_a_task_is_told_to_all_and_the_thread_lives_on(parts, fault):
    told = []

    def fail():
        raise fault

    def begin():
        task = parts.controller.propose(0)
        task.when_done(fail)
        task.when_done(lambda: told.append(1))
        return task

    parts.controller.call(begin).wait()
    parts.controller.wait_until_idle()
    assert told == [1]
    assert len(parts.controller.call(lambda: parts.controller.propose(1)).result()) == 4
