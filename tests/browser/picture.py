"""Take the README's picture: the built-in clip in JupyterLab, three objects tracked.

python -m tests.browser.picture docs/quickstart.png
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from sam2widget.demo import deepest_point
from sam2widget.sample import HEIGHT, WIDTH, sample_clip
from tests.browser.conftest import NOTEBOOK, run_cells
from tests.browser.lab import CHROMIUM_FLAGS, running_lab
from tests.browser.widget_page import WidgetPage

FRAME = 12


def take(target: Path) -> None:
    """Click each object of the clip, propagate, go to a frame, and photograph the widget."""
    scratch = Path(tempfile.mkdtemp())
    with (
        running_lab(scratch, SAM2WIDGET_MODEL="nano") as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=1.5)
        page.goto(lab.url(NOTEBOOK))
        run_cells(page, "first")
        widget = WidgetPage(page, WIDTH, HEIGHT)
        widget.wait_ready()
        widget.wait_for("frame-drawn", 0)
        for n, masks_thw in enumerate(sample_clip().masks.values()):
            if n:
                widget.button("Add object").click()
                widget.wait_for("objects", n + 1)
            widget.click(*deepest_point(masks_thw[0]))
        widget.propagate()
        widget.go_to(FRAME)
        widget.wait_ready()
        widget.root.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=Path)
    take(parser.parse_args().target)
