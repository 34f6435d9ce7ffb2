"""The widget in Solara, Panel and Shiny, where they are installed: they bring much of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from sam2widget.cli.demo import deepest_point
from sam2widget.samples import HEIGHT, WIDTH, sample_clip
from tests.browser.test_hosts import click_and_propagate, serving
from tests.browser.test_hosts import page as page  # the fixture
from tests.browser.widget_page import WidgetPage

APPS = Path(__file__).parent / "hosts"


@pytest.mark.parametrize(
    ("packages", "command", "address"),
    [
        (["solara"], ["solara", "run", "solara_app.py", "--no-open", "--production", "--port"], ""),
        (["panel", "ipywidgets_bokeh"], ["panel", "serve", "panel_app.py", "--port"], "panel_app"),
        (["shiny", "shinywidgets"], ["shiny", "run", "shiny_app.py", "--port"], ""),
    ],
    ids=["Solara", "Panel", "Shiny"],
)
def test_the_main_job_in(page: Page, packages: list[str], command: list[str], address: str) -> None:
    for package in packages:
        pytest.importorskip(package)
    command = [str(APPS / part) if part.endswith(".py") else part for part in command]
    with serving(*command) as url:
        page.goto(f"{url}{address}")
        widget = WidgetPage(page, WIDTH, HEIGHT)
        click_and_propagate(widget, *deepest_point(sample_clip().masks[1][0]))
