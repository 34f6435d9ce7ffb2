"""Classes and attributes are in every format that has a place for them, and come back."""

from __future__ import annotations

import contextlib
import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import yaml

from sam2widget.annotation.classes import as_classes
from sam2widget.annotation.session import Session
from sam2widget.export import Segmentation, export_masks, import_masks
from tests.support.optional_formats import need_library_of

from .conftest import HEIGHT, NAMES, WIDTH

CLASSES = as_classes({"person": "#e69f00", "spare": None, 'the "dog"': "#56b4e9"})
OF = {1: 'the "dog"', 2: "", 5: "person"}
ATTRIBUTES = {
    1: {"occluded": True, "id card": 7, "length": 2.5, "note": "7", "track_id": 99},
    2: {"blurred": False},
    5: {},
}
EXACT = [
    *(("npz", {}), ("coco", {}), ("sa-v", {"every": 1}), ("cvat", {}), ("cvat", {"tracks": True})),
    *(("youtube-vos", {}), ("labelme", {}), ("label-studio", {}), ("datumaro", {})),
    ("imagej", {}),
]
UNLISTED = {"imagej", "youtube-vos", "label-studio"}
"""They have no place for classes that no object has."""


@pytest.fixture
def classed(segmentation) -> Segmentation:
    objects = tuple(
        replace(info, class_name=OF[info.id], attributes=ATTRIBUTES[info.id])
        for info in segmentation.objects
    )
    return replace(segmentation, objects=objects, classes=CLASSES)


@pytest.mark.parametrize(("name", "options"), EXACT)
def test_classes_attributes_and_names_come_back_exactly(classed, tmp_path, name, options):
    need_library_of(name)
    found = import_masks(export_masks(classed, tmp_path / "out", name, **options), classed.video)
    assert found.names == NAMES
    assert found.labels.classes == {obj: one for obj, one in OF.items() if one}
    assert found.labels.attributes == {obj: one for obj, one in ATTRIBUTES.items() if one}
    for obj, attributes in found.labels.attributes.items():
        for key, value in attributes.items():
            assert type(value) is type(ATTRIBUTES[obj][key]), key
    if name not in UNLISTED:
        assert list(found.labels.colors) == [one.name for one in CLASSES]


@pytest.mark.parametrize(("name", "options"), [*EXACT, ("yolo", {})])
def test_names_stand_for_classes_that_there_are_not_and_come_back_as_names(
    segmentation, tmp_path, name, options
):
    need_library_of(name)
    path = export_masks(segmentation, tmp_path / "out", name, **options)
    found = import_masks(path, segmentation.video)
    assert set(found.names.values()) == set(NAMES.values())
    assert found.labels.classes == {} and not found.labels.colors


def test_pycocotools_reads_classes_as_categories_in_their_order(classed, tmp_path):
    from pycocotools.coco import COCO

    path = export_masks(classed, tmp_path / "out.json", "coco")
    with contextlib.redirect_stdout(None):
        coco = COCO(path)
    names = ["person", "spare", 'the "dog"', NAMES[2]]
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == names
    for obj, category in {1: 3, 2: 4, 5: 1}.items():
        found = coco.loadAnns(coco.getAnnIds(catIds=[category]))
        assert {one["track_id"] for one in found} == {obj}
        assert all(one.get("attributes", {}) == ATTRIBUTES[obj] for one in found)


def test_yolo_numbers_classes_in_their_order_and_names_of_objects_after_them(classed, tmp_path):
    path = export_masks(classed, tmp_path / "out", "yolo")
    data = yaml.safe_load((path / "data.yaml").read_text())
    # Trainers begin at a path that is not absolute by the folder they are run in, else at the file.
    assert "path" not in data and data["train"] == "images/train"
    assert data["names"] == {0: "person", 1: "spare", 2: 'the "dog"', 3: NAMES[2]}
    lines = [
        line.split()[0]
        for file in (path / "labels" / "train").glob("*.txt")
        for line in file.read_text().splitlines()
    ]
    assert set(lines) == {"0", "2", "3"}
    found = import_masks(path, classed.video)
    assert found.labels.classes == {1: "person", 3: 'the "dog"'}
    assert list(found.labels.colors) == [one.name for one in CLASSES]
    assert found.names[4] == NAMES[2]


