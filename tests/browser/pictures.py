"""Take the pictures of the documentation and the README's tour: the built-in clip in JupyterLab.

python -m tests.browser.pictures docs            # all of them
python -m tests.browser.pictures docs dark tour  # some
python -m tests.browser.pictures docs data       # those of "Bring your data"
python -m tests.browser.pictures docs sizes      # the widget at three widths, light and dark
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from playwright.sync_api import Browser, expect, sync_playwright

from sam2widget.cli.demo import MAX_CORRECTIONS, correction, deepest_point
from sam2widget.samples import sample_clip
from tests.browser.conftest import Bench, open_quickstart
from tests.browser.data_pictures import DATA_PICTURES
from tests.browser.lab import CHROMIUM_FLAGS, Lab, running_lab
from tests.browser.screenshots import Open, shoot, track, use_dark_theme
from tests.browser.size_pictures import SIZE_PICTURES
from tests.support.data import Clip

PICTURES = """
frames = clip.frames_thw3
w = Sam2Widget([frames[0], frames[14][:, 60:], frames[28][40:], frames[40]], model=model,
               kind="images", autosave=False)
"""
NEW = "w = Sam2Widget(video, model=model, autosave=False)"
TOUR_WIDTH = 860
"""In pixels; of the tour, whose frames are many."""
PAUSE_MS = 700
"""Between two pictures of a propagation, which they slow down."""
KITE, CAR = 3, 2
"""Of the clip's true masks, those that the tour segments."""
WRONG = 44
"""A frame that is corrected in the tour: the mask of the kite has the ball too."""
RIGHT_IOU = 0.9
"""With the truth, from which on it is corrected no more."""
CURSOR = """() => {
    const cursor = document.createElement("div");
    cursor.innerHTML = `<svg width="26" height="26" viewBox="0 0 24 24"><path d="M5 2v17l4.5-4 2.6 6
        2.9-1.2-2.6-5.9H19z" fill="#111" stroke="#fff" stroke-width="1.6"/></svg>`;
    cursor.style.cssText = "position:fixed;z-index:99999;pointer-events:none;left:-99px";
    document.body.append(cursor);
    for (const type of ["mousemove", "pointermove", "pointerdown"])
        document.addEventListener(type, ({ clientX, clientY }) => {
            cursor.style.left = `${clientX - 5}px`;
            cursor.style.top = `${clientY - 2}px`;
        }, true);
}"""


def quickstart(open_: Open, target: Path) -> None:
    with open_() as bench:
        track(bench)
        bench.widget.go_to(6)
        shoot(bench, target)


def dark(open_: Open, target: Path) -> None:
    with open_() as bench:
        use_dark_theme(bench)
        track(bench)
        bench.widget.go_to(20)
        bench.widget.press("2")
        bench.widget.click(*deepest_point(sample_clip().masks[2][20]))
        bench.widget.wait_ready()
        shoot(bench, target)


def narrow(open_: Open, target: Path) -> None:
    with open_(viewport={"width": 560, "height": 1100}) as bench:
        bench.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        track(bench)
        bench.widget.go_to(6)
        shoot(bench, target)


def images(open_: Open, target: Path) -> None:
    with open_() as bench:
        bench.show(PICTURES)
        clip = sample_clip()
        bench.widget.click(*deepest_point(clip.masks[1][0]))
        bench.widget.go_to(3)
        bench.widget.click(*deepest_point(clip.masks[1][40]))
        bench.widget.press("c")
        bench.widget.wait_for("objects", 2)
        bench.widget.click(*deepest_point(clip.masks[2][40]))
        bench.widget.press("Escape")
        shoot(bench, target)


def review(open_: Open, target: Path) -> None:
    with open_() as bench:
        track(bench)
        bench.run("w.accept(3, 14, obj=1); w.accept(0, 9, obj=2); w.reject(30, 33, obj=2)")
        bench.run("w.accept(40, 48, obj=3); w.go_to_next_unreviewed()")
        bench.widget.wait_for("frame-drawn", bench.run("print(w.frame)").strip())
        shoot(bench, target)


def everything(open_: Open, target: Path) -> None:
    with open_(viewport={"width": 1500, "height": 1400}) as bench:
        widget = bench.widget
        widget.press("w")
        bar = widget.root.get_by_role("group", name="Proposals")
        expect(bar).to_contain_text("0 selected")
        for masks_thw in sample_clip().masks.values():
            widget.point_at(*deepest_point(masks_thw[0]))
            bench.page.mouse.down()
            bench.page.mouse.up()
        shoot(bench, target)


