"""Propagations and searches that meet: each is done, or says that it was not."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sam2widget.core.errors import SessionError
from tests.support.clips import EVERYTHING
from tests.support.fakes import GatedSegmenter
from tests.support.parts import FRAMES, HEIGHT, WIDTH
from tests.support.waiting import wait_until
from tests.support.wire import Wire


@pytest.fixture
def wire(closing):
    wire = closing(Wire(GatedSegmenter(HEIGHT, WIDTH)))
    wire.annotator.add_point(0, 10, 6)
    yield wire
    wire.segmenter.gate.open()


@pytest.fixture
def segmenter(wire):
    return wire.segmenter


@pytest.fixture
def annotator(wire):
    return wire.annotator


def tracked(annotator, obj=1):
    return int(np.isfinite(annotator.scores[obj]).sum())


def queued(wire, count=1):
    """Wait until so many requests wait for the model's thread."""
    wait_until(lambda: wire.controller.num_waiting == count)


def test_a_second_propagation_waits_and_both_are_done(wire, annotator, segmenter, pool):
    first = pool.submit(annotator.propagate)
    segmenter.gate.wait_until_reached()
    second = pool.submit(annotator.propagate, stop=6)
    third = pool.submit(asyncio.run, annotator.propagate_async(6, 10))
    queued(wire, 2)
    segmenter.gate.open()
    assert [one.result() for one in (first, second, third)] == [None] * 3
    assert tracked(annotator) == FRAMES
    assert len(segmenter.asked("track")) == FRAMES - 1, "no frame is tracked twice"


def test_a_second_propagation_of_another_range_goes_on_after_the_first(
    wire, annotator, segmenter, pool
):
    first = pool.submit(annotator.propagate, stop=4)
    segmenter.gate.wait_until_reached()
    second = pool.submit(annotator.propagate)
    queued(wire)
    segmenter.gate.open()
    first.result(), second.result()
    assert tracked(annotator) == FRAMES and wire.controller.status.values["state"] == "ready"


@pytest.mark.parametrize("begins", ["code", "browser"])
def test_code_and_browser_wait_for_each_other(wire, annotator, segmenter, pool, begins):
    wire.say("hello")
    if begins == "code":
        code = pool.submit(annotator.propagate, stop=5)
        segmenter.gate.wait_until_reached()
        number = wire.say("propagate", **EVERYTHING)
    else:
        number = wire.say("propagate", **EVERYTHING)
        segmenter.gate.wait_until_reached()
        code = pool.submit(annotator.propagate, stop=5)
    queued(wire)
    segmenter.gate.open()
    code.result()
    assert wire.answer(number).type == "done" and tracked(annotator) == FRAMES
    wire.idle()
    assert wire.of("progress")[-1].running is False


ENDS = {
    "undo": lambda wire: wire.annotator.undo(),
    "clear": lambda wire: wire.annotator.clear(),
    "close": lambda wire: wire.close(),
}


@pytest.mark.parametrize("how", ["propagate", "propagate_async"])
@pytest.mark.parametrize("what", ENDS)
def test_what_ends_a_propagation_is_told_to_all_who_wait(
    wire, annotator, segmenter, pool, what, how
):
    def propagate():
        if how == "propagate":
            annotator.propagate()
        else:
            asyncio.run(annotator.propagate_async())

    first = pool.submit(propagate)
    segmenter.gate.wait_until_reached()
    second = pool.submit(propagate)
    queued(wire)
    ending = pool.submit(ENDS[what], wire)
    if what == "close":
        wait_until(lambda: wire.controller.is_closed)
    else:
        queued(wire, 2)
    segmenter.gate.open()
    ending.result()
    with pytest.raises(
        SessionError, match=rf"ended by {what}\S*, after 1 of {FRAMES - 1} frames"
    ) as told:
        first.result()
    assert ("what was tracked stays" in str(told.value)) == (what == "close")
    with pytest.raises((SessionError, RuntimeError), match=r"before its first frame|been closed"):
        second.result()


def test_a_propagation_that_a_person_stops_returns_with_a_warning(annotator, segmenter, pool):
    first = pool.submit(annotator.propagate)
    segmenter.gate.wait_until_reached()
    with pytest.warns(UserWarning, match=r"ended by stop\(\), after 1 of 11 frames"):
        annotator.stop()
        segmenter.gate.open()
        first.result()
    assert tracked(annotator) == 2
    annotator.propagate()
    assert tracked(annotator) == FRAMES


def test_cancelling_one_propagation_leaves_the_other(wire, annotator, segmenter, pool):
    first = pool.submit(annotator.propagate, stop=8)
    segmenter.gate.wait_until_reached()

    async def cancelled():
        task = asyncio.create_task(annotator.propagate_async())
        while not wire.controller.num_waiting:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The loop ends only once its threads are free.
        segmenter.gate.open()

    pool.submit(asyncio.run, cancelled()).result()
    first.result()
    wire.idle()
    assert tracked(annotator) == 8


def test_two_searches_in_code_are_both_done(wire, annotator, segmenter, pool):
    first = pool.submit(annotator.propose, 3)
    segmenter.gate.wait_until_reached()
    second = pool.submit(annotator.propose, 5)
    queued(wire)
    segmenter.gate.open()
    assert len(first.result()) == len(second.result()) == 4


def test_a_search_that_is_stopped_says_so(annotator, segmenter, pool):
    first = pool.submit(annotator.propose, 3)
    segmenter.gate.wait_until_reached()
    annotator.stop()
    segmenter.gate.open()
    with pytest.raises(SessionError, match=r"search on frame 3 was ended by stop\(\)"):
        first.result()


def test_of_the_browsers_searches_the_newest_counts_and_codes_is_left(
    wire, annotator, segmenter, pool
):
    wire.say("hello")
    code = pool.submit(annotator.propose, 1)
    segmenter.gate.wait_until_reached()
    first, second = (wire.say("propose", frame=frame) for frame in (3, 5))
    queued(wire, 2)
    segmenter.gate.open()
    assert wire.answer(first).type == wire.answer(second).type == "done"
    wire.idle()
    assert len(code.result()) == 4
    told = {one.frame: len(one.proposals) for one in wire.of("proposals")}
    assert told == {1: 4, 5: 4}


def test_a_call_that_closing_cuts_off_does_not_return_as_if_done(wire, annotator, segmenter, pool):
    pool.submit(annotator.propose, 3)
    segmenter.gate.wait_until_reached()
    click = pool.submit(annotator.add_point, 4, 10, 6)
    queued(wire)
    closing = pool.submit(wire.close)
    wait_until(lambda: wire.controller.is_closed)
    segmenter.gate.open()
    closing.result()
    with pytest.raises(SessionError, match="has been closed"):
        click.result()
