"""Things are found by words, become proposals, and then objects that are called by the words."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sam2widget import Detection, Sam2Widget, SessionError
from tests.support.browser import Browser, idle
from tests.support.fakes import ChoosySegmenter

FRAMES, HEIGHT, WIDTH = 6, 24, 32
CLIP = np.arange(FRAMES, dtype=np.uint8)[:, None, None, None].repeat(HEIGHT, 1)
CLIP = np.ascontiguousarray(CLIP.repeat(WIDTH, 2).repeat(3, 3))
LEFT, RIGHT = (2.0, 2.0, 8.0, 8.0), (20.0, 10.0, 30.0, 20.0)


class Finds:
    """Says what it was given, and finds what it was told to."""

    name = "finds"

    def __init__(self, *boxes):
        self.boxes = boxes
        self.asked = []

    def detect(self, image_hw3, text, boxes):
        self.asked.append((int(image_hw3[0, 0, 0]), text, tuple(boxes)))
        return [Detection(text, 0.9 - 0.1 * n, box) for n, box in enumerate(self.boxes)]


@pytest.fixture
def detector():
    return Finds(LEFT, RIGHT)


@pytest.fixture
def segmenter():
    return ChoosySegmenter(HEIGHT, WIDTH)


@pytest.fixture
def w(segmenter, detector):
    w = Sam2Widget(CLIP, segmenter, detector=detector, autosave=False)
    yield w
    w.close()


def box_mask(box):
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    x0, y0, x1, y1 = map(int, box)
    mask_hw[y0:y1, x0:x1] = True
    return mask_hw


def test_all_instances_are_proposed_and_become_objects_called_so(w, detector, segmenter):
    w.frame = 3
    found = w.find(" zebra ")
    assert detector.asked == [(3, "zebra", ())]
    assert [one.name for one in found] == ["zebra"] * 2 and w.proposals(3) == tuple(found)
    assert [one.id for one in found] == [1, 2] and w.objects == []
    assert not segmenter.conditioning  # nothing is remembered of a proposal
    assert w.adopt(3, found) == [1, 2]
    assert [info.name for info in w.objects] == ["zebra", "zebra 2"]
    assert np.array_equal(w.masks[1][3], found[0].mask.to_array())
    assert w.adopt(3, w.find("zebra", frame=3)[1]) == [3]
    assert w.objects[2].name == "zebra 3"
    w.undo()
    assert [info.name for info in w.objects] == ["zebra", "zebra 2"]


def test_what_was_found_is_corrected_and_tracked_as_any_object(w):
    w.adopt(0, w.find("zebra", frame=0)[0])
    w.add_point(0, 20, 12)
    w.propagate()
    assert np.asarray(w.masks[1]).any((1, 2)).all()


def test_several_are_merged_or_dropped(w):
    found = w.find("zebra", frame=0)
    assert w.adopt(0, found, merge=True) == [1]
    assert w.objects[0].name == "zebra"
    both = found[0].mask.to_array() | found[1].mask.to_array()
    assert np.array_equal(w.masks[1][0], both)
    found = w.find("head", frame=0)
    w.adopt(0, found[:1], merge=True, obj=1)
    assert [info.name for info in w.objects] == ["zebra"]  # it keeps its name
    w.dismiss(0, found[1:])
    assert w.proposals(0) == ()


def test_masks_of_a_detector_are_taken_as_they_are(w, segmenter):
    masks = [box_mask(LEFT), box_mask(RIGHT)]

    def masks_of(image_hw3, text):
        return [Detection(text, 0.75, mask_hw=mask_hw) for mask_hw in masks]

    found = w.find("zebra", frame=1, detector=masks_of)
    assert [one.iou for one in found] == [0.75, 0.75]
    for one, mask_hw in zip(found, masks, strict=True):
        assert np.array_equal(one.mask.to_array(), mask_hw)
    assert not segmenter.asked("prompt")


def test_of_detections_of_one_thing_the_surest_is_proposed(w):
    near = (2.0, 2.0, 8.0, 8.0)
    found = w.find("zebra", frame=0, detector=Finds(LEFT, near, RIGHT, LEFT))
    assert len(found) == 2


def test_examples_are_given_on(w, detector):
    w.find(boxes=LEFT, frame=0)
    w.find("zebra", frame=0, boxes=[LEFT, RIGHT])
    assert detector.asked == [(0, "", (LEFT,)), (0, "zebra", (LEFT, RIGHT))]
    for wrong in [(1, 2, 3)], "zebra", (1, 2, 3, np.nan), [[[1, 2, 3, 4]]]:
        with pytest.raises(SessionError, match="A box is x0, y0, x1, y1"):
            w.find("zebra", frame=0, boxes=wrong)


def test_what_cannot_be_found_is_said(w):
    with pytest.raises(SessionError, match="found no unicorn on frame 2"):
        w.find("unicorn", frame=2, detector=Finds())
    with pytest.raises(SessionError, match="Say what to find"):
        w.find("  ")
    with pytest.raises(SessionError, match="frame 99"):
        w.find("zebra", frame=99)

    def broken(image_hw3, text):
        return 7

    with pytest.raises(SessionError, match="The detector broken gave a int"):
        w.find("zebra", frame=0, detector=broken)
    assert w.proposals(0) == () and w.find("zebra", frame=0)


def test_the_detector_can_be_another(w, detector):
    assert w.detector is detector
    other = Finds(RIGHT)
    w.detector = other
    assert len(w.find("zebra", frame=0)) == 1 and other.asked and not detector.asked
    with pytest.raises(SessionError, match="detector is a Detector"):
        w.detector = 7
    assert w.detector is other
    with pytest.raises(SessionError, match="detector is a Detector"):
        Sam2Widget(CLIP, ChoosySegmenter(HEIGHT, WIDTH), detector=7, autosave=False)


def test_a_detector_is_loaded_when_it_is_asked_and_once(w, monkeypatch):
    loaded = []

    def load(detector, device, on_status):
        loaded.append(detector)
        return Finds(LEFT)

    monkeypatch.setattr("sam2widget.runtime.finder.load_detector", load)
    w.detector = "sam3:facebook/sam3"
    assert not loaded
    for frame in range(3):
        w.find("zebra", frame=frame)
        w.find("zebra", frame=frame, detector="sam3:" + "/".join(["facebook", "sam3"]))
    w.find("zebra", frame=0, detector="zero-shot:x")
    assert loaded == ["sam3:facebook/sam3", "zero-shot:x"]


def test_the_browser_finds_too(w, detector):
    browser = Browser(w)
    browser.say("hello")
    assert browser.ask("propose", frame=4, text="zebra")["type"] == "done"
    told = browser.of("proposals")[-1]
    assert [one["id"] for one in told["proposals"]] == [1, 2] and detector.asked[0][1] == "zebra"
    browser.ask("adopt", frame=4, proposals=[2], merge=False, object=None)
    assert [info.name for info in w.objects] == ["zebra"]
    w.detector = None
    refused = browser.ask("propose", frame=4, text="zebra")
    assert refused["type"] == "error" and "w.detector = " in refused["text"]
    assert browser.ask("propose", frame=4)["type"] == "done"  # everything, as before
    assert len(browser.of("proposals")[-1]["proposals"]) == 4
    idle(w)
    assert w.status["state"] == "ready"


def test_another_search_takes_the_place_of_one_and_clicks_get_in_between(w, detector):
    at_work, go_on = threading.Event(), threading.Event()
    detect = detector.detect

    def slow(image_hw3, text, boxes):
        at_work.set()
        assert go_on.wait(10)
        return detect(image_hw3, text, boxes)

    detector.detect = slow
    browser = Browser(w)
    browser.say("hello")
    first = browser.say("propose", frame=4, text="zebra")
    assert at_work.wait(10)
    assert "looks for zebra" in w.status["message"]
    second = browser.say("propose", frame=4, text="lion")
    clicked = browser.say("click", frame=1, object=1, x=3.0, y=3.0, label=1)
    go_on.set()
    for request in clicked, first, second:
        browser.answer(request)
    assert {one.name for one in w.proposals(4)} == {"lion"}
