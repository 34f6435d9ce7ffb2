"""What is on the picture in JupyterLab: selecting by a click, accepted masks, names, scale."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Bench

HALVES = """
left = np.zeros(w._session.frame_hw(0), bool); left[40:200, 40:200] = True
right = np.zeros_like(left); right[40:200, 260:420] = True
w.add_mask(0, left, obj=1); w.add_mask(0, right, obj=2)
w.update_object(1, name="cat"); w.update_object(2, name="dog"); w.selected = 1
"""
ON_LEFT, ON_RIGHT = (120, 120), (340, 120)


def two_objects(bench: Bench) -> None:
    """A cat to the left and a dog to the right on frame 0, the cat selected."""
    bench.run(HALVES)
    bench.widget.wait_for("objects", 2)
    bench.widget.wait_for("labels-drawn", 2)
    selected(bench, "cat")


def selected(bench: Bench, name: str) -> None:
    button = bench.widget.button(f"Select {name}")
    expect(button).to_have_attribute("aria-pressed", "true")


def tag(bench: Bench) -> Locator:
    return bench.widget.root.locator(".s2w-tag")


def question(bench: Bench) -> Locator:
    return bench.widget.root.get_by_role("alertdialog")


def press_at(bench: Bench, place: tuple[float, float]) -> None:
    bench.widget.point_at(*place)
    bench.page.mouse.down()
    bench.page.mouse.up()


def state_of(bench: Bench, obj: int) -> str:
    return bench.run(f"print(w._session.result(0, {obj}).state)").strip()


def test_a_click_on_another_objects_mask_selects_it_and_changes_no_mask(bench: Bench) -> None:
    two_objects(bench)
    bench.run("w.accept(0, 1, obj=1)")
    before = [bench.masks(obj)[0] for obj in (1, 2)]
    bench.widget.point_at(*ON_RIGHT)
    expect(tag(bench)).to_contain_text("Select dog")
    press_at(bench, ON_RIGHT)
    selected(bench, "dog")
    bench.widget.eventually(lambda: bench.run("print(w.selected)").strip() == "2")
    press_at(bench, ON_LEFT)
    selected(bench, "cat")
    bench.widget.wait_ready()
    for obj, mask in enumerate(before, 1):
        np.testing.assert_array_equal(bench.masks(obj)[0], mask)
    assert (state_of(bench, 1), state_of(bench, 2)) == ("accepted", "fresh")

    # With Alt it is a prompt of the selected object, as the tag says.
    bench.run("w.selected = 2")
    selected(bench, "dog")
    bench.widget.point_at(*ON_LEFT)
    expect(tag(bench)).to_contain_text("Alt-click: prompt dog")
    bench.page.keyboard.down("Alt")
    press_at(bench, ON_LEFT)
    bench.page.keyboard.up("Alt")
    bench.widget.wait_for("prompts-drawn", 1)
    bench.widget.wait_ready()
    np.testing.assert_array_equal(bench.masks(1)[0], before[0])


def test_a_new_object_takes_the_next_click_wherever_it_is(bench: Bench) -> None:
    two_objects(bench)
    bench.widget.press("c")
    bench.widget.wait_for("objects", 3)
    bench.widget.click(*ON_LEFT)
    bench.widget.wait_ready()
    assert bench.run("print(len(w.prompts(0, 3).points), w.selected)").split() == ["1", "3"]


def test_an_accepted_mask_changes_when_the_question_is_answered_so(bench: Bench) -> None:
    two_objects(bench)
    bench.run("w.accept(0, 1, obj=1)")
    before = bench.masks(1)[0]
    bench.widget.point_at(230, 120)
    expect(tag(bench)).to_contain_text("cat is accepted")
    press_at(bench, (230, 120))
    expect(question(bench)).to_contain_text("cat is accepted on frame 0.")
    expect(question(bench).get_by_role("button", name="Keep it")).to_be_focused()
    bench.page.keyboard.press("Enter")
    expect(question(bench)).to_have_count(0)
    expect(bench.widget.stage).to_be_focused()

    for tool in ("b", "d", "Shift+D", "g"):
        bench.widget.press(tool)
        bench.widget.drag((100, 100), (180, 100), (180, 180), (110, 190))
        expect(question(bench)).to_be_visible()
        bench.page.keyboard.press("Escape")
        expect(question(bench)).to_have_count(0)
    np.testing.assert_array_equal(bench.masks(1)[0], before)
    assert state_of(bench, 1) == "accepted"

    bench.widget.press("d")
    bench.widget.drag((205, 100), (215, 100))
    drawn = bench.widget.masks_drawn
    question(bench).get_by_role("button", name="Change it").click()
    bench.widget.wait_masks_after(drawn)
    bench.widget.wait_ready()
    assert bench.masks(1)[0][100, 210] and not before[100, 210]
    expect(bench.widget.root.locator(".s2w-status")).to_contain_text("no longer accepted")
    bench.widget.press("Control+z")
    bench.widget.eventually(lambda: state_of(bench, 1) == "accepted")
    np.testing.assert_array_equal(bench.masks(1)[0], before)


def test_accepted_is_seen_without_colours(bench: Bench) -> None:
    bench.run(HALVES)
    bench.run("w.remove_object(2)")
    widget = bench.widget
    widget.wait_for("objects", 1)
    widget.wait_for("labels-drawn", 0)  # one object needs no name
    lightest_before = lightest_at_rim(bench)
    bench.run("w.accept(0, 1, obj=1)")
    widget.wait_for("labels-drawn", 1)  # but what is said of it has a badge
    widget.eventually(lambda: lightest_at_rim(bench) > lightest_before + 20)


def lightest_at_rim(bench: Bench) -> int:
    """How white the whitest pixel is at the left rim of the cat's mask, 0 to 255."""
    return max(min(bench.widget.pixel(40 + dx, 120)[:3]) for dx in (-2, -1, 0, 1, 2))


