"""The panel where no canvas is shown: a picture that follows, and that can be clicked."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from sam2widget import Sam2Widget
from sam2widget.widget.panel import MAX_PICTURES
from tests.support.fakes import DiscSegmenter

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def widget():
    frames = np.zeros((9, 60, 80, 3), np.uint8)
    made = Sam2Widget(frames, DiscSegmenter(60, 80), autosave=False)
    yield made
    made.close()


def shown(panel):
    """The picture that was sent last, read by another program's parser."""
    panel.wait_until_idle()
    return ElementTree.fromstring(panel._pictures[-1].to_svg())


def test_the_picture_has_the_objects_their_scores_and_the_frame_and_follows(widget):
    widget.add_point(0, 20, 20)
    widget.update_object(1, name="<Cat> & dog")
    widget.panel._display_()
    texts = [one.text for one in shown(widget.panel).iter(f"{SVG}text")]
    assert "<Cat> & dog" in texts
    before = len(list(shown(widget.panel).iter(f"{SVG}polyline")))
    widget.propagate()
    lines = list(shown(widget.panel).iter(f"{SVG}polyline"))
    assert len(lines) > before
    color = widget.objects[0]["color"]
    scores = next(one for one in lines if one.get("stroke") == color)
    assert len(scores.get("points").split()) == 9
    widget.frame = 4
    assert "4" in [one.text for one in shown(widget.panel).iter(f"{SVG}text")]


def test_a_click_on_it_goes_to_the_frame_or_selects_the_object(widget):
    widget.add_point(0, 20, 20)
    widget.add_point(0, 60, 40, obj=widget.add_object())
    panel = widget.panel
    panel._display_()
    shown(panel)
    (picture,) = panel._pictures
    picture._receive(picture, {"type": "click", "x": panel.x_of(7), "y": 100}, [])
    assert widget.frame == 7
    widget.selected = 2
    picture._receive(picture, {"type": "click", "x": 35, "y": 12}, [])
    assert widget.selected == 1
    for nonsense in (None, {}, {"type": "click", "x": "a", "y": None}):
        picture._receive(picture, nonsense, None)
    assert (widget.frame, widget.selected) == (7, 1)


def test_cells_that_run_again_and_again_keep_a_few_pictures(widget):
    for _ in range(MAX_PICTURES + 3):
        widget.panel._display_()
    pictures = widget.panel._pictures
    assert len(pictures) == MAX_PICTURES
    widget.panel.close()
    assert all(one.comm is None for one in pictures)
