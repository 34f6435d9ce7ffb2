"""What is not there, or cannot be, is told in a sentence, and nothing is lost by it."""

from __future__ import annotations

import copy
import json
import math
import pickle

import numpy as np
import pytest
from traitlets import TraitError

from sam2widget import SessionError
from sam2widget.widget.traits.session_traits import INSTEAD, SessionTraits
from tests.support.clips import FRAMES

WRONG = ["a", -1, 99, 10**30, None, math.nan, math.inf, 1.5, True, [1], {}, (), b"x", object(), 2j]
OWN = [
    name for name, trait in vars(SessionTraits).items() if name in SessionTraits.class_trait_names()
]
FINE = {
    "frame": [],
    "selected": [],
    "current_class": [None],
    "color_by": [],
    "auto_propagate": [True],
    "clean_masks": [99, 10**30, 1.5, True],
    "non_overlapping": [True],
}
"""Of the values above those that a trait takes."""


@pytest.fixture
def tracked(widget):
    widget.add_point(0, 10, 6)
    widget.add_point(0, 20, 6, obj=3)
    widget.classes = ["dog", "cat"]
    widget.propagate()
    return widget


def is_sentence(text: str) -> bool:
    return text[0] not in "'\"" and text.endswith((".", "…", "?")) and "\n" not in text


def fails(kinds, action, *parts: str) -> str:
    """What an action says; it raises something of all these kinds."""
    with pytest.raises(kinds[0]) as told:
        action()
    assert all(isinstance(told.value, kind) for kind in kinds)
    said = str(told.value)
    assert is_sentence(said), said
    assert all(part in said for part in parts), said
    return said


# Traits


@pytest.mark.parametrize("name", FINE)
def test_a_trait_refuses_what_it_cannot_be_and_stays(tracked, name):
    for value in WRONG:
        before = getattr(tracked, name)
        if any(value is one for one in FINE[name]):
            setattr(tracked, name, value)
            setattr(tracked, name, before)
            continue
        shown = "" if value.__class__ is object else repr(value)
        fails([TraitError], lambda value=value: setattr(tracked, name, value), shown)
        assert getattr(tracked, name) == before


def test_each_trait_is_tried_above_or_only_says_what_is():
    assert {*FINE, *INSTEAD} == set(OWN)


@pytest.mark.parametrize("name", INSTEAD)
def test_a_trait_that_says_what_is_cannot_be_set(tracked, name):
    before = getattr(tracked, name)
    for value in (*WRONG, before):
        fails(
            [TraitError, AttributeError],
            lambda value=value: setattr(tracked, name, value),
            f"w.{name} cannot be set: {INSTEAD[name]}",
        )
    fails([TraitError], lambda: tracked.set_trait(name, before), f"w.{name} cannot be set")
    assert getattr(tracked, name) == before
    tracked.add_point(1, 10, 6)
    tracked.undo()
    assert tracked.history["redo"] == "point"


@pytest.mark.parametrize(
    "name", ["masks", "scores", "ious", "confidence", "segmentation", "num_unreviewed", "panel"]
)
def test_what_is_made_of_masks_cannot_be_set(tracked, name):
    said = fails([AttributeError], lambda: setattr(tracked, name, {}), f"w.{name} cannot be set")
    assert name != "masks" or "w.add_mask(frame, mask, obj)" in said
    assert list(tracked.masks) == [1, 3]


def test_traits_take_numbers_in_the_forms_that_methods_take(tracked):
    for value in (2, "2", 2.0, np.int64(2), np.array(2)):
        tracked.frame = 0
        tracked.frame = value
        assert tracked.frame == 2 and type(tracked.frame) is int
    tracked.selected = np.int64(3)
    assert tracked.selected == 3
    tracked.non_overlapping = np.bool_(False)
    assert tracked.non_overlapping is False
    for value, word in ((np.bool_(True), "corrections"), (np.bool_(False), "never")):
        tracked.auto_propagate = value
        assert tracked.auto_propagate == word
    tracked.current_class = "cat"
    tracked.current_class = None
    assert tracked.current_class == ""


# By object


