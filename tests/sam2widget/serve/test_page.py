"""What a browser may not ask of the widget on a served page."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget.serve.page import ServedWidget, show_video
from tests.support.browser import Browser, idle
from tests.support.fakes import DiscSegmenter


@pytest.fixture
def browser(tmp_path):
    frames = np.zeros((3, 60, 80, 3), np.uint8)
    session = tmp_path / "a.sam2.zip"
    widget = ServedWidget(frames, DiscSegmenter(60, 80), autosave=session)
    browser = Browser(widget)
    browser.say("hello")
    idle(widget)
    yield browser
    widget.close()


def test_exports_are_downloads_and_write_nothing_where_a_browser_says(browser, tmp_path):
    browser.ask("click", frame=0, x=20, y=20, label=1)
    export = {"format": "npz", "options": [], "replace": True}
    path = tmp_path / "out.npz"
    answer = browser.ask("export", path=str(path), download=False, **export)
    assert answer["type"] == "error" and "download the export" in answer["text"]
    assert not path.exists()
    browser.say("export", path="../../out.npz", download=True, **export)
    with browser.arrived:
        assert browser.arrived.wait_for(lambda: browser.of("exported"), timeout=60)
    assert browser.of("exported")[0]["download"]["name"] == "out.npz"
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".npz"] == []


@pytest.mark.parametrize("model", ["/etc/passwd", "someone/else", "hf:someone/else", "../nano"])
def test_models_are_those_of_the_menu(browser, model):
    answer = browser.ask("set_model", model=model)
    assert (answer["type"], answer["text"]) == (
        "error",
        "Only the models of the menu can be used here.",
    )


def test_what_is_no_message_is_answered_as_ever(browser):
    browser.send({"type": "nonsense"})
    assert browser.errors == ["Unknown message type 'nonsense'."]


def test_a_video_that_cannot_be_shown_is_a_sentence_that_is_no_markup(
    tmp_path, capsys, monkeypatch
):
    shown = []
    monkeypatch.setattr("sam2widget.serve.page.display", lambda data, raw: shown.append(data))
    show_video(video=str(tmp_path / "<b>.mp4"), session=str(tmp_path / "a.sam2.zip"))
    (data,) = shown
    assert [*data] == ["text/plain"] and "<b>.mp4" in data["text/plain"]
