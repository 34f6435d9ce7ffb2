"""How large a pixel is: as a user says it, and as files of microscopes do."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tifffile

from sam2_backend.video import PixelSize, VideoError, open_video
from sam2_backend.video.pixel_size import as_pixel_size, find_pixel_size
from tests.support.zarr_stores import add_array, create_group

STACK = np.arange(3 * 8 * 12, dtype=np.uint16).reshape(3, 8, 12)


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("0.65 µm", (0.65, 0.65, "µm")),
        ("0.65um", (0.65, 0.65, "µm")),
        ("0.65 \u03bcm", (0.65, 0.65, "µm")),
        (".5 x 0.7 microns", (0.5, 0.7, "µm")),
        ("1e-3 mm/px", (0.001, 0.001, "mm")),
        ("2 × 3 Nanometers", (2, 3, "nm")),
        ("3 m", (3, 3, "m")),
        ((0.65, "µm"), (0.65, 0.65, "µm")),
        ((0.5, 0.7, "nm"), (0.5, 0.7, "nm")),
        (PixelSize(1, 2, "cm"), (1, 2, "cm")),
    ],
)
def test_a_size_is_said_in_many_ways(said, size):
    found = as_pixel_size(said)
    assert (found.x, found.y, found.unit) == size and found.source == ""


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (0.65, r'has no unit.* such as "0\.65 µm"'),
        ("0.65", "has no unit"),
        ("0.65 parsec", "'parsec', which is no unit that is known: pm"),
        ("0.65 MM", "'MM', which is no unit"),
        ("a lot", "is a number and a unit"),
        ("-1 µm", "is a number and a unit"),
        ("0 µm", "larger than 0"),
        ("1e999 µm", "larger than 0"),
        ((float("nan"), "µm"), "larger than 0"),
        ((0.65,), r'such as "0\.65 µm" or \(0\.65, "µm"\)'),
        ((True, "µm"), r"got \(True, 'µm'\)"),
        ({"x": 1}, "is text such as"),
    ],
)
def test_what_is_no_size_is_refused_with_a_sentence(said, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_pixel_size(said)
    with pytest.raises(VideoError, match=sentence):
        open_video(STACK, pixel_size=said)


def test_it_reads_as_it_is_written():
    for text in ("0.65 µm", "0.5 x 0.7 nm"):
        assert str(as_pixel_size(text)) == text
    assert (
        as_pixel_size("2 Å").ascii_unit == "angstrom" and as_pixel_size("2 µm").ascii_unit == "um"
    )
    assert as_pixel_size("0.5 x 0.7 nm").area == pytest.approx(0.35)


def test_what_a_file_says_that_cannot_be_is_nothing():
    for x, unit in ((0, "µm"), (-1, "µm"), ("x", "µm"), (1, "pixel"), (1, None), (None, "µm")):
        assert find_pixel_size(x, x, unit, "a file") is None
    assert find_pixel_size(None, 2, "um", "a file") == PixelSize(2, 2, "µm", "a file")


def size_of(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_video(path, **options).pixel_size


def test_ome_tiff_says_it_and_what_is_said_wins(tmp_path):
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.65, "PhysicalSizeY": 0.7}
    units = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata=metadata)
    tifffile.imwrite(tmp_path / "b.ome.tif", STACK, metadata={**metadata, **units})
    tifffile.imwrite(tmp_path / "c.ome.tif", STACK, metadata={"axes": "TYX"})
    assert size_of(tmp_path / "a.ome.tif") == PixelSize(0.65, 0.7, "µm", "OME-XML")
    assert size_of(tmp_path / "b.ome.tif") == PixelSize(0.65, 0.7, "nm", "OME-XML")
    assert size_of(tmp_path / "c.ome.tif") is None
    assert size_of(tmp_path / "a.ome.tif", pixel_size="1 mm") == PixelSize(1, 1, "mm")


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m"])
def test_imagej_says_it(tmp_path, unit):
    metadata = {"axes": "TYX", "unit": unit}
    resolution = (1 / 0.65, 1 / 0.5)
    tifffile.imwrite(
        tmp_path / "a.tif", STACK, imagej=True, resolution=resolution, metadata=metadata
    )
    size = size_of(tmp_path / "a.tif")
    assert (size.x, size.y) == pytest.approx((0.65, 0.5), rel=1e-5)
    assert (size.unit, size.source) == ("µm", "ImageJ metadata")


def test_what_a_printer_is_told_is_no_size(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, resolution=(72, 72), resolutionunit="INCH")
    metadata = {"axes": "TYX", "unit": "inch"}
    tifffile.imwrite(tmp_path / "b.tif", STACK, imagej=True, resolution=(72, 72), metadata=metadata)
    tifffile.imwrite(tmp_path / "c.tif", STACK, imagej=True, metadata={"axes": "TYX"})
    assert [size_of(tmp_path / f"{name}.tif") for name in "abc"] == [None] * 3


def test_a_folder_of_tiffs_has_the_size_of_its_first(tmp_path):
    for t, frame in enumerate(STACK):
        metadata = {"axes": "YX", "PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65}
        tifffile.imwrite(tmp_path / f"{t}.ome.tif", frame, metadata=metadata)
    assert size_of(tmp_path) == PixelSize(0.65, 0.65, "µm", "OME-XML")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_says_it_of_each_level(tmp_path, version):
    group = create_group(tmp_path / "a.zarr", 2 if version == "0.4" else 3)
    add_array(group, "0", STACK, (1, 8, 12))
    add_array(group, "1", STACK[:, ::2, ::2], (1, 4, 6))
    axes = [{"name": "t", "type": "time", "unit": "second"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [30.0, 0.5 * 2**level, 0.65 * 2**level]},
                {"type": "translation", "translation": [0, 9, 9]},
            ],
        }
        for level in range(2)
    ]
    whole = [{"type": "scale", "scale": [1.0, 2.0, 2.0]}]
    image = {"axes": axes, "datasets": datasets, "coordinateTransformations": whole}
    image |= {"version": version}
    described = {"multiscales": [image]}
    group.attrs.update(
        described if version == "0.4" else {"ome": {"version": version, **described}}
    )
    assert size_of(tmp_path / "a.zarr") == PixelSize(1.3, 1.0, "µm", "OME-Zarr metadata")
    assert size_of(tmp_path / "a.zarr/1") == PixelSize(2.6, 2.0, "µm", "OME-Zarr metadata")


def test_a_video_that_is_given_stays_as_it_is():
    video = open_video(STACK)
    sized = open_video(video, pixel_size="2 nm")
    assert video.pixel_size is None and sized.pixel_size == PixelSize(2, 2, "nm")
    sized.pixel_size = None
    assert sized.pixel_size is None
