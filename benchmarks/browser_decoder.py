"""From the pointer to the mask under it, decoded by the page and by the kernel, in JupyterLab.

    python -m benchmarks.browser_decoder [--places 40] [--round-trips 0 80]

Each time is taken in the page, from the pointer's move to the mask on the overlay: the page's own,
and the kernel's that takes its place. Agreement is the IoU of what both paint. js/decoder must be
built, and its folder is put on the kernel's path.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.page import Bench, header, row, shown
from tests.support.data import ROOT, tracking_clip

COMPANION = ROOT / "js" / "decoder"
COLUMNS = 8
PATIENCE_MS = 120_000
"""For the first mask of the page: the network is exported, and what runs it travels."""

SHOW = """
import json, os, sys
sys.path.insert(0, os.environ["SAM2WIDGET_DECODER"])
from sam2widget import Sam2Widget

video, model = json.loads(os.environ["SAM2WIDGET_VIDEO"]), os.environ["SAM2WIDGET_MODEL"]
w = Sam2Widget(video, model=model, autosave=False, browser_decoder=True)
w
"""

RECORD = """(root) => {
    window.laps = [];
    const overlay = root.querySelectorAll(".s2w-screen canvas")[1];
    let start = 0, drawn = null;
    window.addEventListener("pointermove", () => { start = performance.now(); }, true);
    const paint = () => {
        const { width, height } = overlay;
        const { data } = overlay.getContext("2d").getImageData(0, 0, width, height);
        return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3] > 0);
    };
    new MutationObserver(() => {
        const { previewDrawn: place, previewFrom: from } = root.dataset;
        const ms = performance.now() - start;
        const known = window.laps.at(-1);
        if (!place || (known?.place === place && known[from])) return;
        const lap = known?.place === place ? known : { place };
        if (lap !== known) window.laps.push(lap);
        lap[from] = ms;
        const painted = paint();
        if (from === "kernel" && drawn?.place === place) {
            let both = 0, any = 0;
            painted.forEach((flag, i) => {
                both += flag & drawn.painted[i];
                any += flag | drawn.painted[i];
            });
            lap.iou = any ? both / any : 1;
        } else drawn = { place, painted };
    }).observe(root, { attributeFilter: ["data-preview-drawn", "data-preview-from"] });
}"""


def measure(bench: Bench, places: int) -> list[dict[str, Any]]:
    """Point at places, and wait at each until the kernel has answered."""
    widget, page = bench.widget, bench.page
    page.evaluate("window.laps = []")
    rows = -(-places // COLUMNS)
    for n in range(places):
        x = widget.width * (n % COLUMNS + 0.5) / COLUMNS
        y = widget.height * (n // COLUMNS + 0.5) / rows
        before = widget.data("preview-drawn")
        widget.point_at(x, y)
        page.wait_for_function(
            """([root, before]) => root.dataset.previewDrawn !== before
                && root.dataset.previewDrawn && root.dataset.previewFrom === "kernel" """,
            arg=[widget.root.element_handle(), before],
        )
    return page.evaluate("window.laps")


def warm_up(bench: Bench) -> float:
    """Move about until the page decodes a mask: seconds since the widget was shown."""
    widget, page = bench.widget, bench.page
    for n in range(PATIENCE_MS // 100):
        widget.point_at(20 + n % 9, 20)
        page.wait_for_timeout(100)
        if widget.data("preview-from") == "page":
            return n / 10
    raise SystemExit("The page never decoded a mask: see its console.")


def main() -> None:
    """Print latencies for each round trip, the size of what travels, and agreement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=os.environ.get("SAM2WIDGET_MODEL", "nano"))
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 80])
    arguments = parser.parse_args()
    for file in sorted((COMPANION / "sam2widget_decoder" / "static").iterdir()):
        print(f"{file.name:<44}{file.stat().st_size / 1e3:8.0f} kB")
    agreement: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        clip = tracking_clip(Path(scratch))
        height, width = clip.truth_thw.shape[1:]
        environment = {
            "SAM2WIDGET_VIDEO": json.dumps(str(clip.path)),
            "SAM2WIDGET_MODEL": arguments.model,
            "SAM2WIDGET_DECODER": str(COMPANION),
        }
        with shown([SHOW], width, height, linked=True, **environment) as bench:
            print(f"{'first mask of the page after':<44}{warm_up(bench):8.1f} s")
            bench.page.evaluate(RECORD, bench.widget.root.element_handle())
            for round_trip_ms in arguments.round_trips:
                bench.link.round_trip_s = round_trip_ms / 1000
                laps = measure(bench, arguments.places)
                print(header(f"round trip {round_trip_ms} ms, {len(laps)} places"))
                for by in ("page", "kernel"):
                    if times := [lap[by] for lap in laps if by in lap]:
                        print(row(f"{by} ({len(times)} masks), ms", times))
                agreement += [lap["iou"] for lap in laps if "iou" in lap]
    if agreement:
        print(f"\nIoU of {len(agreement)} masks of page and kernel: mean ", end="")
        print(f"{statistics.mean(agreement):.3f}, least {min(agreement):.3f}")


if __name__ == "__main__":
    main()
