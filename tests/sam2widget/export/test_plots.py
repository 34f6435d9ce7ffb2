"""Figures of a segmentation, without pyplot."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from sam2widget import SessionError, plots
from tests.sam2widget.export.conftest import FRAMES, NAMES, masks, segmentation

__all__ = ["segmentation"]


def test_figures_show_themselves_without_pyplot(segmentation):
    before = "matplotlib.pyplot" in sys.modules
    for figure in (
        plots.contact_sheet(segmentation),
        plots.overlay(segmentation, 3),
        plots.over_time(segmentation),
        plots.trajectory(segmentation),
    ):
        with Image.open(io.BytesIO(figure._repr_png_())) as picture:
            assert np.asarray(picture).std() > 5
    assert before or "matplotlib.pyplot" not in sys.modules


def test_a_contact_sheet_shows_a_dozen_frames_or_those_wanted(segmentation):
    sheet = plots.contact_sheet(segmentation)
    assert [axis.get_title() for axis in sheet.axes if axis.get_title()] == [
        f"frame {t}" for t in range(FRAMES)
    ]
    few = plots.contact_sheet(segmentation, [7, 2], columns=1)
    assert [axis.get_title() for axis in few.axes] == ["frame 7", "frame 2"]
    for frames in ({0: "a", 2: "b"}.keys(), {0, 2}, [0.0, 2.0], iter((0, 2))):
        sheet = plots.contact_sheet(segmentation, frames)
        assert [axis.get_title() for axis in sheet.axes] == ["frame 0", "frame 2"]
    with pytest.raises(SessionError, match="at least one frame"):
        plots.contact_sheet(segmentation, [])


def test_lines_have_the_objects_values_and_colours(segmentation):
    axis = plots.over_time(segmentation, "area_px").axes[0]
    lines = axis.lines[::2]
    assert [line.get_label() for line in lines] == list(NAMES.values())
    for line, info in zip(lines, segmentation.objects, strict=True):
        assert line.get_color() == info.color
        found = masks()
        expected = [
            found[info.id, t].sum() if (info.id, t) in found else np.nan for t in range(FRAMES)
        ]
        np.testing.assert_array_equal(line.get_ydata(), expected)
    assert axis.get_ylabel() == "area (pixels)"
    with pytest.raises(SessionError, match="measure is one of area_px"):
        plots.over_time(segmentation, "speed")


def test_a_trajectory_goes_through_the_centroids(segmentation):
    axis = plots.trajectory(segmentation).axes[0]
    ring = axis.lines[0]
    y, x = np.nonzero(masks()[1, 4])
    np.testing.assert_allclose(ring.get_xydata()[4], (x.mean(), y.mean()), atol=1e-3)
