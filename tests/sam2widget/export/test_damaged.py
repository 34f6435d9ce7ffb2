"""Whatever stands in a file of masks, it is read or refused with a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam2widget import SessionError
from sam2widget.export import FORMATS, Imported, export_masks, import_masks
from tests.support.optional_formats import need_library_of

READABLE = [name for name, one in FORMATS.items() if one.read is not None]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WRONG_COUNTS = ["0" * 99, "~~", "o", "ooooooooo0", "", [-5, 5], [46 * 64 + 1], [2**40], ["many"], 7]


@pytest.mark.parametrize("counts", WRONG_COUNTS, ids=str)
def test_run_lengths_of_another_length_are_refused(segmentation, tmp_path, counts):
    """pycocotools would write them beside the mask."""
    path = export_masks(segmentation, tmp_path / "out", "coco")
    document = json.loads(path.read_bytes())
    document["annotations"][0]["segmentation"]["counts"] = counts
    path.write_text(json.dumps(document))
    with pytest.raises(SessionError, match="cannot be read"):
        import_masks(path, segmentation.video)


@pytest.mark.parametrize("name", ["coco", "sa-v", "cvat"])
def test_a_picture_without_end_is_refused(segmentation, tmp_path, name):
    path = export_masks(segmentation, tmp_path / "out", name)
    said = path.read_text().replace('"64"', '"64000000000"').replace("64]", "64000000000]")
    path.write_text(said.replace('"width": 64', '"width": 64000000000'))
    with pytest.raises(SessionError, match=r"cannot be read.* 64000000000 x 46 pixels"):
        import_masks(path, segmentation.video)


@pytest.fixture(params=READABLE)
def written(request, segmentation, tmp_path) -> tuple[str, Path]:
    """A format, and masks written in it."""
    need_library_of(request.param)
    return request.param, export_masks(segmentation, tmp_path / "out", request.param)


def read(segmentation: Any, name: str, path: Path) -> None:
    video = segmentation.video
    try:
        found = import_masks(path, video, name)
    except SessionError as error:
        assert str(error).endswith("."), "a sentence"
        return
    assert isinstance(found, Imported)
    for (obj, frame), mask in found.masks.items():
        assert obj >= 1 and 0 <= frame < len(video)
        assert mask.to_array().shape == (video.height, video.width)


@EXAMPLES
@given(data=st.data())
def test_damaged_bytes_are_masks_or_a_sentence(segmentation, written, data):
    name, path = written
    copy = path.with_name(f"damaged{path.suffix}")
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    else:
        shutil.copy(path, copy)
    files = sorted(file for file in [copy, *copy.rglob("*")] if file.is_file())
    file = data.draw(st.sampled_from(files), label="file")
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4), label="bytes")):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)), label="length")
    file.write_bytes(content[:cut])
    read(segmentation, name, copy)


@pytest.mark.parametrize(
    "written", ["coco", "sa-v", "labelme", "label-studio", "datumaro"], indirect=True
)
@EXAMPLES
@given(data=st.data())
def test_json_of_another_form_is_masks_or_a_sentence(segmentation, written, data):
    """A value somewhere in it is something else."""
    name, path = written
    file = min(path.rglob("*.json")) if path.is_dir() else path
    document = json.loads(file.read_bytes())
    inside: Any = document
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = data.draw(st.sampled_from(keys), label="key")
        deeper = isinstance(inside[key], (dict, list)) and len(inside[key]) > 0
        if not deeper or data.draw(st.booleans(), label="here"):
            break
        inside = inside[key]
    inside[key] = data.draw(ANYTHING, label="in its place")
    damaged = path.with_name("damaged.json")
    damaged.write_text(json.dumps(document))
    read(segmentation, name, damaged)