def test_names_are_there_from_two_objects_on_and_go_by_a_key(bench: Bench) -> None:
    two_objects(bench)
    bench.widget.press("Shift+N")
    bench.widget.wait_for("labels-drawn", 0)
    bench.widget.button("Display").click()
    switch = bench.widget.root.get_by_role("switch", name="Names on masks")
    expect(switch).not_to_be_checked()
    switch.click()
    bench.widget.wait_for("labels-drawn", 2)


def test_mask_row_and_lane_light_up_together(bench: Bench) -> None:
    two_objects(bench)
    widget = bench.widget
    lit = widget.root.locator(".s2w-hovered")
    inside = ON_RIGHT[0] + 30, ON_RIGHT[1] + 30
    assert widget.pixel(*inside, "overlay")[3] == 0
    widget.point_at(*ON_RIGHT)
    expect(widget.root.locator(".s2w-object.s2w-hovered")).to_have_attribute("data-object", "2")
    expect(lit.locator("canvas.s2w-lane")).to_have_count(1)
    widget.eventually(lambda: widget.pixel(*inside, "overlay")[3] > 0)
    widget.point_at(10, 10)
    expect(lit).to_have_count(0)
    widget.eventually(lambda: widget.pixel(*inside, "overlay")[3] == 0)
    widget.root.locator('.s2w-object[data-object="2"]').hover()
    widget.eventually(lambda: widget.pixel(*inside, "overlay")[3] > 0)


def test_the_candidates_hide_nothing_of_the_object(bench: Bench) -> None:
    widget = bench.widget
    truth = bench.clip.truth_thw[0]
    rows, columns = np.nonzero(truth)
    widget.click(float(columns.mean()), float(rows.mean()))
    widget.wait_ready()
    strip = widget.root.get_by_role("group", name="Which mask is meant")
    bounds = strip.bounding_box()
    assert bounds is not None
    y, x = np.nonzero(bench.masks()[0])
    left, top = widget.on_page(float(x.min()), float(y.min()))
    right, bottom = widget.on_page(float(x.max()) + 1, float(y.max()) + 1)
    wide = min(right, bounds["x"] + bounds["width"]) - max(left, bounds["x"])
    tall = min(bottom, bounds["y"] + bounds["height"]) - max(top, bounds["y"])
    assert wide <= 0 or tall <= 0
    # It stays where it is, whichever is chosen.
    strip.get_by_role("button").nth(0).click()
    widget.wait_ready()
    assert strip.bounding_box() == bounds


def test_the_minimap_moves_the_view(bench: Bench) -> None:
    widget = bench.widget
    minimap = widget.root.get_by_role("application", name="Minimap")
    expect(minimap).to_have_count(0)
    widget.press("+", "+", "+", "+", "+", "+")
    expect(minimap).to_be_visible()
    bounds = minimap.bounding_box()
    assert bounds is not None
    before = widget.pixel(widget.width / 2, widget.height / 2)
    bench.page.mouse.move(bounds["x"] + 12, bounds["y"] + 12)
    bench.page.mouse.down()
    bench.page.mouse.move(bounds["x"] + 16, bounds["y"] + 12, steps=2)
    bench.page.mouse.up()
    widget.eventually(lambda: widget.pixel(widget.width / 2, widget.height / 2) != before)
    minimap.focus()
    bench.page.keyboard.press("Escape")
    expect(minimap).to_have_count(0)
    expect(widget.stage).to_be_focused()
    widget.press("Shift+Z")
    expect(minimap).to_be_visible()
    widget.press("0")
    expect(minimap).to_have_count(0)


def test_a_scale_bar_is_in_the_unit_of_the_pixel_size(bench: Bench) -> None:
    bar = bench.widget.root.get_by_role("img", name="Scale bar")
    expect(bar).to_have_count(0)
    bench.widget.press("Shift+R")
    expect(bar).to_contain_text(" px")
    bench.widget.press("Shift+R")
    bench.page.evaluate("localStorage.removeItem('sam2widget.display')")
    bench.show("w = Sam2Widget(video, model=model, pixel_size='0.65 µm')")
    expect(bar).to_contain_text(" µm")
    microns = float((bar.text_content() or "").split()[0])
    line = bar.locator("i").bounding_box()
    assert line is not None
    scale = bench.widget.zoom / 100
    np.testing.assert_allclose(line["width"], microns / 0.65 * scale, rtol=0.03)
    bench.run("w.pixel_size = '2 nm'")
    expect(bar).to_contain_text(" nm")
    bench.run("w.add_mask(0, np.ones(w._session.frame_hw(0), bool), obj=1)")
    area = bench.widget.width * bench.widget.height * 4
    expect(bench.widget.root.locator(".s2w-area")).to_have_text(f"{area:,} nm²")
