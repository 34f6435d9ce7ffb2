"""Closing a widget waits for no model that is being loaded, and for nobody who waits for one."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest

from sam2widget import Sam2Widget, SessionError, read_session
from tests.support.browser import Browser
from tests.support.fakes import DiscSegmenter
from tests.support.waiting import threads_ended, wait_until

FRAMES, HEIGHT, WIDTH = 6, 12, 40
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
SOON_S = 20
"""Much longer than closing takes, and less than the download."""


class Download:
    """A model that is there once the test lets it."""

    def __init__(self):
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.over.wait(120)
        return DiscSegmenter(HEIGHT, WIDTH)


@pytest.fixture
def download(monkeypatch):
    download = Download()

    def load(model, device, video, on_status):
        on_status("Downloading")
        return download()

    monkeypatch.setattr("sam2widget.models.loading.load_segmenter", load)
    yield download
    download.over.set()


def test_a_widget_closes_while_its_model_loads_and_so_does_what_waits_for_it(
    download, pool, tmp_path
):
    path = tmp_path / "a.sam2.zip"
    widget = Sam2Widget(CLIP, "owner/slow", autosave=path)
    browser = Browser(widget)
    browser.say("hello")
    assert download.begun.wait(SOON_S)
    widget.clean_masks = 9  # something to save
    follow = threading.Event()
    widget.on_frame(lambda event: (follow.set(), widget.add_point(event.frame, 10, 6)))
    widget.frame = 3
    assert follow.wait(SOON_S)
    calls = [
        pool.submit(widget.add_point, 0, 10, 6),
        pool.submit(widget.propagate),
        pool.submit(widget.propose, 0),
        pool.submit(widget.wait_until_loaded),
    ]
    browser.say("click", frame=0, object=None, x=10.0, y=6.0, label=1)
    pool.submit(widget.close).result(SOON_S)
    for call in calls:
        with pytest.raises(SessionError, match="has been closed: make a new one"):
            call.result(SOON_S)
    assert not download.over.is_set()
    assert read_session(path).clean_masks == 9 and widget.masks == {}
    download.over.set()
    pool.shutdown()
    # A progress bar leaves a thread of its own behind.
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("sam2widget")])


def test_saving_and_counting_do_not_wait_for_the_model_either(download, pool, tmp_path):
    widget = Sam2Widget(CLIP, "owner/slow", autosave=False)
    assert download.begun.wait(SOON_S)
    pool.submit(widget.save, tmp_path / "a.sam2.zip").result(SOON_S)
    assert pool.submit(lambda: widget.statistics).result(SOON_S).masks == 0
    download.over.set()
    widget.add_point(0, 10, 6)
    assert widget.statistics.masks == 1
    widget.close()


def test_a_widget_that_was_refused_leaves_nothing_behind():
    before = threading.enumerate()
    with pytest.raises(Exception, match="no frame 99"):
        Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False, frame=99)

    def ended():
        gc.collect()
        return threads_ended(before)

    wait_until(ended)


def test_a_program_that_ends_while_its_model_loads_says_nothing_of_that():
    code = """
import threading
import numpy as np
import sam2widget.models.loading as loading
def load(*_):
    threading.main_thread().join()
    raise RuntimeError("can't register atexit after shutdown")
loading.load_segmenter = load
from sam2widget import Sam2Widget
w = Sam2Widget(np.zeros((2, 12, 40, 3), np.uint8), "owner/slow", autosave=False)
print(w)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("Sam2Widget(") and ran.stderr == ""
