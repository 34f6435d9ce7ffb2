"""Requests of the browser, carried out without a widget."""

from __future__ import annotations

import pytest

from sam2widget.bridge import flow_control
from tests.support.fakes import Gate
from tests.support.waiting import LIMIT_S
from tests.support.wire import Wire


@pytest.fixture
def wire(closing):
    wire = closing(Wire())
    wire.say("hello")
    wire.idle()
    return wire


def click(frame=0, obj=None, x=10.0):
    return {"frame": frame, "object": obj, "x": x, "y": 6.0, "label": 1}


def test_hello_is_welcomed_with_the_frame_that_is_shown(wire):
    assert wire.hellos == [1] and wire.sent[0].type == "welcome"
    assert [one.frame for one in wire.of("frame")] == [0]


def test_a_click_is_done_selects_and_is_shown_on_its_frame(wire):
    assert wire.ask("click", **click(frame=4)).type == "done"
    assert wire.of("masks")[-1].frame == 4 and wire.traits.selected == 1
    assert "no object 9" in wire.ask("click", **click(obj=9)).text


def test_what_is_no_message_is_answered_with_a_sentence(wire):
    wire.dispatcher.receive({"type": "dance"})
    assert "dance" in wire.of("error")[-1].text


def test_another_epochs_requests_are_dropped_but_what_it_drew_counts(wire):
    wire.acks = False
    wire.sent.clear()
    most = flow_control.MAX_UNACKED_FRAMES
    for frame in range(most + 1):
        wire.say("want", frame=frame % wire.session.num_frames, pixels=True)
        wire.idle()
    seqs = [one.seq for one in wire.of("frame")]
    assert len(seqs) == most, "no more are on the way"
    wire.say("click", epoch=7, **click())
    wire.say("ack", epoch=7, seqs=[seqs[0]])
    wire.idle()
    assert len(wire.of("frame")) == most + 1 and wire.session.objects == []


def test_every_message_of_a_view_is_a_sign_of_it_and_a_ping_is_nothing_else(wire):
    heard = len(wire.heard)
    wire.sent.clear()
    wire.say("ping")
    wire.say("ping", epoch=7)
    wire.idle()
    assert len(wire.heard) == heard + 2 and wire.sent == []


def test_a_view_is_told_of_prompts_that_there_are_and_of_all_masks(wire):
    wire.ask("click", **click(frame=4))
    wire.sent.clear()
    wire.say("want", frame=5, pixels=True, moving=True)
    wire.idle()
    assert [one.type for one in wire.sent] == ["masks", "frame"]
    assert wire.of("frame")[0].reduced and wire.of("frame")[0].reply_to.view == "view"
    wire.sent.clear()
    wire.say("want", frame=4, pixels=False, moving=True)
    wire.idle()
    assert [one.frame for one in wire.of("prompts")] == [4] and wire.of("frame") == []
    wire.ask("clear_prompts", frame=4, object=1)
    wire.sent.clear()
    wire.say("want", frame=5, pixels=True, moving=False)
    wire.idle()
    assert wire.of("prompts") == [], "there never were any"
    wire.say("want", frame=4, pixels=False, moving=False)
    wire.idle()
    assert [(one.frame, one.points) for one in wire.of("prompts")] == [(4, [])]
    assert not wire.of("frame")[0].reduced


def test_contrast_is_changed_answered_and_told_of(wire):
    shown = {"gamma": 1.0, "color": "#ff0000", "visible": True}
    channels = [{"low": 0.0, "high": 99.0, **shown} for _ in range(3)]
    assert wire.ask("set_contrast", channels=channels).type == "done"
    assert wire.contrasts == [1] and len(wire.of("contrast")) == 1
    bad = [{"low": 9.0, "high": 9.0, **shown}] * 3
    assert "low < high" in wire.ask("set_contrast", channels=bad).text
    assert wire.contrasts == [1]


def test_a_view_out_of_sight_gets_nothing_and_all_when_it_is_back(wire):
    wire.say("visible", visible=False)
    wire.sent.clear()
    number = wire.say("click", **click())
    wire.idle()
    assert wire.sent == []
    wire.say("visible", visible=True)
    wire.idle()
    assert [one.reply_to.id for one in wire.of("done")] == [number]
    assert wire.of("timeline")[-1].prompted == [0] and wire.of("frame") and wire.of("masks")


def test_a_closed_page_stops_receiving_and_a_sleeping_one_is_told_all_when_it_wakes(
    wire, monkeypatch
):
    wire.acks = False
    wire.ask("click", **click())
    wire.sent.clear()
    monkeypatch.setattr(flow_control, "GONE_AFTER_S", 0.0)
    wire.controller.edit(lambda: wire.session.add_point(5, 10, 6, 1, 1))
    assert wire.sent == [] and not wire.publisher.outbox.is_visible("view")
    monkeypatch.setattr(flow_control, "GONE_AFTER_S", 60.0)
    wire.say("ack", seqs=[1])
    wire.idle()
    assert wire.of("timeline")[-1].prompted == [0, 5]
    assert wire.of("masks") and wire.of("frame")
    assert wire.ask("undo").type == "done"


def test_results_are_served_also_to_a_view_out_of_sight(wire):
    assert wire.of("saved")[-1].state == "off"
    wire.say("visible", visible=False)
    number = wire.say("write_script")
    with wire.arrived:
        assert wire.arrived.wait_for(lambda: wire.of("script"), LIMIT_S)
    (script,) = wire.of("script")
    assert (script.text, script.reply_to.id) == ("the script", number)


def test_stop_and_hover_reach_the_controller(wire):
    wire.ask("click", **click())
    wire.say("hover", frame=2, object=None, x=12.0, y=6.0)
    wire.idle()
    assert wire.of("preview")[-1].frame == 2
    number = wire.say("propagate", start=None, stop=None, direction="both", objects=None)
    stopped = wire.ask("stop")
    wire.idle()
    assert stopped.type == "done"
    assert [one for one in wire.of("done") if one.reply_to.id == number]
    assert not wire.of("progress")[-1].running


def test_masks_and_areas_of_what_is_looked_at_in_small_are_sent(wire):
    wire.ask("click", **click(frame=5))
    wire.sent.clear()
    wire.say("want_masks", frame=5)
    wire.say("want_masks", frame=9999)  # out of date: it is beyond the end
    wire.say("want_areas", object=1)
    wire.say("want_areas", object=9)
    wire.idle()
    assert [(one.frame, len(one.masks)) for one in wire.of("masks")] == [(5, 1)]
    assert [one.object for one in wire.of("areas")] == [1]
    assert not wire.of("error")


def test_of_several_hovers_the_latest_is_answered(wire):
    gate = Gate()
    wire.controller.submit(gate.pass_through)
    gate.wait_until_reached()
    numbers = [wire.say("hover", frame=0, object=None, x=float(x), y=6.0) for x in range(5)]
    gate.open()
    wire.idle()
    assert [one.reply_to.id for one in wire.of("preview")] == numbers[-1:]