def test_two_objects_of_one_class_are_one_class_of_yolo(classed, tmp_path):
    objects = tuple(replace(info, class_name="spare") for info in classed.objects)
    path = export_masks(replace(classed, objects=objects), tmp_path / "out", "yolo")
    lines = (path / "labels" / "train" / "walk_00000.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "1"]


def test_cvat_has_a_label_for_each_class_with_the_attributes_of_its_objects(classed, tmp_path):
    root = Xml.parse(export_masks(classed, tmp_path / "out", "cvat")).getroot()
    labels = {one.findtext("name"): one for one in root.iterfind("meta/task/labels/label")}
    assert list(labels) == ["person", "spare", 'the "dog"', NAMES[2]]
    assert labels["person"].findtext("color") == "#e69f00"
    kinds = {
        one.findtext("name"): one.findtext("input_type")
        for one in labels['the "dog"'].iterfind("attributes/attribute")
    }
    assert kinds["occluded"] == "checkbox" and kinds["id card"] == "text"
    # CVAT refuses a shape with an attribute that its label does not have.
    for mask in root.iter("mask"):
        known = {one.findtext("name") for one in labels[mask.get("label")].iter("attribute")}
        assert {one.get("name") for one in mask.iterfind("attribute")} <= known


def test_the_table_has_a_column_for_the_class_and_one_for_attributes(classed, tmp_path):
    with export_masks(classed, tmp_path / "out", "csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["object"], row["class"]) for row in rows} == {
        (str(obj), name) for obj, name in OF.items()
    }
    said = {row["object"]: row["attributes"] for row in rows}
    assert json.loads(said["1"]) == ATTRIBUTES[1] and said["5"] == ""


def _coco(*annotations: dict) -> dict:
    square = [2.0, 2.0, 9.0, 2.0, 9.0, 9.0, 2.0, 9.0]
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "frame_id": n} for n in range(3)],
        "categories": [
            {"id": 4, "name": "cat"},
            {"id": 9, "name": "dog\n"},
            {"id": 5, "name": " "},
        ],
        "annotations": [
            {"id": n, "segmentation": [square], **said} for n, said in enumerate(annotations)
        ],
    }


def test_categories_of_other_programs_become_classes(segmentation, tmp_path):
    document = _coco(
        {"image_id": 0, "category_id": 9, "attributes": {"track_id": 3, "occluded": False}},
        {"image_id": 1, "category_id": 9, "attributes": {"track_id": 3, "occluded": True}},
        {"image_id": 0, "category_id": 4, "track_id": 1, "attributes": {"age": 2, "tags": [1]}},
        {"image_id": 1, "category_id": 5, "track_id": 2},
    )
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(document))
    with pytest.warns(UserWarning) as said:
        found = import_masks(path, segmentation.video)
    assert found.labels.classes == {3: "dog", 1: "cat"}
    assert list(found.labels.colors) == ["cat", "dog"]
    assert found.labels.attributes == {1: {"age": 2}}
    notes = " ".join(str(one.message) for one in said)
    assert "attributes that change over time, left out: occluded" in notes
    assert "attributes that are lists or objects, left out: tags" in notes


def test_labels_of_cvat_itself_become_classes_with_their_colours(segmentation, tmp_path):
    def mask(frame: int, attributes: str) -> str:
        return (
            f'<image id="{frame}" name="frame_{frame:06}" width="{WIDTH}" height="{HEIGHT}">'
            f'<polygon label="car" points="2,2;9,2;9,9;2,9" group_id="4">{attributes}</polygon>'
            "</image>"
        )

    path = tmp_path / "annotations.xml"
    path.write_text(
        "<annotations><meta><task><labels>"
        "<label><name>car</name><color>#FF00aa</color><attributes>"
        "<attribute><name>parked</name><input_type>checkbox</input_type></attribute>"
        "<attribute><name>seats</name><input_type>number</input_type></attribute>"
        "</attributes></label>"
        "<label><name>bus</name><color>red</color><attributes/></label>"
        "</labels></task></meta>"
        + mask(0, '<attribute name="parked">true</attribute><attribute name="seats">5</attribute>')
        + mask(1, '<attribute name="parked">true</attribute><attribute name="seats">4</attribute>')
        + "</annotations>"
    )
    with pytest.warns(UserWarning, match="seats"):
        found = import_masks(path, segmentation.video)
    assert found.labels.classes == {4: "car"} and found.names == {4: "car"}
    assert found.labels.colors == {"car": "#ff00aa", "bus": None}
    assert found.labels.attributes == {4: {"parked": True}}


def test_a_session_takes_over_all_classes_of_a_file_in_their_order(classed, tmp_path):
    found = import_masks(export_masks(classed, tmp_path / "out", "cvat"), classed.video)
    session = Session(len(classed), HEIGHT, WIDTH)
    session.import_masks(found.masks, found.names, labels=found.labels)
    assert session.classes == CLASSES
    assert {info.id: info.class_name for info in session.objects} == OF
    assert {info.id: info.attributes for info in session.objects} == ATTRIBUTES
    session.undo()
    assert session.classes == () and session.objects == []


def test_where_there_are_classes_a_file_adds_those_that_its_objects_have(classed, tmp_path):
    found = import_masks(export_masks(classed, tmp_path / "out", "coco"), classed.video)
    session = Session(len(classed), HEIGHT, WIDTH)
    session.set_classes(["horse", "person"])
    session.import_masks(found.masks, found.names, labels=found.labels)
    assert session.class_names == ["horse", "person", 'the "dog"']


def test_masks_are_exported_in_the_colours_of_their_classes_where_these_are_shown(classed):
    made = Segmentation.make(
        classed.video, classed.objects, classed.results, classes=CLASSES, color_by="class"
    )
    colors = {info.id: info.color for info in made.objects}
    assert colors == {1: "#56b4e9", 2: "#9a9a9a", 5: "#e69f00"}


def test_arrays_that_are_called_as_ours_are_masks_all_the_same(segmentation, tmp_path: Path):
    mask_thw = np.zeros((len(segmentation), HEIGHT, WIDTH), bool)
    mask_thw[0, 3:9, 3:9] = True
    np.savez(tmp_path / "theirs.npz", classes=mask_thw)
    found = import_masks(tmp_path / "theirs.npz", segmentation.video)
    assert found.names == {1: "classes"} and found.masks[1, 0].area == 36