def tour(open_: Open, target: Path) -> None:
    """Click, box, propagate, look, correct, accept; photographed on the way."""
    film: list[tuple[Image.Image, int]] = []
    clip = sample_clip()
    with open_(device_scale_factor=1) as bench:
        widget, page = bench.widget, bench.page
        page.evaluate(CURSOR)

        def snap(for_ms: int) -> None:
            picture = Image.open(io.BytesIO(widget.root.screenshot())).convert("RGB")
            height = round(picture.height * TOUR_WIDTH / picture.width)
            film.append((picture.resize((TOUR_WIDTH, height), Image.Resampling.LANCZOS), for_ms))

        def snap_until_ready() -> None:
            widget.wait_for("state", "propagating")
            while widget.data("state") != "ready":
                snap(120)
                page.wait_for_timeout(PAUSE_MS)

        def move(x: float, y: float) -> None:
            page.mouse.move(*widget.on_page(x, y))
            snap(250)

        def move_to(name: str) -> None:
            widget.button(name).hover()
            snap(250)

        snap(900)
        move(*deepest_point(clip.masks[KITE][0]))
        widget.click(*deepest_point(clip.masks[KITE][0]))
        snap(900)
        move_to("Add object")
        widget.button("Add object").click()
        widget.wait_for("objects", 2)
        x0, y0, x1, y1 = box_around(clip.masks[CAR][0])
        page.mouse.move(*widget.on_page(x0, y0))
        page.mouse.down()
        before = widget.masks_drawn
        for share in (0, 0.25, 0.5, 0.75, 1):
            page.mouse.move(*widget.on_page(x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
            snap(90)
        page.mouse.up()
        widget.wait_masks_after(before)
        snap(900)
        move_to("Propagate")
        widget.button("Propagate").click()
        snap_until_ready()
        snap(700)
        for frame in range(0, 48, 3):
            widget.go_to(frame)
            snap(80)
        widget.go_to(WRONG)
        widget.press("1")
        snap(900)
        truth_hw = clip.masks[KITE][WRONG]
        for _ in range(MAX_CORRECTIONS):
            found_hw = bench.masks(1)[WRONG]
            if (found_hw & truth_hw).sum() > RIGHT_IOU * (found_hw | truth_hw).sum():
                break
            x, y, label = correction(found_hw, truth_hw)
            move(x, y)
            before = widget.masks_drawn
            widget.click(x, y, button="left" if label else "right")
            widget.wait_masks_after(before)
            snap(500)
        snap_until_ready()  # what depends on the frame is tracked again
        for frame in range(WRONG - 6, 48):
            widget.go_to(frame)
            snap(120)
        widget.go_to(WRONG)
        snap(700)
        for _ in range(4):
            widget.press("a")
            snap(200)
            widget.press("ArrowRight")
        widget.wait_ready()
        snap(1800)
    height = max(picture.height for picture, _ in film)  # lanes come and go
    first, *others = [
        ImageOps.pad(picture, (TOUR_WIDTH, height), color="white", centering=(0, 0))
        for picture, _ in film
    ]
    first.save(
        target,
        save_all=True,
        append_images=others,
        duration=[for_ms for _, for_ms in film],
        loop=0,
        quality=70,
        method=6,
    )


TAKEN = {
    "quickstart.webp": quickstart,
    "narrow.webp": narrow,
    "images.webp": images,
    "review.webp": review,
    "everything.webp": everything,
    "tour.webp": tour,
    **DATA_PICTURES,
    **SIZE_PICTURES,
    "dark.webp": dark,  # last: JupyterLab keeps the theme
}


def box_around(mask_hw: Any) -> tuple[int, int, int, int]:
    left, top, right, bottom = Image.fromarray(mask_hw).getbbox() or (0, 0, 1, 1)
    return left - 4, top - 4, right + 4, bottom + 4


@contextmanager
def open_in(
    lab: Lab, browser: Browser, clip: Clip, scratch: Path, **context: Any
) -> Iterator[Bench]:
    """The quick start on a page of its own, with a widget that resumes nothing."""
    settings = {"device_scale_factor": 1.5, "viewport": {"width": 1280, "height": 1300}}
    with open_quickstart(lab, browser, clip, scratch, **{**settings, **context}) as bench:
        bench.show(NEW)
        yield bench


def take(folder: Path, names: list[str]) -> None:
    scratch = Path(tempfile.mkdtemp())
    clip = Clip("sample clip", scratch, sample_clip().masks[1])
    with (
        running_lab(scratch, SAM2WIDGET_MODEL="nano") as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        for name, picture in TAKEN.items():
            if not names or {Path(name).stem, str(Path(name).parent)} & set(names):
                (folder / name).parent.mkdir(exist_ok=True)
                picture(partial(open_in, lab, browser, clip, scratch), folder / name)
                print(folder / name, flush=True)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "names", nargs="*", choices=[[], "data", "sizes", *(Path(name).stem for name in TAKEN)]
    )
    arguments = parser.parse_args()
    take(arguments.folder, arguments.names)
