"""Pictures, keyboard, help, narrow cells, full screen, and code beside it, in JupyterLab."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import MIN_CONTRAST, nameless, small_targets, texts
from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of

PICTURES = """
frames = clip.frames_thw3
w = Sam2Widget([frames[0], frames[9][:, :300], frames[20][:200]], model=model, kind="images")
"""


def test_pictures_are_segmented_without_controls_of_time(bench: Bench) -> None:
    widget = bench.widget
    bench.show(PICTURES)
    for control in ("Play", "Propagate", "Loop"):
        expect(widget.button(control)).to_be_hidden()
    widget.click(66, 176)
    widget.go_to(1)
    widget.width = 300
    widget.click(66, 150)
    assert bench.run("print([w.masks[1][n].shape for n in range(3)])").strip() == (
        "[(270, 480), (270, 300), (200, 480)]"
    )
    assert bench.run("print([bool(w.masks[1][n].any()) for n in range(3)])").strip() == (
        "[True, True, False]"
    )
    bench.show("w = Sam2Widget(frames[0], model=model)")
    expect(widget.root.get_by_role("slider", name="Frame")).to_be_hidden()
    widget.click(66, 176)
    assert bench.run("print(w.masks[1].shape)").strip() == "(1, 270, 480)"


def test_the_whole_job_is_done_with_keys(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    widget.button("Positive point").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if widget.stage.evaluate("(stage) => stage === document.activeElement"):
            break
    expect(widget.stage).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    before = widget.masks_drawn
    page.keyboard.press("Enter")
    widget.wait_masks_after(before)
    widget.wait_for("objects", 1)
    page.keyboard.press("Escape")
    widget.wait_ready()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "o", "Home", "t"):
        page.keyboard.press(key)
    expect(widget.root.locator("[aria-live=polite].s2w-unseen")).to_have_text("Propagated 3 frames")
    widget.wait_ready()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    widget.wait_for("frame-drawn", 1)
    page.keyboard.press("a")
    expect(widget.lane()).to_have_attribute("aria-label", re.compile("1 accepted"))


def test_help_names_every_key(bench: Bench) -> None:
    widget = bench.widget
    widget.press("?")
    help_ = widget.root.get_by_role("dialog")
    expect(help_).to_be_visible()
    for words in ("Undo", "Next to check", "Eraser", "Play or pause", "Propagate", "Full screen"):
        expect(help_).to_contain_text(words)
    bench.page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    assert widget.root.evaluate("(root) => root.contains(document.activeElement)")


def test_a_narrow_cell_holds_every_control(bench: Bench) -> None:
    widget = bench.widget
    bench.show(
        "from ipywidgets import Layout\n"
        "w = Sam2Widget(video, model=model, layout=Layout(width='340px'))"
    )
    bounds = widget.root.bounding_box()
    assert bounds is not None and bounds["width"] <= 340
    for button in widget.root.get_by_role("button").all():
        if button.is_visible():
            place = button.bounding_box()
            assert place is not None
            left, right = place["x"] - bounds["x"], place["x"] + place["width"] - bounds["x"]
            assert left >= 0 and right <= bounds["width"], button.get_attribute("aria-label")
    widget.click(*centre_of(bench))


def test_help_draws_the_signs_of_the_stage_and_of_the_lanes(bench: Bench) -> None:
    widget = bench.widget
    widget.press("?")
    signs = widget.root.get_by_role("dialog").locator("canvas.s2w-sign")
    expect(signs).to_have_count(14)
    painted: list[int] = signs.evaluate_all(
        """(canvases) => canvases.map((canvas) => {
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return data.filter((value, i) => i % 4 === 3 && value > 0).length;
        })"""
    )
    assert min(painted) > 20, painted
    pictures = signs.evaluate_all("(canvases) => canvases.map((one) => one.toDataURL())")
    assert len(set(pictures)) == len(pictures)
    bench.page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [240, 324, 420])
def test_the_display_panel_of_a_narrow_cell_is_whole(bench: Bench, width: int) -> None:
    bench.show(
        "from ipywidgets import Layout\n"
        f"w = Sam2Widget(video, model=model, layout=Layout(width='{width}px'))"
    )
    root = bench.widget.root
    bench.widget.button("Display").click()
    panel = root.locator(".s2w-panel").bounding_box()
    assert panel is not None and panel["width"] >= 220
    page_width = bench.page.evaluate("innerWidth")
    assert panel["x"] >= 0 and panel["x"] + panel["width"] <= page_width


def test_full_screen_shows_all_of_the_picture_and_of_the_controls(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    widget.press("Shift+F")
    widget.eventually(lambda: page.evaluate("document.fullscreenElement !== null"))
    height, width = page.evaluate("[innerHeight, innerWidth]")

    def fits() -> bool:
        inside = [part.bounding_box() for part in (widget.stage, widget.button("Keys"))]
        return all(
            at is not None and at["y"] + at["height"] <= height and at["x"] + at["width"] <= width
            for at in inside
        )

    widget.eventually(fits)
    bounds = widget.stage.bounding_box()
    assert bounds is not None
    assert bounds["width"] / bounds["height"] == pytest.approx(
        widget.width / widget.height, rel=0.01
    )
    x, y = centre_of(bench)
    widget.click(x, y)
    assert bench.masks()[0, int(y), int(x)]
    widget.press("Shift+F")
    widget.eventually(lambda: page.evaluate("document.fullscreenElement === null"))


def test_code_is_told_and_awaits(bench: Bench) -> None:
    bench.run(
        "told = []\n"
        "w.on_prompt(lambda e: told.append(('prompt', e.frame, e.object)))\n"
        "w.on_mask(lambda e: told.append(('mask', e.frame, e.object)))\n"
        "w.on_frame(lambda e: told.append(('frame', e.frame)))\n"
    )
    bench.widget.click(100, 100)
    bench.widget.wait_ready()
    bench.run("await w.propagate_async(stop=3)")
    bench.widget.go_to(2)
    bench.widget.eventually(lambda: "('frame', 2)" in bench.run("print(told)"))
    told = bench.run("print(told)")
    for event in ("('prompt', 0, 1)", "('mask', 0, 1)", "('mask', 2, 1)"):
        assert event in told
    np.testing.assert_array_equal(bench.masks().any(axis=(1, 2))[:3], True)


CLASSED = "w = Sam2Widget(video, model=model, classes=['person', 'dog'])"
OPENED = ("Classes and attributes", "Display", "How to propagate", "Keys")
"""Buttons that open a panel, a menu or a dialog."""


def opened(bench: Bench) -> Iterator[str]:
    """The widget with an object, as it is and with each of its panels open, one after the other."""
    widget = bench.widget
    widget.click(*centre_of(bench))
    widget.press("Escape")
    widget.wait_ready()
    yield "nothing"
    for name in OPENED:
        widget.button(name).click()
        yield name
        bench.page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everything_has_a_name_and_every_text_stands_out(bench: Bench, theme: str) -> None:
    change_theme(bench, theme)
    bench.show(CLASSED)
    try:
        for name in opened(bench):
            assert nameless(bench.page, bench.widget.root) == [], name
            found = texts(bench.widget.root)
            pale = [one for one in found if one["contrast"] < MIN_CONTRAST]
            assert len(found) > 5 and pale == [], name
    finally:
        change_theme(bench, "JupyterLab Light")


def test_with_the_systems_few_colours_what_is_pressed_and_selected_shows(bench: Bench) -> None:
    page, root = bench.page, bench.widget.root
    bench.show(CLASSED)
    page.emulate_media(forced_colors="active")
    try:
        for name in opened(bench):
            pale = [one for one in texts(root) if one["contrast"] < MIN_CONTRAST]
            assert pale == [], name
        system = page.evaluate(
            """() => {
                const style = document.body.appendChild(document.createElement("i")).style;
                style.forcedColorAdjust = "none";
                return Object.fromEntries(["Highlight", "Canvas"].map((name) => {
                    style.color = name;
                    return [name, getComputedStyle(document.body.lastChild).color];
                }));
            }"""
        )

        def back_of(name: str) -> str:
            return bench.widget.button(name).evaluate(
                "(button) => getComputedStyle(button).backgroundColor"
            )

        assert back_of("Positive point") == system["Highlight"] != back_of("Box")
        bench.widget.press("b")
        bench.widget.eventually(lambda: back_of("Box") == system["Highlight"])  # it fades in
        assert back_of("Positive point") != system["Highlight"]
        row = root.locator(".s2w-object.s2w-selected")
        outline = row.evaluate("(row) => getComputedStyle(row).outlineColor")
        assert outline == system["Highlight"]
    finally:
        page.emulate_media(forced_colors="none")


def test_fingers_tap_press_long_pinch_and_find_large_controls(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    bench.show(CLASSED)
    x, y = centre_of(bench)
    widget.stage.scroll_into_view_if_needed()

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": at[0], "y": at[1], "id": n} for n, at in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def points() -> list[int]:
        told = bench.run("print([point.label for point in w.prompts(0, 1).points])")
        return json.loads(told)

    try:
        before = widget.masks_drawn
        touch("touchStart", widget.on_page(x, y))
        touch("touchEnd")
        widget.wait_masks_after(before)
        assert points() == [1]

        before = widget.masks_drawn
        far = widget.on_page(x, widget.height - 20)
        touch("touchStart", far)
        widget.wait_masks_after(before)  # while the finger is still down
        touch("touchEnd")
        assert points() == [1, 0]

        fits = widget.zoom
        left, right = widget.on_page(x - 30, y), widget.on_page(x + 30, y)
        touch("touchStart", left, right)
        for step in range(1, 6):
            wide = 12 * step
            touch("touchMove", (left[0] - wide, left[1]), (right[0] + wide, right[1]))
        touch("touchEnd")
        widget.eventually(lambda: widget.zoom > 1.5 * fits)
        assert points() == [1, 0], "two fingers put no point"
        assert small_targets(widget.root) == []
    finally:
        session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        session.detach()


def change_theme(bench: Bench, theme: str) -> None:
    bench.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
