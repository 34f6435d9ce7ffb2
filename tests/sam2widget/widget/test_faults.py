"""Storms, views that come and go, a full disk: nothing is lost and the widget works on."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections import Counter, deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from sam2widget import Sam2Widget
from sam2widget.bridge import flow_control
from sam2widget.core.masks import Mask
from tests.support.browser import Browser, idle
from tests.support.fakes import ChoosySegmenter
from tests.support.waiting import threads_ended, wait_until

FRAMES, HEIGHT, WIDTH = 12, 12, 40
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


class Slow(ChoosySegmenter):
    """Takes until the test lets it for its first preview."""

    def __init__(self):
        super().__init__(HEIGHT, WIDTH)
        self.free = threading.Event()
        self.began = threading.Event()

    def preview(self, frame, obj, point):
        self.began.set()
        self.free.wait(20)
        return super().preview(frame, obj, point)


@pytest.fixture
def segmenter():
    return Slow()


@pytest.fixture
def widget(segmenter, closing):
    widget = closing(Sam2Widget(CLIP, segmenter))
    widget.wait_until_loaded()
    yield widget
    segmenter.free.set()


def test_of_ten_thousand_hovers_the_newest_is_answered_and_a_click_waits_for_one(widget, segmenter):
    browser = Browser(widget)
    browser.say("hello")
    for n in range(10_000):
        browser.say("hover", frame=0, object=None, x=float(n % WIDTH), y=5.0)
        if n == 0:
            segmenter.began.wait(20)
    number = browser.say("click", frame=0, object=None, x=10.0, y=6.0, label=1)
    segmenter.free.set()
    assert browser.answer(number)["type"] == "done"
    idle(widget)
    previews = browser.of("preview")
    assert len(previews) == 2 == len(segmenter.asked("preview"))
    assert previews[-1]["reply_to"]["id"] == number - 1


def strings_in(container):
    items = [*container, *container.values()] if isinstance(container, dict) else list(container)
    items += [part for item in items if type(item) is tuple for part in item]
    return {item for item in items if type(item) is str}


def holders_of(names):
    """Containers of the process that hold one of these, but for what they were given in."""
    gc.collect()
    found = [one for one in gc.get_objects() if type(one) in (dict, list, set, deque)]
    return [one for one in found if one is not names and strings_in(one) & names]


def open_files():
    """How many files and connections this process has open."""
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


def objects_of_ours():
    """How many objects of each of our classes there are."""
    gc.collect()
    homes = [(str(type(one).__module__), type(one).__qualname__) for one in gc.get_objects()]
    return Counter(home for home in homes if home[0].startswith(("sam2", "tests")))


def test_a_view_opened_and_closed_two_hundred_times_leaves_nothing(widget, segmenter, monkeypatch):
    segmenter.free.set()
    widget.add_point(0, 10, 6)
    threads, files, objects = threading.enumerate(), open_files(), objects_of_ours()
    names = {f"view number {n}" for n in range(200)}
    for name in names:
        browser = Browser(widget, view=name)
        browser.say("hello")
        browser.say("thumbnails", frames=[1, 2])
        browser.say("hover", frame=0, object=None, x=3.0, y=5.0)
        idle(widget)
        assert browser.of("welcome") and browser.mask(0, 1).any()
        browser.leave()
    del browser
    # The heartbeat goes on for a minute after a view was heard.
    monkeypatch.setattr(widget._heartbeat, "_listened_s", 0.0)
    wait_until(lambda: threads_ended(threads))
    assert holders_of(names) == [] and open_files() <= files
    grown = objects_of_ours() - objects
    assert max(grown.values(), default=0) < 20, f"left by 200 views: {grown}"
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget.add_point(1, 10, 6)
    idle(widget)
    assert sent == [], "nobody looks on"


def test_two_hundred_reloads_that_never_say_goodbye_are_served_and_then_forgotten(
    widget, monkeypatch
):
    widget.add_point(0, 10, 6)

    def reload(name):
        browser = Browser(widget, view=name, acks=False)
        browser.say("hello")
        browser.say("thumbnails", frames=[1, 2])
        idle(widget)
        assert browser.of("frame") and browser.mask(0, 1).any()
        widget.send = browser.earlier

    reload("an earlier view")
    threads, files, objects = threading.enumerate(), open_files(), objects_of_ours()
    names = {f"view number {n}" for n in range(200)}
    for name in names:
        reload(name)
    last = Browser(widget, view="the one that is left")
    last.say("hello")
    idle(widget)
    monkeypatch.setattr(flow_control, "GONE_AFTER_S", 0.0)
    last.say("ack", seqs=[0])
    widget.add_point(0, 12, 6)
    (known,) = holders_of(names)
    # By these few a page is known again that has only slept.
    assert type(known) is deque and len(known) == flow_control.MAX_GONE
    assert threads_ended(threads) and open_files() <= files
    grown = objects_of_ours() - objects
    assert max(grown.values(), default=0) < 20, f"left by 200 reloads: {grown}"


FULL_DISK = """
import resource, sys
import numpy as np
from sam2widget import Sam2Widget, read_session
from tests.support.browser import Browser, idle
from tests.support.fakes import DiscSegmenter
from tests.support.waiting import wait_until

