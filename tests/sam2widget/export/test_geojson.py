"""Outlines as GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from sam2_backend.video import open_large_image, open_video
from sam2widget.annotation.records import ObjectClass, ObjectInfo, Result
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.core.masks.painting import rasterize_polygon
from sam2widget.core.masks.sparse import place_window
from sam2widget.export import Segmentation, export_masks
from sam2widget.export.encodings.rings import simplify_ring, trace_polygons
from tests.support.large_pictures import Cells, write_geotiff, write_pyramid

FINE = 4
"""As many times larger is a polygon drawn by another program."""
SMALL = arrays(np.bool_, st.tuples(st.integers(1, 8), st.integers(1, 8)))


def _fill(rings: list[np.ndarray], hw: tuple[int, int]) -> np.ndarray:
    outline, *holes = [rasterize_polygon(ring.ravel().tolist(), *hw) for ring in rings]
    for hole in holes:
        assert not (hole & ~outline).any()
        outline &= ~hole
    return outline


@given(SMALL)
def test_filled_polygons_are_the_very_mask(mask_hw: np.ndarray) -> None:
    polygons = trace_polygons(Mask.from_array(mask_hw))
    total = np.zeros(mask_hw.shape, int)
    for one in polygons:
        total += _fill([one.outline, *one.holes], mask_hw.shape)
    assert np.array_equal(total, mask_hw.astype(int))


@given(SMALL)
def test_no_ring_touches_itself(mask_hw: np.ndarray) -> None:
    for one in trace_polygons(Mask.from_array(mask_hw)):
        for ring in (one.outline, *one.holes):
            assert len({tuple(corner) for corner in ring.tolist()}) == len(ring) >= 4


def test_a_mask_as_large_as_a_slide_is_traced_from_its_runs() -> None:
    (one,) = trace_polygons(place_window((5, 7, 40_000, 30_000), 30_000, 40_000))
    assert sorted(map(tuple, one.outline.tolist())) == [
        *((5, 7), (5, 30_000), (40_000, 7), (40_000, 30_000))
    ]


def test_simplified_outlines_stay_within_the_tolerance() -> None:
    ys, xs = np.mgrid[:100, :100]
    disc = np.hypot(xs - 50, ys - 50) < 40
    (one,) = trace_polygons(Mask.from_array(disc))
    ring = simplify_ring(one.outline, 1.0)
    assert len(ring) < len(one.outline) / 3
    off = rasterize_polygon(ring.ravel().tolist(), 100, 100) ^ disc
    assert off.sum() < 2 * np.pi * 40
    assert np.array_equal(simplify_ring(one.outline, 0), one.outline)


@pytest.fixture
def cells() -> Cells:
    return Cells(1500, 1100)


def _segmentation(video, cells: Cells) -> Segmentation:
    ring = np.zeros((1100, 1500), bool)
    ring[:500, :500] = cells.mask(0, 0)
    ring[240:260, 240:260] = False
    two = np.zeros((1100, 1500), bool)
    two[600:700, 100:200] = two[800:900, 100:200] = True
    objects = (
        ObjectInfo(1, "Cell", "#ff0000", class_name="tumour", locked=True),
        ObjectInfo(2, "Pair", "#00ff00", attributes={"grade": 2}),
    )
    results = {
        (n, 0): Result(Mask.from_array(mask), 5.0, 0.9, "prompt")
        for n, mask in enumerate((ring, two), 1)
    }
    return Segmentation.make(video, objects, results, classes=(ObjectClass("tumour", "#0000ff"),))


def test_pixels_are_written_with_the_properties_of_qupath(cells: Cells, tmp_path: Path) -> None:
    image = open_large_image(write_pyramid(tmp_path / "a.svs", cells, kind="svs"))
    path = export_masks(_segmentation(image, cells), tmp_path / "out.geojson")
    first, second = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert first["geometry"]["type"] == "Polygon" and len(first["geometry"]["coordinates"]) == 2
    assert second["geometry"]["type"] == "MultiPolygon"
    area = int(cells.mask(0, 0).sum()) - 400
    assert first["properties"] == {
        "objectType": "annotation",
        "name": "Cell",
        "color": [255, 0, 0],
        "isLocked": True,
        "measurements": {
            "Area px^2": area,
            "Area µm^2": pytest.approx(area / 4),
            "Predicted IoU": 0.9,
        },
        "object": 1,
        "classification": {"name": "tumour", "color": [0, 0, 255]},
    }
    assert second["properties"]["attributes"] == {"grade": 2}
    again = export_masks(_segmentation(image, cells), tmp_path / "again.geojson")
    assert again.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_another_program_fills_the_polygons_to_the_same_mask(cells: Cells, tmp_path: Path) -> None:
    image = open_large_image(write_pyramid(tmp_path / "a.tif", cells))
    segmentation = _segmentation(image, cells)
    path = export_masks(segmentation, tmp_path / "out.geojson")
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        parts = geometry["coordinates"]
        canvas = Image.new("L", (1500 * FINE, 1100 * FINE))
        draw = ImageDraw.Draw(canvas)
        for rings in [parts] if geometry["type"] == "Polygon" else parts:
            for n, ring in enumerate(rings):
                draw.polygon([(FINE * x, FINE * y) for x, y in ring], fill=n == 0)
        # In the middle of pixels, whatever Pillow does along their edges.
        found = np.asarray(canvas)[FINE // 2 :: FINE, FINE // 2 :: FINE] > 0
        assert np.array_equal(found, segmentation.mask(feature["properties"]["object"], 0))


def test_a_raster_on_the_map_is_written_in_its_coordinates(cells: Cells, tmp_path: Path) -> None:
    image = open_large_image(write_geotiff(tmp_path / "geo.tif", cells))
    path = export_masks(_segmentation(image, cells), tmp_path / "map.geojson")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    feature = document["features"][1]
    upper, _ = sorted(feature["geometry"]["coordinates"], key=lambda part: -part[0][0][1])
    assert {tuple(corner) for corner in upper[0]} == {
        (400_000 + x / 2, 5_800_000 - y / 2) for x in (100, 200) for y in (600, 700)
    }
    assert feature["properties"]["measurements"]["Area m^2"] == 5000
    ring = np.array(upper[0])[:-1]
    x, y = ring.T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0  # counterclockwise
    pixels = export_masks(
        _segmentation(image, cells), tmp_path / "pixels.geojson", coordinates="pixels"
    )
    assert "crs" not in json.loads(pixels.read_text(encoding="utf-8"))


def test_frames_of_a_video_are_told_apart(tmp_path: Path) -> None:
    video = open_video(np.zeros((3, 20, 30, 3), np.uint8))
    mask = Mask.from_array(np.ones((20, 30), bool))
    results = {(1, t): Result(mask, 1.0, 0.5, "prompt") for t in (0, 2)}
    segmentation = Segmentation.make(video, (ObjectInfo.numbered(1),), results)
    path = export_masks(segmentation, tmp_path / "a.geojson")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert [one["properties"]["frame"] for one in features] == [0, 2]
    assert len({one["id"] for one in features}) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"coordinates": "degrees"}, "coordinates is"),
        ({"simplify": -1}, "simplify is"),
        ({"coordinates": "map"}, "no place on the map"),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, object], sentence: str, cells: Cells, tmp_path: Path
) -> None:
    image = open_large_image(write_pyramid(tmp_path / "a.tif", cells))
    with pytest.raises(SessionError, match=sentence):
        export_masks(_segmentation(image, cells), tmp_path / "a.geojson", **options)


def test_formats_that_need_all_pixels_refuse_a_picture_that_is_not_read_whole(
    cells: Cells, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "a.tif", cells)
    segmentation = _segmentation(open_large_image(path, max_megapixels=1), cells)
    for name in ("coco", "png", "mp4", "npz"):
        with pytest.raises(SessionError, match=r"needs all pixels at once.*'csv', 'geojson'"):
            export_masks(segmentation, tmp_path / "out", name)
    export_masks(segmentation, tmp_path / "a.csv")
    export_masks(_segmentation(open_large_image(path), cells), tmp_path / "a.json", "coco")
