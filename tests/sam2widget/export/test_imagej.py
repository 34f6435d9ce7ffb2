"""ROIs of ImageJ: roifile reads ours, and ours reads what ImageJ writes, through roifile."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from sam2widget import SessionError, open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.core.masks import Mask
from sam2widget.export import Segmentation, export_masks
from sam2widget.export.encodings import imagej_roi

from .conftest import HEIGHT, NAMES, WIDTH, masks
from .elsewhere import import_noting

roifile = pytest.importorskip("roifile")
SEEN = {key: mask for key, mask in masks().items() if mask.any()}
TYPE, OPTIONS = roifile.ROI_TYPE, roifile.ROI_OPTIONS
CENTRES = np.mgrid[:HEIGHT, :WIDTH].reshape(2, -1).T[:, ::-1] + 0.5


def fill_even_odd(roi: Any) -> np.ndarray:
    """As ImageJ fills: pixels whose centres lie in an odd number of rings."""
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    for ring in roi.coordinates(multi=True):
        mask_hw ^= Outline(ring).contains_points(CENTRES).reshape(HEIGHT, WIDTH)
    return mask_hw


def save(path: Path, *rois: Any) -> Path:
    # As ImageJ does it: each entry has a name of its own.
    roifile.roiwrite(path, rois, name=[f"{n}-{roi.name}" for n, roi in enumerate(rois)])
    return path


def area(points: Any, **fields: Any) -> Any:
    roi = roifile.ImagejRoi.frompoints(points, name=fields.pop("name", "cell"))
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def test_roifile_reads_the_very_masks_with_names_colours_and_places(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "walk.zip")
    rois = {roi.name: roi for roi in roifile.roiread(path)}
    assert len(rois) == len(SEEN)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"{name}.roi" for name in rois]
    words = {1: "ball_ red", 2: "the _car_", 5: "ball_ red"}
    for (obj, frame), mask in SEEN.items():
        roi = rois[f"{obj}_{words[obj]}_{frame + 1:04}"]
        np.testing.assert_array_equal(fill_even_odd(roi), mask)
        assert roi.position == frame + 1 and roi.t_position == roi.z_position == 0
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        sides = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert [roi.left, roi.top, roi.right, roi.bottom] == sides
        assert roi.hexcolor(roi.stroke_color) == ObjectInfo.numbered(obj).color
        # One part without a hole is what the wand traces, corner by corner.
        assert roi.composite == (obj != 5) and (roi.composite or roi.roitype == TYPE.TRACED)
    again = export_masks(segmentation, tmp_path / "again.zip")
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("axis", ["t", "z"])
def test_a_frame_may_be_a_place_of_a_hyperstack(segmentation, tmp_path, axis):
    path = export_masks(segmentation, tmp_path / "walk.zip", axis=axis)
    for roi in roifile.roiread(path):
        places = {"t": roi.t_position, "z": roi.z_position}
        assert places.pop(axis) == int(roi.name[-4:]) and roi.position == 0
        assert list(places.values()) == [0]


def test_more_corners_than_a_polygon_may_have_make_a_composite(segmentation, tmp_path, monkeypatch):
    """Of a polygon, a count of 16 bits says how many."""
    monkeypatch.setattr(imagej_roi, "_MAX_POINTS", 3)
    path = export_masks(segmentation, tmp_path / "walk.zip")
    rois = [roi for roi in roifile.roiread(path) if roi.name.startswith("5_")]
    assert rois and all(roi.composite for roi in rois)
    for roi in rois:
        np.testing.assert_array_equal(fill_even_odd(roi), SEEN[5, roi.position - 1])


def test_lineages_come_back(segmentation, tmp_path):
    objects = tuple(
        replace(one, parents=(1, 2)) if one.id == 5 else one for one in segmentation.objects
    )
    path = export_masks(replace(segmentation, objects=objects), tmp_path / "walk.zip")
    found, _ = import_noting(path, segmentation.video)
    assert found.parents == {5: (1, 2)} and found.names == NAMES


def test_rois_of_imagej_are_masks_boxes_and_what_is_left_out(segmentation, tmp_path):
    square = [[4, 5], [14, 5], [14, 15], [4, 15]]
    oval = roifile.ImagejRoi(
        name="oval", roitype=TYPE.OVAL, left=20, top=10, right=40, bottom=30, t_position=2
    )
    box = roifile.ImagejRoi(name="box", roitype=TYPE.RECT, left=3, top=4, right=9, bottom=8)
    box.position = 4
    point = area([[5, 5]], name="dot", roitype=TYPE.POINT, position=1)
    line = roifile.ImagejRoi(name="way", roitype=TYPE.LINE, x2=9.0, y2=9.0, position=1)
    nowhere = area(square, name="nowhere")
    outside = area(np.array(square) + 90, name="outside", position=1)
    path = save(
        tmp_path / "set.zip",
        *(area(square, t_position=1), area(np.array(square) + 8, t_position=2), oval, box),
        *(point, line, nowhere, outside),
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._cell.roi", b"\0\5\26\7")
    found, said = import_noting(path, segmentation.video)
    ids = {name: obj for obj, name in found.names.items()}
    truth_hw = np.zeros((HEIGHT, WIDTH), bool)
    truth_hw[5:15, 4:14] = True
    cell = ids["cell"]
    np.testing.assert_array_equal(found.masks[cell, 0].to_array(), truth_hw)
    assert (cell, 1) in found.masks, "one name is one object"
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc_hw = np.hypot(x - 30, y - 20) < 10
    assert (found.masks[ids["oval"], 1].to_array() != disc_hw).mean() < 0.001
    assert found.boxes == {(ids["box"], 3): (3.0, 4.0, 9.0, 8.0)}
    assert "nowhere" not in ids
    told = " ".join(said)
    for part in ("1 point, left out", "1 line, left out", "1 ROI without a position", "no pixel"):
        assert part in told, part


def test_curves_of_a_composite_are_followed(segmentation, tmp_path):
    """ImageJ keeps a ring of two ovals as curves."""
    k = 0.5522847498
    arcs = [
        (1, k, k, 1, 0, 1),
        (-k, 1, -1, k, -1, 0),
        (-1, -k, -k, -1, 0, -1),
        (k, -1, 1, -k, 1, 0),
    ]
    path: list[float] = []
    for radius in (12, 6):
        path += [0, 30 + radius, 20]
        for arc in arcs:
            corners = np.reshape(arc, (3, 2)) * radius + (30, 20)
            path += [3, *corners.ravel()]
        path += [4]
    roi = roifile.ImagejRoi(name="ring", roitype=TYPE.RECT, right=42, bottom=32, position=1)
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    found, _ = import_noting(save(tmp_path / "ring.zip", roi), segmentation.video)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distance = np.hypot(x - 30, y - 20)
    wrong = found.masks[1, 0].to_array() != ((distance < 12) & (distance > 6))
    assert wrong.sum() < 9 and found.names == {1: "ring"}


def test_one_roi_is_read_with_corners_between_pixels(segmentation, tmp_path):
    roi = area(np.array([[4.4, 5.6], [14.6, 5.6], [14.6, 15.4], [4.4, 15.4]]), position=3)
    assert roi.options & OPTIONS.SUB_PIXEL_RESOLUTION
    roi.tofile(tmp_path / "cell.roi")
    found, _ = import_noting(tmp_path / "cell.roi", segmentation.video)
    truth_hw = np.zeros((HEIGHT, WIDTH), bool)
    truth_hw[6:15, 4:15] = True
    np.testing.assert_array_equal(found.masks[1, 2].to_array(), truth_hw)


SQUARE = np.array([[4, 5], [14, 5], [14, 15], [4, 15]])


@pytest.mark.parametrize(
    ("rois", "sentence"),
    [
        ([area(SQUARE, position=12)], "'cell' on image 12, .* the video has 9 frames: it is of an"),
        (
            [area(SQUARE, t_position=t, z_position=t, name=f"c{t}") for t in (1, 2)],
            "at several times and on several slices",
        ),
        ([area(SQUARE)], "There is no mask in .* 1 ROI without a position"),
        ([area(SQUARE, position=1, props="sam2widget_object: -3\n")], "an object -3: ids are from"),
        ([area(SQUARE, position=1, props="sam2widget_object: x\n")], "'x', not a whole number"),
        ([area(SQUARE * np.nan, position=1)], "its corners are not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_of_no_frame_or_object_is_refused(segmentation, tmp_path, rois, sentence):
    path = save(tmp_path / "set.zip", *rois)
    with pytest.raises(SessionError, match=sentence):
        import_noting(path, segmentation.video)


def test_what_holds_no_rois_is_refused(segmentation, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "no")
    with pytest.raises(SessionError, match="of no format that can be read"):
        import_noting(tmp_path / "other.zip", segmentation.video)
    with pytest.raises(SessionError, match=r"no entry called NAME\.roi"):
        import_noting(tmp_path / "other.zip", segmentation.video, "imagej")
    (tmp_path / "bad.roi").write_bytes(b"Iout" + bytes(20))
    with pytest.raises(SessionError, match=r"'bad\.roi' that is wrong: .* no ROI of ImageJ"):
        import_noting(tmp_path / "bad.roi", segmentation.video)


def test_what_cannot_be_written_is_refused(segmentation, tmp_path):
    with pytest.raises(SessionError, match="axis is one of stack, t, z, got 'c'"):
        export_masks(segmentation, tmp_path / "out.zip", axis="c")
    with pytest.raises(SessionError, match=r"w\.save\('out\.sam2\.zip'\)"):
        export_masks(segmentation, tmp_path / "out.sam2.zip")
    wide = open_video(np.zeros((1, 2, 60_536, 3), np.uint8))
    mask_hw = np.zeros((2, 60_536), bool)
    mask_hw[:, -5:] = True
    result = Result(Mask.from_array(mask_hw), 3.0, 0.9, "prompt")
    one = Segmentation.make(wide, (ObjectInfo.numbered(1),), {(1, 0): result})
    with pytest.raises(SessionError, match=r"up to 60,535 pixels, and frame 0 has 60,536 x 2"):
        export_masks(one, tmp_path / "wide.zip")
    assert not list(tmp_path.iterdir())
