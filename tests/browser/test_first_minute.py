"""The first minute in JupyterLab, what ends are told, and what a saved notebook shows."""

from __future__ import annotations

import io
import re

import numpy as np
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import expect

from sam2widget.cli.demo import deepest_point
from tests.browser.conftest import SCREENSHOTS, Bench
from tests.browser.lab import Lab
from tests.browser.saved_notebook import PICTURE, picture_of, save_notebook
from tests.browser.test_quickstart import centre_of
from tests.browser.widget_page import WidgetPage

SLOW = """
import threading
gate, model_gate = threading.Event(), threading.Event()
class Slow:
    shape, dtype, ndim = frames.shape, frames.dtype, 4
    def __len__(self):
        return len(frames)
    def __getitem__(self, index):
        gate.wait(120)
        return frames[index]
def load():
    model_gate.wait(120)
    return model
w = Sam2Widget(Slow(), model=load, autosave=False)
w
"""


def line(widget: WidgetPage):
    return widget.root.locator(".s2w-next-text")


def run_cell(bench: Bench, source: str) -> None:
    """Run code in the third cell, whose output has the widget."""
    bench.run("w.close()")
    bench.page.evaluate(
        """(source) => {
            const { commands, shell } = window.jupyterapp;
            const { content } = shell.currentWidget;
            content.activeCellIndex = 2;
            content.activeCell.model.sharedModel.setSource(source);
            return commands.execute("notebook:run-cell");
        }""",
        source,
    )


def test_it_says_what_is_opened_and_loaded_then_how_to_begin(bench: Bench) -> None:
    widget = bench.widget
    bench.run("frames = clip.frames_thw3[:8]")
    run_cell(bench, SLOW)
    skeleton = widget.root.locator(".s2w-skeleton")
    expect(skeleton).to_contain_text("Opening")
    expect(skeleton).to_contain_text("Loading the model")
    expect(widget.root.locator(".s2w-next-clock")).to_have_text(re.compile(r"^[1-9]\d* s$"))
    card = widget.root.locator(".s2w-start")
    expect(card).to_be_hidden()
    bench.run("gate.set()")
    expect(skeleton).to_be_hidden()
    expect(card).to_be_visible()
    expect(line(widget)).to_have_text("Loading the model")
    bench.run("model_gate.set()")
    expect(line(widget)).to_contain_text("Click an object")


def test_the_start_card_lets_a_click_through_and_goes_with_it(bench: Bench) -> None:
    widget = bench.widget
    card = widget.root.locator(".s2w-start")
    expect(card).to_be_visible()
    for words in ("Click an object", "Drag a box", "Propose everything"):
        expect(card).to_contain_text(words)
    card.scroll_into_view_if_needed()
    place, stage = card.bounding_box(), widget.stage.bounding_box()
    assert place is not None and stage is not None
    assert place["height"] < 0.25 * stage["height"]
    before = widget.masks_drawn
    bench.page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(card).to_have_class(re.compile("s2w-faint"))
    bench.page.mouse.down()
    bench.page.mouse.up()
    widget.wait_masks_after(before)
    widget.wait_for("objects", 1)
    expect(card).to_be_hidden()


def test_each_state_has_its_next_step_and_ends_are_told(bench: Bench) -> None:
    widget = bench.widget
    row = widget.root.locator(".s2w-next")
    height = row.bounding_box()["height"]  # pyright: ignore
    expect(line(widget)).to_contain_text("Click an object")
    widget.click(*centre_of(bench))
    widget.press("Escape")  # no choice between masks
    if float(bench.run("print(w.ious[1][0])")) < 0.5:
        widget.button("Not now").click()  # no other model
    expect(line(widget)).to_contain_text("then Propagate (T)")
    widget.mark_range(0, 14)
    widget.button("Propagate").click()
    expect(line(widget)).to_contain_text("Escape stops")
    widget.button("Stop").click()
    expect(line(widget)).to_have_text(re.compile(r"^Stopped at \d+ of \d+\.$"))
    row.get_by_role("button", name="Continue").click()
    expect(line(widget)).to_have_text(
        re.compile(r"^Tracked \d+ frames? in \d+ (s|min).*(places? worth a look|uncertain)$")
    )
    assert bench.masks()[:14].any(axis=(1, 2)).all()
    least = bench.run("c = w.confidence[1].copy(); c[0] = np.nan; print(np.nanargmin(c))")
    row.get_by_role("button", name="Review").click()
    widget.wait_for("frame", int(least))
    expect(line(widget)).to_contain_text("then Propagate (T)")  # the rest of the video
    assert row.bounding_box()["height"] == height  # pyright: ignore


def test_tooltips_come_at_once_with_their_key(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    page.mouse.move(2, 2)
    widget.button("Box").hover()
    tip = widget.root.locator(".s2w-tip:not(.s2w-card)")
    expect(tip).to_be_visible(timeout=700)
    expect(tip).to_contain_text("Box")
    assert tip.locator("kbd").count() == 1
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


def test_a_saved_notebook_shows_the_work_without_a_kernel(bench: Bench, lab: Lab) -> None:
    widget, page = bench.widget, bench.page
    number = "print(w._output._saved.num_published)"
    widget.click(*centre_of(bench))
    bench.run("w.update_object(1, color='#ff0000')")
    widget.eventually(lambda: int(bench.run(number)) > 0)
    # Beside the widget, which is alive, it is not to be seen.
    expect(page.locator(PICTURE)).to_have_count(1)
    expect(page.locator(PICTURE)).to_be_hidden()
    kinds, _ = picture_of(save_notebook(bench.page, lab))

    views = page.locator(".sam2widget").count()
    before = int(bench.run(number))
    widget.mark_range(0, 7)
    widget.propagate()
    widget.go_to(5)
    widget.eventually(lambda: int(bench.run(number)) > before)
    widget.eventually(
        lambda: not bench.run("print(w._output._saved._pulse.has_changed or '')").strip()
    )
    notebook = save_notebook(bench.page, lab)
    again, jpeg = picture_of(notebook)
    assert again == kinds and len(kinds) == 2  # renewed in place
    assert page.locator(".sam2widget").count() == views
    widget.wait_for("frame-drawn", 5)
    image = np.asarray(Image.open(io.BytesIO(jpeg)), int)
    mask_hw = bench.masks()[5]
    x, y = deepest_point(mask_hw)
    scale = image.shape[1] / mask_hw.shape[1] if mask_hw.shape[1] > 640 else 1
    red, green, blue = image[int(y * scale), int(x * scale)]
    assert red > green + 30 and red > blue + 30

    html, _ = HTMLExporter().from_notebook_node(notebook)
    file = bench.scratch / "notebook.html"
    file.write_text(html, encoding="utf-8")
    shared = page.context.new_page()
    shared.goto(file.as_uri())
    picture = shared.locator("img[src^='data:image/jpeg']")
    expect(picture).to_have_count(1)
    expect(picture).to_be_visible()
    assert "Sam2Widget(" in shared.locator("body").inner_text()
    shared.screenshot(path=SCREENSHOTS / "shared_notebook.png")
    shared.close()


def test_a_closed_widget_leaves_its_picture_on_the_page(bench: Bench) -> None:
    bench.widget.click(*centre_of(bench))
    bench.run("w.close()")
    expect(bench.page.locator(".sam2widget")).to_have_count(0)
    expect(bench.page.locator(PICTURE)).to_be_visible()
