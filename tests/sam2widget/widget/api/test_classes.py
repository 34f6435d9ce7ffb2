"""Classes and attributes as code and the browser set them."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from traitlets import TraitError

from sam2widget import Sam2Widget, SessionError, read_session
from sam2widget.export import export_masks, import_masks
from tests.support.fakes import ChoosySegmenter, DiscSegmenter

VIDEO = np.zeros((4, 12, 40, 3), np.uint8)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(video=VIDEO, autosave=False, **options):
        made.append(Sam2Widget(video, DiscSegmenter(12, 40), autosave=autosave, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def widget(make):
    w = make(classes={"person": "#e69f00", "dog": None})
    w.add_point(0, 8, 6, obj=1)
    w.add_point(0, 30, 6, obj=2)
    return w


def test_objects_get_classes_and_attributes_which_undo_takes_back(widget):
    assert list(widget.classes) == ["person", "dog"] and widget.classes["person"] == "#e69f00"
    widget.set_class([1, 2], "dog")
    widget.set_attributes(2, {"id card": 7}, occluded=True)
    second = widget.objects[1]
    assert second.class_name == second["class_name"] == "dog"
    assert second.attributes == {"id card": 7, "occluded": True}
    assert widget.history["undo"] == "set attributes"
    widget.undo()
    assert widget.objects[1].attributes == {}
    widget.undo()
    assert [one.class_name for one in widget.objects] == ["", ""]


def test_the_browser_is_told_in_plain_json(widget):
    widget.set_class(1, "dog")
    widget.set_attributes(1, occluded=True)
    state = json.loads(json.dumps(widget.get_state(["objects", "class_list"])))
    assert state["objects"][0]["attributes"] == {"occluded": True}
    assert [one["name"] for one in state["class_list"]] == ["person", "dog"]


def test_a_record_says_how_its_class_is_set(widget):
    with pytest.raises(AttributeError, match=r"w\.set_class\(1, 'dog'\)"):
        widget.objects[0].class_name = "dog"
    with pytest.raises(AttributeError, match=r"w\.set_attributes\(1, \{'a': 1\}\)"):
        widget.objects[0].attributes = {"a": 1}


def test_an_unknown_class_is_refused_and_added_on_purpose(widget):
    with pytest.raises(SessionError, match=r"Classes: person, dog\. Add it"):
        widget.set_class(1, "cat")
    widget.set_class(1, "cat", add=True)
    assert list(widget.classes) == ["person", "dog", "cat"]
    widget.classes = [*widget.classes, "cow"]
    assert list(widget.classes)[-1] == "cow" and widget.classes["person"] == "#e69f00"
    with pytest.raises(SessionError, match="is of the class 'cat'"):
        widget.classes = ["person"]


def test_what_are_no_classes_is_refused_before_a_widget_is_made(make):
    with pytest.raises(SessionError, match="a list of names"):
        make(classes="person")


def test_a_misspelt_name_is_not_taken_for_classes(widget):
    with pytest.warns(UserWarning, match="classes"):
        widget.clases = ["a"]


def test_new_objects_get_the_current_class_and_a_wrong_one_is_refused(widget):
    widget.current_class = "dog"
    widget.add_point(0, 20, 6, obj=3)
    assert widget.objects[2].class_name == "dog"
    with pytest.raises(TraitError, match="no class 'cat'"):
        widget.current_class = "cat"
    widget.remove_object(3)
    widget.classes = ["person"]
    assert widget.current_class == ""


def test_options_of_the_view_are_taken_at_the_beginning(make):
    widget = make(classes=["a"], color_by="class", current_class="a")
    widget.add_point(0, 8, 6)
    assert widget.objects[0].class_name == "a"
    assert widget.segmentation.objects[0].color == widget.classes["a"]


def test_proposals_that_become_objects_get_the_current_class():
    widget = Sam2Widget(VIDEO, ChoosySegmenter(12, 40), classes=["person"], autosave=False)
    try:
        widget.current_class = "person"
        adopted = widget.adopt(1, widget.propose(1))
        assert [one.class_name for one in widget.objects] == ["person"] * len(adopted)
    finally:
        widget.close()


def test_what_is_shown_in_colours_of_classes_is_exported_so(widget):
    widget.set_class(1, "person")
    own = widget.objects[1].color
    assert [one.color for one in widget.segmentation.objects] == [widget.objects[0].color, own]
    widget.color_by = "class"
    assert [one.color for one in widget.segmentation.objects] == ["#e69f00", "#9a9a9a"]
    assert widget.objects[1].color == own


def test_a_session_file_keeps_them_and_a_widget_goes_on(widget, tmp_path):
    widget.set_class(1, "dog")
    widget.set_attributes(1, occluded=True)
    widget.color_by, widget.current_class = "class", "person"
    widget.save(tmp_path / "a.sam2.zip")
    again = Sam2Widget.load(tmp_path / "a.sam2.zip", VIDEO, DiscSegmenter(12, 40))
    try:
        assert again.classes == widget.classes and again.objects == widget.objects
        assert (again.color_by, again.current_class) == ("class", "person")
    finally:
        again.close()


def test_they_are_saved_by_themselves(make, tmp_path):
    path = tmp_path / "auto.sam2.zip"
    widget = make(autosave=path, classes=["a", "b"])
    widget.add_point(0, 8, 6)
    widget.set_class(1, "b")
    widget.color_by = "class"
    widget.close()
    saved = read_session(path)
    assert (saved.objects[0].class_name, saved.color_by) == ("b", "class")


def test_given_classes_go_before_saved_ones_that_no_object_has(widget, make, tmp_path):
    widget.classes = [*widget.classes, "spare"]
    widget.set_class(2, "dog")
    widget.save(tmp_path / "a.sam2.zip")
    with pytest.warns(UserWarning, match="were not given, which stay in the list: dog"):
        again = make(saved=read_session(tmp_path / "a.sam2.zip"), classes=["cat", "person"])
    assert list(again.classes) == ["cat", "person", "dog"]


def test_an_import_adds_the_classes_of_its_objects_and_says_so(widget, make, tmp_path):
    widget.set_class(1, "dog")
    widget.set_attributes(1, occluded=True)
    path = widget.export(tmp_path / "out.json", "coco")
    other = make(classes=["person"])
    with pytest.warns(UserWarning, match="not in the list were added to it: dog"):
        other.import_masks(path)
    assert list(other.classes) == ["person", "dog"]
    assert other.objects[0].class_name == "dog"
    assert other.objects[0].attributes == {"occluded": True}
    other.undo()
    assert list(other.classes) == ["person"] and other.objects == []


def test_masks_to_begin_with_bring_their_classes(widget, make, tmp_path):
    widget.set_class(2, "dog")
    path = widget.export(tmp_path / "out.xml")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = make(masks=path)
    assert other.classes == widget.classes and other.objects[1].class_name == "dog"


def test_a_saved_session_is_exported_with_its_classes(widget, tmp_path):
    widget.set_class(1, "dog")
    widget.save(tmp_path / "a.sam2.zip")
    path = export_masks(tmp_path / "a.sam2.zip", tmp_path / "a.json", "coco", video=VIDEO)
    assert import_masks(path, VIDEO).labels.classes == {1: "dog"}
