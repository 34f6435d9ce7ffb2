"""How the pictures of the documentation are photographed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from sam2widget.cli.demo import deepest_point
from sam2widget.samples import sample_clip
from tests.browser.conftest import Bench

Open = Callable[..., Any]
"""Opens the quick start on a page of its own, in a browser context with these settings."""


def track(bench: Bench) -> None:
    """Click each object of the clip on its first frame, and propagate."""
    for n, masks_thw in enumerate(sample_clip().masks.values()):
        if n:
            bench.widget.press("c")
            bench.widget.wait_for("objects", n + 1)
        bench.widget.click(*deepest_point(masks_thw[0]))
    bench.widget.press("Escape")  # the candidates
    bench.widget.propagate()


def use_dark_theme(bench: Bench) -> None:
    """Switch JupyterLab to its dark theme, which it keeps."""
    bench.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        "JupyterLab Dark",
    )
    expect(bench.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")


def shoot(bench: Bench, target: Path, quality: int = 88) -> None:
    """Photograph the widget when nothing is going on and small pictures are there."""
    bench.widget.wait_ready()
    bench.page.mouse.move(2, 2)
    bench.page.wait_for_timeout(800)
    snap(bench, target, quality)


def snap(bench: Bench, target: Path, quality: int = 88) -> None:
    """Photograph the widget as it is now."""
    picture = Image.open(io.BytesIO(bench.widget.root.screenshot()))
    picture.convert("RGB").save(target, quality=quality, method=6)
