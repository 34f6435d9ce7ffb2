"""What several threads share: nothing of it breaks, and one fault does not silence the others."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import Changed, Tracked
from sam2widget.annotation.session import Session
from sam2widget.bridge.protocol import ReplyTo
from sam2widget.bridge.publisher import Publisher
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, HEIGHT, WIDTH
from tests.support.fakes import ChoosySegmenter
from tests.support.waiting import wait_until

ROUNDS, OBJECTS = 60, 6


@pytest.fixture
def often():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often")
def test_a_feed_is_hammered_by_all_its_threads():
    session = Session(len(CLIP), HEIGHT, WIDTH, ChoosySegmenter(HEIGHT, WIDTH))
    faults, over, prompted = [], threading.Event(), {}

    def send(message, _):
        if message.type == "timeline":
            # Prompts only come: fewer than before is what was seen earlier and is told later.
            before = prompted.get(message.object, 0)
            if len(message.prompted) < before:
                faults.append(f"{len(message.prompted)} after {before} prompts are told")
            prompted[message.object] = max(before, len(message.prompted))

    review = Review(session)
    session.listen(review.note)
    publisher = Publisher(session, send, lambda: 0, review)
    session.on_listener_error = faults.append

    def again(call):
        def run():
            n = 0
            try:
                # Between two turns the lock is free: it is given to nobody in order.
                while not over.wait(1e-4):
                    call(n)
                    n += 1
            except BaseException as error:
                faults.append(error)

        return threading.Thread(target=run)

    def look(n):
        publisher.set_frame(f"view{n % 50}", n % len(CLIP))
        publisher.leave(f"view{(n + 25) % 50}")

    def replay(n):
        publisher.outbox.hello("view")
        publisher.replay(ReplyTo("view", n))
        publisher.outbox.ack(n)

    threads = [
        *(again(look) for _ in range(2)),
        *(again(replay) for _ in range(2)),
        *(again(lambda n: publisher.tell_frame(n % 4)) for _ in range(2)),
        again(lambda n: publisher.publish_error(None, "no")),
    ]
    for thread in threads:
        thread.start()
    try:
        for n in range(ROUNDS):
            frame, obj = n // OBJECTS, n % OBJECTS + 1
            session.add_point(frame, 10, 6, 1, obj)
            publisher.report_begin()
            publisher.report_step(Tracked(frame, False, 1, 2))
            publisher.report_end()
            publisher.publish(ReplyTo("view", n))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert faults == []
    assert set(prompted.values()) == {ROUNDS // OBJECTS}


def test_what_was_seen_before_an_edit_is_not_told_after_it():
    session = Session(len(CLIP), HEIGHT, WIDTH, ChoosySegmenter(HEIGHT, WIDTH))
    told, seen, edited = [], threading.Event(), threading.Event()

    def send(message, _):
        if message.type == "timeline":
            told.append(message.prompted)

    publisher = Publisher(session, send, lambda: 0, Review(session))
    publisher.outbox.hello("view")
    session.add_point(0, 10, 6)
    look, other = session.timeline, []

    def slow(obj):
        timeline = look(obj)
        if threading.current_thread() in other:
            seen.set()
            # Not for ever: who edits may have to wait for this thread, as it should.
            edited.wait(0.3)
        return timeline

    session.timeline = slow
    other.append(threading.Thread(target=publisher.replay))
    other[0].start()
    assert seen.wait(60)
    session.add_point(5, 10, 6)
    publisher.publish(None)
    edited.set()
    other[0].join()
    assert told[-1] == [0, 5]


def test_one_listener_that_fails_does_not_silence_the_others():
    session = Session(len(CLIP), HEIGHT, WIDTH, ChoosySegmenter(HEIGHT, WIDTH))
    heard, faults = [], []
    session.on_listener_error = faults.append

    def fail(_: Changed) -> None:
        raise ZeroDivisionError

    session.listen(fail)
    session.listen(heard.append)
    session.add_point(0, 10, 6)
    assert len(heard) == 1 and isinstance(faults[0], ZeroDivisionError)
    assert session.undo() == "point" and len(heard) == 2


@pytest.fixture
def segmenter():
    return ChoosySegmenter(HEIGHT, WIDTH)


@pytest.mark.parametrize("fault", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_one_function_that_fails_does_not_silence_the_others(widget, fault):
    heard = []

    def fail(_):
        raise fault

    for call in fail, heard.append:
        widget.on_mask(call)
    widget.add_point(0, 10, 6)
    wait_until(lambda: len(heard) == 1)
    widget.add_point(0, 12, 6)
    wait_until(lambda: len(heard) == 2)


@pytest.mark.parametrize("trait", ["status", "objects", "history", "selected"])
def test_an_observer_that_fails_ends_no_edit_and_no_propagation(widget, trait):
    def fail(_):
        raise ZeroDivisionError

    widget.observe(fail, trait)
    browser = Browser(widget)
    browser.say("hello")
    widget.add_point(0, 10, 6)
    widget.propagate()
    idle(widget)
    assert np.isfinite(widget.scores[1]).all() and widget.status["state"] == "ready"
    assert [info["id"] for info in widget.objects] == [1]
    assert browser.of("timeline")


def test_a_connection_that_fails_ends_no_edit(widget):
    def fail(*_):
        raise OSError("the connection is lost")

    browser = Browser(widget)
    browser.say("hello")
    sound, widget.send = widget.send, fail
    widget.add_point(0, 10, 6)
    widget.propagate()
    assert np.isfinite(widget.scores[1]).all()
    widget.send = sound
    browser.say("hello")
    assert browser.ask("undo")["type"] == "done"
