"""The widget on a video that grows."""

from __future__ import annotations

import gc
import itertools
import queue
import threading
import weakref

import numpy as np
import pytest

from sam2_backend import VideoPredictor, load_model
from sam2widget import LiveVideo, Sam2Widget, VideoError, read_session
from sam2widget.annotation.session import Session
from sam2widget.widget.live_follower import LiveFollower
from tests.support.browser import Browser, idle
from tests.support.fakes import DiscSegmenter, GatedSegmenter, prompted_mask, tracked_mask
from tests.support.parts import Traits
from tests.support.waiting import LIMIT_S, threads_ended, wait_until

HEIGHT, WIDTH = 12, 40
FRAME = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)


class Feeder:
    """A source that gives a frame when the test says so."""

    def __init__(self):
        self.frames = queue.Queue()

    def __call__(self):
        frame = self.frames.get()
        if isinstance(frame, Exception):
            raise frame
        return frame

    def put(self, count=1):
        for _ in range(count):
            self.frames.put(FRAME)


@pytest.fixture
def feeder():
    feeder = Feeder()
    feeder.put()
    yield feeder
    feeder.frames.put(StopIteration())


@pytest.fixture
def live(feeder):
    live = LiveVideo(feeder)
    yield live
    feeder.frames.put(StopIteration())
    live.close()


@pytest.fixture
def widget(live, closing):
    widget = closing(Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH)))
    widget.wait_until_loaded()
    return widget


def grow(feeder, widget, count):
    """Let frames come, and wait until the widget has them."""
    before = widget.video["num_frames"]
    feeder.put(count)
    wait_until(lambda: widget.video["num_frames"] == before + count)


def test_the_length_grows_everywhere(feeder, widget):
    widget.add_point(0, 10, 6)
    masks = widget.masks[1]
    grow(feeder, widget, 4)
    assert masks.shape == (5, HEIGHT, WIDTH) == np.asarray(masks).shape
    assert len(widget.scores[1]) == len(widget.confidence[1]) == 5
    assert widget.video["live"]["recording"]
    widget.frame = 4


def test_objects_are_tracked_onto_frames_as_they_come(feeder, widget):
    browser = Browser(widget)
    browser.say("hello")
    widget.add_point(0, 10, 6)
    for n in range(1, 4):
        grow(feeder, widget, 1)
        wait_until(lambda n=n: not np.isnan(widget.scores[1][n]))
    anchor = prompted_mask(widget.prompts(0), HEIGHT, WIDTH)
    for n in range(1, 4):
        assert np.array_equal(widget.masks[1][n], tracked_mask(anchor, n))
    wait_until(lambda: browser.mask(3, 1) is not None)
    wait_until(
        lambda: any(one["tracked"] == [[1, 4]] for one in map(as_lists, browser.of("timeline")))
    )
    wait_until(lambda: widget.video["live"]["newest"] == 3)


def test_a_click_on_the_frame_that_was_just_left_is_answered_with_its_mask(feeder, widget):
    browser = Browser(widget)
    browser.say("hello")
    grow(feeder, widget, 3)
    browser.say("want", frame=3, pixels=True)
    assert browser.ask("click", frame=1, object=None, x=10.0, y=6.0, label=1)["type"] == "done"
    np.testing.assert_array_equal(browser.mask(1, 1), widget.masks[1][1])
    assert widget.masks[1][1].any()


def as_lists(timeline):
    return {**timeline, "tracked": [list(run) for run in timeline["tracked"]]}


@pytest.mark.slow
def test_a_slow_model_skips_frames_and_propagate_fills_them(feeder, live):
    segmenter = GatedSegmenter(HEIGHT, WIDTH)
    widget = Sam2Widget(live, segmenter)
    widget.add_point(0, 10, 6)
    grow(feeder, widget, 1)
    segmenter.gate.wait_until_reached()  # in the middle of frame 1
    grow(feeder, widget, 50)
    segmenter.gate.open()
    wait_until(lambda: not np.isnan(widget.scores[1][51]))
    idle(widget)
    tracked = [frame for frame, _, _ in segmenter.asked("track")]
    assert tracked[-1] == 51 and len(tracked) <= 3, "the newest frame wins"
    live.stop()
    widget.propagate()
    assert not np.isnan(widget.scores[1]).any()
    assert np.array_equal(
        widget.masks[1][25], tracked_mask(prompted_mask(widget.prompts(0), HEIGHT, WIDTH), 25)
    )
    widget.close()


def test_never_leaves_new_frames_alone(feeder, widget):
    widget.auto_propagate = "never"
    widget.add_point(0, 10, 6)
    grow(feeder, widget, 3)
    idle(widget)
    assert np.isnan(widget.scores[1][1:]).all()


def test_undo_takes_a_click_back_with_what_was_tracked_from_it(feeder, widget):
    widget.add_point(0, 10, 6)
    widget.add_point(0, 30, 6, obj=2)
    widget.update_object(2, name="dog")
    grow(feeder, widget, 1)
    wait_until(lambda: not np.isnan(widget.scores[2][1]))
    widget.undo()  # the name
    assert not np.isnan(widget.scores[1][1]) and not np.isnan(widget.scores[2][1])
    widget.undo()  # the second object
    assert list(widget.masks) == [1] and not np.isnan(widget.scores[1][1])
    grow(feeder, widget, 1)  # which tracks the first, and what was undone can still be redone
    wait_until(lambda: not np.isnan(widget.scores[1][2]))
    widget.redo()
    assert not np.isnan(widget.scores[2][1])


