"""Prompts in JupyterLab: points and boxes by hand, paint, candidates, previews."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import box_of, centre_of
from tests.support.waiting import wait_until


def prompts(bench: Bench, what: str) -> Any:
    """Something of the prompts `p` of object 1 on frame 0, as the kernel has them."""
    return eval(bench.run(f"p = w.prompts(0, 1); print({what})"))


def test_points_and_boxes_are_moved_by_hand(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    widget.click(x, y)
    widget.drag_and_wait((x, y), (x + 40, y + 5))
    widget.wait_ready()
    (point,) = prompts(bench, "[(q.x, q.y) for q in p.points]")
    np.testing.assert_allclose(point, (x + 40, y + 5), atol=1.5)
    widget.point_at(*point)
    bench.page.mouse.down()
    bench.page.mouse.up()  # and away
    widget.wait_for("prompts-drawn", 0)

    x0, y0, x1, y1 = box_of(bench.clip.truth_thw[0])
    widget.press("b")
    widget.drag_and_wait((x0, y0), (x1, y1))
    widget.wait_ready()
    np.testing.assert_allclose(prompts(bench, "p.box"), (x0, y0, x1, y1), atol=1.5)
    first = bench.masks()[0]
    widget.drag_and_wait((x1, y1), (x1 - 60, y1 - 10))  # a handle
    widget.wait_ready()
    np.testing.assert_allclose(prompts(bench, "p.box"), (x0, y0, x1 - 60, y1 - 10), atol=2)
    assert (bench.masks()[0] != first).any()
    line = x0 + 0.15 * (x1 - x0)  # between two handles
    widget.drag_and_wait((line, y0), (line + 30, y0 + 8))
    widget.wait_ready()
    np.testing.assert_allclose(
        prompts(bench, "p.box"), (x0 + 30, y0 + 8, x1 - 30, y1 - 2), atol=2.5
    )
    widget.press("Control+z", "Control+z")
    wait_until(lambda: np.allclose(prompts(bench, "p.box"), (x0, y0, x1, y1), rtol=0, atol=1.5))


def test_masks_are_painted_mended_and_outlined(bench: Bench) -> None:
    widget = bench.widget
    widget.press("d")
    widget.drag_and_wait((100, 100), (200, 100))
    widget.wait_ready()
    painted = bench.masks()[0]
    assert painted[100, 95:205].all()
    assert not painted[140:].any()
    assert prompts(bench, "p.mask is not None")

    widget.press("Shift+D")
    widget.drag_and_wait((150, 60), (150, 140))
    widget.wait_ready()
    mended = bench.masks()[0]
    assert not mended[100, 145:155].any()
    assert mended[100, [100, 200]].all()

    widget.press("g")
    widget.drag_and_wait((300, 50), (400, 50), (400, 150), (300, 150), (300, 55))
    widget.wait_ready()
    assert bench.masks()[0][55:145, 305:395].all()
    before = widget.masks_drawn
    for corner in ((40, 160), (140, 160), (140, 250)):
        widget.point_at(*corner)
        bench.page.mouse.down()
        bench.page.mouse.up()
    bench.page.keyboard.press("Enter")
    widget.wait_masks_after(before)
    widget.wait_ready()
    mask = bench.masks()[0]
    assert mask[170, 60:135].all()
    assert not mask[245, 40:120].any()
    assert mask[55:145, 305:395].all()

    widget.press("Control+z", "Control+z", "Control+z")
    widget.eventually(lambda: np.array_equal(bench.masks()[0], painted))


def test_the_masks_of_a_click_are_there_to_choose_from(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    strip = widget.root.get_by_role("group", name="Which mask is meant")
    choices = strip.get_by_role("button", name=re.compile(r"^Mask \d, predicted IoU \d\.\d\d$"))
    expect(choices).to_have_count(3)
    masks = {}
    for n in (0, 1, 2):
        if n == 1:
            widget.press("2")
        else:
            choices.nth(n).click()
        expect(choices.nth(n)).to_have_attribute("aria-pressed", "true")
        widget.wait_ready()
        widget.eventually(lambda n=n: prompts(bench, "p.candidate") == n)
        masks[n] = bench.masks()[0]
    assert len({mask.tobytes() for mask in masks.values()}) > 1
    widget.press("Control+z")
    widget.eventually(lambda: prompts(bench, "p.candidate") == 1)
    np.testing.assert_array_equal(bench.masks()[0], masks[1])


def test_the_mask_under_the_pointer_shows_before_a_click(bench: Bench) -> None:
    widget = bench.widget
    if widget.button("Preview").get_attribute("aria-pressed") == "false":
        widget.press("h")
    x, y = centre_of(bench)
    for at in ((x, y), (60, 60), (x, y)):
        widget.point_at(*at)
        # Beside the pointer, where nothing but a preview paints.
        widget.eventually(lambda at=at: widget.pixel(at[0] + 3, at[1] + 3, "overlay")[3] > 0)
    assert bench.run("print(w.objects)").strip() == "[]"
    widget.press("h")
    widget.eventually(lambda: widget.pixel(x + 3, y + 3, "overlay")[3] == 0)
