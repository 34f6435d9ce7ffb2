"""Zooming into a large picture in JupyterLab: from the wheel to what is seen being sharp.

    python -m benchmarks.large_image  # makes the picture, and measures this besides

Times are taken in the page, from the last turn of the wheel to the last region that is drawn.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.page import SHOW_WIDGET, Bench, shown

PLACES = (0.2, 0.3), (0.8, 0.25), (0.55, 0.6), (0.3, 0.8), (0.75, 0.75), (0.45, 0.4)
"""As shares of the picture."""
QUIET_MS = 700
"""The stage is as sharp as it gets when it has not been drawn anew for so long."""

STEPS = 5
WHEEL_PX = -360
"""Three notches of a wheel, which is a little more than twice as large."""

RECORD = """(root) => {
    window.zoomed = { turned: 0, drawn: 0 };
    const now = () => performance.now();
    window.addEventListener("wheel", () => { window.zoomed = { turned: now(), drawn: 0 }; }, true);
    new MutationObserver(() => { window.zoomed.drawn = now(); })
        .observe(root, { attributeFilter: ["data-region-drawn"] });
}"""

SHARP = """(quietMs) => {
    const { turned, drawn } = window.zoomed;
    return drawn > 0 && performance.now() - drawn > quietMs ? drawn - turned : false;
}"""


def show_zooms(path: Path, width: int, height: int, model: str) -> None:
    """Zoom in at some places, step by step, and print a row for each step."""
    environment = {"SAM2WIDGET_VIDEO": json.dumps(str(path)), "SAM2WIDGET_MODEL": model}
    cells = ["import json, os\nfrom sam2widget import Sam2Widget", SHOW_WIDGET]
    with shown(cells, width, height, **environment) as bench:
        bench.page.evaluate(RECORD, bench.widget.root.element_handle())
        laps = [zoom_in(bench, x * width, y * height) for x, y in PLACES]
    print("\n| zoomed by the wheel in JupyterLab, to | median | largest |\n|---|---|---|")
    for step in zip(*laps, strict=True):
        print(row(f"{step[0][0]} %, {len(step)} places", [ms for _, ms in step]))
    print(row("all of them", [ms for lap in laps for _, ms in lap]), flush=True)


def zoom_in(bench: Bench, x: float, y: float) -> list[tuple[int, float]]:
    """Zoom in about a pixel, from all of the picture: percents, and ms until each is sharp."""
    widget, page = bench.widget, bench.page
    widget.press("0")
    widget.point_at(x, y)
    laps: list[tuple[int, float]] = []
    for _ in range(STEPS):
        page.mouse.wheel(0, WHEEL_PX)
        handle = page.wait_for_function(SHARP, arg=QUIET_MS)
        laps.append((widget.zoom, float(handle.json_value())))
    return laps


def row(name: str, times_ms: Sequence[float]) -> str:
    """A row of the table."""
    return f"| {name} | {statistics.median(times_ms):,.0f} ms | {max(times_ms):,.0f} ms |"
