"""Accepted masks, and requests of the browser that would change them."""

from __future__ import annotations

import pytest

from tests.sam2widget.bridge.test_dispatcher import click
from tests.support.parts import FRAMES
from tests.support.wire import Wire

__all__ = ["wire"]


@pytest.fixture
def wire():
    """Object 1 accepted on frame 0, object 2 not."""
    wire = Wire()
    wire.say("hello")
    wire.ask("click", **click(obj=None, x=10.0))
    wire.ask("add_object")
    wire.ask("click", **click(obj=2, x=30.0))
    wire.ask("accept", start=0, stop=1, object=1)
    wire.idle()
    yield wire
    wire.close()


def mask(wire, obj=1):
    return wire.session.result(0, obj).mask


CHANGES = {
    "click": click(obj=1, x=20.0),
    "box": {"frame": 0, "object": 1, "x0": 1.0, "y0": 1.0, "x1": 9.0, "y1": 9.0},
    "paint": {
        "frame": 0,
        "object": 1,
        "shape": "brush",
        "erase": False,
        "radius": 3.0,
        "path": [30.0, 6.0],
    },
    "choose": {"frame": 0, "object": 1, "index": 1},
    "move_point": {"frame": 0, "object": 1, "index": 0, "x": 20.0, "y": 6.0},
    "remove_point": {"frame": 0, "object": 1, "index": 0},
    "clear_prompts": {"frame": 0, "object": 1},
    "reset": {"object": None, "start": 0, "stop": FRAMES},
    "remove_object": {"object": 1},
}


@pytest.mark.parametrize("type", CHANGES)
def test_a_request_that_does_not_say_so_changes_nothing(wire, type):
    before, history = mask(wire), wire.session.last_edit
    refused = wire.ask(type, **CHANGES[type])
    assert refused.type == "error"
    assert "Object 1 on frame 0 is accepted, so nothing was changed." in refused.text
    assert mask(wire) is before and wire.session.last_edit is history
    assert wire.session.result(0, 1).state == "accepted"


@pytest.mark.parametrize("type", CHANGES)
def test_on_purpose_it_changes_and_undo_brings_it_back(wire, type):
    before = mask(wire)
    assert wire.ask(type, **CHANGES[type], change_accepted=True).type == "done"
    result = wire.session.result(0, 1)
    assert result is None or result.state != "accepted"
    assert wire.ask("undo").type == "done"
    assert mask(wire) == before and wire.session.result(0, 1).state == "accepted"


def test_what_is_no_longer_accepted_is_told(wire):
    wire.ask("click", **click(obj=1, x=20.0), change_accepted=True)
    wire.idle()
    said = [one["status"]["message"] for one in wire.traits.written if "status" in one]
    assert any("Object 1 on frame 0 is no longer accepted" in one for one in said)


def test_a_prompt_that_names_no_object_means_the_selected_one(wire):
    wire.traits.selected = 1
    assert "is accepted" in wire.ask("click", **click(obj=None, x=20.0)).text
    wire.traits.selected = 2
    assert wire.ask("click", **click(obj=None, x=31.0)).type == "done"


def test_other_objects_and_frames_change_freely_and_take_nothing_from_it(wire):
    before = mask(wire)
    for x in (12.0, 10.0, 8.0):
        assert wire.ask("click", **click(obj=2, x=x)).type == "done"
    assert wire.ask("click", **click(frame=5, obj=1)).type == "done"
    assert wire.ask("reset", object=None, start=1, stop=FRAMES).type == "done"
    assert mask(wire) == before


def test_proposals_are_merged_into_an_accepted_mask_on_purpose_only(wire):
    session = wire.session
    wire.controller.edit(lambda: list(session.propose(0)))
    ids = [one.id for one in session.proposals(0)]
    merge = {"frame": 0, "proposals": ids, "merge": True, "object": 1}
    assert "is accepted" in wire.ask("adopt", **merge).text
    assert wire.ask("adopt", **merge, change_accepted=True).type == "done"


def test_a_locked_object_is_refused_as_locked(wire):
    wire.controller.edit(lambda: wire.session.update_object(1, locked=True))
    assert "locked" in wire.ask("click", **click(obj=1), change_accepted=False).text


def test_code_changes_what_it_says(wire):
    wire.controller.edit(lambda: wire.session.add_point(0, 20.0, 6.0, 1, 1))
    assert wire.session.result(0, 1).state == "fresh"
