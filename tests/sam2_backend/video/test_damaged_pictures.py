"""Damaged pictures, pyramids, stacks and stores: what is there, or a sentence."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sam2_backend.video import Video, VideoError, open_large_image, open_video
from tests.support.damage import replace_a_value
from tests.support.large_pictures import Cells, write_geotiff, write_pyramid
from tests.support.zarr_stores import add_array, create_group

EXAMPLES = settings(
    max_examples=int(os.environ.get("SAM2WIDGET_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CELLS = Cells(700, 600)
STACK = np.random.default_rng(3).integers(0, 256, (5, 20, 30, 3), dtype=np.uint8)
HEAD = 600
"""Bytes at either end of a file, where it says what is in it."""


def write_zarr(path: Path, zarr_format: int) -> None:
    group = create_group(path, zarr_format)
    rgb = CELLS.draw(0, 0, CELLS.width, CELLS.height)
    for n, step in enumerate((1, 4)):
        part = np.ascontiguousarray(rgb[::step, ::step].transpose(2, 0, 1))
        add_array(group, str(n), part, (1, 256, 256))
    axes = [
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "yx"),
    ]
    levels = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": [1, s, s]}]}
        for n, s in enumerate((0.5, 2.0))
    ]
    said = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": levels}]}
    group.attrs.update(said if zarr_format == 2 else {"ome": {"version": "0.5", **said}})


def write_h5(path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(path, "w") as file:
        file.create_dataset("film", data=STACK, chunks=(1, 20, 30, 3), compression="gzip")


def write_animation(path: Path) -> None:
    first, *others = [Image.fromarray(rgb) for rgb in STACK]
    first.save(path, save_all=True, append_images=others, duration=40)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "cog.tif": lambda path: write_geotiff(path, CELLS),
    "plain.tif": lambda path: write_pyramid(path, CELLS, (1, 2)),
    "raw.tif": lambda path: write_pyramid(path, CELLS, (1, 2), compression=None),
    "ome.ome.tif": lambda path: write_pyramid(path, CELLS, (1, 2), kind="ome"),
    "slide.svs": lambda path: write_pyramid(path, CELLS, (1, 2), kind="svs"),
    "stack.tif": lambda path: tifffile.imwrite(path, STACK[..., 0], imagej=True),
    "v2.zarr": lambda path: write_zarr(path, 2),
    "v3.zarr": lambda path: write_zarr(path, 3),
    "film.h5": write_h5,
    "film.npy": lambda path: np.save(path, STACK),
    "film.npz": lambda path: np.savez_compressed(path, film=STACK),
    "one.png": lambda path: Image.fromarray(STACK[0]).save(path),
    "one.jpg": lambda path: Image.fromarray(STACK[0]).save(path),
    "film.gif": write_animation,
    "film.png": write_animation,
    "film.webp": write_animation,
}
LARGE = {"cog.tif", "plain.tif", "raw.tif", "ome.ome.tif", "slide.svs", "v2.zarr", "v3.zarr"}


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "whole").mkdir()
    path = tmp_path / "whole" / request.param
    WRITERS[request.param](path)
    return path


def read(path: Path, opener: Callable[[Path], Video]) -> None:
    """Everything that is there is of the size that is said, or a sentence says what is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            video = opener(path)
            _ = video.pixel_size, video.georeference, video.identity()
            for n in {0, len(video) - 1}:
                if opener is open_large_image:
                    right, bottom = min(video.width, 64), min(video.height, 64)
                    region = video.read_region(0, 0, right, bottom)  # pyright: ignore
                    assert region.shape == (bottom, right, 3)
                else:
                    assert video[n].shape == (video.height, video.width, 3)
        except VideoError as error:
            assert path.name in str(error) or "axes" in str(error)
            assert str(error).endswith((".", "?"))


def read_both(path: Path) -> None:
    read(path, open_video)
    if path.name in LARGE:
        read(path, open_large_image)


def copied(path: Path) -> Path:
    """The same in another folder, in place of what was there."""
    copy = path.parent.parent / path.name
    if path.is_dir():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(path, copy)
    else:
        shutil.copy(path, copy)
    return copy


def test_what_is_whole_is_read(written: Path) -> None:
    video = open_video(written)
    assert video[0].shape == (video.height, video.width, 3)
    if written.name in LARGE:
        assert open_large_image(written).read_region(0, 0, 64, 64).shape == (64, 64, 3)


@EXAMPLES
@given(data=st.data())
def test_damaged_bytes_are_a_picture_or_a_sentence(written: Path, data: st.DataObject) -> None:
    copy = copied(written)
    files = sorted(file for file in [copy, *copy.rglob("*")] if file.is_file())
    file = data.draw(st.sampled_from(files), label="file")
    content = bytearray(file.read_bytes())
    last = len(content) - 1
    places = st.integers(0, last) | st.integers(0, min(HEAD, last))
    places |= st.integers(max(last - HEAD, 0), last)
    for _ in range(data.draw(st.integers(1, 6), label="bytes")):
        content[data.draw(places)] = data.draw(st.integers(0, 255) | st.sampled_from([0, 1, 255]))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)), label="length")
    file.write_bytes(content[:cut])
    read_both(copy)


@pytest.mark.parametrize("name", ["v2.zarr", "v3.zarr"])
@EXAMPLES
@given(data=st.data())
def test_what_a_store_says_of_itself_may_be_anything(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    path = tmp_path / "whole" / name
    if not path.exists():
        WRITERS[name](path)
    copy = copied(path)
    files = sorted(
        one
        for one in copy.rglob("*")
        if one.name in (".zattrs", ".zarray", "zarr.json") and one.read_text() != "{}"
    )
    file = data.draw(st.sampled_from(files), label="file")
    document = json.loads(file.read_bytes())
    replace_a_value(data, document)
    file.write_text(json.dumps(document))
    read_both(copy)


TAGS = {
    "width": 256,
    "height": 257,
    "bits": 258,
    "compression": 259,
    "photometric": 262,
    "samples": 277,
    "planar": 284,
    "predictor": 317,
    "tile width": 322,
    "tile height": 323,
    "offsets": 324,
    "counts": 325,
    "sample format": 339,
    "scale": 33550,
    "place": 33922,
    "geo keys": 34735,
}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("name", ["cog.tif", "ome.ome.tif"])
@settings(EXAMPLES, max_examples=max(EXAMPLES.max_examples // 8, 5))
@given(data=st.data())
def test_any_value_of_a_tag_is_a_picture_or_a_sentence(
    tmp_path: Path, name: str, tag: str, data: st.DataObject
) -> None:
    path = tmp_path / "whole" / name
    if not path.exists():
        path.parent.mkdir()
        WRITERS[name](path)
    copy = copied(path)
    with tifffile.TiffFile(copy) as tiff:
        found: Any = tiff.pages.first.tags.get(TAGS[tag])
        if found is None:
            return
        where, size = found.valueoffset, found.valuebytecount
    value = data.draw(
        st.sampled_from([0, 1, 2, 3, 7, 8, 255, 65535, 2**31 - 1, 2**32 - 1, 2**62])
        | st.integers(0, 2**64 - 1)
    )
    with copy.open("r+b") as file:
        file.seek(where)
        file.write(value.to_bytes(8, "little")[:size])
    read_both(copy)
