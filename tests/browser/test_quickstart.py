"""The main job in JupyterLab: click, propagate, correct, take the masks; and what surrounds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from sam2widget.cli.demo import correction, deepest_point, jaccard
from tests.browser.conftest import Bench
from tests.browser.widget_page import LIMIT_MS
from tests.support.data import data_folder, tracking_clip

CORRECTED = 20
"""The later frame that is corrected."""


def iou(mask_hw: NDArray[np.bool_], truth_hw: NDArray[np.bool_]) -> float:
    return float(jaccard(mask_hw[None], truth_hw[None])[0])


def box_of(mask_hw: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around a mask."""
    rows, columns = np.flatnonzero(mask_hw.any(1)), np.flatnonzero(mask_hw.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def centre_of(bench: Bench, frame: int = 0) -> tuple[float, float]:
    return deepest_point(bench.clip.truth_thw[frame])


def click_propagate_and_correct(bench: Bench, truth_thw: NDArray[np.bool_]) -> None:
    """Click an object to masks through the video, and correct one that survives."""
    widget = bench.widget
    widget.click(*deepest_point(truth_thw[0]))
    widget.wait_for("objects", 1)
    clicked = bench.masks()
    for _ in range(2):
        x, y, label = correction(clicked[0], truth_thw[0])
        widget.click(x, y, button="left" if label else "right")
        clicked = bench.masks()
    assert iou(clicked[0], truth_thw[0]) > 0.6
    assert not clicked[1:].any()

    widget.propagate()
    tracked = bench.masks()
    assert tracked.any(axis=(1, 2)).all()
    assert jaccard(tracked, truth_thw).mean() > 0.4
    np.testing.assert_array_equal(tracked[0], clicked[0])

    widget.go_to(CORRECTED)
    x, y, label = correction(tracked[CORRECTED], truth_thw[CORRECTED])
    widget.click(x, y, button="left" if label else "right")
    widget.wait_ready()
    corrected = bench.masks()
    assert (corrected[CORRECTED] != tracked[CORRECTED]).any()
    assert iou(corrected[CORRECTED], truth_thw[CORRECTED]) > 0.4
    # The neighbours are tracked anew from it, and the first frame stays.
    assert (corrected[CORRECTED + 1] != tracked[CORRECTED + 1]).any()
    np.testing.assert_array_equal(corrected[0], clicked[0])

    bench.run("w.propagate()")
    np.testing.assert_array_equal(bench.masks()[CORRECTED], corrected[CORRECTED])


def test_a_click_becomes_masks_through_the_video_and_a_correction_survives(
    fresh_bench: Bench,
) -> None:
    click_propagate_and_correct(fresh_bench, fresh_bench.clip.truth_thw)


def test_real_footage_too(bench: Bench, tmp_path: Path) -> None:
    if data_folder() is None:
        pytest.skip("no footage here: SAM2WIDGET_DATA names its folder")
    footage = tracking_clip(tmp_path)
    bench.show(f"w = Sam2Widget({str(footage.path)!r}, model=model, autosave=False)")
    click_propagate_and_correct(bench, footage.truth_thw)


def test_points_are_taken_back_by_undo_and_by_clicking_them(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    widget.click(x, y)
    one = bench.masks()[0]
    widget.click(6, 6, modifiers=["Shift"])
    widget.wait_for("prompts-drawn", 2)
    two = bench.masks()[0]

    widget.button("Undo").click()
    widget.wait_for("prompts-drawn", 1)
    widget.wait_ready()
    np.testing.assert_array_equal(bench.masks()[0], one)
    widget.button("Redo").click()
    widget.wait_for("prompts-drawn", 2)
    widget.wait_ready()
    np.testing.assert_array_equal(bench.masks()[0], two)

    widget.click(6, 6)
    widget.wait_for("prompts-drawn", 1)
    widget.wait_ready()
    np.testing.assert_array_equal(bench.masks()[0], one)


def test_a_negative_click_makes_the_mask_smaller(bench: Bench) -> None:
    x0, y0, x1, y1 = box_of(bench.clip.truth_thw[0])
    bench.widget.button("Box").click()
    bench.widget.drag_and_wait((x0, y0), (x1, y1))
    mask = bench.masks()[0]
    assert iou(mask, bench.clip.truth_thw[0]) > 0.4
    y, x = np.argwhere(mask)[len(np.argwhere(mask)) // 8]
    bench.widget.click(float(x) + 0.5, float(y) + 0.5, button="right")
    bench.widget.wait_for("prompts-drawn", 2)
    assert bench.masks()[0].sum() < mask.sum()


def test_objects_are_added_selected_and_removed(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    first = bench.masks()[0]
    widget.button("Add object").click()
    widget.wait_for("objects", 2)
    widget.drag_and_wait((20, 20), (120, 90))
    assert bench.masks(2)[0].any()
    np.testing.assert_array_equal(bench.masks(1)[0], first)

    widget.button("Select Object 1").click()
    expect(widget.button("Select Object 1")).to_have_attribute("aria-pressed", "true")
    widget.button("Select Object 2").hover()  # what is seldom needed waits for that
    widget.button("Remove Object 2").click()
    widget.wait_for("objects", 1)
    assert bench.run("print(sorted(w.masks))").strip() == "[1]"


def test_slider_keys_and_code_move_in_time_together(bench: Bench) -> None:
    widget = bench.widget
    widget.go_to(5)
    widget.stage.focus()
    for key, frame in (("ArrowRight", 6), ("Shift+ArrowRight", 16), ("Home", 0)):
        bench.page.keyboard.press(key)
        widget.wait_for("frame-drawn", frame)
    bench.run("w.frame = 3")
    widget.wait_for("frame-drawn", 3)


def test_what_code_does_shows_in_the_view(bench: Bench) -> None:
    before = bench.widget.masks_drawn
    x, y = centre_of(bench)
    bench.run(f"w.add_point(0, {x}, {y})")
    bench.widget.wait_masks_after(before)
    bench.widget.wait_for("objects", 1)
    bench.widget.wait_for("prompts-drawn", 1)


def test_stop_keeps_what_was_tracked_and_the_kernel_stays_free(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    drawn = widget.masks_drawn
    widget.button("Propagate").click()
    widget.wait_masks_after(drawn)
    assert bench.run("print(1 + 1)").strip() == "2"
    widget.button("Stop").click()
    widget.wait_ready()
    tracked = bench.masks().any(axis=(1, 2))
    assert tracked[1]
    assert not tracked[-1]
    widget.propagate()
    assert bench.masks().any(axis=(1, 2)).sum() > tracked.sum()


def test_an_error_is_shown_in_place_and_the_widget_works_on(bench: Bench) -> None:
    widget = bench.widget
    bench.run(
        "content = {'type': 'dance', 'id': 1, 'view': 'test', 'epoch': w.epoch}\n"
        "data = {'method': 'custom', 'content': content}\n"
        "w.comm.handle_msg({'content': {'data': data}, 'buffers': []})"
    )
    alert = widget.root.get_by_role("alert")
    expect(alert).to_contain_text("dance", timeout=LIMIT_MS)
    widget.button("Dismiss").click()
    expect(alert).to_be_hidden()
    widget.click(*centre_of(bench))
    assert bench.masks()[0].any()


def test_a_reloaded_page_shows_everything_again(fresh_bench: Bench) -> None:
    bench, widget = fresh_bench, fresh_bench.widget
    widget.click(*centre_of(bench))
    mask = bench.masks()[0]
    bench.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    for _ in range(2):
        bench.page.reload()
        widget.wait_ready()
        widget.wait_for("objects", 1)
        widget.wait_for("frame-drawn", 0)
        widget.wait_for("prompts-drawn", 1)
        widget.wait_masks_after(0)
    np.testing.assert_array_equal(bench.masks()[0], mask)
