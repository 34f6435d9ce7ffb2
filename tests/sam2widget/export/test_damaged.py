"""Whatever stands in a file of masks, it is read or refused with a sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam2widget import SessionError
from sam2widget.export import FORMATS, Imported, export_masks, import_masks
from tests.support.damage import replace_a_value
from tests.support.optional_formats import need_library_of

READABLE = [name for name, one in FORMATS.items() if one.read is not None]
VARIANTS = {
    "cvat of tracks": ("cvat", {"tracks": True}),
    "ctc's truth": ("ctc", {"kind": "truth"}),
    "label-studio of video": ("label-studio", {"regions": "video"}),
    "labelme of polygons": ("labelme", {"outline": "polygons"}),
}
"""What one format is written as besides, and its options."""
EXAMPLES = settings(
    max_examples=int(os.environ.get("SAM2WIDGET_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
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


@pytest.fixture(params=[*READABLE, *VARIANTS])
def written(request, segmentation, tmp_path) -> tuple[str, Path]:
    """A format, and masks written in it."""
    name, options = VARIANTS.get(request.param, (request.param, {}))
    need_library_of(name)
    return name, export_masks(segmentation, tmp_path / "out", name, **options)


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
    "written",
    [
        *(
            "coco",
            "sa-v",
            "labelme",
            "labelme of polygons",
            "label-studio",
            "label-studio of video",
        ),
        *("datumaro", "youtube-vos"),
    ],
    indirect=True,
)
@EXAMPLES
@given(data=st.data())
def test_json_of_another_form_is_masks_or_a_sentence(segmentation, written, data):
    """A value somewhere in it is something else."""
    name, path = written
    file = min(path.rglob("*.json")) if path.is_dir() else path
    document = json.loads(file.read_bytes())
    replace_a_value(data, document)
    damaged = path.with_name("damaged.json")
    damaged.write_text(json.dumps(document))
    read(segmentation, name, damaged)
    if path.is_dir():
        copy = path.with_name("damaged")
        shutil.copytree(path, copy, dirs_exist_ok=True)
        shutil.copy(damaged, copy / file.relative_to(path))
        read(segmentation, name, copy)


VALUES = (
    st.text(max_size=6)
    | st.integers(-(10**12), 10**12).map(str)
    | st.floats().map(str)
    | st.sampled_from(["", "nan", "-1", "1e400", "1;2", "1,2;3", "0,0;0,0;0,0", "٣"])
)


@pytest.mark.parametrize("written", ["cvat", "cvat of tracks"], indirect=True)
@EXAMPLES
@given(data=st.data())
def test_xml_of_another_form_is_masks_or_a_sentence(segmentation, written, data):
    """An element is elsewhere, or not there, or says something else."""
    name, path = written
    file = min(path.rglob("*.xml")) if path.is_dir() else path
    tree = Xml.parse(file)
    elements = list(tree.iter())
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        one = data.draw(st.sampled_from(elements), label="element")
        what = data.draw(st.sampled_from(["attribute", "text", "tag", "children", "copy"]))
        if what == "attribute" and one.attrib:
            key = data.draw(st.sampled_from(sorted(one.attrib)), label="attribute")
            if data.draw(st.booleans(), label="goes"):
                del one.attrib[key]
            else:
                one.set(key, data.draw(VALUES.filter(is_xml), label="value"))
        elif what == "text":
            one.text = data.draw(VALUES.filter(is_xml), label="text")
        elif what == "tag":
            one.tag = data.draw(st.sampled_from(["mask", "polygon", "track", "image", "box"]))
        elif what == "children":
            one[:] = []
        elif what == "copy" and len(one):
            one.append(one[0])
    damaged = path.with_name("damaged.xml")
    tree.write(damaged, encoding="utf-8")
    read(segmentation, name, damaged)


def is_xml(text: str) -> bool:
    return all(c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff") for c in text)


@pytest.mark.parametrize("written", ["ctc", "ctc's truth", "yolo"], indirect=True)
@EXAMPLES
@given(data=st.data())
def test_lines_of_another_form_are_masks_or_a_sentence(segmentation, written, data):
    """A word of a table or of a label is another, or its line is not there."""
    name, path = written
    files = sorted(file for file in path.rglob("*.txt") if file.read_text().strip())
    file = data.draw(st.sampled_from(files), label="file")
    lines = [line.split(" ") for line in file.read_text().splitlines()]
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        n = data.draw(st.integers(0, len(lines) - 1), label="line")
        word = data.draw(st.integers(0, len(lines[n]) - 1), label="word")
        way = data.draw(st.sampled_from(["other", "goes", "twice", "line twice"]), label="way")
        if way == "line twice":
            lines.append([*lines[n]])
        elif way == "goes" and len(lines[n]) > 1:
            del lines[n][word]
        elif way == "twice":
            lines[n].insert(word, lines[n][word])
        else:
            lines[n][word] = data.draw(VALUES, label="word")
    copy = path.with_name("damaged")
    shutil.copytree(path, copy, dirs_exist_ok=True)
    text = "\n".join(" ".join(line) for line in lines)
    (copy / file.relative_to(path)).write_text(text, encoding="utf-8")
    read(segmentation, name, copy)
