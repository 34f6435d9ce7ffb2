"""Code waits for propagations and searches without a widget."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sam2widget.core.errors import SessionError
from sam2widget.runtime import blocking
from tests.support.fakes import GatedSegmenter
from tests.support.parts import FRAMES, HEIGHT, WIDTH, Parts


@pytest.fixture
def parts(closing):
    parts = closing(Parts(GatedSegmenter(HEIGHT, WIDTH)).load())
    parts.controller.edit(lambda: parts.session.add_point(0, 10, 6))
    yield parts
    parts.segmenter.gate.open()


def num_tracked(parts):
    return len(parts.session.results(1))


def test_a_propagation_returns_once_all_is_tracked(parts):
    parts.segmenter.gate.open()
    blocking.propagate(parts.controller, parts.session.propagate)
    assert num_tracked(parts) == FRAMES


def test_so_does_one_that_is_awaited(parts):
    parts.segmenter.gate.open()
    asyncio.run(blocking.propagate_async(parts.controller, parts.session.propagate))
    assert num_tracked(parts) == FRAMES


def test_what_cannot_begin_is_raised(parts):
    with pytest.raises(SessionError, match="no object 7"):
        blocking.propagate(parts.controller, lambda: parts.session.propagate(objects=7))
    with pytest.raises(SessionError, match="no frame 99"):
        blocking.propose(parts.controller, 99)


def stopped(parts, reason):
    """Stop whatever runs once it is at the gate."""

    def stop():
        parts.segmenter.gate.wait_until_reached()
        parts.controller.stop(reason=reason)
        parts.segmenter.gate.open()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_one_that_a_person_stops_warns_and_one_that_something_else_ends_raises(parts):
    thread = stopped(parts, "stop()")
    with pytest.warns(UserWarning, match=r"ended by stop\(\), after 1 of 11 frames: what was"):
        blocking.propagate(parts.controller, parts.session.propagate)
    thread.join()
    parts.segmenter.gate.close()
    thread = stopped(parts, "undo")
    with pytest.raises(SessionError, match=r"ended by undo, after 1 of 10 frames: propagate\(\)"):
        blocking.propagate(parts.controller, parts.session.propagate)
    thread.join()


def test_a_search_gives_proposals_or_says_what_ended_it(parts):
    thread = stopped(parts, "close()")
    with pytest.raises(SessionError, match=r"search on frame 3 was ended by close\(\)"):
        blocking.propose(parts.controller, 3)
    thread.join()
    assert len(blocking.propose(parts.controller, 3)) == 4


def test_the_models_thread_itself_may_not_wait(parts):
    for call in (
        lambda: blocking.propagate(parts.controller, parts.session.propagate),
        lambda: blocking.propose(parts.controller, 0),
    ):
        with pytest.raises(SessionError, match="call it from a cell"):
            parts.controller.call(call)
