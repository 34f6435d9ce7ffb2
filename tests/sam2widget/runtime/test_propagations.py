"""Propagations and searches that meet: each is done, or says that it was not."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sam2widget import Sam2Widget, SessionError
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, EVERYTHING, FRAMES, HEIGHT, WIDTH
from tests.support.fakes import GatedSegmenter
from tests.support.waiting import wait_until


@pytest.fixture
def segmenter():
    return GatedSegmenter(HEIGHT, WIDTH)


@pytest.fixture
def widget(segmenter, closing):
    widget = closing(Sam2Widget(CLIP, segmenter))
    widget.add_point(0, 10, 6)
    yield widget
    segmenter.gate.open()


def tracked(widget, obj=1):
    return int(np.isfinite(widget.scores[obj]).sum())


def queued(widget, count=1):
    """Wait until so many requests wait for the model's thread."""
    wait_until(lambda: widget._controller.num_waiting == count)


def test_a_second_propagation_waits_and_both_are_done(widget, segmenter, pool):
    first = pool.submit(widget.propagate)
    segmenter.gate.wait_until_reached()
    second = pool.submit(widget.propagate, stop=6)
    third = pool.submit(asyncio.run, widget.propagate_async(10, 20))
    queued(widget, 2)
    segmenter.gate.open()
    assert [one.result() for one in (first, second, third)] == [None] * 3
    assert tracked(widget) == FRAMES
    assert len(segmenter.asked("track")) == FRAMES - 1, "no frame is tracked twice"


def test_a_second_propagation_of_another_range_goes_on_after_the_first(widget, segmenter, pool):
    first = pool.submit(widget.propagate, stop=4)
    segmenter.gate.wait_until_reached()
    second = pool.submit(widget.propagate)
    queued(widget)
    segmenter.gate.open()
    first.result(), second.result()
    assert tracked(widget) == FRAMES and widget.status["state"] == "ready"


@pytest.mark.parametrize("begins", ["code", "browser"])
def test_code_and_browser_wait_for_each_other(widget, segmenter, pool, begins):
    browser = Browser(widget)
    browser.say("hello")
    if begins == "code":
        code = pool.submit(widget.propagate, stop=5)
        segmenter.gate.wait_until_reached()
        number = browser.say("propagate", **EVERYTHING)
    else:
        number = browser.say("propagate", **EVERYTHING)
        segmenter.gate.wait_until_reached()
        code = pool.submit(widget.propagate, stop=5)
    queued(widget)
    segmenter.gate.open()
    code.result()
    assert browser.answer(number)["type"] == "done" and tracked(widget) == FRAMES
    idle(widget)
    assert browser.of("progress")[-1]["running"] is False


ENDS = {
    "undo": lambda widget: widget.undo(),
    "clear": lambda widget: widget.clear(),
    "close": lambda widget: widget.close(),
}


@pytest.mark.parametrize("how", ["propagate", "propagate_async"])
@pytest.mark.parametrize("what", ENDS)
def test_what_ends_a_propagation_is_told_to_all_who_wait(widget, segmenter, pool, what, how):
    def propagate():
        if how == "propagate":
            widget.propagate()
        else:
            asyncio.run(widget.propagate_async())

    first = pool.submit(propagate)
    segmenter.gate.wait_until_reached()
    second = pool.submit(propagate)
    queued(widget)
    ending = pool.submit(ENDS[what], widget)
    if what == "close":
        wait_until(lambda: widget._controller.is_closed)
    else:
        queued(widget, 2)
    segmenter.gate.open()
    ending.result()
    with pytest.raises(
        SessionError, match=rf"ended by {what}\S*, after 1 of {FRAMES - 1} frames"
    ) as told:
        first.result()
    assert ("what was tracked stays" in str(told.value)) == (what == "close")
    with pytest.raises((SessionError, RuntimeError), match=r"before its first frame|been closed"):
        second.result()


def test_a_propagation_that_a_person_stops_returns_with_a_warning(widget, segmenter, pool):
    first = pool.submit(widget.propagate)
    segmenter.gate.wait_until_reached()
    with pytest.warns(UserWarning, match=r"ended by stop\(\), after 1 of 29 frames"):
        widget.stop()
        segmenter.gate.open()
        first.result()
    assert tracked(widget) == 2
    widget.propagate()
    assert tracked(widget) == FRAMES


def test_cancelling_one_propagation_leaves_the_other(widget, segmenter, pool):
    first = pool.submit(widget.propagate, stop=8)
    segmenter.gate.wait_until_reached()

    async def cancelled():
        task = asyncio.create_task(widget.propagate_async())
        while not widget._controller.num_waiting:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The loop ends only once its threads are free.
        segmenter.gate.open()

    pool.submit(asyncio.run, cancelled()).result()
    first.result()
    idle(widget)
    assert tracked(widget) == 8


def test_two_searches_in_code_are_both_done(widget, segmenter, pool):
    first = pool.submit(widget.propose, 3)
    segmenter.gate.wait_until_reached()
    second = pool.submit(widget.propose, 5)
    queued(widget)
    segmenter.gate.open()
    assert len(first.result()) == len(second.result()) == 4


def test_a_search_that_is_stopped_says_so(widget, segmenter, pool):
    first = pool.submit(widget.propose, 3)
    segmenter.gate.wait_until_reached()
    widget.stop()
    segmenter.gate.open()
    with pytest.raises(SessionError, match=r"search on frame 3 was ended by stop\(\)"):
        first.result()


def test_of_the_browsers_searches_the_newest_counts_and_codes_is_left(widget, segmenter, pool):
    browser = Browser(widget)
    browser.say("hello")
    code = pool.submit(widget.propose, 1)
    segmenter.gate.wait_until_reached()
    first, second = (browser.say("propose", frame=frame) for frame in (3, 5))
    queued(widget, 2)
    segmenter.gate.open()
    assert browser.answer(first)["type"] == browser.answer(second)["type"] == "done"
    idle(widget)
    assert len(code.result()) == 4
    told = {content["frame"]: len(content["proposals"]) for content in browser.of("proposals")}
    assert told == {1: 4, 5: 4}


def test_a_call_that_closing_cuts_off_does_not_return_as_if_done(widget, segmenter, pool):
    pool.submit(widget.propose, 3)
    segmenter.gate.wait_until_reached()
    click = pool.submit(widget.add_point, 4, 10, 6)
    queued(widget)
    closing = pool.submit(widget.close)
    wait_until(lambda: widget._controller.is_closed)
    segmenter.gate.open()
    closing.result()
    with pytest.raises(SessionError, match="closed"):
        click.result()
