"""Classes and attributes in session files, and files of before there were any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2widget import SessionError, read_session
from sam2widget.annotation.classes import as_classes
from sam2widget.annotation.records import ObjectInfo
from sam2widget.storage.session_file import write_session

from .test_session_file import DAMAGED, comparable, edit_document, saved_session

CLASSES = as_classes({"Persön": "#e69f00", "dog": None})


def classed(**changes: object):
    first, second = saved_session().objects
    first = replace(
        first, class_name="dog", attributes={"occluded": True, "id card": 7, "x": 1.0, "n": "7"}
    )
    return saved_session(
        objects=(first, second),
        classes=CLASSES,
        current_class="Persön",
        color_by="class",
        **changes,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_session(tmp_path / "dog.sam2.zip", classed())
    return tmp_path / "dog.sam2.zip"


def test_they_come_back_with_the_types_of_their_values(path):
    found = read_session(path)
    assert comparable(found) == classed()
    kinds = [type(value) for value in found.objects[0].attributes.values()]
    assert kinds == [bool, int, float, str]


def test_a_file_of_before_there_were_classes_has_none(path):
    def strip(document):
        del document["classes"], document["view"]["current_class"], document["view"]["color_by"]
        for one in document["objects"]:
            del one["class_name"], one["attributes"]

    edit_document(path, strip)
    assert comparable(read_session(path)) == saved_session()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d["objects"][0].update(class_name="cat"), "'cat', but there is no such class"),
        (lambda d: d["classes"].append(d["classes"][0]), "names a class twice"),
        (lambda d: d["classes"][0].update(name=" "), r"classes\[0\].name"),
        (lambda d: d["classes"][0].update(color="red"), r"classes\[0\].color"),
        (lambda d: d["objects"][1].update(attributes={"a": [1]}), r"objects\[1\].attributes"),
        (lambda d: d["objects"][1].update(attributes={"a": None}), r"objects\[1\].attributes"),
        (lambda d: d["objects"][1].update(attributes=[]), r"objects\[1\].attributes"),
        (lambda d: d["view"].update(color_by="size"), "'class' or 'object'"),
    ],
)
def test_a_damaged_one_is_refused_with_its_place(path, change, sentence):
    edit_document(path, change)
    with pytest.raises(SessionError, match=sentence) as refused:
        read_session(path)
    assert DAMAGED in str(refused.value)


def test_a_current_class_that_there_is_not_is_none(path):
    edit_document(path, lambda document: document["view"].update(current_class="cat"))
    assert read_session(path).current_class == ""


names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text == text.strip() != ""
)
values = (
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


@settings(max_examples=40, deadline=None)
@given(
    classes=st.lists(names, unique=True, max_size=4),
    attributes=st.dictionaries(names, values, max_size=4),
    data=st.data(),
)
def test_any_classes_and_attributes_come_back(classes, attributes, data, tmp_path_factory):
    objects = tuple(
        replace(
            ObjectInfo.numbered(obj),
            class_name=data.draw(st.sampled_from(["", *classes])),
            attributes=attributes,
        )
        for obj in (1, 7)
    )
    saved = saved_session(objects=objects, classes=as_classes(classes))
    path = tmp_path_factory.mktemp("any") / "any.sam2.zip"
    write_session(path, saved)
    assert comparable(read_session(path)) == saved
