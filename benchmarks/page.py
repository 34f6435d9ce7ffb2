"""What the benchmarks of the widget share: a notebook in real JupyterLab, and figures as text."""

from __future__ import annotations

import math
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import run_cells
from tests.browser.lab import CHROMIUM_FLAGS, Lab, run_in, running_lab
from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.support.slow_link import SlowLink, slow_link

NOTEBOOK = "benchmark.ipynb"

SHOW_WIDGET = """
w = Sam2Widget(json.loads(os.environ["SAM2WIDGET_VIDEO"]), model=os.environ["SAM2WIDGET_MODEL"])
w
"""
"""A cell. One before it has to import what it needs."""

STOPWATCH = """([element, attribute]) => {
    window.lapsMs = [];
    let start = 0;
    window.addEventListener("pointerup", () => { start = performance.now(); }, true);
    new MutationObserver(() => window.lapsMs.push(performance.now() - start))
        .observe(element, { attributeFilter: [attribute] });
}"""
"""Notes the time from a press to each change of an attribute of an element."""

INTERRUPTIONS = """() => {
    const intervalsMs = [], longTasksMs = [];
    const observer = new PerformanceObserver((list) =>
        longTasksMs.push(...list.getEntries().map((task) => task.duration)));
    observer.observe({ type: "longtask" });
    let last = performance.now(), request = 0;
    const tick = (now) => {
        intervalsMs.push(now - last);
        last = now;
        request = requestAnimationFrame(tick);
    };
    request = requestAnimationFrame(tick);
    window.endRecording = () => {
        cancelAnimationFrame(request);
        observer.disconnect();
        return { intervalsMs: intervalsMs.slice(1), longTasksMs };
    };
}"""
"""Notes the page's animation frames and long tasks, until `endRecording` is called."""


@dataclass(frozen=True)
class Bench:
    """A widget shown in a notebook of its own."""

    lab: Lab
    page: Page
    widget: WidgetPage
    link: SlowLink
    """By which the page reaches the server; without delay at first."""

    def run(self, code: str) -> str:
        """Run code in the notebook's kernel, and return what it prints."""
        with self.lab.kernel_of(NOTEBOOK) as kernel:
            return run_in(kernel, code)


@contextmanager
def shown(
    cells: Sequence[str],
    width: int,
    height: int,
    script: str = "",
    *,
    wait: bool = True,
    linked: bool = False,
    **environment: str,
) -> Iterator[Bench]:
    """Run a notebook that shows a widget, and wait until it shows a frame.

    Parameters
    ----------
    cells : of the notebook.
    width, height : of the video in pixels.
    script : JavaScript to run in the page before all else.
    wait : until the model is loaded, too.
    linked : reach the server by a link that can be made slow.
    environment : of the kernel.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        ExitStack() as held,
    ):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            # Without a kernel's name JupyterLab would ask for one.
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, Path(folder) / NOTEBOOK)
        with running_lab(Path(folder), **environment) as lab:
            link = held.enter_context(slow_link(lab.port))
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1400})
            page.set_default_timeout(LIMIT_MS)
            page.add_init_script(script)
            page.goto((lab.through(link.port) if linked else lab).url(NOTEBOOK))
            run_cells(page, "all")
            widget = WidgetPage(page, width, height)
            widget.wait_for("frame-drawn", 0)
            if wait:
                widget.wait_ready()
            yield Bench(lab, page, widget, link)
            browser.close()


def p95(values: Sequence[float]) -> float:
    """The 95th percentile, which is one of the values."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def row(name: str, values: Sequence[float]) -> str:
    """Name, median and 95th percentile."""
    return f"{name:<44}{statistics.median(values):8.0f}{p95(values):8.0f}"


def header(title: str) -> str:
    """The line above rows."""
    return f"\n{title:<44}  median     p95"
