"""The pictures of "Bring your data": the widget on each kind of source, or what comes of it."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import expect

from sam2_backend.video import open_video
from sam2widget import Sam2Widget
from sam2widget.cli.demo import deepest_point
from sam2widget.export import plots
from sam2widget.samples import sample_clip
from tests.browser.conftest import Bench
from tests.browser.screenshots import Open, shoot, snap
from tests.sam2_backend.video.test_remote import Handler, Site
from tests.support.films import write_film
from tests.support.large_pictures import Cells, write_pyramid

QUALITY = 72
SMALL = {"viewport": {"width": 1000, "height": 1100}, "device_scale_factor": 1}
NUMBERED = 0, 1, 2, 14, 15, 16, 30, 47
"""Frames that are shown of a film: around its keyframes, which come each 15 frames."""
LEAPS = 30, 210, 120

CELLS = """
import tifffile, zarr

def cells(frames=24, height=270, width=480, bright=2600, scale=1, seed=4):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    rows, columns = np.divmod(np.arange(10), 5)
    at = np.stack([70 + 130 * rows, 56 + 92 * columns], 1) + rng.normal(0, 9, (10, 2))
    way = rng.normal(0, 0.6, at.shape)
    size = scale * rng.uniform(13, 19, 10)
    film = np.empty((frames, height, width), np.uint16)
    for t in range(frames):
        light = np.zeros((height, width))
        for (cy, cx), radius in zip(at + t * way, size):
            away = np.hypot(y - cy, x - cx) / radius
            light += 1 / (1 + np.exp(9 * (away - 1))) * (0.75 + 0.25 * np.cos(3 * away))
        film[t] = rng.poisson(300 + bright * np.minimum(light, 1.2))
    return film, at + 9 * way, size

def box(place, radius):
    y, x = place
    return [x - radius, y - radius, x + radius, y + radius]
"""
BOXES = """
w.wait_until_loaded()
w.frame = 9
for n, cell in enumerate((0, 1, 5, 6), 1):
    w.add_box(9, box(at[cell], 1.25 * size[cell]), obj=n)
"""
STACK = f"""{CELLS}
film, at, size = cells()
tifffile.imwrite("cells.tif", film, imagej=True, metadata={{"axes": "TYX"}})
w = Sam2Widget("cells.tif", model=model, autosave=False)
{BOXES}"""
STORE = f"""{CELLS}
nuclei = cells(scale=0.6)[0]
bodies, at, size = cells(scale=1.4, bright=700)
root = zarr.open_group("cells.ome.zarr", mode="w")
root.create_array("0", data=np.stack([bodies, nuclei], 1), chunks=(1, 1, 270, 480))
axes = [{{"name": name}} for name in "tcyx"]
root.attrs["multiscales"] = [{{"version": "0.4", "axes": axes, "datasets": [{{"path": "0"}}]}}]
colors = ("FF00FF", 1100), ("00FF60", 3200)
root.attrs["omero"] = {{
    "channels": [{{"color": c, "window": {{"start": 300, "end": end}}}} for c, end in colors]
}}
w = Sam2Widget("cells.ome.zarr", model=model, autosave=False)
{BOXES}"""
CAMERA = """
import itertools
from sam2widget import LiveVideo

def camera():
    for n in itertools.count():
        yield clip.frames_thw3[n % 48]

clip = __import__("sam2widget.samples").samples.sample_clip()
live = LiveVideo(camera(), max_fps=6, name="camera 0")
w = Sam2Widget(live, model=model, autosave=False)
"""
LABELS = """
import tifffile
from pathlib import Path
from PIL import Image

clip = __import__("sam2widget.samples").samples.sample_clip()
pictures, labels = Path("pond"), Path("labels")
pictures.mkdir(exist_ok=True)
labels.mkdir(exist_ok=True)
for n in range(0, 48, 2):
    Image.fromarray(clip.frames_thw3[n]).save(pictures / f"frame-{n:04}.jpg", quality=95)
    ids = sum((1000 + obj) * masks[n] for obj, masks in clip.masks.items())
    tifffile.imwrite(labels / f"mask_{n:04}.tif", ids.astype(np.uint16))
