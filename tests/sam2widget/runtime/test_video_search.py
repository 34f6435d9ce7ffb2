"""Things are found by words through the whole video, and become objects with all their masks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sam2widget import Detection, FrameDetections, Sam2Widget, SessionError, VideoDetector
from tests.support.browser import Browser, idle
from tests.support.fakes import ChoosySegmenter

FRAMES, HEIGHT, WIDTH = 6, 24, 32
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
CLIP[:] = np.arange(FRAMES, dtype=np.uint8)[:, None, None, None]


def square(x: int, side: int) -> np.ndarray:
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[2 : 2 + side, x : x + side] = True
    return mask_hw


class Follows:
    """Sees one thing on all frames and another, larger from frame to frame, on 2, 3 and 4."""

    name = "follows"

    def __init__(self):
        self.asked = []
        self.at_work, self.go_on = threading.Event(), threading.Event()
        self.waits_after = FRAMES

    def detect_video(self, video, text):
        self.asked.append(text)
        yield None
        for frame in range(len(video)):
            if frame == self.waits_after:
                self.at_work.set()
                assert self.go_on.wait(10)
            found = {7: Detection(text, 0.9, mask_hw=square(1, 5))}
            if 2 <= frame <= 4:
                found[9] = Detection(text, 0.95, mask_hw=square(12, 2 + frame))
            yield FrameDetections(frame, found)


@pytest.fixture
def detector():
    return Follows()


@pytest.fixture
def segmenter():
    return ChoosySegmenter(HEIGHT, WIDTH)


@pytest.fixture
def w(segmenter, detector):
    w = Sam2Widget(CLIP, segmenter, detector=detector, autosave=False)
    yield w
    w.close()


def masks(w, obj):
    return np.stack([w.masks[obj][t] for t in range(FRAMES)])


def test_each_thing_is_proposed_on_all_frames_that_show_it(w, detector):
    assert isinstance(detector, VideoDetector)
    found = w.find(" zebra ", video=True)
    assert detector.asked == ["zebra"] and w.objects == []
    late, always = found  # the surest first
    assert late.iou == 0.95 and late.mask.area == 36  # where it is the largest
    seen = [{one.id for one in w.proposals(t)} for t in range(FRAMES)]
    assert seen == [{always.id} | ({late.id} if 2 <= t <= 4 else set()) for t in range(FRAMES)]


def test_they_become_objects_with_the_masks_of_all_frames(w, segmenter):
    assert w.adopt(3, w.find("zebra", video=True)) == [1, 2]
    assert [info.name for info in w.objects] == ["zebra", "zebra 2"]
    assert [int(one.sum()) for one in masks(w, 1)] == [0, 0, 16, 25, 36, 0]
    assert [int(one.sum()) for one in masks(w, 2)] == [25] * FRAMES
    assert all(w.proposals(t) == () for t in range(FRAMES))
    assert [t for t in range(FRAMES) if w.prompts(t, 1)] == [3]
    segmenter.calls.clear()
    w.propagate()
    assert not segmenter.asked("track")  # nothing is left to track
    w.undo()
    assert w.objects == [] and len(w.proposals(3)) == 2
    w.redo()
    assert [int(one.sum()) for one in masks(w, 1)] == [0, 0, 16, 25, 36, 0]


def test_a_click_corrects_what_was_found_and_the_loaded_model_tracks_from_there(w, segmenter):
    w.auto_propagate = "never"
    w.adopt(0, w.find("zebra", video=True)[1])
    w.add_point(2, 20, 12)
    segmenter.calls.clear()
    w.propagate()
    assert segmenter.asked("track")
    changed = masks(w, 1)
    assert np.array_equal(changed[0], square(1, 5))  # prompted, it stays
    assert not np.array_equal(changed[3], square(1, 5))


def test_where_a_thing_is_not_seen_on_the_frame_it_is_prompted_where_it_is_the_largest(w):
    late, _ = w.find("zebra", video=True)
    w.adopt(0, late)
    assert w.prompts(4, 1).mask is not None and not w.prompts(0, 1)
    assert [int(one.sum()) for one in masks(w, 1)] == [0, 0, 16, 25, 36, 0]


def test_several_are_merged_or_dropped_on_all_frames(w):
    found = w.find("zebra", video=True)
    assert w.adopt(1, found, merge=True) == [1]
    assert [int(one.sum()) for one in masks(w, 1)] == [25, 25, 41, 50, 61, 25]
    found = w.find("lion", video=True)
    w.dismiss(0, found)
    assert all(w.proposals(t) == () for t in range(FRAMES))
    with pytest.raises(SessionError, match="There is no proposal"):
        w.adopt(0, found)


def test_what_is_added_to_an_object_leaves_what_a_person_vouches_for(w):
    w.non_overlapping = False
    w.add_mask(0, square(24, 4))
    w.add_mask(5, square(24, 4))
    w.accept(5)
    w.adopt(3, w.find("zebra", video=True)[1], merge=True, obj=1)
    sums = [int(one.sum()) for one in masks(w, 1)]
    assert sums == [16, 25, 25, 25, 25, 16] and w.objects[0].name == "Object 1"


def test_ids_of_the_video_are_no_ids_of_a_frame(w):
    found = w.find("zebra", video=True)
    w.propose(3)
    assert not {one.id for one in w.proposals(3)} & {one.id for one in found}
    w.find("lion", video=True)
    assert {one.name for t in range(FRAMES) for one in w.proposals(t)} == {"lion"}
    with pytest.raises(SessionError, match="There is no proposal"):
        w.adopt(0, found)


def test_what_cannot_be_is_said(w):
    before = w.find("lion", video=True)
    for wrong in {"frame": 3}, {"boxes": (1, 2, 3, 4)}:
        with pytest.raises(SessionError, match="neither frame nor boxes"):
            w.find("zebra", video=True, **wrong)
    with pytest.raises(SessionError, match="Say what to find"):
        w.find(" ", video=True)
    with pytest.raises(SessionError, match="looks at single frames"):
        w.find("zebra", video=True, detector=lambda image_hw3, text: [])
    with pytest.raises(SessionError, match="looks through whole videos"):
        w.find("zebra", frame=0)

    class Wrong(Follows):
        def __init__(self, found):
            self.found = found

        def detect_video(self, video, text):
            return iter(self.found)

    boxed = FrameDetections(0, {1: Detection("zebra", 0.5, (1, 2, 3, 4))})
    beyond = FrameDetections(FRAMES, {})
    for found, words in (
        ([7], "gave a int of a frame"),
        ([boxed], "without a mask on frame 0"),
        ([beyond], f"told of frame {FRAMES}"),
    ):
        with pytest.raises(SessionError, match=words):
            w.find("zebra", video=True, detector=Wrong(found))
    assert {one.id for one in w.proposals(3)} == {one.id for one in before}
    nothing = [FrameDetections(frame, {}) for frame in range(FRAMES)]
    for found in [], nothing:
        with pytest.raises(SessionError, match="found no zebra in the video"):
            w.find("zebra", video=True, detector=Wrong(found))
    assert all(w.proposals(t) == () for t in range(FRAMES))
    idle(w)
    assert w.status["state"] == "ready"


def test_pictures_are_no_video(segmenter, detector):
    pictures = Sam2Widget(CLIP, segmenter, detector=detector, kind="images", autosave=False)
    with pytest.raises(SessionError, match="no video to look through"):
        pictures.find("zebra", video=True)
    pictures.close()


def test_it_can_be_stopped_and_what_was_found_stays(w, detector):
    detector.waits_after = 3
    stopper = threading.Thread(
        target=lambda: (detector.at_work.wait(10), w.stop(), detector.go_on.set())
    )
    stopper.start()
    with pytest.warns(UserWarning, match=r"ended by stop\(\), after [34] of 6 frames"):
        found = w.find("zebra", video=True)
    stopper.join()
    assert len(found) == 2
    w.adopt(0, found[1])
    assert all(w.masks[1][t].any() for t in range(3)) and not w.masks[1][5].any()


def test_the_browser_sees_proposals_come_and_its_progress(w, detector):
    browser = Browser(w)
    browser.say("hello")
    detector.waits_after = 4
    search = browser.say("propose", frame=0, text="zebra", video=True)
    assert detector.at_work.wait(10)
    told = browser.of("proposals")
    assert [one["frame"] for one in told] == [0, 1, 2, 3]
    assert browser.of("progress")[-1]["running"]
    assert "follows" not in w.status["message"] and "of 6 frames" in w.status["message"]
    # Meanwhile one becomes an object, which gets its later masks too, and one is not wanted.
    ids = [one["id"] for one in told[3]["proposals"]]
    adopt = browser.say("adopt", frame=3, proposals=ids[:1], merge=False, object=None)
    dismiss = browser.say("dismiss", frame=3, proposals=ids[1:])
    detector.go_on.set()
    for request in adopt, dismiss, search:
        assert browser.answer(request)["type"] == "done"
    assert [int(one.sum()) for one in masks(w, 1)] == [25] * FRAMES
    assert all(w.proposals(t) == () for t in range(FRAMES))
    assert not browser.of("progress")[-1]["running"]
