"""Large pictures in a widget: the model sees windows, masks are of the whole picture."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from sam2_backend.video import open_large_image
from sam2widget import Sam2Widget, read_session
from sam2widget.core.errors import SessionError
from tests.support.large_pictures import Cells, write_pyramid

CELLS = Cells(4200, 4000)
NEAR = 500, 500, 1500, 1500
"""A window on four cells, the first around (750, 750)."""
FAR = 3000, 3000, 4000, 4000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pyramid(tmp_path_factory.mktemp("large") / "cells.tif", CELLS, (1, 4))


@pytest.fixture
def widget(path: Path, closing):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        widget = closing(Sam2Widget(path, "nano", autosave=False))
    widget.wait_until_loaded()
    return widget


def _cell(row: int, column: int) -> np.ndarray:
    """(500, 500) bool of a cell."""
    return CELLS.mask(row, column)


def _iou(found: np.ndarray, expected: np.ndarray) -> float:
    return (found & expected).sum() / (found | expected).sum()


def test_a_large_picture_says_how_it_is_shown(path: Path, closing) -> None:
    with pytest.warns(UserWarning, match=r"4,200 x 4,000 pixels.*read by region"):
        closing(Sam2Widget(path, "nano", autosave=False))


def test_a_click_segments_what_is_in_its_window(widget: Sam2Widget) -> None:
    widget.add_point(0, 750, 750, window=NEAR)
    found = widget.read_mask(1, (500, 500, 1000, 1000))
    assert _iou(found, _cell(1, 1)) > 0.8
    assert not widget.read_mask(1, (1500, 0, 4200, 4000)).any()
    small = widget.read_mask(1, (500, 500, 1000, 1000), size=(50, 50))
    assert np.array_equal(small, found[5::10, 5::10])


def test_an_object_grows_by_clicks_in_several_windows(widget: Sam2Widget) -> None:
    widget.add_point(0, 750, 750, window=NEAR)
    first = widget.read_mask(1, (500, 500, 1000, 1000))
    widget.add_point(0, 3250, 3250, window=FAR)
    assert np.array_equal(widget.read_mask(1, (500, 500, 1000, 1000)), first)
    assert _iou(widget.read_mask(1, (3000, 3000, 3500, 3500)), _cell(6, 6)) > 0.8
    widget.undo()
    assert not widget.read_mask(1, FAR).any()
    widget.redo()
    assert widget.read_mask(1, FAR).any()


def test_a_negative_click_counts_in_its_window_alone(widget: Sam2Widget) -> None:
    widget.add_point(0, 750, 750, window=(500, 500, 1000, 1000))
    widget.add_point(0, 3250, 3250, window=FAR)
    before = widget.read_mask(1, FAR)
    assert widget.read_mask(1, NEAR)[250, 250]
    widget.add_points(0, [(1250, 1250), (750, 750)], [1, 0], window=NEAR)
    near = widget.read_mask(1, NEAR)
    assert not near[250, 250]
    assert np.array_equal(widget.read_mask(1, FAR), before)


def test_a_click_without_a_window_gets_one_around_it(widget: Sam2Widget) -> None:
    widget.add_point(0, 4190, 5)
    ((point,),) = [widget.prompts(0, 1).points]
    assert point.window is None
    assert widget.read_mask(1, (3176, 0, 4200, 1024)).any()
    assert not widget.read_mask(1, (0, 1024, 4200, 4000)).any()


def test_a_box_segments_with_a_margin_around_it(widget: Sam2Widget) -> None:
    widget.add_box(0, 1080, 1080, 1420, 1420)
    assert _iou(widget.read_mask(1, (1000, 1000, 1500, 1500)), _cell(2, 2)) > 0.8


def test_what_ends_at_the_edge_of_the_window_is_said(widget: Sam2Widget) -> None:
    with pytest.warns(
        UserWarning, match=r"Object 1 reaches the edge of what the model saw \(x 750"
    ):
        widget.add_box(0, 750, 600, 900, 900, window=(750, 600, 1000, 900))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        widget.add_point(0, 2250, 2250, obj=2, window=(2000, 2000, 2500, 2500))


def test_a_saved_session_has_windows_and_masks_and_goes_on(
    widget: Sam2Widget, tmp_path: Path, closing
) -> None:
    widget.add_point(0, 750, 750, window=NEAR)
    widget.add_point(0, 3250, 3250, window=FAR)
    widget.add_box(0, 1080, 1080, 1420, 1420, obj=2, window=NEAR)
    file = tmp_path / "cells.sam2.zip"
    widget.save(file)
    saved = read_session(file)
    assert saved.prompts == {(obj, 0): widget.prompts(0, obj) for obj in (1, 2)}
    assert [point.window for point in saved.prompts[1, 0].points] == [NEAR, FAR]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = closing(Sam2Widget.load(file))
    again.wait_until_loaded()
    whole = 0, 0, 4200, 4000
    assert np.array_equal(again.read_mask(1, whole), widget.read_mask(1, whole))
    for one in (widget, again):
        one.add_point(0, 1250, 750, window=NEAR)
    assert np.array_equal(again.read_mask(1, whole), widget.read_mask(1, whole))


def test_the_script_of_a_session_makes_it_again(widget: Sam2Widget, closing) -> None:
    widget.add_points(0, [(750, 750), (760, 760)], [1, 1], window=NEAR)
    widget.add_point(0, 3250, 3250, window=FAR)
    widget.add_box(0, 1080, 1080, 1420, 1420, obj=2, window=NEAR)
    made: dict[str, Sam2Widget] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(widget.to_python(), made)
    again = closing(made["w"])
    again.wait_until_loaded()
    for obj in (1, 2):
        assert again.prompts(0, obj) == widget.prompts(0, obj)
        whole = 0, 0, 4200, 4000
        assert np.array_equal(again.read_mask(obj, whole), widget.read_mask(obj, whole))


def test_objects_keep_apart_and_give_back(widget: Sam2Widget) -> None:
    widget.paint(0, [(500, 500), (900, 500), (900, 900), (500, 900)], obj=1, shape="polygon")
    widget.add_point(0, 750, 750, obj=2, window=NEAR)
    shared = widget.read_mask(1, NEAR) & widget.read_mask(2, NEAR)
    assert not shared.any()
    assert widget.read_mask(1, (500, 500, 900, 900)).all()
    cut = widget.read_mask(2, NEAR)
    widget.remove_object(1)
    assert widget.read_mask(2, NEAR).sum() > cut.sum()


def test_review_and_painting_work_on_masks_of_a_large_picture(widget: Sam2Widget) -> None:
    widget.add_point(0, 750, 750, window=NEAR)
    widget.accept(0, obj=1)
    assert widget.segmentation.results[1, 0].state == "accepted"
    widget.reject(0, obj=1)
    assert not widget.read_mask(1, NEAR).any()
    widget.unreview(0, obj=1)
    widget.paint(0, [(3500, 3500)], 20, obj=1)
    assert widget.read_mask(1, (3490, 3490, 3510, 3510)).all()
    widget.paint(0, [(3500, 3500)], 10, obj=1, erase=True)
    assert not widget.read_mask(1, (3495, 3495, 3505, 3505)).any()


def test_proposals_are_of_the_window(widget: Sam2Widget) -> None:
    found = widget.propose(0, window=NEAR)
    boxes = [one.mask.box for one in found]
    assert boxes and all(box is not None and box[0] >= 500 and box[3] <= 1500 for box in boxes)
    (obj,) = widget.adopt(0, found[0])
    assert widget.read_mask(obj, NEAR).sum() == found[0].mask.area


def test_outlines_are_exported_and_what_needs_all_pixels_is_refused(
    path: Path, tmp_path: Path, closing
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = open_large_image(path, max_megapixels=10)
        widget = closing(Sam2Widget(image, "nano", autosave=False))
    widget.wait_until_loaded()
    widget.add_point(0, 750, 750, window=NEAR)
    found = json.loads(Path(widget.export(tmp_path / "cells.geojson")).read_text("utf-8"))
    (feature,) = found["features"]
    outline = np.array(feature["geometry"]["coordinates"][0])
    assert outline.min() >= 500 and outline.max() <= 1000
    with pytest.raises(SessionError, match="'geojson'"):
        widget.export(tmp_path / "cells.json", "coco")


@pytest.mark.parametrize("window", [(5000, 0, 6000, 10), (10, 10, 10, 20)])
def test_a_window_outside_is_refused(widget: Sam2Widget, window: tuple[int, ...]) -> None:
    with pytest.raises(SessionError, match="window"):
        widget.add_point(0, 750, 750, window=window)
    with pytest.raises(SessionError, match="no part"):
        widget.add_object(1)
        widget.read_mask(1, window)
