"""Traits that follow a session, without the rest of a widget."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from sam2widget.annotation.session import Session
from sam2widget.widget.traits.session_traits import SessionTraits
from tests.support.fakes import DiscSegmenter
from tests.support.parts import FRAMES, HEIGHT, WIDTH


@pytest.fixture
def session():
    return Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH), clean_masks=4)


@pytest.fixture
def refused():
    return []


@pytest.fixture
def traits(session, refused):
    traits = SessionTraits(session, lambda: FRAMES, refused.append, frame=2)
    session.listen(traits.show_change)
    yield traits
    traits.close()


def test_they_begin_as_the_session_is(traits):
    assert (traits.frame, traits.selected, traits.objects) == (2, 0, [])
    assert traits.clean_masks == 4 and traits.non_overlapping is True


def test_objects_and_history_follow_and_what_is_gone_is_not_selected(traits, session):
    for obj in 1, 2:
        session.add_point(0, 10 * obj, 6, obj=obj)
    assert [one.id for one in traits.objects] == [1, 2] and traits.history["undo"] == "point"
    assert traits.selected == 1
    traits.selected = 2
    session.remove_object(2)
    assert traits.selected == 1 and traits.history["undo"] == "remove object"
    session.undo()
    assert [one.id for one in traits.objects] == [1, 2] and traits.selected == 1
    session.set_non_overlapping(False)
    assert traits.non_overlapping is False


def test_what_there_is_not_cannot_be_shown(traits):
    with pytest.raises(TraitError, match=r"no frame 12: the video has frames 0 to 11"):
        traits.frame = FRAMES
    with pytest.raises(TraitError, match=r"no object 3 to select\. Objects: none yet"):
        traits.selected = 3


def test_the_front_end_writes_where_it_is_and_nothing_else(traits, session, refused):
    session.add_point(0, 10, 6)
    traits.set_state({"frame": 7, "selected": 9, "objects": [], "epoch": 4, "history": {}})
    assert traits.frame == 7 and traits.selected == 1 and refused == []
    assert len(traits.objects) == 1 and traits.epoch == 1 and traits.history["undo"] == "point"
    traits.set_state({"frame": 70})
    assert traits.frame == 7 and "no frame 70" in refused[0]
