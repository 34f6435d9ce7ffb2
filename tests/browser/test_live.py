"""A live video on a notebook page."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import Bench

SOURCE = """
import itertools
from sam2widget import LiveVideo

def camera():
    for n in itertools.count():
        frame = np.full((120, 160, 3), (40, 60, 50), np.uint8)
        frame[40:90, 50 + n % 20 : 100 + n % 20] = (220, 60, 50)
        yield frame

live = LiveVideo(camera(), max_fps=4, name="camera")
w = Sam2Widget(live, model=model)
"""


def test_the_newest_frame_is_followed_and_tracked_until_a_person_goes_back(bench: Bench) -> None:
    bench.show(SOURCE, frame=None)
    widget = bench.widget

    def drawn() -> int:
        return int(widget.data("frame-drawn") or 0)

    def last() -> int:
        return int(widget.root.get_by_role("slider", name="Frame").get_attribute("max") or 0)

    live = widget.button("Follow the newest frame")
    expect(live).to_have_attribute("aria-pressed", "true")
    widget.eventually(lambda: drawn() >= 5)

    widget.click(85, 65)  # on the object, wherever it is just now
    clicked = drawn()
    expect(live).to_have_attribute("aria-pressed", "false")
    widget.eventually(lambda: last() >= clicked + 10)
    assert drawn() == clicked, "a person who clicks stays there"

    live.click()
    widget.eventually(lambda: drawn() >= clicked + 12)
    widget.eventually(lambda: widget.pixel(85, 65)[1] > 85)  # its mask is orange, over the red

    widget.press("Home")
    widget.wait_for("frame-drawn", 0)
    seen = last()
    widget.eventually(lambda: last() > seen + 3)
    assert drawn() == 0

    bench.run("live.stop()")
    expect(live).to_be_hidden()
    bench.run("w.propagate()")
    count = int(bench.run("print(len(live))"))
    masks_thw = bench.masks()
    assert len(masks_thw) == count
    for n in range(count):
        truth = np.zeros((120, 160), bool)
        truth[40:90, 50 + n % 20 : 100 + n % 20] = True
        assert (masks_thw[n] & truth).sum() / (masks_thw[n] | truth).sum() > 0.7, n
    bench.run("live.close()")
