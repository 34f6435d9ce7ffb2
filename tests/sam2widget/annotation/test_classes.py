"""Objects have a class of a list, and attributes; both are edits that undo takes back."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget import SessionError
from sam2widget.annotation.classes import as_attributes, as_classes, clean_name
from sam2widget.annotation.records import ObjectClass
from sam2widget.annotation.session import Session
from tests.support.fakes import DiscSegmenter


@pytest.fixture
def session() -> Session:
    made = Session(3, 12, 40, DiscSegmenter(12, 40))
    made.set_classes(["person", "dog"])
    made.add_object()
    made.add_object()
    return made


def classes_of(session: Session) -> list[str]:
    return [info.class_name for info in session.objects]


def test_classes_are_given_as_names_or_with_colours():
    plain = as_classes(["person", " dog "])
    assert [one.name for one in plain] == ["person", "dog"]
    assert len({one.color for one in plain}) == 2
    assert as_classes({"person": "#E69F00", "dog": None}) == (
        ObjectClass("person", "#e69f00"),
        plain[1],
    )
    assert as_classes(iter([])) == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("person", "a list of names"),
        (3, "a list of names"),
        (["a", "a "], "two classes 'a'"),
        ([""], "1 to 200 characters"),
        ([1], "1 to 200 characters"),
        (["a\nb"], "in one line"),
        (["\ud800"], "in one line"),
        (["x" * 201], "1 to 200"),
        ({"a": "red"}, "'#2f7ff5'"),
        ({"a": 3}, "'#2f7ff5'"),
    ],
)
def test_what_are_no_classes_is_refused_with_a_sentence(given, sentence):
    with pytest.raises(SessionError, match=sentence):
        as_classes(given)


def test_a_class_is_given_taken_away_and_undone(session):
    session.set_class([1, 2], "dog")
    assert classes_of(session) == ["dog", "dog"]
    session.set_class(1, None)
    assert classes_of(session) == ["", "dog"]
    assert session.undo() == "set class"
    assert classes_of(session) == ["dog", "dog"]
    session.undo()
    assert classes_of(session) == ["", ""]
    session.redo()
    assert classes_of(session) == ["dog", "dog"]


def test_an_unknown_class_is_refused_with_the_list_and_the_nearest(session):
    with pytest.raises(
        SessionError, match=r"no class 'dgo'. Did you mean 'dog'\? Classes: person, dog"
    ):
        session.set_class(1, "dgo")
    with pytest.raises(SessionError, match=r"no class 'cat'\. Classes: person, dog\. Add it with"):
        session.set_class([1, 2], "cat")
    assert classes_of(session) == ["", ""]


def test_a_class_is_added_on_purpose_and_undo_takes_both_back(session):
    session.set_class(1, "cat", add=True)
    assert session.class_names == ["person", "dog", "cat"] and classes_of(session) == ["cat", ""]
    session.undo()
    assert session.class_names == ["person", "dog"] and classes_of(session) == ["", ""]


def test_the_list_is_changed_but_never_below_an_object(session):
    session.set_class(2, "dog")
    colors = {one.name: one.color for one in session.classes}
    session.set_classes(["cat", "dog"])
    assert session.class_names == ["cat", "dog"]
    assert session.classes[1].color == colors["dog"], "a class keeps its colour"
    with pytest.raises(SessionError, match=r"Object 2 \(object 2\) is of the class 'dog'"):
        session.set_classes(["cat"])
    session.undo()
    assert session.class_names == ["person", "dog"]


def test_a_class_gets_another_colour(session):
    session.set_class_color("dog", "#00FF00")
    assert session.classes[1] == ObjectClass("dog", "#00ff00")
    with pytest.raises(SessionError, match="no class 'cat'"):
        session.set_class_color("cat", "#00ff00")
    with pytest.raises(SessionError, match="There is a class 'dog' already"):
        session.add_class("dog")


def test_new_objects_get_the_current_class_however_they_come_to_be(session):
    session.set_current_class("dog")
    session.add_point(0, 8, 6, obj=3)
    session.paint(0, [30, 6], 2, obj=4)
    session.add_object()
    assert classes_of(session) == ["", "", "dog", "dog", "dog"]
    session.set_current_class("gone")  # as where undo took it off the list
    session.add_object()
    assert classes_of(session)[-1] == ""


def test_attributes_are_merged_removed_and_undone(session):
    session.set_attributes(1, {"occluded": True, "id card": np.int64(7)})
    session.set_attributes(1, {"occluded": None, "length": 2.5})
    assert session.objects[0].attributes == {"id card": 7, "length": 2.5}
    assert type(session.objects[0].attributes["id card"]) is int
    session.undo()
    assert session.objects[0].attributes == {"occluded": True, "id card": 7}
    assert session.objects[1].attributes == {}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [1], {"a": 1}, b"x", "a\x00b", "\ud800", object()]
)
def test_what_json_or_a_file_cannot_hold_is_no_attribute(session, value):
    with pytest.raises(SessionError, match="The attribute 'a' is"):
        session.set_attributes(1, {"a": value})
    assert session.last_edit is not None and session.last_edit.label == "add object"


def test_texts_of_several_lines_are_attributes_but_no_names():
    assert as_attributes({"note": "a\n\tb"}) == {"note": "a\n\tb"}
    with pytest.raises(SessionError, match="An attribute's name"):
        as_attributes({"a\nb": 1})


def test_names_from_files_are_made_fit():
    assert clean_name(" big\n dog\x00 ") == "big dog"
    assert clean_name("\n") == ""
    assert len(clean_name("x" * 300)) == 200
    assert clean_name("a\ud800") == "a?"


def test_listeners_hear_of_classes_as_of_objects(session):
    heard = []
    session.listen(heard.append)
    session.add_class("cat")
    assert [one.objects for one in heard] == [True]
