"""What a page takes to show many objects in a long video: to open, to scroll, to step, to change.

    python -m benchmarks.many_objects_page [--objects 200] [--frames 10000]

The session of `benchmarks.many_objects` is read from its file, which the widget goes on saving to,
in JupyterLab. The times of keys are from the press to what the page shows of its answer.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page

from benchmarks.many_objects import HEIGHT, WIDTH, run, write_many
from benchmarks.page import INTERRUPTIONS, Bench, header, row, shown
from benchmarks.start import WATCH
from benchmarks.timing import print_row

STEPS, FEW = 30, 9

CELLS = (
    "import time, json\nfrom pathlib import Path\nfrom benchmarks.many_objects import make_widget",
    "began_at = time.time()\nw = make_widget(Path({!r}))\nmade_at = time.time()\nw",
)

SCROLL = """async (element) => {
    const wait = () => new Promise((done) => requestAnimationFrame(done));
    for (let n = 0; n < 120; n++) {
        element.scrollTop = (element.scrollHeight - element.clientHeight) * (n % 60) / 59;
        await wait();
    }
    return window.endRecording();
}"""

ANSWERS = """([element, attribute]) => {
    window.stopAnswers?.();
    window.lapsMs = [];
    let start = null;
    const press = () => { start = performance.now(); };
    window.addEventListener("keydown", press, true);
    const observer = new MutationObserver((changes) => {
        const isOther = ({ target, oldValue }) => target.getAttribute(attribute) !== oldValue;
        if (start === null || !changes.some(isOther)) return;
        window.lapsMs.push(performance.now() - start);
        start = null;
    });
    observer.observe(element, {
        subtree: true, attributes: true, attributeOldValue: true, attributeFilter: [attribute],
    });
    window.stopAnswers = () => {
        window.removeEventListener("keydown", press, true);
        observer.disconnect();
    };
}"""
"""Notes the time from each key to the first change of an attribute of an element or in it."""


def measure(num_objects: int, num_frames: int) -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.sam2.zip"
        write_many(path, num_objects, num_frames)
        cells = [CELLS[0], CELLS[1].format(str(path))]
        with shown(cells, WIDTH, HEIGHT, WATCH) as bench:
            bench.widget.wait_for("objects", num_objects)
            measure_opening(bench)
            measure_moving(bench)
            measure_changing(bench)


def measure_opening(bench: Bench) -> None:
    """Print what it took to open, and what the page takes then."""
    firsts = bench.page.evaluate("window.firsts")
    told = bench.run("w._controller.wait_until_idle()\nprint([began_at, made_at, time.time()])")
    began_at, made_at, told_at = json.loads(told)
    print_row("the widget made", f"{made_at - began_at:10.1f} s")
    print_row("frame and masks painted", f"{firsts['data-masks-drawn'] - made_at:10.1f} s later")
    print_row("all certainties told", f"{told_at - made_at:10.1f} s later")
    print_memory(bench.page)


def measure_moving(bench: Bench) -> None:
    """Print how the page scrolls, steps and zooms."""
    page, widget = bench.page, bench.widget
    body = widget.root.locator(".s2w-table-body").element_handle()
    assert body is not None
    page.evaluate(INTERRUPTIONS)
    seen = body.evaluate(SCROLL)
    print(header("the table scrolled from end to end, ms"))
    print(row("  between frames of the page", seen["intervalsMs"]))
    print_long(seen)
    print(header("from a key to the page, ms"))
    print_keys(bench, "a frame on, with its masks", ["ArrowRight"] * STEPS, "data-frame-drawn")
    print_keys(bench, "ten frames on", ["Shift+ArrowRight"] * STEPS, "data-frame-drawn")
    print_keys(bench, "the next object", ["Control+ArrowDown"] * STEPS, "aria-pressed")
    print_keys(bench, "zoomed in time and out", ["Alt++", "Alt+-"] * FEW, "style")


def measure_changing(bench: Bench) -> None:
    """Print how long it is until the page shows a change, and until it is saved."""
    keys = ["a", "Control+z"] * FEW
    print_keys(bench, "a mask accepted, and undone", keys, "aria-label")
    keys = ["Shift+A", "Control+z"] * FEW
    print_keys(bench, "a frame of all, and undone", keys, "data-masks-drawn")
    keys = ["Control+a", "Control+z"] * FEW
    print_keys(bench, "the span of an object, and undone", keys, "aria-label")
    print_keys(bench, "an object hidden, and shown", ["v", "v"] * FEW, "aria-label")
    began_at = time.monotonic()
    print_keys(bench, "a frame on, while it is saved", ["ArrowRight"] * STEPS, "data-frame-drawn")
    while bench.run("print(w._saving.describe().state)").strip() != "saved":
        bench.page.wait_for_timeout(50)
    print_row("all saved", f"{time.monotonic() - began_at:10.1f} s later")
    print_memory(bench.page)


def print_keys(bench: Bench, name: str, keys: list[str], attribute: str) -> None:
    """Press keys, each when the one before is answered, and print how long answers took."""
    page, widget = bench.page, bench.widget
    page.evaluate(ANSWERS, [widget.root.element_handle(), attribute])
    page.evaluate(INTERRUPTIONS)
    for n, key in enumerate(keys, 1):
        widget.press(key)
        page.wait_for_function("(n) => window.lapsMs.length >= n", arg=n)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    print(row(f"  {name}", page.evaluate("window.lapsMs")))
    print_long(page.evaluate("window.endRecording()"))


def print_long(seen: dict[str, list[float]]) -> None:
    """Print the tasks that held the page up."""
    if seen["longTasksMs"]:
        name = f"    {len(seen['longTasksMs'])} tasks over 50 ms"
        print(row(name, seen["longTasksMs"]), flush=True)


def print_memory(page: Page) -> None:
    """Print what the page takes: what is garbage is collected before."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    told = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    pages = [
        one.memory_info().rss
        for one in psutil.Process().children(recursive=True)
        if "--type=renderer" in " ".join(one.cmdline())
    ]
    print_row("heap of the page", f"{told['JSHeapUsedSize'] / 2**20:10.1f} MB")
    print_row("elements of the page", f"{told['Nodes']:10.0f}")
    print_row("its process", f"{max(pages) / 2**20:10.0f} MB")


if __name__ == "__main__":
    run(measure, (__doc__ or "").splitlines()[0])
