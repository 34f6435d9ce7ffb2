"""A picture of tiles in JupyterLab: an overview, sharp parts of it, clicks in what is seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENSHOTS, Bench
from tests.support.large_pictures import Cells, write_pyramid

CELLS = Cells(4500, 4500)
MIDDLE = 2250
"""Of the picture, and of the cell there."""
SQUARE = 2000, 2000, 2500, 2500
"""Around that cell."""


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pyramid(tmp_path_factory.mktemp("large") / "cells.tif", CELLS, (1, 2, 4, 8))


def show(bench: Bench, picture: Path) -> None:
    bench.show(f"w = Sam2Widget({str(picture)!r}, model=model, autosave=False)")


def zoom_in(bench: Bench, times: int) -> tuple[int, int, int, int]:
    """Zoom about the middle, and wait until what is seen is there as it should be. What is drawn
    then, in pixels of the picture."""
    before = bench.widget.data("region-drawn")
    for _ in range(times):
        bench.widget.press("+")
    bench.widget.eventually(lambda: bench.widget.data("region-drawn") not in ("", before))
    x0, y0, x1, y1 = (int(one) for one in bench.widget.data("region-drawn").split(","))
    return x0, y0, x1, y1


def click_middle(bench: Bench) -> None:
    bounds = bench.widget.stage.bounding_box()
    assert bounds is not None
    before = bench.widget.masks_drawn
    place = {"x": bounds["width"] / 2, "y": bounds["height"] / 2}
    bench.widget.stage.click(position=place)
    bench.widget.wait_masks_after(before)
    bench.widget.wait_ready()


def test_zooming_shows_tiles_and_a_click_segments_in_what_is_seen(
    bench: Bench, picture: Path, tmp_path: Path
) -> None:
    show(bench, picture)
    assert bench.widget.data("region-drawn") == ""  # all of it is sharp enough
    drawn = zoom_in(bench, 8)
    assert drawn[0] < MIDDLE < drawn[2] and drawn[2] - drawn[0] < 4500
    click_middle(bench)
    (window,) = json.loads(bench.run("print([list(p.window) for p in w.prompts(0, 1).points])"))
    assert window[0] < MIDDLE < window[2] and window[2] - window[0] < 4500
    path = tmp_path / "mask.npy"
    bench.run(f"np.save({str(path)!r}, w.read_mask(1, {SQUARE}))")
    found, expected = np.load(path), CELLS.mask(4, 4)
    # All of the cell or its nucleus, as the model takes a click in the middle: in its place.
    assert found[250, 250] and found.sum() > 5000
    assert (found & expected).sum() > 0.95 * found.sum()
    rows, columns = np.nonzero(found)
    assert np.allclose((rows.mean(), columns.mean()), (250, 250), atol=30)
    bench.page.screenshot(path=str(SCREENSHOTS / "large.png"))


def test_colours_on_the_stage_are_those_of_the_picture_when_zoomed(
    bench: Bench, picture: Path
) -> None:
    show(bench, picture)
    zoom_in(bench, 14)
    bounds = bench.widget.stage.bounding_box()
    assert bounds is not None
    width, height = bounds["width"], bounds["height"]
    # As if the stage showed all of it: places are shares of it.
    at = bench.widget.width / 2, bench.widget.height / 2
    red, green, blue, _ = bench.widget.pixel(*at)
    assert width > 0 and height > 0
    assert (abs(red - 92), abs(green - 40), abs(blue - 110)) < (16, 16, 16)


def test_panning_and_the_minimap_ask_for_other_parts(bench: Bench, picture: Path) -> None:
    show(bench, picture)
    before = zoom_in(bench, 10)
    minimap = bench.widget.root.locator(".s2w-minimap")
    expect(minimap).to_be_visible()
    bounds = minimap.bounding_box()
    assert bounds is not None
    minimap.click(position={"x": bounds["width"] * 0.9, "y": bounds["height"] * 0.9})
    bench.widget.eventually(
        lambda: bench.widget.data("region-drawn") not in ("", ",".join(map(str, before)))
    )
    after = [int(one) for one in bench.widget.data("region-drawn").split(",")]
    assert after[0] > before[0] and after[1] > before[1]


def test_an_object_grows_in_another_view_and_undo_takes_that_back(
    bench: Bench, picture: Path
) -> None:
    show(bench, picture)
    zoom_in(bench, 10)
    click_middle(bench)
    first = bench.run("print(w._session.result(0, 1).mask.area)")
    minimap = bench.widget.root.locator(".s2w-minimap")
    bounds = minimap.bounding_box()
    assert bounds is not None
    minimap.click(position={"x": bounds["width"] * 0.72, "y": bounds["height"] * 0.72})
    click_middle(bench)
    assert int(bench.run("print(len(w.prompts(0, 1).points))")) == 2
    windows = json.loads(bench.run("print([list(p.window) for p in w.prompts(0, 1).points])"))
    assert windows[0] != windows[1]
    bench.widget.press("Control+z")
    bench.widget.eventually(lambda: bench.run("print(w._session.result(0, 1).mask.area)") == first)
