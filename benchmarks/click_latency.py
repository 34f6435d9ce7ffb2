"""From a click to the mask on the screen, in JupyterLab, beside a bare echo in the same page.

    python -m benchmarks.click_latency --clicks 30

Times are taken in the browser, from the release of the button to the paint of the answer. The
echo is a trivial anywidget whose kernel side sends each message straight back. The model's
share is measured in the kernel, around the call that answers a prompt. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, sync_playwright

from tests.browser.lab import CHROMIUM_FLAGS, run_in, running_lab

NOTEBOOK = "latency.ipynb"
CELL = """
import time
import anywidget
from ipywidgets import VBox
from sam2_backend import load_model
from sam2widget import Sam2Widget, open_video
from sam2widget.sample import sample_clip
from sam2widget.sam2_segmenter import Sam2Segmenter

class Timed(Sam2Segmenter):
    seconds = []
    def prompt(self, *args):
        started = time.perf_counter()
        try:
            return super().prompt(*args)
        finally:
            self.seconds.append(time.perf_counter() - started)

class Echo(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
        const canvas = document.createElement("canvas");
        canvas.width = 480; canvas.height = 60;
        canvas.className = "echo"; canvas.dataset.drawn = "0";
        canvas.addEventListener("pointerup", () => model.send({ type: "click" }));
        model.on("msg:custom", () => requestAnimationFrame(() => {
            const context = canvas.getContext("2d");
            context.fillStyle = `hsl(${Math.random() * 360} 60% 60%)`;
            context.fillRect(0, 0, 480, 60);
            canvas.dataset.drawn = String(Number(canvas.dataset.drawn) + 1);
        }));
        el.append(canvas);
    } }'''
    def __init__(self):
        super().__init__()
        self.on_msg(lambda _, content, buffers: self.send(content))

frames = sample_clip().frames_thw3
w = Sam2Widget(frames, model=Timed(load_model(MODEL), open_video(frames)))
VBox([Echo(), w])
"""

WATCH = """([root, target, attribute]) => {
    window.clickTimes = [];
    let pressed = 0;
    target.addEventListener("pointerup", () => { pressed = performance.now(); }, true);
    new MutationObserver(() => {
        if (pressed) window.clickTimes.push(performance.now() - pressed);
        pressed = 0;
    }).observe(root, { attributes: true, attributeFilter: [attribute] });
}"""


def measure(root: Locator, target: Locator, attribute: str, clicks: int, after: str) -> list[float]:
    """Milliseconds of each click on `target` until an attribute of `root` changes.

    `after` is a key that takes the click back, or nothing.
    """
    page = root.page
    page.evaluate(WATCH, [root.element_handle(), target.element_handle(), attribute])
    for i in range(clicks):
        target.click(position={"x": 110 + 5 * (i % 6), "y": 30 if not after else 240})
        page.wait_for_function("n => window.clickTimes.length > n", arg=i)
        if after:
            before = root.get_attribute(attribute)
            page.keyboard.press(after)
            page.wait_for_function(
                "([root, name, before]) => root.getAttribute(name) !== before",
                arg=[root.element_handle(), attribute, before],
            )
    return page.evaluate("window.clickTimes")


def row(name: str, milliseconds: list[float]) -> str:
    """Median and 95th percentile."""
    ordered = sorted(milliseconds)
    p95 = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    return f"{name:28}{statistics.median(ordered):10.1f}{p95:10.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sam2widget-latency-"))
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(CELL.replace("MODEL", repr(arguments.model)))]
    nbformat.write(notebook, folder / NOTEBOOK)
    with running_lab(folder) as lab, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        page.goto(lab.url(NOTEBOOK))
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        root = page.locator(".sam2widget")
        page.wait_for_selector('.sam2widget[data-state="ready"][data-frame-drawn="0"]')
        echo_canvas = page.locator("canvas.echo")
        echo = measure(echo_canvas, echo_canvas, "data-drawn", arguments.clicks, after="")
        stage = root.locator("[data-role=stage]")
        total = measure(root, stage, "data-masks-drawn", arguments.clicks, after="Control+z")
        with lab.kernel_of(NOTEBOOK) as kernel:
            printed = run_in(kernel, "import json; print(json.dumps(Timed.seconds))")
        model = [1000 * seconds for seconds in json.loads(printed)]
        chromium.close()
    rest = statistics.median(total) - statistics.median(model)
    print(f"{'milliseconds':28}{'median':>10}{'p95':>10}   of {arguments.clicks} clicks")
    print(row("click to mask on the screen", total))
    print(row("  of it the model", model))
    print(row("bare echo, click to paint", echo))
    print(
        f"all but the model, median {rest:.1f}: {rest - statistics.median(echo):+.1f} to the echo"
    )


if __name__ == "__main__":
    main()