w = Sam2Widget(pictures, model=model, autosave=False)
"""


@contextmanager
def open_small(open_: Open) -> Iterator[Bench]:
    """A page without a side bar, for pictures of few bytes."""
    with open_(**SMALL) as bench:
        bench.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        yield bench


def show(bench: Bench, code: str, frame: int | None = None) -> None:
    """Show the widget that code makes, and bring it into sight: before, it gets no pictures."""
    bench.show(code, frame=None)
    bench.widget.root.scroll_into_view_if_needed()
    if frame is not None:
        bench.widget.wait_for("frame-drawn", frame)


def videos(open_: Open, target: Path) -> None:
    """Frames of a transport stream with B-frames, each with its number burnt in, and an object
    tracked in it."""
    clip = sample_clip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "camcorder.ts"
        numbered = [_numbered(rgb, n) for n, rgb in enumerate(clip.frames_thw3)]
        write_film(path, numbered, bf=2, g=15, crf=16)
        w = Sam2Widget(path, model="nano", autosave=False)
        w.add_point(0, *deepest_point(clip.masks[2][0]))
        w.propagate()
        _save(plots.contact_sheet(w, NUMBERED), target)
        w.close()


def pictures(open_: Open, target: Path) -> None:
    """A stack of 16 bits with its contrast."""
    with open_small(open_) as bench:
        show(bench, STACK, 9)
        bench.widget.wait_for("objects", 4)
        bench.widget.button("Display").click()
        panel = bench.widget.root.get_by_role("group", name="Contrast")
        expect(panel.get_by_role("img")).to_be_visible()
        gamma = panel.get_by_role("slider", name="Gamma")
        gamma.focus()
        for _ in range(3):
            bench.page.keyboard.press("ArrowLeft")
        shoot(bench, target, QUALITY)


def large_images(open_: Open, target: Path) -> None:
    """A slide zoomed to some cells, two of which are segmented, with the minimap."""
    cells = Cells(12_000, 9000, spacing=420, radius=140)
    with tempfile.TemporaryDirectory() as folder, open_small(open_) as bench:
        path = write_pyramid(
            Path(folder) / "slide.svs", cells, (1, 2, 4, 8), kind="svs", compression="jpeg"
        )
        show(bench, f"w = Sam2Widget({str(path)!r}, model=model, autosave=False)", 0)
        for _ in range(10):
            bench.widget.press("+")
        bench.widget.eventually(lambda: bench.widget.data("region-drawn") != "")
        x0, y0, x1, y1 = (int(one) for one in bench.widget.data("region-drawn").split(","))
        middle = (x0 + x1) // 2 // cells.spacing, (y0 + y1) // 2 // cells.spacing
        for n, (right, down) in enumerate(((0, 0), (1, 0), (0, -1)), 1):
            x, y = cells.center(middle[1] + down, middle[0] + right)
            half = cells.radius + 8
            box = x - half, y - half, x + half, y + half
            bench.run(f"w.add_box(0, {box}, obj={n}, window=({x0}, {y0}, {x1}, {y1}))")
        bench.widget.wait_for("objects", 3)
        shoot(bench, target, QUALITY)


def arrays(open_: Open, target: Path) -> None:
    """An OME-Zarr of two channels in the colours that it names."""
    with open_small(open_) as bench:
        show(bench, STORE, 9)
        bench.widget.wait_for("objects", 4)
        shoot(bench, target, QUALITY)


def places(open_: Open, target: Path) -> None:
    """Which bytes of a film on a web server have been asked for, step by step."""
    asked: list[tuple[int, int]] = []

    class Recording(Handler):
        def do_GET(self) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if wanted and self.command == "GET":
                asked.append((int(wanted[1]), int(wanted[2])))
            super().do_GET()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        rng = np.random.default_rng(0)
        noise = [rng.integers(0, 256, (360, 640, 3), np.uint8) for _ in range(240)]
        write_film(path, noise, g=12, crf=24)
        size = path.stat().st_size
        site = Site(Path(folder))
        site.server.RequestHandlerClass = Recording
        try:
            rows: list[tuple[str, list[tuple[int, int]]]] = []
            video = open_video(f"{site.url}/film.mp4")
            rows.append(("opened", list(asked)))
            for frame in (0, *LEAPS):
                video[frame]
                rows.append((f"frame {frame}", list(asked)))
        finally:
            site.close()
    figure = plots.Plot(figsize=(8, 2.6), layout="constrained")
    axis: Axes = figure.subplots()
    for n, (_, spans) in enumerate(rows):
        known = rows[n - 1][1] if n else []
        for color, some in (("#b8c4cc", known), ("#2f7ff5", spans[len(known) :])):
            bars = [(a / 1e6, (min(b, size) - a) / 1e6) for a, b in some]
            axis.broken_barh(bars, (n - 0.36, 0.72), color=color)
        read = sum(min(b, size - 1) - a + 1 for a, b in spans)
        axis.text(size * 1.01 / 1e6, n, f"{read / 1e6:.1f} MB read", va="center", fontsize=9)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.invert_yaxis()
    axis.set_xlim(0, size / 1e6)
    axis.set_xlabel(f"place in film.mp4, of {size / 1e6:.0f} MB")
    axis.spines[["top", "right"]].set_visible(False)
    _save(figure, target)


def live(open_: Open, target: Path) -> None:
    """A live source, followed and tracked."""
    with open_small(open_) as bench:
        show(bench, CAMERA)
        widget = bench.widget
        clip = sample_clip()
        widget.eventually(lambda: int(widget.data("frame-drawn") or 0) >= 4)
        widget.press("Home")
        widget.wait_for("frame-drawn", 0)
        for n, obj in enumerate((2, 3), 1):
            if n > 1:
                widget.press("c")
                widget.wait_for("objects", n)
            widget.click(*deepest_point(clip.masks[obj][0]))
        widget.press("Escape")
        widget.button("Follow the newest frame").click()
        widget.eventually(lambda: int(widget.data("frame-drawn") or 0) >= 40)
        bench.page.mouse.move(2, 2)
        snap(bench, target, QUALITY)
        bench.run("live.close()")


def masks(open_: Open, target: Path) -> None:
    """Labels of 16 bits from another program, and what is said of their names."""
    with open_small(open_) as bench:
        show(bench, LABELS, 0)
        bench.run("w.import_masks('labels'); w.frame = 10")
        bench.widget.wait_for("frame-drawn", 10)
        bench.widget.wait_for("objects", 3)
        shoot(bench, target, QUALITY)


DATA_PICTURES = {
    "data/videos.webp": videos,
    "data/pictures.webp": pictures,
    "data/large-images.webp": large_images,
    "data/arrays.webp": arrays,
    "data/places.webp": places,
    "data/live.webp": live,
    "data/masks.webp": masks,
}


def _numbered(rgb: Any, n: int) -> Any:
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    draw.text(
        *((12, 8), str(n)),
        fill="white",
        stroke_width=4,
        stroke_fill="black",
        font=ImageFont.load_default(64),
    )
    return np.asarray(image)


def _save(figure: plots.Plot, target: Path) -> None:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90, bbox_inches="tight")
    Image.open(file).convert("RGB").save(target, quality=QUALITY, method=6)
