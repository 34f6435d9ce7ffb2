"""Playing, following and scrubbing show what the counter says, over a near and a far link."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pytest

from tests.browser.conftest import Bench
from tests.support.slow_link import SlowLink

FRAMES = 90

CODED = f"""
# The frame's number is in the brightness of the upper half, and in the place of the object below.
T, H, W = {FRAMES}, 120, 400
frames = np.zeros((T, H, W, 3), np.uint8)
truth = np.zeros((T, H, W), bool)
for t in range(T):
    frames[t, : H // 2] = 20 + 2 * t
    frames[t, H // 2 :] = 90
    truth[t, H // 2 + 5 :, 4 * t : 4 * t + 30] = True
w = Sam2Widget(frames, model=model, autosave=False)
w.import_masks({{1: truth}})
"""

RECORD = """(root) => {
    const canvas = root.querySelector(".s2w-screen canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const painted = [];
    // Of the picture: the brightness above, and where below the mask begins to differ from grey.
    const read = () => {
        const { width, height } = canvas;
        const above = context.getImageData(width >> 1, height >> 2, 1, 1).data[0];
        const row = context.getImageData(0, Math.round(height * 0.8), width, 1).data;
        let left = -1;
        for (let x = 0; x < width && left < 0; x++)
            if (Math.max(row[4 * x], row[4 * x + 1], row[4 * x + 2]) -
                Math.min(row[4 * x], row[4 * x + 1], row[4 * x + 2]) > 40) left = x;
        return { brightness: above, left: left < 0 ? -1 : left * 400 / width };
    };
    new MutationObserver(() => {
        const { frame, frameDrawn } = root.dataset;
        painted.push({ at: performance.now(), frame: Number(frame), drawn: Number(frameDrawn),
                       ...read() });
    }).observe(root, { attributeFilter: ["data-frame"] });
    return painted;
}"""
"""Notes, whenever the counter changes, what is painted."""


def show_coded(bench: Bench) -> None:
    """Show a video whose frames and masks say which they are."""
    bench.show(CODED)
    bench.widget.wait_for("objects", 1)
    bench.widget.wait_masks_after(0)


def check(painted: list[dict[str, Any]]) -> None:
    """Each time, the counter says what was painted, with the masks of the same frame."""
    for one in painted:
        assert one["frame"] == one["drawn"], one
        assert abs(one["brightness"] - 20 - 2 * one["frame"]) <= 6, one
        assert abs(one["left"] - 4 * one["frame"]) <= 4, one


@pytest.mark.parametrize("round_trip_ms", [0, 80, 200])
def test_playing_paints_frame_after_frame_with_its_own_masks(
    linked: tuple[Bench, SlowLink], round_trip_ms: int
) -> None:
    bench, link = linked
    widget = bench.widget
    show_coded(bench)
    link.round_trip_s = round_trip_ms / 1000
    painted = widget.root.evaluate_handle(RECORD)
    widget.button("Play").click()
    widget.wait_for("frame", FRAMES - 1)
    widget.wait_for("frame-drawn", FRAMES - 1)
    seen = painted.json_value()
    check(seen)
    frames = [frame for frame, _ in groupby(one["frame"] for one in seen)]
    assert frames == sorted(set(frames)), "it goes on, never back"
    assert len(frames) > FRAMES / 8
    assert max(b - a for a, b in pairwise(frames)) < FRAMES / 3
    widget.button("Play").wait_for()


def test_scrubbing_far_away_paints_on_the_way_and_ends_sharp_where_the_slider_is(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    show_coded(bench)
    link.round_trip_s = 0.2
    painted = widget.root.evaluate_handle(RECORD)
    slider = widget.root.get_by_role("slider", name="Frame")
    slider.scroll_into_view_if_needed()
    bounds = slider.bounding_box()
    assert bounds is not None
    y = bounds["y"] + bounds["height"] / 2
    bench.page.mouse.move(bounds["x"] + 10, y)
    bench.page.mouse.down()
    bench.page.mouse.move(bounds["x"] + bounds["width"] - 40, y, steps=150)
    bench.page.mouse.up()
    goal = int(slider.input_value())
    assert goal > FRAMES / 2
    widget.wait_for("frame", goal)
    check(painted.json_value())
    assert len({one["frame"] for one in painted.json_value()}) >= 4
    # Sharp: the full picture has come, of which there is one size only.
    widget.eventually(lambda: widget.data("reduced") == "false")


def test_following_a_propagation_paints_what_the_counter_says(bench: Bench) -> None:
    widget = bench.widget
    bench.show("w = Sam2Widget(clip.frames_thw3[:16], model=model, autosave=False)")
    widget.click(100, 100)
    seen = widget.root.evaluate_handle(
        """(root) => {
            const seen = [];
            new MutationObserver(() =>
                seen.push([Number(root.dataset.frame), Number(root.dataset.frameDrawn)])
            ).observe(root, { attributeFilter: ["data-frame"] });
            return seen;
        }"""
    )
    widget.propagate()
    pairs = seen.json_value()
    assert len(pairs) >= 2
    assert all(frame == drawn for frame, drawn in pairs)


def test_a_held_arrow_key_moves_on_from_where_it_will_be(linked: tuple[Bench, SlowLink]) -> None:
    bench, link = linked
    widget = bench.widget
    show_coded(bench)
    link.round_trip_s = 0.2
    painted = widget.root.evaluate_handle(RECORD)
    widget.press(*["ArrowRight"] * 30)
    widget.wait_for("frame-drawn", 30)
    check(painted.json_value())