def test_a_source_that_fails_shows_in_the_widget_and_loses_nothing(feeder, widget):
    browser = Browser(widget)
    browser.say("hello")
    widget.add_point(0, 10, 6)
    grow(feeder, widget, 2)
    feeder.frames.put(RuntimeError("cable out"))
    wait_until(lambda: browser.of("error"))
    assert (
        "The recording has ended: The source failed: RuntimeError: cable out"
        in (browser.of("error")[0]["text"])
    )
    assert not widget.video["live"]["recording"] and "cable" in widget.video["live"]["message"]
    widget.propagate()
    assert not np.isnan(widget.scores[1]).any()


def test_a_session_of_a_recording_is_found_again_on_what_was_saved_of_it(
    feeder, live, widget, tmp_path
):
    widget.add_point(0, 10, 6)
    grow(feeder, widget, 3)
    live.stop()
    widget.propagate()
    widget.save(tmp_path / "work.sam2.zip")
    live.save(tmp_path / "rec")
    again = Sam2Widget.load(
        *(tmp_path / "work.sam2.zip", tmp_path / "rec", DiscSegmenter(HEIGHT, WIDTH)),
        same_video=True,
    )
    assert np.array_equal(np.asarray(again.masks[1]), np.asarray(widget.masks[1]))
    again.close()


def test_two_recordings_never_share_an_autosave(feeder, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    for _ in range(2):
        feeder.put(2)
        live = LiveVideo(feeder)
        widget = Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH))
        assert not widget.masks
        widget.add_point(0, 10, 6)
        widget.close()
        feeder.put()
        live.close()
    saved = [read_session(path) for path in tmp_path.glob("live-*.sam2.zip")]
    assert len(saved) == 2 and all(one.results for one in saved)


def test_a_new_widget_on_a_recording_goes_on_with_the_work_on_it(
    feeder, live, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    widget = Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH))
    widget.add_point(0, 10, 6)
    widget.close()
    feeder.put(3)
    again = Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH))
    wait_until(lambda: again.video["num_frames"] == 4)
    wait_until(lambda: not np.isnan(again.scores[1][3]))
    again.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_work_is_saved_after_the_frames_are_gone(feeder, live, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    widget = Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH))
    widget.add_point(0, 10, 6)
    live.close()
    widget.update_object(1, name="dog")
    widget.close()
    (path,) = tmp_path.iterdir()
    saved = read_session(path)
    assert saved.objects[0].name == "dog" and (1, 0) in saved.results


def test_an_export_while_it_grows_is_of_one_length(feeder, widget, tmp_path):
    widget.add_point(0, 10, 6)
    grow(feeder, widget, 2)
    segmentation = widget.segmentation
    grow(feeder, widget, 3)
    assert len(segmentation) == 3


def test_closing_ends_the_thread_and_leaves_the_recording(feeder, live):
    widget = Sam2Widget(live, DiscSegmenter(HEIGHT, WIDTH))
    widget.close()
    assert "sam2widget live" not in [thread.name for thread in threading.enumerate()]
    feeder.put()
    assert live.wait(2, LIMIT_S) and live.is_recording


def test_the_thread_does_not_hold_what_it_tells(live):
    before, traits = threading.enumerate(), Traits()
    traits.auto_propagate = "never"
    follower = LiveFollower(live, Session(1, HEIGHT, WIDTH), None, traits, lambda _: None)
    wait_until(lambda: traits.written)
    gone = weakref.ref(follower)
    del follower
    gc.collect()
    wait_until(lambda: gone() is None and threads_ended(before))


def test_an_iterator_is_refused_with_what_to_write():
    with pytest.raises(VideoError, match=r"LiveVideo\(frames\)"):
        Sam2Widget(iter([FRAME]))


def test_a_predictor_tracks_what_has_come_however_much_was_skipped():
    side, count = 96, itertools.count()

    def frames():
        for n in count:
            frame = np.full((side, side, 3), 40, np.uint8)
            frame[20:50, 10 + n % 30 : 40 + n % 30] = (220, 60, 50)
            yield frame

    live = LiveVideo(frames())
    predictor = VideoPredictor(load_model("nano"), live)
    live.wait(12, LIMIT_S)
    live.stop()
    predictor.add_points(frame=0, obj=1, points=[[25, 35]], labels=[1])
    for frame in 0, 1, 9, 10, 11:
        result = predictor.track(frame)
        truth = np.zeros((side, side), bool)
        truth[20:50, 10 + frame : 40 + frame] = True
        iou = (result.masks[1] & truth).sum() / (result.masks[1] | truth).sum()
        assert iou > 0.8
    selection = predictor.tracker.banks[1].select(11, reverse=False)
    assert [slot for slot, _ in selection.memories][1:] == [2, 1, 0], "the gap does not count"
    live.close()
