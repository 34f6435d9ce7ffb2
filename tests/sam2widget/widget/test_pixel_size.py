"""The size of a pixel, from the argument to the view, to files and to tables."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from sam2_backend.video import PixelSize, VideoError
from sam2widget import Sam2Widget, SessionError, plots, read_session
from sam2widget.export.table import columns, rows
from tests.support.fakes import DiscSegmenter

CLIP = np.zeros((3, 12, 40, 3), np.uint8)


@pytest.fixture
def widgets():
    made: list[Sam2Widget] = []

    def make(**options) -> Sam2Widget:
        options = {"autosave": False, **options}
        made.append(Sam2Widget(CLIP, DiscSegmenter(12, 40), **options))
        return made[-1]

    yield make
    for widget in made:
        widget.close()


def test_the_view_is_told_and_told_anew(widgets):
    w = widgets(pixel_size="0.65 x 0.7 µm")
    assert w.video["pixel_size"] == {"x": 0.65, "y": 0.7, "unit": "µm", "source": ""}
    assert w.pixel_size == PixelSize(0.65, 0.7, "µm")
    w.pixel_size = "2 nm"
    assert w.video["pixel_size"]["unit"] == "nm"
    w.pixel_size = None
    assert w.video["pixel_size"] is None and w.pixel_size is None


def test_what_is_no_size_is_refused(widgets):
    with pytest.raises(VideoError, match="has no unit"):
        widgets(pixel_size=0.65)
    w = widgets(pixel_size="1 µm")
    with pytest.raises(ValueError, match="no unit that is known"):
        w.pixel_size = "1 parsec"
    assert w.pixel_size == PixelSize(1, 1, "µm")


def test_tables_have_the_area_in_the_unit(widgets, tmp_path):
    w = widgets(pixel_size="0.5 µm")
    w.add_point(0, 10, 6)
    area = int(w.masks[1][0].sum())
    names = columns(w.segmentation)
    assert names[names.index("area_px") + 1] == "area_um2"
    (row,) = rows(w.segmentation)
    assert (row["area_px"], row["area_um2"]) == (area, area / 4)
    w.export(tmp_path / "a.csv", "csv")
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        (read,) = csv.DictReader(file)
    assert float(read["area_um2"]) == area / 4
    assert plots.over_time(w, "area").axes[0].get_ylabel() == "area (µm²)"
    np.testing.assert_allclose(plots.over_time(w, "area").axes[0].lines[0].get_ydata()[0], area / 4)


def test_without_a_size_tables_are_as_they_were(widgets):
    w = widgets()
    w.add_point(0, 10, 6)
    assert "area_um2" not in rows(w.segmentation)[0]
    with pytest.raises(SessionError, match="size of a pixel is not known"):
        plots.over_time(w, "area")


def test_it_is_saved_and_another_wins(widgets, tmp_path):
    w = widgets(pixel_size="0.65 µm")
    w.add_point(0, 10, 6)
    w.save(tmp_path / "a.sam2.zip")
    saved = read_session(tmp_path / "a.sam2.zip")
    assert saved.pixel_size == PixelSize(0.65, 0.65, "µm")
    assert widgets(saved=saved).pixel_size == PixelSize(0.65, 0.65, "µm")
    assert widgets(saved=saved, pixel_size="2 nm").pixel_size == PixelSize(2, 2, "nm")


def test_what_is_left_of_a_closed_widget_knows_it(widgets):
    w = widgets(pixel_size="0.5 µm")
    w.add_point(0, 10, 6)
    w.close()
    assert "area_um2" in rows(w.segmentation)[0]
