"""The control of contrast in JupyterLab: by pointer and by keys, as people see it."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import expect

from tests.browser.conftest import Bench

DEEP = """
y, x = np.mgrid[:270, :480]
cells = sum(3000 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 400) for a, b in ((66, 176), (240, 90)))
tifffile = __import__("tifffile")
channels = np.stack([cells + 200, 400 + x * 2], 0).astype(np.uint16)
tifffile.imwrite("cells.tif", np.stack([channels] * 4), imagej=True, metadata={"axes": "TCYX"})
w = Sam2Widget("cells.tif", model=model)
"""


def is_green(color: Sequence[int]) -> bool:
    red, green, blue, *_ = color  # below the mask of the object
    return green > 200 and red < 100 and blue < 100


def test_a_window_is_set_with_the_panel_and_a_session_goes_on(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    bench.show(DEEP)
    widget.click(66, 176)
    widget.button("Display").click()
    panel = widget.root.get_by_role("group", name="Contrast")
    expect(panel.get_by_role("img")).to_be_visible()
    expect(panel.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "true")
    before = widget.pixel(240, 90)
    panel.get_by_role("combobox", name="Channel").select_option("Channel 1")
    panel.get_by_label("Colour of the channel").fill("#00ff00")
    widget.eventually(lambda: is_green(widget.pixel(240, 90)))
    panel.get_by_role("slider", name="Maximum shown").focus()
    high = float(bench.run("print(w.contrast.channels[0].high)"))
    page.keyboard.press("ArrowLeft")
    expect(panel.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "false")
    widget.eventually(
        lambda: float(bench.run("print(w.contrast.channels[0].high)")) in (int(high), int(high) - 1)
    )
    assert widget.data("frame") == "0"
    assert bench.run("print(w.masks[1][0].any())").strip() == "True"
    widget.root.screenshot(path="test-results/contrast.png")

    panel.get_by_role("button", name="Auto").click()
    widget.eventually(lambda: widget.pixel(240, 90) == before)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(widget.button("Display")).to_be_focused()
    bench.run("w.contrast = 0, 100")
    widget.eventually(lambda: widget.pixel(10, 10) != before)
