"""`w.set_model` and `w.model`: another model from code, and what a session file then says."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from sam2_backend.checkpoints.loading import bundled_file
from sam2widget import Sam2Widget, SessionError, read_session
from tests.support.fakes import DiscSegmenter

HEIGHT, WIDTH = 12, 40
CLIP = np.zeros((6, HEIGHT, WIDTH, 3), np.uint8)


class OtherSegmenter(DiscSegmenter):
    name = "other"


@pytest.fixture
def widget():
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    widget.add_point(0, 10, 6)
    widget.propagate()
    yield widget
    widget.close()


def test_it_waits_until_the_other_model_has_answered_the_prompts(widget):
    other = OtherSegmenter(HEIGHT, WIDTH)
    widget.set_model(other)
    assert widget.model == "other" and other.asked("prompt") == [(0, 1)]
    assert widget.timeline(1).stale == [(1, 6)] and widget.timeline(1).prompted == [0]
    widget.propagate()
    assert widget.timeline(1).stale == [] and len(other.asked("track")) == 5


def test_the_property_does_the_same_and_a_misspelt_one_is_told_of(widget):
    widget.model = OtherSegmenter(HEIGHT, WIDTH)
    assert widget.model == "other"
    with pytest.warns(UserWarning, match="this changes nothing: model"):
        widget.modle = "nano"


def test_what_cannot_be_loaded_leaves_the_model_and_the_masks(widget):
    with pytest.raises(SessionError, match=r"Unknown model 'tiny'.*disc stays in use"):
        widget.set_model("tiny")
    with pytest.raises(SessionError, match="model is a name"):
        widget.set_model(7)
    assert widget.model == "disc" and widget.timeline(1).tracked == [(1, 6)]


def test_a_session_file_says_which_model_it_is_to_go_on_with(widget, tmp_path):
    path, session = tmp_path / "mine.safetensors", tmp_path / "a.sam2.zip"
    widget.save(session)
    assert read_session(session).model_source is None
    shutil.copy(bundled_file("nano"), path)
    widget.set_model(str(path))
    widget.save(session)
    assert read_session(session).model_source == str(path)


def test_an_observer_of_a_trait_cannot_wait_for_it(widget):
    told = []

    def switch(_):
        try:
            widget.set_model("nano")
        except SessionError as error:
            told.append(str(error))

    widget.observe(switch, "history")
    widget.add_point(3, 20, 6)
    assert told and "cannot be called in that thread" in told[0]
    assert widget.model == "disc"
