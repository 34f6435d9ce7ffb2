"""From `Sam2Widget(path)` to the first frame and the first mask, in real JupyterLab.

    python -m benchmarks.start [--model nano] [--runs 3]

Each run has a kernel of its own. The clock starts where the cell makes the widget, or before its
imports; the click is made as soon as there is a frame, whether the model is there or not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.page import SHOW_WIDGET, shown
from tests.support.data import tracking_clip

IMPORT = """
import time
before_import = time.time()
import json, os
from sam2widget import Sam2Widget
before_widget = time.time()
"""

LOADED = """
import threading
def wait():
    global loaded
    while w.status["state"] != "ready":
        time.sleep(0.005)
    loaded = time.time()
threading.Thread(target=wait).start()
"""

WATCH = """
window.firsts = {};
new MutationObserver((changes) => {
    for (const { target, attributeName } of changes) {
        const value = Number(target.getAttribute(attributeName));
        const seen = attributeName === "data-frame-drawn" ? value >= 0 : value > 0;
        if (seen) window.firsts[attributeName] ??= Date.now() / 1000;
    }
}).observe(document, {
    subtree: true, attributes: true, attributeFilter: ["data-frame-drawn", "data-masks-drawn"],
});
"""
"""Notes when a frame and when masks were first painted."""


def measure(model: str) -> dict[str, float]:
    """Seconds from the widget's making, of one new kernel; the import's own beside them."""
    with tempfile.TemporaryDirectory() as scratch:
        clip = tracking_clip(Path(scratch))
        height, width = clip.truth_thw.shape[1:]
        environment = {"SAM2WIDGET_VIDEO": json.dumps(str(clip.path)), "SAM2WIDGET_MODEL": model}
        cells = [IMPORT, SHOW_WIDGET, LOADED]
        with shown(cells, width, height, WATCH, wait=False, **environment) as bench:
            bench.widget.click(width / 2, height / 2)
            firsts = bench.page.evaluate("window.firsts")
            told = bench.run("print(json.dumps([before_import, before_widget, loaded]))")
    before_import, before_widget, loaded = json.loads(told)
    return {
        "import sam2widget": before_widget - before_import,
        "first frame": firsts["data-frame-drawn"] - before_widget,
        "model loaded": loaded - before_widget,
        "first mask": firsts["data-masks-drawn"] - before_widget,
    }


def main() -> None:
    """Print the median times of all runs, in seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    runs = [measure(arguments.model) for _ in range(arguments.runs)]
    print(f"{Path(arguments.model).name}, median of {len(runs)} new kernels")
    for name in runs[0]:
        print(f"{name:<20}{statistics.median(run[name] for run in runs):8.2f} s")


if __name__ == "__main__":
    main()
