"""From a click to its mask on the screen, in real JupyterLab.

    python -m benchmarks.click_latency [--model nano] [--clicks 50]

Each time is taken in the page, from the pointer going up to the animation frame in which the mask
is painted. Beside it, in the same notebook: the model's part, measured in the kernel, and the bare
echo of a trivial anywidget (a click that sends a message, which comes back, until the next frame),
which is what any widget pays on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.page import SHOW_WIDGET, STOPWATCH, Bench, header, row, shown
from tests.browser.widget_page import WidgetPage
from tests.support.data import tracking_clip

AIM_MS = 20
"""What the widget may add to what any widget pays, in the median."""
COLUMNS = 8
"""Clicks go on a grid: one near another would take that point away."""

SETUP = """
import json, os, time
from sam2widget import Sam2Widget
from sam2widget.annotation.session import Session

model_s = []
answer = Session.add_point
def timed(self, *args, **kwargs):
    start = time.perf_counter()
    result = answer(self, *args, **kwargs)
    model_s.append(time.perf_counter() - start)
    return result
Session.add_point = timed
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


def measure(model: str, clicks: int) -> dict[str, list[float]]:
    """Times in milliseconds of each click: "click", "model" and "echo"."""
    with tempfile.TemporaryDirectory() as scratch:
        clip = tracking_clip(Path(scratch))
        height, width = clip.truth_thw.shape[1:]
        environment = {
            "SAM2WIDGET_VIDEO": json.dumps(str(clip.path)),
            "SAM2WIDGET_MODEL": model,
        }
        with shown([SETUP, SHOW_WIDGET, ECHO], width, height, **environment) as bench:
            times = {"click": _clicks(bench.widget, clicks), "model": _model(bench)}
            times["echo"] = _echoes(bench.page, clicks)
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


def _model(bench: Bench) -> list[float]:
    return [1000 * s for s in json.loads(bench.run("print(model_s)"))]


def _echoes(page: Page, clicks: int) -> list[float]:
    button = page.locator("button.echo")
    page.evaluate(STOPWATCH, [button.element_handle(), "data-count"])
    for n in range(clicks + 1):
        button.click()
        page.wait_for_function(
            "([button, n]) => Number(button.dataset.count) > n", arg=[button.element_handle(), n]
        )
    return page.evaluate("window.lapsMs")


def main() -> None:
    """Print the milliseconds from clicks to masks, and of the echo of a trivial anywidget."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    parser.add_argument("--clicks", type=int, default=50)
    arguments = parser.parse_args()
    times = measure(arguments.model, arguments.clicks)
    rest = [click - model for click, model in zip(times["click"], times["model"], strict=True)]
    print(header(f"{arguments.clicks} clicks, ms"))
    print(row("click to pixels", times["click"]))
    print(row("  of it the model", times["model"]))
    print(row("  of it the rest", rest))
    print(row("echo of a trivial anywidget", times["echo"]))
    above = statistics.median(rest) - statistics.median(times["echo"])
    print(f"The rest is {above:.0f} ms above the echo (aim: at most {AIM_MS}).")


if __name__ == "__main__":
    main()
