"""The stage in JupyterLab: zoom and pan, and how frames and masks are shown."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of

NOTCH = 120
"""What one notch of a wheel turns, in pixels."""


def points(bench: Bench) -> list[tuple[float, float]]:
    """(x, y) of the points of object 1 on frame 0, as the kernel has them."""
    printed = bench.run("print([(p.x, p.y) for p in w.prompts(0, 1).points])")
    return list(eval(printed))


def test_prompts_are_exact_at_any_zoom(bench: Bench) -> None:
    widget, mouse = bench.widget, bench.page.mouse
    x, y = 380.25, 210.75
    widget.point_at(x, y)
    place = widget.on_page(x, y)
    widget.stage.focus()
    fit = widget.zoom
    for _ in range(6):
        mouse.wheel(0, -NOTCH)
    widget.eventually(lambda: widget.zoom > 4 * fit)
    scale = widget.zoom / 100
    mouse.click(*place)
    widget.wait_for("prompts-drawn", 1)
    mouse.click(place[0] + 15 * scale, place[1])
    widget.wait_for("prompts-drawn", 2)
    widget.wait_ready()
    # Zooming keeps what is under the pointer there; 15 pixels beside it are 15 pixels.
    assert np.abs(np.array(points(bench)) - [(x, y), (x + 15, y)]).max() < 0.75

    bench.page.keyboard.down("Space")
    mouse.move(*place)
    mouse.down()
    mouse.move(place[0] - 20 * scale, place[1] - 10 * scale, steps=4)
    mouse.up()
    bench.page.keyboard.up("Space")
    mouse.click(*place)
    widget.wait_for("prompts-drawn", 3)
    widget.wait_ready()
    assert np.abs(np.array(points(bench)[2]) - (x + 20, y + 10)).max() < 0.75

    mouse.dblclick(place[0] - 60, place[1] - 60)
    widget.eventually(lambda: widget.zoom == fit)
    widget.wait_ready()
    assert len(points(bench)) == 3
    widget.press("+", "+", "0")
    widget.eventually(lambda: widget.zoom == fit)


def test_two_fingers_zoom_and_prompt_nothing(bench: Bench) -> None:
    widget = bench.widget
    fit = widget.zoom
    widget.stage.scroll_into_view_if_needed()
    x, y = widget.on_page(400, 200)
    touch = bench.page.context.new_cdp_session(bench.page)

    def fingers(kind: str, *apart: float) -> None:
        at = [{"x": x + d, "y": y, "id": n} for n, d in enumerate(apart)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    fingers("touchStart", -20)
    fingers("touchStart", -20, 20)
    for reach in (30, 45, 60):
        fingers("touchMove", -reach, reach)
    fingers("touchEnd")
    widget.eventually(lambda: widget.zoom == pytest.approx(3 * fit, rel=0.05))
    assert bench.run("print(w.objects)").strip() == "[]"


def test_masks_are_tinted_as_wanted(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    inside, outside = (x + 10, y), (20.0, 20.0)
    plain, ground = widget.pixel(*inside), widget.pixel(*outside)
    widget.click(x, y)
    widget.point_at(1, 1)
    tinted = widget.pixel(*inside)
    assert tinted != plain
    assert widget.pixel(*outside) == ground

    widget.button("Display").click()
    panel = widget.root.get_by_role("group", name="Display")
    panel.get_by_role("slider", name="Opacity of masks").fill("1")
    widget.eventually(lambda: widget.pixel(*inside) not in (plain, tinted))
    panel.get_by_role("switch", name="Fill").uncheck()
    widget.eventually(lambda: widget.pixel(*inside) == plain)
    panel.get_by_role("switch", name="Fill").check()
    panel.get_by_role("switch", name="Masks only").check()
    widget.eventually(lambda: widget.pixel(*outside) == (0, 0, 0, 255))
    panel.get_by_role("switch", name="Masks only").uncheck()
    bench.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()

    widget.press("\\")
    wipe = widget.root.get_by_role("slider", name=re.compile("Without masks"))
    wipe.focus()
    for _ in range(26):
        bench.page.keyboard.press("ArrowRight")
    expect(wipe).to_have_attribute("aria-valuenow", "100")
    widget.eventually(lambda: widget.pixel(*inside) == plain)
    for _ in range(50):
        bench.page.keyboard.press("ArrowLeft")
    widget.eventually(lambda: widget.pixel(*inside) != plain)


def test_the_stage_is_crisp_where_pixels_are_small(bench: Bench) -> None:
    screen = bench.page.context.new_cdp_session(bench.page)
    picture = bench.widget.root.locator(".s2w-screen canvas").first
    metrics = {"width": 1280, "height": 1000, "deviceScaleFactor": 2, "mobile": False}
    screen.send("Emulation.setDeviceMetricsOverride", metrics)
    try:
        bench.widget.go_to(1)
        bench.widget.eventually(
            lambda: picture.evaluate("(c) => Math.abs(c.width - 2 * c.clientWidth) <= 2")
        )
    finally:
        screen.send("Emulation.clearDeviceMetricsOverride")
