"""A picture of 40,000 x 30,000 pixels: opened, zoomed, segmented and exported, in time and memory.

    python -m benchmarks.large_image [--width 40000] [--height 30000] [--model nano]

It makes the picture, a tiled TIFF with levels of a half each, of round cells, in a temporary
folder. Another process than the one that writes it opens it, so that its peak is of reading alone;
then a page in JupyterLab shows it and zooms in.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.machine import describe_machine
from sam2_backend.video import LargeImage, open_video
from tests.support.large_pictures import Cells, write_fast_pyramid

T = TypeVar("T")

STAGE = 1400, 900
"""Of a view, in pixels of the screen."""
CELLS_CLICKED = 12
PEAK_AIM_MB = 1500


def peak_mb() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(what: str, action: Callable[[], T]) -> T:
    """Do something, and print how long it took and the peak since the process began."""
    began_at = time.perf_counter()
    result = action()
    took_s = time.perf_counter() - began_at
    print(f"| {what} | {took_s * 1000:,.0f} ms | {peak_mb():,.0f} MB |", flush=True)
    return result


def read_and_segment(path: Path, model: str, cells: Cells) -> None:
    """Open, zoom, segment and export the picture, and print a row for each."""
    from sam2widget import Sam2Widget

    print(f"| step | time | peak memory |\n|---|---|---|\n| imports | | {peak_mb():,.0f} MB |")
    video = timed("open the file", lambda: open_video(path))
    assert isinstance(video, LargeImage)
    timed("overview, 2048 pixels", video.overview)
    for zoom in (2, 8, 32):
        wide = max(video.width // zoom, STAGE[0] // 2)
        high = min(round(wide * STAGE[1] / STAGE[0]), video.height)
        x0, y0 = (video.width - wide) // 2, (video.height - high) // 2
        size = min(wide, STAGE[0]), min(high, STAGE[1])
        region = x0, y0, x0 + wide, y0 + high
        read = partial(video.read_region, *region, size)
        timed(f"region {wide}x{high} at {size[0]}x{size[1]}", read)
        timed("the same again, from the cache", read)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        widget = Sam2Widget(video, model, "cpu", autosave=False)
    timed(f"load {model}", widget.wait_until_loaded)
    shares: list[float] = []
    iou = 0.0
    rows, columns = video.height // cells.spacing, video.width // cells.spacing
    for n in range(CELLS_CLICKED):
        row, column = (n * 7 + 3) % rows, (n * 13 + 5) % columns
        x, y = cells.center(row, column)
        x += cells.radius * 2 // 3  # beside the nucleus, which a click in it may mean
        half = cells.spacing
        window = max(x - half, 0), max(y - half, 0), x + half, y + half
        began_at = time.perf_counter()
        widget.add_point(0, x, y, obj=n + 1, window=window)
        shares.append(time.perf_counter() - began_at)
        left, top = column * cells.spacing, row * cells.spacing
        found = widget.read_mask(n + 1, (left, top, left + cells.spacing, top + cells.spacing))
        truth = cells.mask(row, column)
        if n == 0:
            iou = (found & truth).sum() / (found | truth).sum()
    print(
        f"| click in a window of {2 * cells.spacing}x{2 * cells.spacing}, median of "
        f"{CELLS_CLICKED} (IoU of the first {iou:.2f}) | {np.median(shares) * 1000:,.0f} ms | "
        f"{peak_mb():,.0f} MB |"
    )
    whole = 0, 0, video.width, video.height
    timed(
        "click with all of it as the window",
        lambda: widget.add_point(0, *cells.center(1, 1), obj=99, window=whole),
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        timed("save the session", lambda: widget.save(out / "cells.sam2.zip"))
        timed("export GeoJSON", lambda: widget.export(out / "cells.geojson"))
        size = (out / "cells.geojson").stat().st_size
        count = len(json.loads((out / "cells.geojson").read_text("utf-8"))["features"])
        saved = (out / "cells.sam2.zip").stat().st_size
        print(f"\n{count} outlines in {size / 1e3:,.0f} kB; the session has {saved / 1e3:,.0f} kB.")
    widget.close()
    dense_mb = video.width * video.height / 1e6
    outcome = "below" if peak_mb() < PEAK_AIM_MB else "ABOVE"
    print(
        f"Peak {peak_mb():,.0f} MB, {outcome} the aim of {PEAK_AIM_MB:,} MB; one array of the "
        f"picture is {3 * dense_mb:,.0f} MB, one of a mask {dense_mb:,.0f} MB."
    )


def main() -> None:
    """Make the picture, and measure it in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=40_000)
    parser.add_argument("--height", type=int, default=30_000)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cells = Cells(arguments.width, arguments.height)
    if arguments.path is not None:
        read_and_segment(arguments.path, arguments.model, cells)
        return
    from benchmarks.large_image_page import show_zooms  # a browser, whose memory is not ours

    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.tif"
        began_at = time.perf_counter()
        write_fast_pyramid(path, cells)
        print(
            f"{cells.width}x{cells.height}, {path.stat().st_size / 1e6:,.0f} MB, written in "
            f"{time.perf_counter() - began_at:.0f} s\n",
            flush=True,
        )
        size = f"--width={cells.width}", f"--height={cells.height}", f"--model={arguments.model}"
        command = [sys.executable, "-m", "benchmarks.large_image", f"--path={path}", *size]
        subprocess.run(command, check=True)
        show_zooms(path, cells.width, cells.height, arguments.model)


if __name__ == "__main__":
    main()
