"""One JupyterLab and one Chromium for all browser tests; a page and a kernel of its own each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.lab import CHROMIUM_FLAGS, Lab, run_in, running_lab
from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.data import ROOT, Clip, tracking_clip

NOTEBOOK = "quickstart.ipynb"
MODEL = os.environ.get("SAM2WIDGET_MODEL", "nano")
SCREENSHOTS = ROOT / "test-results"


@dataclass
class Bench:
    """What a browser test works with: the widget on its page, its kernel, the clip's truth."""

    widget: WidgetPage
    kernel: BlockingKernelClient
    clip: Clip
    scratch: Path

    @property
    def page(self) -> Page:
        return self.widget.page

    def run(self, code: str) -> str:
        """Run code in the notebook's kernel, and return what it prints."""
        return run_in(self.kernel, code)

    def masks(self, obj: int = 1) -> NDArray[np.bool_]:
        """The masks (T, H, W) of an object, as the notebook has them."""
        path = self.scratch / "masks.npy"
        self.run(f"np.save({str(path)!r}, np.asarray(w.masks[{obj}]))")
        return np.load(path)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return tracking_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def lab(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(
        tmp_path_factory.mktemp("lab"), SAM2WIDGET_VIDEO=str(clip.path), SAM2WIDGET_MODEL=MODEL
    ) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def open_bench(
    request: pytest.FixtureRequest, lab: Lab, browser: Browser, clip: Clip, tmp_path: Path
) -> Iterator[Callable[[str], Bench]]:
    """Open the quick start with a fresh kernel and run it: all of it, or up to the widget.

    How the page looked in the end is left in test-results/.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    with ExitStack() as stack:

        def open_(cells: str) -> Bench:
            page.goto(lab.url(NOTEBOOK))
            run_cells(page, cells)
            height, width = clip.truth_thw.shape[1:]
            widget = WidgetPage(page, width, height)
            widget.wait_ready()
            widget.wait_for("frame-drawn", 0)
            kernel = stack.enter_context(lab.kernel_of(NOTEBOOK))
            return Bench(widget, kernel, clip, tmp_path)

        yield open_
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()
    lab.shut_down_kernels()


@pytest.fixture
def bench(open_bench: Callable[[str], Bench]) -> Bench:
    """The quick start's widget, shown and ready."""
    return open_bench("first")


def run_cells(page: Page, cells: str) -> None:
    """Run all cells of the notebook that is open, or the first three, which show the widget."""
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate(
        """async (cells) => {
            const app = window.jupyterapp;
            await app.restored;
            const panel = await new Promise((resolve) => {
                const look = () => {
                    const widget = app.shell.currentWidget;
                    if (widget?.sessionContext) return resolve(widget);
                    app.shell.currentChanged?.connect(look);
                };
                look();
            });
            await panel.revealed;
            await panel.sessionContext.ready;
            if (cells === "all") return app.commands.execute("notebook:run-all-cells");
            panel.content.activeCellIndex = 3;
            return app.commands.execute("notebook:run-all-above");
        }""",
        cells,
    )
