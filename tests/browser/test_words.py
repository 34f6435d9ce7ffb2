"""Things are found by words in the widget, and become objects that are called by them."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import Bench

FIND = """
from sam2widget import Detection
def find_cars(image_hw3, text):
    boxes = [(290, 165, 455, 243), (40, 150, 95, 205)] if text == "car" else []
    return [Detection(text, 0.9, box) for box in boxes]
w = Sam2Widget(clip.frames_thw3[:8], model="nano", detector=find_cars, autosave=False)
"""


FOLLOW = """
import numpy as np, time
from sam2widget import Detection, FrameDetections
class Follows:
    name = "follows"
    def detect_video(self, video, text):
        for frame in range(len(video)):
            time.sleep(0.1)
            masks = np.zeros((2, *video.size_hw(frame)), bool)
            masks[0, 170:240, 290 + frame : 450 + frame] = True
            masks[1, 150:205, 40:95] = True
            yield FrameDetections(frame, {
                n: Detection(text, 0.9 - 0.1 * n, mask_hw=one) for n, one in enumerate(masks)
            })
w = Sam2Widget(clip.frames_thw3[:12], model="nano", detector=Follows(), autosave=False)
"""


def test_words_find_through_the_whole_video(bench: Bench) -> None:
    bench.show(FOLLOW)
    widget = bench.widget
    widget.press("w")
    bar = widget.root.get_by_role("group", name="Proposals")
    expect(bar).to_contain_text(re.compile(r"\d+ proposals, 0 selected"))
    bar.get_by_role("checkbox", name="all frames").check()
    field = widget.root.get_by_role("textbox", name="Find by words")
    field.fill("car")
    field.press("Enter")
    expect(widget.button("Stop")).to_be_visible()
    # The view follows; what is found on the way is there at once.
    expect(bar).to_contain_text("2 proposals, 0 selected")
    expect(widget.button("Stop")).to_be_hidden()
    widget.wait_for("frame", 11)
    bar.get_by_role("button", name="Mark all proposals").click()
    bar.get_by_role("button", name="Add as objects").click()
    expect(widget.button("Select car 2")).to_be_visible()
    masks = bench.masks(1)
    assert [int(masks[t].nonzero()[1].min()) for t in (0, 5, 11)] == [290, 295, 301]
    counts = bench.run("print([sum(w.proposals(t) != () for t in range(12)), len(w.objects)])")
    assert json.loads(counts) == [0, 2]


def test_words_propose_what_becomes_objects_called_so(bench: Bench) -> None:
    bench.show(FIND)
    widget = bench.widget
    field = widget.root.get_by_role("textbox", name="Find by words")
    expect(field).to_be_hidden()
    widget.press("w")
    bar = widget.root.get_by_role("group", name="Proposals")
    expect(bar).to_contain_text(re.compile(r"\d+ proposals, 0 selected"))
    field.fill("unicorn")
    field.press("Enter")
    expect(widget.root.get_by_role("alert")).to_contain_text("found no unicorn on frame 0")
    field.fill("")
    field.press_sequentially("car")  # C and A are keys of the view elsewhere
    field.press("Enter")
    expect(bar).to_contain_text("2 proposals, 0 selected")
    widget.wait_for("objects", 0)

    bar.get_by_role("button", name="Mark all proposals").click()
    bar.get_by_role("button", name="Add as objects").click()
    expect(widget.button("Select car")).to_be_visible()
    expect(widget.button("Select car 2")).to_be_visible()
    names = "import json; print(json.dumps([info.name for info in w.objects]))"
    assert json.loads(bench.run(names)) == ["car", "car 2"]
    assert bench.masks(1)[0][180:230, 320:420].mean() > 0.5

    bench.run("w.detector = None")
    field.fill("car")
    field.press("Enter")
    expect(widget.root.get_by_role("alert")).to_contain_text("w.detector = ")