@pytest.mark.parametrize("name", ["masks", "scores", "ious", "confidence"])
def test_there_is_nothing_of_an_object_that_there_is_not(tracked, name):
    by_id = getattr(tracked, name)
    for key in WRONG:
        shown = "" if key.__class__ is object else repr(key)
        fails([KeyError, SessionError], lambda key=key: by_id[key], shown, "Objects: 1, 3.")
    assert by_id.get("a") is None and by_id.get(2) is None and "a" not in by_id
    assert by_id["3"] is by_id[3.0] is by_id[np.int64(3)]
    fails([TypeError], lambda: by_id.__setitem__(1, 0), "cannot be written")
    fails([TypeError], lambda: by_id.pop(1), "cannot be written")
    assert list(getattr(tracked, name)) == list(dict(by_id)) == [1, 3]


@pytest.mark.parametrize("name", ["scores", "ious", "confidence"])
def test_numbers_by_object_are_not_written(tracked, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(tracked, name)[1][0] = 99
    mine = getattr(tracked, name)[1].copy()
    mine[0] = 99
    assert getattr(tracked, name)[1][0] != 99
    tracked.add_point(2, 10, 6)
    tracked.propagate()
    assert np.isfinite(getattr(tracked, name)[1]).all()


# Masks


@pytest.mark.parametrize(
    "index", ["a", math.nan, 1.5, {}, object(), FRAMES, -FRAMES - 1, 10**30, [0, FRAMES], [0.5], 2j]
)
def test_a_frame_that_there_is_not_is_told(tracked, index):
    shown = "" if index.__class__ is object else repr(index)
    said = fails([IndexError], lambda: tracked.masks[1][index], shown)
    assert f"frames 0 to {FRAMES - 1}" in said or f"from 0 to {FRAMES - 1}" in said


@pytest.mark.parametrize("index", [(0, 99), (0, "a"), (0, 0, 0, 0), (99, 0), ("a", "b")])
def test_pixels_that_there_are_not_are_told(tracked, index):
    fails([IndexError], lambda: tracked.masks[1][index], "Masks are (T, H, W)", repr(index)[1:-1])


def test_masks_are_read_where_they_are_indexed_and_not_written(tracked):
    masks = tracked.masks[1]
    fails([TypeError], lambda: masks[slice("a", None)], "A frame is a whole number")
    fails([TypeError], lambda: masks.__setitem__(0, masks[0]), "w.add_mask(frame, mask, obj)")
    fails([AttributeError], lambda: masks.sum(), "np.asarray(masks).sum")
    fails([AttributeError], lambda: masks.colour, "np.asarray(masks)")
    assert np.asarray(copy.copy(masks)).any() and not hasattr(masks, "nonsense")


def test_masks_are_copied_deeply_and_pickled_as_arrays(tracked):
    before = {obj: np.asarray(masks) for obj, masks in tracked.masks.items()}
    copies = [copy.deepcopy(tracked.masks), pickle.loads(pickle.dumps(tracked.masks))]
    tracked.clear()
    assert not any(np.asarray(masks).any() for masks in tracked.masks.values())
    for found in copies:
        assert type(found) is dict and list(found) == [1, 3]
        for obj, masks_thw in found.items():
            assert masks_thw.dtype == bool and before[obj].any()
            np.testing.assert_array_equal(masks_thw, before[obj])


def test_a_frame_of_masks_may_be_a_whole_float(tracked):
    for frame in (1.0, np.float32(1)):
        np.testing.assert_array_equal(tracked.masks[1][frame], tracked.masks[1][1])


# Lists and dictionaries


def test_objects_are_listed_by_place_and_not_by_id(tracked):
    objects = tracked.objects
    where = "at the places 0 to 1 are the objects 1, 3"
    for index in (2, 99, -3):
        fails([IndexError], lambda index=index: objects[index], f"at place {index}", where)
    for index in ("a", None, math.nan, 1.5, (0, 1)):
        fails([TypeError], lambda index=index: objects[index], f"got {index!r}", where)
    assert objects[-1].id == 3 and [one.id for one in objects[:1]] == [1]
    assert [one.id for one in sorted(objects, key=lambda one: -one.id)] == [3, 1]


def test_changing_the_list_of_objects_is_refused(tracked):
    objects = tracked.objects
    for change in (
        lambda: objects.append(objects[0]),
        lambda: objects.pop(),
        lambda: objects.__setitem__(0, objects[1]),
        lambda: objects.__delitem__(0),
        lambda: objects.sort(key=id),
        lambda: objects.clear(),
    ):
        fails([TypeError], change, "w.add_object(), w.update_object(id, …)")
    assert [one.id for one in tracked.objects] == [1, 3]
    mine = list(objects)
    mine.pop()
    assert len(mine) == 1


def test_there_are_no_objects_yet_is_told(widget):
    fails([IndexError], lambda: widget.objects[0], "there are no objects yet")


def test_a_record_names_its_fields_and_how_they_are_changed(tracked):
    record = tracked.objects[1]
    fails([KeyError, SessionError], lambda: record["nam"], "Did you mean 'name'?", "locked")
    fails([KeyError], lambda: record[0], "There is no 0 in an object's record")
    fails([AttributeError], lambda: record.colour, "Did you mean 'color'?")
    fails([TypeError], lambda: record.__setitem__("name", "x"), "w.update_object(3, …)")
    fails([TypeError], lambda: record.update(name="x"), "w.update_object(3, …)")
    assert tracked.objects[1].name == "Object 3"


@pytest.mark.parametrize(
    ("name", "near", "key"),
    [("video", "heigth", "height"), ("status", "modle", "model"), ("history", "und", "undo")],
)
def test_dictionaries_name_what_they_have(tracked, name, near, key):
    fields = getattr(tracked, name)
    fails([KeyError, SessionError], lambda: fields[near], f"Did you mean {key!r}?", f"w.{name}")
    for wrong in (0, None, math.nan, [1]):
        fails([KeyError], lambda wrong=wrong: fields[wrong], f"no {wrong!r} in w.{name}. There is")
    fails([TypeError], lambda: fields.__setitem__(key, 1), f"Writing to w.{name} changes nothing")
    fails([TypeError], lambda: fields.pop(key), f"Writing to w.{name} changes nothing")
    assert fields.get(near) is None and key in fields and getattr(tracked, name) == fields


def test_classes_name_what_there_are_and_how_they_are_changed(tracked):
    fails([KeyError, SessionError], lambda: tracked.classes["dgo"], "Did you mean 'dog'?", "cat")
    said = fails([TypeError], lambda: tracked.classes.__setitem__("cow", "#ff0000"), "w.classes =")
    assert "w.set_class(obj, 'cat', add=True)" in said
    tracked.classes = {**tracked.classes, "cow": "#ff0000"}
    assert list(tracked.classes) == ["dog", "cat", "cow"]


def test_values_of_lists_and_records_are_not_written_either(tracked):
    tracked.set_attributes(1, occluded=True)
    record, first = tracked.objects[0], tracked.class_list[0]
    fails([TypeError], lambda: record.attributes.update(occluded=False), "w.set_attributes")
    fails([TypeError], lambda: record["parents"].append(3), "w.set_parents")
    fails([TypeError], lambda: record.dash.append(3), "is a copy")
    fails([TypeError], lambda: tracked.class_list.clear(), "set w.classes")
    fails([TypeError], lambda: first.update(name="cow"), "set w.classes")
    tracked.classes = ["a", "b"]
    assert tracked.class_list[1]["name"] == "b"
    assert tracked.objects[0].attributes == {"occluded": True}


def test_a_place_may_be_a_number_of_numpy(tracked):
    said = fails([IndexError], lambda: tracked.objects[np.int64(5)], "nothing in w.objects")
    assert "at place 5:" in said
    fails([IndexError], lambda: tracked.objects[0].dash[np.int64(5)], "nothing at place 5 of")
    assert tracked.objects[np.int64(1)].id == 3


def test_what_is_read_only_is_copied_and_written_as_plain_values(tracked):
    for one in (
        tracked.video,
        tracked.objects,
        tracked.objects[0],
        tracked.classes,
        tracked.class_list,
        tracked.status,
    ):
        plain = dict(one) if isinstance(one, dict) else list(one)
        assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == plain
        assert json.loads(json.dumps(one)) == json.loads(json.dumps(plain))
    changed = copy.copy(dict(tracked.video))
    changed["fps"] = 1
    assert tracked.video["fps"] != 1
    assert copy.deepcopy(tracked.scores)[3].shape == (FRAMES,)
