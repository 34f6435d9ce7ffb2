"""Pictures that are read by region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from sam2_backend.video import LargeImage, VideoError, open_large_image, open_video
from sam2_backend.video.large import WindowFrames
from sam2_backend.video.large import levels as levels_module
from sam2_backend.video.large import tiff as tiff_module
from tests.support.large_pictures import Cells, write_geotiff, write_pyramid
from tests.support.zarr_stores import add_array, create_group

CELLS = Cells(4200, 4000)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pyramid(tmp_path_factory.mktemp("large") / "plain.tif", CELLS)


@pytest.mark.parametrize("kind", ["plain", "ome", "svs"])
def test_regions_of_every_kind_of_pyramid_are_those_of_the_picture(
    kind: str, tmp_path: Path
) -> None:
    image = open_large_image(write_pyramid(tmp_path / "a.tif", Cells(1500, 1100), kind=kind))
    assert [(level.width, level.height) for level in image.levels] == [
        *((1500, 1100), (375, 275), (93, 68))
    ]
    assert np.array_equal(
        image.read_region(500, 300, 900, 700), Cells(1500, 1100).draw(500, 300, 900, 700)
    )
    small = image.read_region(0, 0, 1500, 1100, (375, 275))
    assert np.array_equal(small, Cells(1500, 1100).draw(0, 0, 1500, 1100)[::4, ::4])


def test_a_large_tiled_file_is_opened_by_region_by_itself(plain: Path) -> None:
    video = open_video(plain)
    assert isinstance(video, LargeImage)
    assert (video.width, video.height, len(video), video.kind) == (4200, 4000, 1, "images")


def test_a_small_tiled_file_is_a_picture_as_before(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "small.tif", Cells(1500, 1100), (1,))
    assert not isinstance(open_video(path), LargeImage)


def test_no_more_is_decoded_than_a_region_needs(plain: Path) -> None:
    image = open_large_image(plain)
    before = image.tiles.nbytes
    image.read_region(10, 10, 500, 500)
    assert image.tiles.nbytes - before == 512 * 512 * 3
    image.overview(500)
    assert image.tiles.nbytes < CELLS.width * CELLS.height * 3 / 8


def test_the_cache_of_tiles_is_bounded(plain: Path) -> None:
    image = open_large_image(plain)
    image.tiles = levels_module.make_tile_cache(3 * 512 * 512 * 3)
    whole = image.read_region(0, 0, 4200, 4000)
    assert image.tiles.nbytes <= 3 * 512 * 512 * 3
    assert np.array_equal(whole, CELLS.draw(0, 0, 4200, 4000))


def test_a_file_without_smaller_levels_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_backend.video.large.image.MAX_SMALLEST_PIXELS", 10**6)
    path = write_pyramid(tmp_path / "flat.tif", Cells(1500, 1100), (1,))
    image = open_large_image(path)
    assert len(image.levels) == 2
    level = levels_module.build_smaller_level(image.levels[0], 200_000)
    expected = Cells(1500, 1100).draw(0, 0, 1500, 1100)[:1100, :1500]
    means = expected[:1100, :1500].reshape(275, 4, 375, 4, 3).mean(axis=(1, 3))
    assert np.array_equal(level.read_tile(0, 0), np.rint(means).astype(np.uint8))


def test_without_smaller_levels_a_very_large_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_backend.video.large.image.MAX_SMALLEST_PIXELS", 10**6)
    monkeypatch.setattr("sam2_backend.video.large.image.MAX_UNPYRAMIDED_MEGAPIXELS", 1.0)
    path = write_pyramid(tmp_path / "flat.tif", Cells(1500, 1100), (1,))
    with pytest.raises(VideoError, match=r"no smaller levels.*gdaladdo"):
        open_large_image(path)


def test_strips_that_are_small_are_read_and_a_picture_in_one_piece_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = Cells(1500, 1100).draw(0, 0, 1500, 1100)
    fine, coarse = tmp_path / "fine.tif", tmp_path / "coarse.tif"
    tifffile.imwrite(fine, rgb, photometric="rgb", compression="zlib", rowsperstrip=16)
    tifffile.imwrite(coarse, rgb, photometric="rgb", compression="zlib", rowsperstrip=1100)
    monkeypatch.setattr(tiff_module, "MAX_PIECE_PIXELS", 1_000_000)
    assert np.array_equal(open_large_image(fine).read_region(7, 9, 300, 800), rgb[9:800, 7:300])
    with pytest.raises(VideoError, match=r"strips of 1500x1100.*2 megapixels.*tiled"):
        open_large_image(coarse)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_and_deep_pictures_are_shown_with_a_contrast(
    dtype: type[np.generic], tmp_path: Path
) -> None:
    grey = Cells(1500, 1100).draw(0, 0, 1500, 1100)[..., 0].astype(dtype)
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, grey, tile=(256, 256), photometric="minisblack")
    image = open_large_image(path)
    shown = image.read_region(0, 0, 800, 800)
    assert shown.shape == (800, 800, 3) and shown.dtype == np.uint8
    assert int(shown[0, 0, 0]) > int(shown[250, 250, 0]) + 100
    image.contrast = None if dtype is np.uint8 else (0, 500)
    assert dtype is np.uint8 or int(image.read_region(0, 0, 8, 8).max()) < 140


def test_channels_in_pages_of_their_own_are_channels(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (2, 700, 900), np.uint16)
    path = tmp_path / "channels.ome.tif"
    tifffile.imwrite(path, values, tile=(256, 256), metadata={"axes": "CYX"}, ome=True)
    image = open_large_image(path)
    assert np.array_equal(
        image.read_values(100, 50, 300, 200), values[:, 50:200, 100:300].transpose(1, 2, 0)
    )


def test_ome_zarr_is_read_by_region_at_every_level(tmp_path: Path) -> None:
    rgb = Cells(1600, 1200).draw(0, 0, 1600, 1200)
    group = create_group(tmp_path / "a.zarr")
    for n, step in enumerate((1, 4)):
        part = np.ascontiguousarray(rgb[::step, ::step].transpose(2, 0, 1))
        add_array(group, str(n), part, (1, 256, 256))
    axes = [
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "yx"),
    ]
    scales = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": [1, s, s]}]}
        for n, s in enumerate((0.5, 2.0))
    ]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": scales}]
    image = open_large_image(tmp_path / "a.zarr")
    assert np.array_equal(image.read_region(300, 200, 700, 600), rgb[200:600, 300:700])
    assert np.array_equal(image.read_region(0, 0, 1600, 1200, (400, 300)), rgb[::4, ::4])
    assert str(image.pixel_size) == "0.5 µm"
    assert image.identity() == open_large_image(tmp_path / "a.zarr").identity()


def test_geotiff_tags_give_transform_system_and_size_of_a_pixel(tmp_path: Path) -> None:
    image = open_large_image(write_geotiff(tmp_path / "geo.tif", Cells(1500, 1100)))
    found = image.georeference
    assert found is not None
    assert found.transform == (0.5, 0.0, 400_000.0, 0.0, -0.5, 5_800_000.0)
    assert (found.crs, found.is_projected, found.pixel_area) == ("EPSG:32633", True, 0.25)
    assert str(image.pixel_size) == "0.5 m"


def test_the_size_of_a_pixel_is_that_of_the_slide_or_of_ome_xml(tmp_path: Path) -> None:
    for kind in ("svs", "ome"):
        image = open_large_image(write_pyramid(tmp_path / kind, Cells(1500, 1100), kind=kind))
        assert str(image.pixel_size) == "0.5 µm"


def test_reading_all_of_it_is_refused_above_the_bound(plain: Path) -> None:
    image = open_large_image(plain, max_megapixels=10)
    with pytest.raises(VideoError, match=r"4200x4000: 17 megapixels.*read_region"):
        image[0]
    assert open_large_image(plain)[0].shape == (4000, 4200, 3)


def test_a_region_outside_is_refused(plain: Path) -> None:
    image = open_large_image(plain)
    for box in ((0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 4201, 5), (5, 9, 9, 5)):
        with pytest.raises(VideoError, match="There is no part"):
            image.read_region(*box)


def test_a_damaged_tile_is_said(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tif", Cells(1500, 1100), (1,))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, count = page.dataoffsets[0], page.databytecounts[0]
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = b"x" * count
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match="damaged"):
        open_large_image(path).read_region(0, 0, 100, 100)


def test_windows_are_frames_at_the_size_of_the_model(plain: Path) -> None:
    image = open_large_image(plain)
    frames = WindowFrames(image, side=512)
    number = frames.find((1000, 500, 3048, 1524))
    assert frames.find((1000, 500, 3048, 1524)) == number == 1
    assert len(frames) == 2 and frames.sizes_hw[number] == (256, 512)
    assert frames[number].shape == (256, 512, 3)
    near = frames.find((100, 100, 300, 250))
    assert np.array_equal(frames[near], CELLS.draw(100, 100, 300, 250))
    with pytest.raises(VideoError, match="no window"):
        frames.find((0, 0, 5000, 10))
