"""Another model is loaded beside the one at hand, which goes on until it is there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget.core.errors import SessionError
from sam2widget.runtime.model_loader import ModelLoader
from tests.support.fakes import DiscSegmenter
from tests.support.parts import FRAMES, HEIGHT, WIDTH, Parts
from tests.support.waiting import LIMIT_S, wait_until


@pytest.fixture
def parts():
    parts = Parts()
    video = open_video(np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    parts.switched = []
    parts.loader = ModelLoader(
        *(parts.session, parts.controller, lambda: video, lambda: 0),
        *(None, parts.switched.append),
    )
    parts.loader.load(parts.segmenter)
    parts.controller.call(lambda: None)
    yield parts
    parts.close()


class Slow:
    """A function that loads a model once the test lets it."""

    def __init__(self, result=None, error=None):
        self.result, self.error = result, error
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.over.wait(LIMIT_S)
        if self.error is not None:
            raise self.error
        return self.result


def test_another_model_takes_over_and_says_what_is_out_of_date(parts):
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    parts.controller.propagate(parts.session.propagate()).result()
    other = DiscSegmenter(HEIGHT, WIDTH)
    sentence = parts.loader.switch(other).result(LIMIT_S)
    assert sentence.startswith("disc is in use now. What choosy has tracked is out of date")
    assert parts.session.segmenter is other and parts.switched == [other]
    assert other.asked("prompt") == [(0, 1)]
    assert parts.session.has_stale
    parts.controller.wait_until_idle()
    status = parts.controller.status.values
    assert (status["model"], status["state"]) == ("disc", "ready")
    assert "switching" not in status
    assert status["message"] == sentence


def test_the_model_at_hand_answers_meanwhile(parts, nano):
    slow = Slow(result=nano)
    future = parts.loader.switch(slow)
    assert slow.begun.wait(LIMIT_S)
    assert parts.controller.status.values["switching"] == "the model"
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    assert parts.session.masks(1)[0].any()
    slow.over.set()
    future.result(LIMIT_S)
    assert parts.controller.status.values["model"] == "nano"


@pytest.fixture
def nano():
    from sam2_backend import load_model

    return load_model("nano", "cpu")


def test_one_that_cannot_be_loaded_leaves_the_one_at_hand(parts):
    slow = Slow(error=OSError("the disk is gone"))
    future = parts.loader.switch(slow)
    slow.over.set()
    with pytest.raises(SessionError, match=r"the disk is gone.* choosy stays in use\."):
        future.result(LIMIT_S)
    assert parts.session.segmenter is parts.segmenter and not parts.switched
    [(_, _, told)] = parts.reports.of("error")
    assert "the disk is gone" in told
    assert "switching" not in parts.controller.status.values
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))


def test_one_that_is_cancelled_leaves_the_one_at_hand_without_an_alarm(parts, nano):
    slow = Slow(result=nano)
    future = parts.loader.switch(slow)
    assert slow.begun.wait(LIMIT_S)
    parts.loader.cancel()
    slow.over.set()
    with pytest.raises(SessionError, match=r"was cancelled\. choosy stays in use\."):
        future.result(LIMIT_S)
    assert parts.session.segmenter is parts.segmenter and not parts.reports.of("error")


def test_a_later_switch_ends_an_earlier_one(parts, nano):
    slow = Slow(result=nano)
    first = parts.loader.switch(slow)
    assert slow.begun.wait(LIMIT_S)
    other = DiscSegmenter(HEIGHT, WIDTH)
    parts.loader.switch(other).result(LIMIT_S)
    slow.over.set()
    with pytest.raises(SessionError, match="was cancelled"):
        first.result(LIMIT_S)
    assert parts.session.segmenter is other and "switching" not in parts.controller.status.values


def test_a_propagation_ends_where_it_is_and_goes_on_with_the_new_model(parts):
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    going, reached = threading.Event(), threading.Event()

    def wait(tracked):
        reached.set()
        assert going.wait(LIMIT_S)

    task = parts.controller.propagate(parts.session.propagate(), on_step=wait)
    assert reached.wait(LIMIT_S)
    other = DiscSegmenter(HEIGHT, WIDTH)
    future = parts.loader.switch(other)
    wait_until(lambda: parts.controller.num_waiting > 0)
    going.set()
    future.result(LIMIT_S)
    task.wait()
    assert task.reason == "another model"
    parts.controller.propagate(parts.session.propagate()).result()
    tracked = [frame for frame, _, _ in other.asked("track")]
    assert tracked == list(range(1, FRAMES))


def test_a_model_that_could_not_be_loaded_is_made_up_for_by_another():
    parts = Parts()
    video = open_video(np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    loader = ModelLoader(*(parts.session, parts.controller, lambda: video, lambda: 0), None)
    try:
        loader.load("no-such-model")
        wait_until(lambda: parts.controller.status.values["state"] == "error")
        loader.switch(DiscSegmenter(HEIGHT, WIDTH)).result(LIMIT_S)
        assert not parts.controller.status.failure
        parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    finally:
        parts.close()


def test_what_is_no_model_is_refused_at_once(parts):
    with pytest.raises(SessionError, match="model is a name"):
        parts.loader.switch(3)
    assert parts.session.segmenter is parts.segmenter


def test_a_switch_that_is_closed_before_its_turn_is_answered(parts):
    going = threading.Event()
    parts.controller.submit(lambda: going.wait(LIMIT_S))
    future = parts.loader.switch(DiscSegmenter(HEIGHT, WIDTH))
    wait_until(lambda: parts.controller.num_waiting > 0)
    closing = threading.Thread(target=parts.controller.close)
    closing.start()
    wait_until(lambda: parts.controller.is_closed)
    going.set()
    with pytest.raises(SessionError, match="has been closed"):
        future.result(LIMIT_S)
    closing.join()


def test_whatever_a_function_raises_is_told(parts):
    slow = Slow(error=SystemExit(3))
    slow.over.set()
    with pytest.raises(SessionError, match="ended: SystemExit"):
        parts.loader.switch(slow).result(LIMIT_S)
    assert parts.session.segmenter is parts.segmenter


def test_a_closed_widget_takes_no_model(parts):
    slow = Slow(result=DiscSegmenter(HEIGHT, WIDTH))
    future = parts.loader.switch(slow)
    assert slow.begun.wait(LIMIT_S)
    parts.controller.close()
    slow.over.set()
    with pytest.raises(SessionError):
        future.result(LIMIT_S)
