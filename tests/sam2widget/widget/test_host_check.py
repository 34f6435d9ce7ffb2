"""The check of a host, with a browser that is made up: it fails where something is lost."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget import Sam2Widget, SessionError
from sam2widget.widget.host_check import CHECKS, NUM_BYTES, HostCheck
from tests.support.fakes import DiscSegmenter


@pytest.fixture
def widget():
    frames = np.zeros((3, 60, 80, 3), np.uint8)
    with_disc = Sam2Widget(frames, DiscSegmenter(60, 80), autosave=False)
    yield with_disc
    with_disc.close()


class Page:
    """Answers as `host_check.js` does."""

    def __init__(self, check, widget, *, lost=0, clicks=True):
        self.check, self.widget, self.lost, self.clicks = check, widget, lost, clicks
        check.send = self.receive

    def answer(self, content, buffers=()):
        self.check._receive(self.check, content, list(buffers))

    def receive(self, content, buffers=None):
        if content["type"] == "ping":
            self.answer({"type": "pong", "number": content["number"]})
        elif content["type"] == "bytes":
            got = buffers[0][: NUM_BYTES - self.lost]
            total = 0
            for byte in got:
                total = (total * 31 + byte) % 2**32
            answer = {"type": "bytes", "sum": total, "length": len(got)}
            self.answer(answer, [memoryview(got)])
        elif content["type"] == "click" and self.clicks:
            self.widget.add_point(0, 20, 20)
            self.answer({"type": "clicked", "took": 5.0})
        elif content["type"] == "click":
            self.answer({"type": "failed", "text": "it did not happen in time"})


def states(check):
    return {name: state for name, state, _ in check.rows}


def test_without_a_browser_nothing_is_said_to_pass(widget):
    check = HostCheck(widget)
    assert set(states(check).values()) == {"…"}
    assert check.result == "running"
    assert "No browser has shown the check yet" in check.report()


def test_where_all_is_answered_it_passes(widget):
    check = HostCheck(widget)
    page = Page(check, widget)
    page.answer({"type": "hello", "agent": "a browser", "secure": False})
    assert states(check) == dict.fromkeys(CHECKS, "pass")
    assert check.result == "pass"
    assert "a browser, plain http" in check.report() and "1 mask, 1 object" in check.report()


def test_lost_bytes_and_clicks_that_are_not_answered_fail(widget):
    check = HostCheck(widget)
    Page(check, widget, lost=1, clicks=False).answer({"type": "hello", "secure": True})
    assert states(check) == {
        **dict.fromkeys(CHECKS, "fail"),
        "front end": "pass",
        "messages": "pass",
    }
    assert check.result == "fail"
    assert f"{NUM_BYTES - 1} of {NUM_BYTES} bytes" in check.report()


def test_a_widget_with_objects_is_refused(widget):
    widget.add_point(0, 20, 20)
    with pytest.raises(SessionError, match="without objects"):
        HostCheck(widget)


def test_nonsense_from_the_browser_changes_nothing(widget):
    check = HostCheck(widget)
    for content in (None, [], {"type": "pong", "number": 3}, {"type": "what"}):
        check._receive(check, content, None)
    assert check.result == "running"
