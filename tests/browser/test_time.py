"""Time, propagation and review in JupyterLab."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of


def says(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def test_the_video_plays_in_a_loop_at_any_speed(bench: Bench) -> None:
    widget = bench.widget
    widget.mark_range(2, 8)
    widget.press("l")
    expect(widget.button("Loop")).to_have_attribute("aria-pressed", "true")
    widget.root.get_by_role("combobox", name="Speed").select_option("4")
    widget.button("Play").click()
    # It goes on, and comes back to the first frame of the range, and never leaves it.
    bench.page.wait_for_function(
        """(root) => {
            const frame = Number(root.dataset.frame);
            root.seen = [...(root.seen ?? []), frame];
            return root.seen.some((next, i) => next < root.seen[i - 1]);
        }""",
        arg=widget.root.element_handle(),
        polling="raf",
    )
    seen = widget.root.evaluate("(root) => root.seen")
    assert set(seen) <= set(range(2, 8))
    widget.button("Pause").click()
    expect(widget.button("Play")).to_be_visible()
    widget.wait_for("frame-drawn", widget.data("frame"))


def test_filmstrip_lane_and_number_go_to_frames(bench: Bench) -> None:
    widget = bench.widget
    frames = len(bench.clip.truth_thw)
    strip = widget.root.locator(".s2w-filmstrip")
    colours = """(canvas) => {
        const { width, height } = canvas;
        return new Set(canvas.getContext("2d").getImageData(0, height >> 1, width, 1).data).size;
    }"""
    widget.eventually(lambda: strip.evaluate(colours) > 20)
    for place in (strip, widget.lane()):
        if place is not strip:
            widget.click(*centre_of(bench, frame=int(widget.data("frame"))))
        bounds = place.bounding_box()
        assert bounds is not None
        for share in (0.75, 0.25):
            place.click(position={"x": share * bounds["width"], "y": bounds["height"] / 2})
            widget.wait_for("frame-drawn", int(share * frames))
    number = widget.root.get_by_role("spinbutton", name="Frame number")
    number.fill("7")
    number.press("Enter")
    widget.wait_for("frame-drawn", 7)


def test_few_pictures_are_whole_on_the_filmstrip(bench: Bench) -> None:
    bench.show(
        "flag = np.zeros((180, 320, 3), np.uint8)\n"
        "flag[:40, :, 0] = flag[40:140, :, 1] = flag[140:, :, 2] = 255\n"
        "w = Sam2Widget([flag, flag], model=model, kind='images', autosave=False)"
    )
    strip = bench.widget.root.locator(".s2w-filmstrip")
    rgba = """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
        x * canvas.width, y * canvas.height, 1, 1).data]"""

    def strongest(x: float, y: float) -> int | None:
        """Of red, green and blue at a place of the strip, as a share of it; None where it is
        empty."""
        *color, alpha = strip.evaluate(rgba, [x, y])
        return color.index(max(color)) if alpha else None

    bench.widget.eventually(lambda: strongest(0.25, 0.5) == 1)
    assert [strongest(0.25, y) for y in (0.1, 0.9)] == [0, 2]
    assert strongest(0.02, 0.5) is None, "not drawn wider than it is"


def test_one_object_or_all_are_tracked_in_a_range_or_one_way(bench: Bench) -> None:
    widget = bench.widget
    widget.go_to(4)
    widget.click(*centre_of(bench, 4))
    widget.press("c")
    widget.wait_for("objects", 2)
    widget.drag_and_wait((20, 20), (120, 90))

    widget.mark_range(2, 7)
    widget.press("Shift+T")
    expect(widget.lane(2)).to_have_attribute("aria-label", says("1 frames prompted, 4 tracked"))
    expect(widget.lane(1)).to_have_attribute("aria-label", says("1 frames prompted, 0 tracked"))
    widget.wait_ready()
    widget.press("x")
    widget.button("How to propagate").click()
    widget.root.get_by_role("combobox", name="Objects to propagate").select_option("selected")
    widget.press("1")
    widget.button("How to propagate").click()
    widget.button("Propagate backward").click()
    expect(widget.lane(1)).to_have_attribute("aria-label", says("1 frames prompted, 4 tracked"))
    widget.wait_ready()
    here = bench.masks(1).any(axis=(1, 2))
    assert here[:5].all() and not here[5:].any()
    widget.press("Control+z")
    expect(widget.lane(1)).to_have_attribute("aria-label", says("1 frames prompted, 0 tracked"))


def test_a_first_prompt_propagates_by_itself_where_that_is_wanted(bench: Bench) -> None:
    widget = bench.widget
    bench.show("w = Sam2Widget(clip.frames_thw3[:8], model=model)")
    widget.button("How to propagate").click()
    widget.root.get_by_role("combobox", name="Propagate by itself").select_option("always")
    widget.click(100, 100)
    expect(widget.root.locator(".s2w-pace")).to_contain_text("frames/s")
    expect(widget.lane()).to_have_attribute("aria-label", says("1 frames prompted, 7 tracked"))
    assert bench.run("print(w.auto_propagate)").strip() == "always"


def test_accepted_frames_are_barriers_to_a_correction(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    widget.mark_range(0, 11)
    widget.press("t")
    expect(widget.lane()).to_have_attribute("aria-label", says("10 tracked"))
    widget.wait_ready()
    widget.go_to(7)
    widget.press("a")
    expect(widget.lane()).to_have_attribute("aria-label", says("9 tracked, 0 out of date, 1 acc"))
    before = bench.masks()
    widget.go_to(4)
    widget.click(*centre_of(bench, 4))
    widget.wait_ready()
    expect(widget.lane()).to_have_attribute("aria-label", says("2 frames prompted, 8 tracked, 0"))
    after = bench.masks()
    changed = [bool((before[t] != after[t]).any()) for t in range(11)]
    assert changed[4] and any(changed[1:4] + changed[5:7])
    assert not changed[0] and not any(changed[7:])


def test_masks_are_reviewed_until_none_is_left(bench: Bench) -> None:
    widget = bench.widget
    left = widget.root.locator(".s2w-left")
    widget.click(*centre_of(bench))
    widget.mark_range(0, 7)
    widget.press("t")
    expect(left).to_have_text("6 to check")
    widget.wait_ready()
    tracked = bench.masks()

    widget.press("n")
    bench.run("import numpy as np; sure = w.confidence[1][1:7]")
    least = 1 + int(bench.run("print(int(np.argmin(sure)))"))
    widget.wait_for("frame-drawn", least)
    widget.press("r")
    expect(left).to_have_text("5 to check")
    assert not bench.masks()[least].any()
    widget.press("Control+z")
    expect(left).to_have_text("6 to check")
    np.testing.assert_array_equal(bench.masks(), tracked)
    widget.press("a")
    expect(left).to_have_text("5 to check")
    widget.press("e")
    expect(left).to_have_text("6 to check")
    widget.press("x", "Control+a")
    expect(left).to_have_text("All checked")
    assert int(bench.run("print(w.num_unreviewed)")) == 0

    reset = widget.root.get_by_role("button", name="Reset it")
    for key, span in ("Backspace", slice(least, least + 1)), ("Shift+Backspace", slice(None)):
        widget.press(key)
        reset.click()  # what is accepted is asked about
        widget.eventually(lambda span=span: not bench.masks()[span].any())
    widget.press("Control+z", "Control+z")
    widget.eventually(lambda: np.array_equal(bench.masks(), tracked))
    widget.press("Control+Shift+z")
    widget.eventually(lambda: not bench.masks()[least].any())