path = sys.argv[1]
widget = Sam2Widget(np.zeros((4, 400, 600, 3), np.uint8), DiscSegmenter(400, 600), autosave=path)
browser = Browser(widget)
browser.say("hello")
widget.add_point(0, 100, 60)
widget.save(path)
before = open(path, "rb").read()

def disk(free_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, resource.RLIM_INFINITY))

disk(len(before) + 100)
noise = np.random.default_rng(0).random((400, 600)) > 0.5
widget.add_mask(1, noise, obj=2)
wait_until(lambda: browser.of("error"))
(error,) = browser.of("error")
assert error["text"].startswith("Your work is not saved by itself: "), error
assert open(path, "rb").read() == before, "the earlier file is whole"
assert (widget.masks[2][1] == noise).all()

disk(resource.RLIM_INFINITY)
wait_until(lambda: len(read_session(path).objects) == 2)
assert (read_session(path).results[2, 1].mask.to_array() == noise).all()
assert len(browser.of("error")) == 1
widget.close()
print("all kept")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_a_full_disk_is_said_and_what_was_done_is_saved_once_there_is_room(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "work.sam2.zip")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout.strip() == "all kept", ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["work.sam2.zip"]


@settings(deadline=None)
@given(st.data())
def test_run_lengths_are_those_of_pycocotools(data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    pixels = data.draw(st.binary(min_size=height * width, max_size=height * width))
    mask_hw = (np.frombuffer(pixels, np.uint8) % 2 == 1).reshape(height, width)
    mask = Mask.from_array(mask_hw)
    assert coco_mask.area(coco_mask.encode(np.asfortranarray(mask_hw, np.uint8))) == mask.area
    # pycocotools goes down the columns, we along the rows: to it, these are of a turned picture.
    turned = {"size": [width, height], "counts": np.frombuffer(mask.runs, "<u4").tolist()}
    theirs_wh = coco_mask.decode([coco_mask.frPyObjects(turned, width, height)])[:, :, 0]
    assert np.array_equal(theirs_wh.T, mask_hw) and np.array_equal(mask.to_array(), mask_hw)


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(1, 5), st.integers(1, 5))
def test_any_bytes_are_a_mask_or_refused(runs, height, width):
    try:
        mask = Mask.from_bytes(runs, height, width)
    except ValueError as error:
        assert str(error).startswith(("Run lengths are 4 bytes", "The run lengths cover"))
    else:
        mask_hw = mask.to_array()
        assert mask_hw.shape == (height, width) and mask_hw.sum() == mask.area
        assert Mask.from_array(mask_hw).area == mask.area


def test_a_closed_widget_lets_go_of_its_video_and_its_model():
    held = []
    for _ in range(3):
        segmenter = ChoosySegmenter(HEIGHT, WIDTH)
        widget = Sam2Widget(CLIP, segmenter)
        widget.wait_until_loaded()
        browser = Browser(widget)
        browser.say("hello")
        browser.ask("click", frame=0, object=None, x=10.0, y=6.0, label=1)
        widget.close()
        held += [weakref.ref(widget), weakref.ref(segmenter)]
        del widget, segmenter, browser
    gc.collect()
    assert [one() for one in held] == [None] * 6
