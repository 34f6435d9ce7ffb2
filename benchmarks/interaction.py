"""What a person feels at the widget in real JupyterLab: previews, scrubbing, clicks meanwhile.

    python -m benchmarks.interaction [--model nano]

Hover previews under a pointer that moves all the time; frames shown while the slider is dragged
over what the browser has; clicks answered during a propagation, beside the time that a frame of it
takes; and what the page drops while masks stream in, beside a page where nothing happens. Last
the size of the front end.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.page import INTERRUPTIONS, SHOW_WIDGET, STOPWATCH, Bench, header, row, shown
from tests.support.data import Clip, tracking_clip

SECONDS = 8
"""How long each thing that goes on is watched."""
NUM_FRAMES = 400
"""The clip, forward and backward again and again: propagation must not come to its end."""
SCRUBBED = 60
CLICKS = 15
DISPLAY_MS = 1000 / 60

SETUP = """
import json, os, time
from sam2widget import Sam2Widget
from sam2widget.bridge.publisher import Publisher

steps_at = []
step = Publisher.step
def noted(self, tracked):
    steps_at.append(time.perf_counter())
    step(self, tracked)
Publisher.step = noted
"""

HOVER = """async ([root, canvas, width, height, seconds]) => {
    const moves = [], previews = [];
    let last = "";
    const observer = new MutationObserver(() => {
        const drawn = root.dataset.previewDrawn ?? "";
        if (drawn && drawn !== last) {
            const [x, y] = drawn.split(",").map(Number);
            previews.push([x, y, performance.now()]);
        }
        last = drawn;
    });
    observer.observe(root, { attributeFilter: ["data-preview-drawn"] });
    const bounds = canvas.getBoundingClientRect();
    const start = performance.now();
    while (performance.now() - start < 1000 * seconds) {
        await new Promise(requestAnimationFrame);
        await new Promise((resolve) => setTimeout(resolve));  // as events come: not among callbacks
        const now = performance.now(), t = (now - start) / 1000;
        const x = 0.5 + 0.4 * Math.sin(0.3 * t), y = 0.5 + 0.3 * Math.cos(0.2 * t);
        moves.push([x * width, y * height, now]);
        canvas.dispatchEvent(new PointerEvent("pointermove", {
            pointerId: 1, pointerType: "mouse", isPrimary: true, bubbles: true,
            clientX: bounds.left + x * bounds.width, clientY: bounds.top + y * bounds.height,
        }));
    }
    observer.disconnect();
    return { moves, previews };
}"""

SCRUB = """async ([root, slider, count, seconds]) => {
    let drawn = 0, last = "", asked = 0;
    const observer = new MutationObserver(() => {
        if (root.dataset.frameDrawn !== last) drawn++;
        last = root.dataset.frameDrawn;
    });
    observer.observe(root, { attributeFilter: ["data-frame-drawn"] });
    const start = performance.now();
    while (performance.now() - start < 1000 * seconds) {
        await new Promise(requestAnimationFrame);
        await new Promise((resolve) => setTimeout(resolve));  // as events come: not among callbacks
        const at = asked++ % (2 * count - 2);
        slider.value = String(at < count ? at : 2 * count - 2 - at);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    observer.disconnect();
    const took = (performance.now() - start) / 1000;
    return { drawn: drawn / took, asked: asked / took };
}"""


@dataclass(frozen=True)
class Interruptions:
    """Interruptions of a page while something goes on, in milliseconds."""

    intervals_ms: list[float]
    long_tasks_ms: list[float]

    def describe(self) -> str:
        """A row: frames a second, share of late ones, longest interval in ms, long tasks' share."""
        share = sum(ms > 1.5 * DISPLAY_MS for ms in self.intervals_ms) / len(self.intervals_ms)
        total = sum(self.intervals_ms)
        return (
            f"{1000 * len(self.intervals_ms) / total:8.0f}{100 * share:10.1f} %"
            f"{max(self.intervals_ms):9.0f}{100 * sum(self.long_tasks_ms) / total:10.1f} %"
        )


def main() -> None:
    """Print figures of hovering, of clicks meanwhile, of scrubbing, and the front end's size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clip = tracking_clip(Path(scratch))
        height, width = clip.truth_thw.shape[1:]
        environment = {
            "SAM2WIDGET_VIDEO": json.dumps(_to_and_fro(clip)),
            "SAM2WIDGET_MODEL": arguments.model,
        }
        with shown([SETUP, SHOW_WIDGET], width, height, **environment) as bench:
            idle = interruptions(bench)
            _click_object(bench, clip)
            _report_hover(bench)
            bench.run("del steps_at[:]")
            bench.widget.button("Propagate").click()
            bench.widget.wait_for("state", "propagating")
            _report_interruptions(idle, interruptions(bench))
            steps_ms = json.loads(
                bench.run("print([1000 * (b - a) for a, b in zip(steps_at, steps_at[1:])])")
            )
            _report_clicks(clicks_meanwhile(bench), steps_ms)
            bench.widget.button("Stop").click()
            bench.widget.wait_ready()
            _report_scrubbing(bench)
    _report_size()


def interruptions(bench: Bench) -> Interruptions:
    """What the page drops from now on."""
    bench.page.evaluate(INTERRUPTIONS)
    bench.page.wait_for_timeout(1000 * SECONDS)
    found = bench.page.evaluate("endRecording()")
    return Interruptions(found["intervalsMs"], found["longTasksMs"])


def clicks_meanwhile(bench: Bench) -> list[float]:
    """Milliseconds from clicks on the first frame to their masks, while a propagation runs."""
    widget = bench.widget
    widget.go_to(0)
    bench.page.evaluate(STOPWATCH, [widget.root.element_handle(), "data-masks-drawn"])
    for n in range(CLICKS):
        if widget.data("state") != "propagating":
            widget.button("Propagate").click()
            widget.wait_for("state", "propagating")
        widget.click(widget.width * (n + 0.5) / CLICKS, widget.height * 0.97)
        widget.wait_for("state", "propagating")
    return bench.page.evaluate("lapsMs")


def _report_hover(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    preview = widget.root.get_by_role("button", name="Preview", exact=True)
    if preview.get_attribute("aria-pressed") != "true":
        widget.stage.press("h")
    handles = [widget.root.element_handle(), widget.stage.element_handle()]
    found = page.evaluate(HOVER, [*handles, widget.width, widget.height, SECONDS])
    widget.stage.press("h")
    print(header("Hover, ms"))
    print(row("pointer to its preview on screen", list(_latencies(**found))))
    print(f"{len(found['previews']) / SECONDS:.1f} previews a second")


def _latencies(moves: list[list[float]], previews: list[list[float]]) -> Iterator[float]:
    for x, y, painted_at in previews:
        earlier = [move for move in moves if move[2] <= painted_at]
        moved = min(earlier, key=lambda move: math.dist(move[:2], (x, y)))
        yield painted_at - moved[2]


def _report_interruptions(idle: Interruptions, streaming: Interruptions) -> None:
    print(f"\n{'The page':<28}frames/s   dropped  longest   long tasks")
    print(f"{'nothing happens':<28}{idle.describe()}")
    print(f"{'masks stream in':<28}{streaming.describe()}")
    print("(dropped: longer than 1.5 intervals of 60 Hz; longest in ms; long tasks: share of time)")


def _report_clicks(clicks_ms: list[float], steps_ms: list[float]) -> None:
    print(header(f"{len(clicks_ms)} clicks while propagating, ms"))
    print(row("click to pixels", clicks_ms))
    print(row("a frame of the propagation", steps_ms))
    share = statistics.median(clicks_ms) / statistics.median(steps_ms)
    print(f"A click takes {share:.1f} times as long as a frame (aim: one).")


def _report_scrubbing(bench: Bench) -> None:
    widget = bench.widget
    for frame in range(SCRUBBED):
        widget.go_to(frame)
    slider = widget.root.get_by_role("slider", name="Frame").element_handle()
    found = bench.page.evaluate(SCRUB, [widget.root.element_handle(), slider, SCRUBBED, SECONDS])
    print(
        f"\nScrubbing over {widget.width}x{widget.height} with masks: {found['drawn']:.0f} frames "
        f"a second drawn of {found['asked']:.0f} (aim: 30)"
    )


def _report_size() -> None:
    from sam2widget.widget import widget

    print(f"\n{'Front end, kB':<28}     raw    gzip")
    for path in sorted(Path(widget.__file__).parent.glob("static/widget.*")):
        content = path.read_bytes()
        print(f"{path.name:<28}{len(content) / 1e3:8.1f}{len(gzip.compress(content)) / 1e3:8.1f}")


def _click_object(bench: Bench, clip: Clip) -> None:
    rows, columns = clip.truth_thw[0].nonzero()
    bench.widget.click(float(columns.mean()), float(rows.mean()))
    bench.widget.wait_ready()


def _to_and_fro(clip: Clip) -> list[str]:
    there = [str(path) for path in sorted(clip.path.iterdir())]
    period = there + there[-2:0:-1]
    return (period * (NUM_FRAMES // len(period) + 1))[:NUM_FRAMES]


if __name__ == "__main__":
    main()
