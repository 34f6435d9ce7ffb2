"""Playing, scrubbing and clicking in JupyterLab, by links of several round trips.

    python -m benchmarks.playing [--model nano] [--sizes 480 1080] [--round-trips 0 80 200]

Prints a table in Markdown, after the processor and how busy it was before. The video is H.264 of 25
frames a second, with two objects that have masks everywhere. For each size and round trip there is
a new widget: nothing is in the browser before. The link is a proxy that passes on what it takes in
after half the round trip; its bandwidth is that of the machine.

- pictures/s: different frames painted while playing for some seconds, from the first to the last
- first: from the press on Play to the first of them
- longest: the longest time between two of them
- lag: from a picture to its masks on it, and the share of pictures that had gone before they came
- scrub: pictures painted a second while the slider goes to and fro over frames that are new
- click: from a click to its mask on the screen, median
- page: the page's frames a second while a propagation streams masks
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from benchmarks.interaction import interruptions
from benchmarks.page import STOPWATCH, Bench, p95, shown

FPS = 25
NUM_FRAMES = 20 * FPS
PLAYED_S = 8
SCRUBBED_S = 5
CLICKS = 8
AIM = {0: 24, 80: 15, 200: 8}
"""Pictures a second in 480p, by round trip in ms."""
CPUINFO = Path("/proc/cpuinfo")

SETUP = """
import json, os
import numpy as np
from sam2widget import Sam2Widget
"""

SHOW = """
try:
    w.close()
except NameError:
    pass
path = json.loads(os.environ["SAM2WIDGET_VIDEO"])
w = Sam2Widget(path, model=os.environ["SAM2WIDGET_MODEL"], autosave=False)
H, W = w._session.frame_hw(0)
y, x = np.mgrid[:H, :W]
def masks(n):
    for t in range(len(w._frames)):
        left = W * (0.2 + 0.5 * abs((t / 96 + n / 2) % 2 - 1))
        yield ((x - left) / W) ** 2 + ((y - H * (0.35 + 0.3 * n)) / H) ** 2 < 0.012
w.import_masks({n + 1: np.stack(list(masks(n))) for n in range(2)})
w
"""

RECORD = """(root) => {
    const seen = [];
    new MutationObserver(() => {
        const { frameDrawn, masksOf } = root.dataset;
        seen.push([performance.now(), frameDrawn, masksOf === frameDrawn]);
    }).observe(root, { attributeFilter: ["data-frame-drawn", "data-masks-of"] });
    return seen;
}"""

PRESSED = """() => {
    const press = () => { window.pressedAt = performance.now(); };
    window.addEventListener("pointerup", press, { capture: true, once: true });
}"""

SCRUB = """async ([root, slider, first, last, seconds]) => {
    const drawn = new Set();
    let changes = 0, before = "";
    const observer = new MutationObserver(() => {
        if (root.dataset.frameDrawn !== before) changes++;
        before = root.dataset.frameDrawn;
    });
    observer.observe(root, { attributeFilter: ["data-frame-drawn"] });
    const start = performance.now(), count = last - first;
    for (let asked = 0; performance.now() - start < 1000 * seconds; asked++) {
        await new Promise(requestAnimationFrame);
        await new Promise((resolve) => setTimeout(resolve));
        const at = asked % (2 * count - 2);
        slider.value = String(first + (at < count ? at : 2 * count - 2 - at));
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    observer.disconnect();
    return changes / ((performance.now() - start) / 1000);
}"""


def main() -> None:
    """Print a row for each size and round trip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[480, 1080])
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 80, 200])
    arguments = parser.parse_args()
    print(f"{_describe_machine()}\n")
    print(
        "| size | round trip, ms | pictures/s | of the rate | first, ms | longest, ms "
        "| lag, median, ms | p95 | gone before | scrub, pictures/s | click, ms | page, frames/s |"
    )
    print("|---" * 12 + "|")
    for height in arguments.sizes:
        width = round(height * 16 / 9 / 2) * 2
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{height}p.mp4"
            write_video(path, width, height)
            environment = {
                "SAM2WIDGET_VIDEO": json.dumps(str(path)),
                "SAM2WIDGET_MODEL": arguments.model,
            }
            with shown([SETUP, SHOW], width, height, linked=True, **environment) as bench:
                for round_trip_ms in arguments.round_trips:
                    _renew(bench)
                    bench.link.round_trip_s = round_trip_ms / 1000
                    print(_row(bench, height, round_trip_ms), flush=True)
                    bench.link.round_trip_s = 0


def _describe_machine() -> str:
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"


