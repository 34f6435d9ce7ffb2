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
STEPS = 4
"""The first shows no more than the overview has; more would show no more than the picture has."""
NOTCHES = 3
"""Of a wheel, for a step."""
NOTCH_PX = 120
STEP_ZOOM = 1.25 ** (NOTCHES * NOTCH_PX / 100)
"""A little more than 2: js/src/stage/input/navigation.ts."""
MAX_MARGIN = 1.5
"""A region that is as sharp as the screen is not much wider than what is seen."""

RECORD = """(root) => {
    const now = () => performance.now();
    window.addEventListener("wheel", () => { window.turnedAt = now(); window.drawn = []; }, true);
    new MutationObserver(() => {
        const box = root.dataset.regionDrawn.split(",").map(Number);
        window.drawn.push({ box, ms: now() - window.turnedAt });
    }).observe(root, { attributeFilter: ["data-region-drawn"] });
}"""

SHARP = """([x, y, maxWidth]) => window.drawn.find(({ box: [x0, y0, x1, y1] }) =>
    x0 <= x && y0 <= y && x1 > x && y1 > y && x1 - x0 <= maxWidth)?.ms"""


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
    for step in range(1, STEPS + 1):
        for _ in range(NOTCHES):
            page.mouse.wheel(0, -NOTCH_PX)
        if step == 1:
            continue
        max_width = MAX_MARGIN * widget.width / STEP_ZOOM**step
        handle = page.wait_for_function(SHARP, arg=[x, y, max_width])
        laps.append((widget.zoom, float(handle.json_value())))
    return laps


def row(name: str, times_ms: Sequence[float]) -> str:
    """A row of the table."""
    return f"| {name} | {statistics.median(times_ms):,.0f} ms | {max(times_ms):,.0f} ms |"
