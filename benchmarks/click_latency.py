"""From a click to its mask on the screen, in real JupyterLab.

    python -m benchmarks.click_latency [--model nano] [--clicks 30]

Each time is taken in the page, from the pointer going up to the animation frame in which the mask
is painted. Beside it, in the same notebook: the model's part, measured in the kernel, and the bare
echo of a trivial anywidget (a click that sends a message, which comes back, until the next frame),
which is what any widget pays on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import run_cells
from tests.browser.lab import CHROMIUM_FLAGS, Lab, run_in, running_lab
from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.data import tracking_clip

NOTEBOOK = "latency.ipynb"
COLUMNS = 8
"""Clicks go on a grid: one near another would take that point away."""

SETUP = """
import os, time
from sam2widget import Sam2Widget
from sam2widget.session import Session

model_s = []
answer = Session.add_point
def timed(self, *args, **kwargs):
    start = time.perf_counter()
    result = answer(self, *args, **kwargs)
    model_s.append(time.perf_counter() - start)
    return result
Session.add_point = timed
"""

WIDGET = """
w = Sam2Widget(os.environ["SAM2WIDGET_VIDEO"], model=os.environ["SAM2WIDGET_MODEL"])
w
"""

ECHO = '''
import anywidget

class Echo(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
        const button = document.createElement("button");
        button.className = "echo";
        button.dataset.count = "0";
        button.textContent = "echo";
        button.addEventListener("pointerup", () => model.send({}));
        model.on("msg:custom", () => requestAnimationFrame(() => {
            button.dataset.count = String(Number(button.dataset.count) + 1);
        }));
        el.append(button);
    } }"""

    def __init__(self):
        super().__init__()
        self.on_msg(lambda *_: self.send({}))

Echo()
'''

STOPWATCH = """([element, attribute]) => {
    window.lapsMs = [];
    let start = 0;
    window.addEventListener("pointerup", () => { start = performance.now(); }, true);
    new MutationObserver(() => window.lapsMs.push(performance.now() - start))
        .observe(element, { attributeFilter: [attribute] });
}"""


def measure(model: str, clicks: int) -> dict[str, list[float]]:
    """Times in milliseconds of each click: "click", "model" and "echo"."""
    scratch = Path(tempfile.mkdtemp())
    clip = tracking_clip(scratch)
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, WIDGET, ECHO)]
    with (
        running_lab(scratch, SAM2WIDGET_VIDEO=str(clip.path), SAM2WIDGET_MODEL=model) as lab,
        sync_playwright() as playwright,
    ):
        # Without a kernel's name JupyterLab would ask for one.
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
        nbformat.write(notebook, scratch / NOTEBOOK)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.set_default_timeout(LIMIT_MS)
        page.goto(lab.url(NOTEBOOK))
        run_cells(page, "all")
        height, width = clip.truth_thw.shape[1:]
        widget = WidgetPage(page, width, height)
        widget.wait_ready()
        widget.wait_for("frame-drawn", 0)
        times = {"click": _clicks(widget, clicks), "model": _model(lab)}
        times["echo"] = _echoes(page, clicks)
        browser.close()
    # The first click also encodes the image.
    return {name: laps[1:] for name, laps in times.items()}


def _clicks(widget: WidgetPage, clicks: int) -> list[float]:
    widget.page.evaluate(STOPWATCH, [widget.root.element_handle(), "data-masks-drawn"])
    rows = clicks // COLUMNS + 1
    for n in range(clicks + 1):
        row, column = divmod(n, COLUMNS)
        x = widget.width * (column + 0.5) / COLUMNS
        widget.click(x, widget.height * (row + 0.5) / rows)
        widget.wait_ready()
    return widget.page.evaluate("window.lapsMs")


def _model(lab: Lab) -> list[float]:
    with lab.kernel_of(NOTEBOOK) as kernel:
        return [1000 * s for s in json.loads(run_in(kernel, "print(model_s)"))]


def _echoes(page: Page, clicks: int) -> list[float]:
    button = page.locator("button.echo")
    page.evaluate(STOPWATCH, [button.element_handle(), "data-count"])
    for n in range(clicks + 1):
        button.click()
        page.wait_for_function(
            "([button, n]) => Number(button.dataset.count) > n", arg=[button.element_handle(), n]
        )
    return page.evaluate("window.lapsMs")


def _row(name: str, laps_ms: list[float]) -> str:
    p95 = statistics.quantiles(laps_ms, n=20)[-1]
    return f"{name:<34}{statistics.median(laps_ms):8.0f}{p95:8.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    parser.add_argument("--clicks", type=int, default=30)
    arguments = parser.parse_args()
    times = measure(arguments.model, arguments.clicks)
    rest = [click - model for click, model in zip(times["click"], times["model"], strict=True)]
    print(f"{arguments.clicks} clicks, ms{'':<20}  median     p95")
    print(_row("click to mask on screen", times["click"]))
    print(_row("  of it the model", times["model"]))
    print(_row("  of it the rest", rest))
    print(_row("echo of a trivial anywidget", times["echo"]))


if __name__ == "__main__":
    main()