def write_video(path: Path, width: int, height: int) -> None:
    """Write waves that drift by, under grain."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23"}
        for frame in _frames(width, height):
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _frames(width: int, height: int) -> Iterator[VideoFrame]:
    y, x = np.mgrid[:height, : 2 * width]
    waves = (60 * (np.sin(x / 47) + np.sin(y / 31) + 2)).astype(np.uint8)
    rng = np.random.default_rng(0)
    grain = rng.normal(8, 3, (3, height, width)).clip(0, 15).astype(np.uint8)
    for n in range(NUM_FRAMES):
        left = round(width / 2 * (1 + np.sin(n / 60)))
        frame = VideoFrame(width, height, "yuv420p")
        grey = np.zeros((height, frame.planes[0].line_size), np.uint8)
        grey[:, :width] = waves[:, left : left + width] + grain[n % 3]
        frame.planes[0].update(grey)
        for plane in frame.planes[1:]:
            plane.update(np.full((plane.height, plane.line_size), 90 + n // 4 % 80, np.uint8))
        yield frame


def _renew(bench: Bench) -> None:
    """Have a new widget, in place of the one there is."""
    bench.page.evaluate(
        """() => {
            const { commands, shell } = window.jupyterapp;
            shell.currentWidget.content.activeCellIndex = 1;
            document.querySelector(".sam2widget").remove();
            return commands.execute("notebook:run-cell");
        }"""
    )
    bench.widget.wait_ready()
    bench.widget.wait_for("frame-drawn", 0)
    bench.widget.wait_for("masks-of", 0)


def _row(bench: Bench, height: int, round_trip_ms: int) -> str:
    play = _play(bench)
    scrub = _scrub(bench)
    click_ms = _click(bench)
    page = _stream(bench)
    lags = play["lags"] or [0]
    return (
        f"| {height}p | {round_trip_ms} | {play['rate']:.1f} | {100 * play['rate'] / FPS:.0f} % "
        f"| {play['first']:.0f} | {play['longest']:.0f} | {statistics.median(lags):.0f} "
        f"| {p95(lags):.0f} | {100 * play['gone']:.0f} % | {scrub:.1f} "
        f"| {click_ms:.0f} | {page:.0f} |"
    )


def _play(bench: Bench) -> dict[str, Any]:
    """Pictures a second, the longest time between two, and how late masks were, in ms."""
    widget = bench.widget
    seen = widget.root.evaluate_handle(RECORD)
    bench.page.evaluate(PRESSED)
    widget.button("Play").click()
    bench.page.wait_for_timeout(1000 * PLAYED_S)
    events = seen.json_value()
    widget.button("Pause").click()
    painted: dict[str, float] = {}
    masked: dict[str, float] = {}
    for at, frame, has_masks in events:
        painted.setdefault(frame, at)
        if has_masks:
            masked.setdefault(frame, at)
    times = sorted(painted.values())
    gaps = [after - before for before, after in pairwise(times)]
    lags = [masked[frame] - painted[frame] for frame in masked]
    gone = 1 - len(masked) / len(painted)
    pressed = bench.page.evaluate("pressedAt")
    return {
        "rate": 1000 * len(gaps) / (times[-1] - times[0]),
        "first": times[0] - pressed,
        "longest": max(gaps),
        "lags": lags,
        "gone": gone,
    }


def _scrub(bench: Bench) -> float:
    widget = bench.widget
    slider = widget.root.get_by_role("slider", name="Frame").element_handle()
    half = NUM_FRAMES // 2
    root = widget.root.element_handle()
    return bench.page.evaluate(SCRUB, [root, slider, half, NUM_FRAMES - 1, SCRUBBED_S])


def _click(bench: Bench) -> float:
    """Median of milliseconds."""
    widget = bench.widget
    widget.go_to(0)
    widget.press("c")
    widget.wait_for("objects", 3)
    bench.page.evaluate(STOPWATCH, [widget.root.element_handle(), "data-masks-drawn"])
    for n in range(CLICKS + 1):
        widget.click(widget.width * (n + 0.5) / (CLICKS + 1), widget.height * 0.95)
        widget.wait_ready()
    return statistics.median(bench.page.evaluate("lapsMs")[1:])  # the first encodes the image


def _stream(bench: Bench) -> float:
    """The page's frames a second."""
    widget = bench.widget
    widget.button("Propagate").click()
    widget.wait_for("state", "propagating")
    found = interruptions(bench)
    widget.button("Stop").click()
    widget.wait_ready()
    return 1000 * len(found.intervals_ms) / sum(found.intervals_ms)


if __name__ == "__main__":
    main()
