"""One JupyterLab, one Chromium and one page for the browser tests; a new widget for each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.lab import CHROMIUM_FLAGS, Lab, run_in, running_lab
from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.support.data import ROOT, Clip, written_sample
from tests.support.slow_link import SlowLink, slow_link

NOTEBOOK = "quickstart.ipynb"
MODEL = os.environ.get("SAM2WIDGET_MODEL", "nano")
SCREENSHOTS = ROOT / "test-results"
expect.set_options(timeout=LIMIT_MS)


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

    def show(self, code: str, frame: int | None = 0) -> None:
        """Run code that makes the widget `w` in place of the one on the page, and wait for a
        frame to be shown, if it is known which."""
        self.run("w.close()")
        expect(self.page.locator(".sam2widget")).to_have_count(0)
        self.page.evaluate(
            """(source) => {
                const { commands, shell } = window.jupyterapp;
                const { content } = shell.currentWidget;
                content.activeCellIndex = 2;
                content.activeCell.model.sharedModel.setSource(source);
                return commands.execute("notebook:run-cell");
            }""",
            f"{code}\nw",
        )
        self.widget.height, self.widget.width = json.loads(
            self.run("v = w.video; print((v['sizes'] or [[v['width'], v['height']]])[0][::-1])")
        )
        self.widget.wait_ready()
        if frame is not None:
            self.widget.wait_for("frame-drawn", frame)

    def masks(self, obj: int = 1) -> NDArray[np.bool_]:
        """The masks (T, H, W) of an object, as the notebook has them."""
        path = self.scratch / "masks.npy"
        self.run(f"np.save({str(path)!r}, np.asarray(w.masks[{obj}]))")
        return np.load(path)


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """The clip that the quick start has as `clip` too, so that places hold for both, whatever
    other footage this machine has."""
    return written_sample(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="package")
def lab(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(
        tmp_path_factory.mktemp("lab"), SAM2WIDGET_VIDEO=str(clip.path), SAM2WIDGET_MODEL=MODEL
    ) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def desk(
    lab: Lab, browser: Browser, clip: Clip, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The quick start, open on a page and with a kernel that tests share."""
    with open_quickstart(lab, browser, clip, tmp_path_factory.mktemp("desk")) as bench:
        yield bench


@pytest.fixture
def bench(request: pytest.FixtureRequest, desk: Bench, lab: Lab) -> Iterator[Bench]:
    """A new widget on the shared page, shown and ready."""
    lab.forget()
    desk.page.evaluate("localStorage.removeItem('sam2widget.display')")
    desk.show("w = Sam2Widget(video, model=model)")
    with screenshot_after(request, desk.page):
        yield desk
    desk.run("w.close()")  # which saves what there is to save


@pytest.fixture
def fresh_bench(
    request: pytest.FixtureRequest, lab: Lab, browser: Browser, clip: Clip, tmp_path: Path
) -> Iterator[Bench]:
    """A page and a kernel for one test, and a copy of the quick start, of which all cells ran."""
    notebook = lab.copy_of(NOTEBOOK, f"{request.node.name}.ipynb")
    with (
        open_quickstart(lab, browser, clip, tmp_path, notebook=notebook, cells="all") as bench,
        screenshot_after(request, bench.page),
    ):
        yield bench


@pytest.fixture
def linked(
    request: pytest.FixtureRequest, lab: Lab, browser: Browser, clip: Clip, tmp_path: Path
) -> Iterator[tuple[Bench, SlowLink]]:
    """A page and a kernel for one test, and the link by which the page reaches the server."""
    notebook = lab.copy_of(NOTEBOOK, f"{tmp_path.name}.ipynb")
    with (
        slow_link(lab.port) as link,
        open_quickstart(
            *(lab.through(link.port), browser, clip, tmp_path), notebook=notebook
        ) as bench,
        screenshot_after(request, bench.page),
    ):
        yield bench, link


@contextmanager
def open_quickstart(
    lab: Lab,
    browser: Browser,
    clip: Clip,
    scratch: Path,
    *,
    notebook: str = NOTEBOOK,
    cells: str = "first",
    **settings: Any,
) -> Iterator[Bench]:
    """Open the quick start or a copy of it in a browser context with these settings, and run its
    cells as `run_cells` has it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **settings})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    lab.forget()
    page.goto(lab.url(notebook))
    run_cells(page, cells)
    height, width = clip.truth_thw.shape[1:]
    widget = WidgetPage(page, width, height)
    widget.wait_ready()
    widget.wait_for("frame-drawn", 0)
    with lab.kernel_of(notebook) as kernel:
        yield Bench(widget, kernel, clip, scratch)
    context.close()
    lab.shut_down_kernel(notebook)


@contextmanager
def screenshot_after(request: pytest.FixtureRequest, page: Page) -> Iterator[None]:
    """Leave in test-results/ how the page looked in the end."""
    yield
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")


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
