"""The same widget in Notebook 7, marimo and Voila, beside its panel, in two views, and after a
restart."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from sam2widget.cli.demo import deepest_point
from sam2widget.samples import HEIGHT, WIDTH, sample_clip
from tests.browser.conftest import MODEL, NOTEBOOK, Bench, run_cells, screenshot_after
from tests.browser.lab import EXAMPLES, PLAIN_HOST, Lab, run_in, running_lab
from tests.browser.saved_notebook import PICTURE, save_notebook, text_of
from tests.browser.test_quickstart import centre_of
from tests.browser.widget_page import LIMIT_MS, WidgetPage
from tests.support.data import Clip
from tests.support.slow_link import slow_link
from tests.support.waiting import wait_until


def click_and_propagate(widget: WidgetPage, x: float, y: float) -> None:
    """The main job, on a widget that has just been opened."""
    widget.wait_ready()
    widget.wait_for("frame-drawn", 0)
    widget.click(x, y)
    widget.mark_range(0, 6)
    widget.button("Propagate").click()
    expect(widget.lane()).to_have_attribute(
        "aria-label", re.compile("1 frames prompted, 5 tracked")
    )
    widget.wait_ready()


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    with screenshot_after(request, page):
        yield page
    context.close()


def test_plain_http_on_a_name_that_is_not_localhost(page: Page, lab: Lab, clip: Clip) -> None:
    height, width = clip.truth_thw.shape[1:]
    notebook = lab.copy_of(NOTEBOOK, "plain_http.ipynb")
    lab.forget()
    page.goto(lab.url(notebook, host=PLAIN_HOST))
    assert page.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    run_cells(page, "first")
    click_and_propagate(WidgetPage(page, width, height), *deepest_point(clip.truth_thw[0]))
    lab.shut_down_kernel(notebook)


def test_behind_a_proxy_that_keeps_a_path_by_plain_http_as_jupyterhub_does(
    page: Page, clip: Clip, tmp_path: Path
) -> None:
    height, width = clip.truth_thw.shape[1:]
    prefix = "/user/ann"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    with (
        running_lab(
            tmp_path, prefix, SAM2WIDGET_VIDEO=str(clip.path), SAM2WIDGET_MODEL=MODEL
        ) as own,
        slow_link(own.port) as proxy,
    ):
        outside = own.through(proxy.port)
        page.goto(outside.url(NOTEBOOK, host=PLAIN_HOST))
        assert page.evaluate("isSecureContext") is False
        run_cells(page, "first")
        click_and_propagate(WidgetPage(page, width, height), *deepest_point(clip.truth_thw[0]))
        origin = f"{PLAIN_HOST}:{proxy.port}"
        local = [url for url in asked if origin in url and not url.startswith("blob:")]
        assert any(url.startswith("ws://") for url in local)
        assert [url for url in local if f"{origin}{prefix}/" not in url] == []
        own.shut_down_kernel(NOTEBOOK)


def test_the_notebook_that_checks_a_host_says_pass_in_jupyterlab(page: Page, lab: Lab) -> None:
    lab.forget()
    page.goto(lab.url("host_check.ipynb"))
    run_cells(page, "all")
    told = page.locator("[data-result]")
    expect(told).not_to_have_attribute("data-result", "running", timeout=LIMIT_MS)
    expect(told.get_by_role("status")).to_have_text("PASS")
    expect(told.locator("tr")).to_have_count(6)
    expect(told.locator("tr").filter(has_text="PASS")).to_have_count(6)
    with lab.kernel_of("host_check.ipynb") as kernel:
        report = run_in(kernel, "print(check.report())")
    assert report.startswith("PASS on a kernel, Python 3") and "262144 of 262144" in report
    lab.shut_down_kernel("host_check.ipynb")


def test_notebook_7(page: Page, lab: Lab, desk: Bench) -> None:
    height, width = desk.clip.truth_thw.shape[1:]
    notebook = lab.copy_of(NOTEBOOK, "notebook7.ipynb")
    lab.forget()
    page.goto(lab.notebook_url(notebook))
    run_cells(page, "first")
    widget = WidgetPage(page, width, height)
    click_and_propagate(widget, *centre_of(desk))
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    widget.press("a", "x", "d", "d")  # there they insert, cut and delete cells
    expect(widget.button("Brush")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    picture = page.locator(PICTURE)
    expect(picture).to_have_count(1)
    expect(picture).to_be_hidden()  # the widget is alive
    widget.eventually(lambda: "1 object" in text_of(save_notebook(page, lab)))
    lab.shut_down_kernel(notebook)
    page.goto("about:blank")
    page.goto(lab.notebook_url(notebook))
    expect(picture).to_be_visible()
    expect(page.locator(".sam2widget")).to_have_count(0)
    lab.shut_down_kernel(notebook)


def test_marimo(page: Page) -> None:
    app = str(EXAMPLES / "marimo_app.py")
    with serving("marimo", "run", app, "--headless", "--no-token", "--port") as url:
        page.goto(url)
        widget = WidgetPage(page, WIDTH, HEIGHT)
        click_and_propagate(widget, *deepest_point(sample_clip().masks[1][0]))
        expect(page.get_by_text("1 objects")).to_be_visible()  # its cell follows the widget
        # marimo shows no canvas: the panel is a picture there, which follows and can be clicked.
        panel = page.get_by_role("img", name="Scores of the objects over time")
        expect(panel).to_have_attribute("src", re.compile("polyline.*Object%201"))
        bounds = panel.bounding_box()
        assert bounds is not None
        panel.click(position={"x": 0.999 * bounds["width"], "y": 0.6 * bounds["height"]})
        widget.wait_for("frame-drawn", 47)


def test_voila(page: Page) -> None:
    with serving("voila", str(EXAMPLES / NOTEBOOK), "--no-browser", "--port") as url:
        page.goto(url)
        widget = WidgetPage(page, WIDTH, HEIGHT)
        click_and_propagate(widget, *deepest_point(sample_clip().masks[1][0]))
        # The picture that a notebook is saved with is not beside what is alive.
        expect(page.locator("img[src^='data:image/jpeg']:visible")).to_have_count(0)


def test_two_views_and_the_panel_are_in_step(bench: Bench) -> None:
    page, widget = bench.page, bench.widget
    bench.show(
        "from ipywidgets import HBox, VBox\n"
        "w = Sam2Widget(clip.frames_thw3[:8], model=model, autosave=False)\n"
        "w.panel.canvas.fill_style = 'red'\n"
        "w.panel.canvas.fill_rect(300, 100, 20, 20)\n"
        "display(VBox([w, HBox([w.panel])]))"
    )
    expect(page.locator(".sam2widget")).to_have_count(2)
    other = WidgetPage(page, widget.width, widget.height)
    other.root = page.locator(".sam2widget").last
    other.stage = other.root.locator("[data-role=stage]")
    widget.click(*deepest_point(sample_clip().masks[1][0]))
    other.wait_for("objects", 1)
    other.wait_masks_after(0)
    other.propagate()
    expect(widget.lane()).to_have_attribute("aria-label", re.compile("7 tracked"))
    widget.go_to(5)
    other.wait_for("frame-drawn", 5)

    panel = page.locator("canvas[width='480'][height='180']").first
    rgb = "(c, at) => [...c.getContext('2d').getImageData(...at, 1, 1).data]"
    widget.eventually(lambda: panel.evaluate(rgb, [310, 110]) == [255, 0, 0, 255])
    bounds = panel.bounding_box()
    assert bounds is not None
    panel.click(position={"x": 0.02 * bounds["width"], "y": 0.6 * bounds["height"]})
    widget.wait_for("frame-drawn", 0)


def test_a_restarted_kernel_goes_on_where_it_was(fresh_bench: Bench) -> None:
    bench, widget = fresh_bench, fresh_bench.widget
    click_and_propagate(widget, *centre_of(bench))
    masks = bench.masks()
    assert masks[:6].any(axis=(1, 2)).all()
    bench.page.evaluate(
        """async () => {
            const { sessionContext } = window.jupyterapp.shell.currentWidget;
            await sessionContext.session.kernel.restart();
        }"""
    )
    run_cells(bench.page, "first")
    assert "Object 1" in bench.run("print(w.objects)")
    widget.wait_for("objects", 1)
    widget.wait_masks_after(0)
    np.testing.assert_array_equal(bench.masks(), masks)


@contextmanager
def serving(module: str, *command: str) -> Iterator[str]:
    """Serve an example as an app; its address. The command ends with the option of the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", module, *command, port],
        env={**os.environ, "SAM2WIDGET_MODEL": MODEL, "SAM2WIDGET_AUTOSAVE": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert any(port in line for line in process.stdout), f"{module} did not start"
        threading.Thread(target=process.stdout.read, daemon=True).start()
        wait_until(lambda: _listens(int(port)))  # some tell of the port before they listen
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
