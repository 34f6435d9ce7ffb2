"""Review, painting, candidates, hover, proposals, thumbnails, events and pictures, from code and
from the browser."""

from __future__ import annotations

import asyncio
import io
import threading
import time

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from sam2widget import Sam2Widget, SessionError
from sam2widget.core.masks import Mask
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, EVERYTHING, FRAMES, HEIGHT, WIDTH, click
from tests.support.fakes import ChoosySegmenter, DiscSegmenter
from tests.support.waiting import LIMIT_S, wait_until


@pytest.fixture
def segmenter():
    return ChoosySegmenter(HEIGHT, WIDTH)


def span(obj=1, start=0, stop=FRAMES):
    return {"object": obj, "start": start, "stop": stop}


def buffers_of(browser, kind):
    return [buffers for content, buffers in browser.received if content["type"] == kind]


# Prompts


def test_a_stroke_of_the_browser_makes_an_object(widget, browser):
    stroke = {"shape": "brush", "erase": False, "radius": 3.0, "path": [10.0, 6.0, 20.0, 6.0]}
    assert browser.ask("paint", frame=0, object=None, **stroke)["type"] == "done"
    assert browser.of("masks")[-1]["masks"][0]["source"] == "edit" and widget.selected == 1
    assert browser.of("prompts")[-1]["mask"] and widget.history == {"undo": "paint", "redo": ""}
    browser.ask("undo")
    assert widget.history == {"undo": "", "redo": "paint"} and widget.objects == []
    refused = browser.ask("paint", frame=0, object=None, **{**stroke, "erase": True})
    assert "no mask on frame 0 to erase" in refused["text"] and widget.objects == []


def test_the_masks_of_an_ambiguous_click_are_told_and_chosen_from(widget, browser):
    browser.ask("click", **click())
    (told,) = browser.of("candidates")
    assert told["ious"] == [0.9, 0.6, 0.5] and told["chosen"] == 0 and told["object"] == 1
    (buffers,) = buffers_of(browser, "candidates")
    assert Mask.from_bytes(buffers[1], HEIGHT, WIDTH).to_array()[:, : WIDTH // 2].all()
    browser.ask("choose", frame=0, object=1, index=2)
    assert browser.of("candidates")[-1]["chosen"] == 2
    assert widget.masks[1][0][:, WIDTH // 2 :].all()
    other = Browser(widget, view="other")
    other.say("hello")
    idle(widget)
    assert other.of("candidates")[-1]["chosen"] == 2
    browser.ask("click", **click(x=12))
    assert browser.of("candidates")[-1]["ious"] == []
    assert "no candidate 1" in browser.ask("choose", frame=0, object=1, index=1)["text"]


def test_points_are_moved_and_objects_locked(widget, browser):
    browser.ask("click", **click())
    browser.ask("move_point", frame=0, object=1, index=0, x=30.0, y=6.0)
    assert browser.of("prompts")[-1]["points"] == [(30.0, 6.0, 1)]
    browser.ask("update_object", object=1, locked=True)
    assert widget.objects[0]["locked"] is True
    assert "Object 1 is locked" in browser.ask("click", **click(obj=1))["text"]
    assert "nothing to propagate" in browser.ask("propagate", **EVERYTHING)["text"]


def test_hovering_previews_and_changes_nothing(widget, browser, segmenter):
    browser.say("hover", frame=3, object=None, x=12.0, y=6.0)
    idle(widget)
    (preview,) = browser.of("preview")
    assert preview["frame"] == 3 and preview["iou"] == 0.9 and preview["reply_to"]["view"] == "view"
    (buffers,) = buffers_of(browser, "preview")
    assert Mask.from_bytes(buffers[0], HEIGHT, WIDTH).area > 0
    assert widget.objects == [] and segmenter.conditioning == {}
    browser.say("hover", frame=3, object=None, x=99.0, y=6.0)
    idle(widget)
    assert len(browser.of("preview")) == 1 and not browser.of("error")


def test_a_model_that_cannot_preview_says_so_once():
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH))
    browser = Browser(widget)
    browser.say("hello")
    for _ in range(3):
        browser.say("hover", frame=0, object=None, x=3.0, y=6.0)
        idle(widget)
    assert [c["text"] for c in browser.of("error")] == ["This model cannot preview a click."]
    assert "cannot propose" in browser.ask("propose", frame=0)["text"]
    widget.close()


def test_the_time_of_a_click_is_measured(widget, browser):
    assert widget.status["click_ms"] == 0
    browser.ask("click", **click())
    idle(widget)
    assert widget.status["click_ms"] >= 1


# Review


def test_review_by_the_browser(widget, browser):
    browser.ask("click", **click())
    browser.ask("propagate", **EVERYTHING)
    assert widget.num_unreviewed == FRAMES - 1
    browser.ask("accept", **span(None, 1, 10))
    browser.ask("reject", **span(1, 10, 12))
    timeline = browser.of("timeline")[-1]
    assert timeline["accepted"] == [(1, 10)] and timeline["rejected"] == [(10, 12)]
    assert widget.num_unreviewed == FRAMES - 12
    browser.ask("unreview", **span(1, 5, 12))
    idle(widget)
    assert browser.of("timeline")[-1]["accepted"] == [(1, 5)]
    assert "on 4 frames is accepted" in browser.ask("reset", **span(1))["text"]
    assert browser.ask("reset", **span(1), change_accepted=True)["type"] == "done"
    assert browser.of("timeline")[-1]["prompted"] == [] and not np.asarray(widget.masks[1]).any()
    assert "no mask there to accept" in browser.ask("accept", **span())["text"]


def test_next_unreviewed_goes_there(widget, browser):
    assert "Nothing is left to check" in browser.ask("next_unreviewed")["text"]
    browser.ask("click", **click())
    widget.propagate()
    browser.ask("next_unreviewed")
    assert widget.frame > 0 and widget.selected == 1
    first = widget.frame
    widget.go_to_next_unreviewed()
    assert widget.frame != first
    widget.accept(0, FRAMES)
    with pytest.raises(SessionError, match="Nothing is left to check"):
        widget.go_to_next_unreviewed()


def test_names_of_before_are_still_known_and_say_what_they_are_called_now(widget):
    widget.add_point(0, 10, 6)
    widget.propagate()
    with pytest.warns(DeprecationWarning, match="certainty is now called confidence"):
        np.testing.assert_array_equal(widget.certainty[1], widget.confidence[1])
    with pytest.warns(DeprecationWarning, match="left_to_check is now called num_unreviewed"):
        assert widget.left_to_check == FRAMES - 1
    with pytest.warns(DeprecationWarning, match=r"is now called go_to_next_unreviewed\(\)") as told:
        widget.next_to_check()
    assert widget.frame > 0 and told[0].filename == __file__


def test_only_the_range_of_confidence_that_changed_is_told(widget, browser):
    browser.ask("click", **click())
    browser.ask("propagate", **EVERYTHING)
    told = np.zeros(FRAMES, np.uint8)
    for content, buffers in browser.received:
        if content["type"] == "confidence":
            levels = np.frombuffer(buffers[0], np.uint8)
            told[content["start"] : content["start"] + len(levels)] = levels
    np.testing.assert_allclose((told - 2.0) / 253, widget.confidence[1], atol=0.5 / 253)
    assert (told > 1).all()
    browser.received.clear()
    browser.ask("reject", **span(1, 20, 22))
    (content,), (buffers,) = browser.of("confidence"), buffers_of(browser, "confidence")
    assert content["start"] in (19, 20) and len(buffers[0]) <= 4
    assert widget.confidence[1].shape == (FRAMES,) and np.isnan(widget.confidence[1][20])


# Proposals


def test_everything_on_a_frame_is_proposed_adopted_and_dismissed(widget, browser):
    assert browser.ask("propose", frame=4)["type"] == "done"
    told = browser.of("proposals")[-1]
    assert [one["id"] for one in told["proposals"]] == [1, 2, 3, 4]
    assert len(buffers_of(browser, "proposals")[-1]) == 4
    browser.ask("adopt", frame=4, proposals=[1, 3], merge=False, object=None)
    assert len(widget.objects) == 2 and widget.selected == 2
    browser.ask("dismiss", frame=4, proposals=[2, 4])
    assert browser.of("proposals")[-1]["proposals"] == []
    browser.ask("undo")
    assert len(browser.of("proposals")[-1]["proposals"]) == 2
    browser.say("want", frame=4, pixels=True)
    idle(widget)
    assert len(browser.of("proposals")[-1]["proposals"]) == 2


def test_clicks_get_in_between_the_steps_of_a_search(widget, browser, segmenter):
    at_work, go_on, finish = threading.Event(), threading.Event(), threading.Event()
    propose = segmenter.propose

    def slow(frame):
        at_work.set()
        assert go_on.wait(10)
        yield
        assert finish.wait(10)
        return (yield from propose(frame))

    segmenter.propose = slow
    searching = browser.say("propose", frame=4)
    assert at_work.wait(10)
    clicked = browser.say("click", **click())
    go_on.set()
    browser.answer(clicked)
    assert not any(c["reply_to"]["id"] == searching for c in browser.of("done"))
    finish.set()
    browser.answer(searching)


def test_proposals_in_code(widget):
    found = widget.propose(3)
    assert [one.id for one in found] == [1, 2, 3, 4] and found[0].mask.to_array().any()
    assert widget.adopt(3, found[:2], merge=True) == [1]
    widget.dismiss(3, found[2:])
    assert widget.masks[1][3][: HEIGHT // 2].all()


def test_what_is_an_object_already_is_not_proposed_again(widget):
    widget.adopt(3, widget.propose(3)[0])
    assert len(widget.propose(3)) == 3
    widget.adopt(3, widget.propose(3))
    with pytest.raises(SessionError, match="Nothing that is no object yet was found on frame 3"):
        widget.propose(3)


def test_adopting_says_who_lost_pixels_by_it(widget):
    left, right, *_ = widget.propose(3)
    whole = left.mask.to_array() | right.mask.to_array()
    widget.add_mask(3, whole, obj=7)
    with pytest.warns(UserWarning, match="Object 8 keeps 0 of 120 pixels on frame 3: .*7"):
        widget.adopt(3, [left, right])


# Frames


def test_thumbnails_come_after_frames_and_only_the_latest_list(widget, browser):
    browser.say("thumbnails", frames=list(range(20)))
    browser.say("thumbnails", frames=[3, 9, 999])
    browser.say("want", frame=5, pixels=True)
    idle(widget)
    idle(widget)
    frames = [content["frame"] for content in browser.of("thumbnail")]
    assert frames[-2:] == [3, 9] and len(frames) <= 4
    image = Image.open(io.BytesIO(buffers_of(browser, "thumbnail")[-1][0]))
    assert image.size == (round(54 * WIDTH / HEIGHT), 54)


def test_no_thumbnails_go_out_while_nobody_looks(widget, browser):
    browser.say("visible", visible=False)
    browser.say("thumbnails", frames=[3, 9])
    idle(widget)
    assert not browser.of("thumbnail")
    browser.say("visible", visible=True)
    idle(widget)
    assert [content["frame"] for content in browser.of("thumbnail")] == [3, 9]


def test_frame_and_selected_are_settable_and_checked(widget, browser):
    widget.add_point(0, 10, 6)
    widget.frame, widget.selected = 7, 0
    with pytest.raises(TraitError, match=r"no object 5 to select. Objects: 1\."):
        widget.selected = 5
    widget.set_state({"selected": 5, "auto_propagate": "never", "history": {}})
    assert widget.selected == 0 and widget.auto_propagate == "never"
    assert widget.history["undo"] == "point"


# Propagation


def test_always_tracks_after_the_first_prompt(widget, browser):
    widget.auto_propagate = "always"
    browser.ask("click", **click())
    idle(widget)
    assert np.isfinite(widget.scores[1]).all()
    widget.auto_propagate = True
    assert widget.auto_propagate == "corrections"
    browser.ask("add_object")
    browser.ask("click", **click(obj=2, x=30.0))
    idle(widget)
    assert np.isfinite(widget.scores[2]).sum() == 1
    with pytest.raises(TraitError):
        widget.auto_propagate = "sometimes"


def test_some_objects_are_propagated_alone(widget, browser):
    browser.ask("click", **click())
    browser.ask("add_object")
    browser.ask("click", **click(obj=2, x=30.0))
    browser.ask("propagate", start=0, stop=5, direction="both", objects=[2])
    assert np.isfinite(widget.scores[1]).sum() == 1 and np.isfinite(widget.scores[2]).sum() == 5


def test_propagation_can_be_awaited_and_cancelled(widget):
    widget.add_point(0, 10, 6)

    async def work():
        with pytest.raises(SessionError, match="no object 9"):
            await widget.propagate_async(objects=[9])
        await widget.propagate_async(stop=9)
        task = asyncio.create_task(widget.propagate_async())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert np.isfinite(widget.scores[1][:9]).all()
    idle(widget)
    assert widget.status["state"] == "ready"


# Events


def test_events_come_in_a_thread_that_may_call_the_widget(widget):
    prompts, masks, frames = [], [], []
    came = threading.Event()

    def on_prompt(event):
        prompts.append(event)
        if event.object == 1:
            widget.add_box(event.frame, 1, 1, 8, 8, obj=2)
            widget.propagate(stop=4)
            came.set()

    ends = [widget.on_prompt(on_prompt), widget.on_mask(masks.append)]
    widget.on_frame(frames.append)
    widget.add_point(0, 10, 6)
    assert came.wait(20)
    widget.frame = 3
    wait_until(lambda: frames)
    assert [(e.object, e.frame, len(e.prompts.points)) for e in prompts] == [(1, 0, 1), (2, 0, 0)]
    assert {(e.object, e.frame) for e in masks} == {(o, t) for o in (1, 2) for t in range(4)}
    assert masks[0].result.mask.area > 0 and [e.frame for e in frames] == [3]
    for end in ends:
        end()
    widget.remove_object(2)
    widget.frame = 4
    wait_until(lambda: len(frames) == 2)
    assert len(prompts) == 2


def wait_until_told(widget):
    """Wait until functions have been called with all that has happened so far."""
    told = threading.Event()
    end = widget.on_frame(lambda _: told.set())
    widget.frame += 1
    assert told.wait(LIMIT_S)
    end()


def test_a_function_that_fails_on_each_frame_is_logged_once(widget, caplog):
    failed = []

    def fails(event):
        failed.append(event)
        raise KeyError("oops")

    widget.on_mask(fails)
    for frame in range(3):
        widget.add_point(frame, 10, 6)
    wait_until_told(widget)
    assert len(failed) == 3
    assert len([one for one in caplog.records if one.name == "sam2widget.bridge.callbacks"]) == 1


def test_a_function_that_fails_is_shown_and_ends_nothing(widget, browser):
    seen = []

    def fails(event):
        raise KeyError("oops")

    widget.on_mask(fails)
    widget.on_mask(seen.append)
    widget.add_point(0, 10, 6)
    wait_until_told(widget)
    assert "each MaskEvent failed: KeyError: 'oops'" in browser.of("error")[-1]["text"]
    assert len(seen) == 1
    with pytest.raises(TypeError, match="A function is needed"):
        widget.on_mask(7)


# Pictures


def test_pictures_of_several_sizes():
    pictures = [CLIP[0], Image.fromarray(np.ascontiguousarray(CLIP[1][:8, :20]))]

    class AnySize(DiscSegmenter):
        def prompt(self, frame, obj, prompts):
            self.height, self.width = [(HEIGHT, WIDTH), (8, 20)][frame]
            return super().prompt(frame, obj, prompts)

    widget = Sam2Widget(pictures, AnySize(HEIGHT, WIDTH), kind="images")
    assert widget.video["kind"] == "images" and widget.video["sizes"] == [[WIDTH, HEIGHT], [20, 8]]
    widget.add_point(1, 10, 4)
    assert widget.masks[1][1].shape == (8, 20) and widget.masks[1][0].shape == (HEIGHT, WIDTH)
    with pytest.raises(ValueError, match="do not fit into one array"):
        np.asarray(widget.masks[1])
    browser = Browser(widget)
    browser.say("hello")
    assert "each on its own" in browser.ask("propagate", **EVERYTHING)["text"]
    widget.auto_propagate = "always"
    assert browser.ask("click", **click(obj=1))["type"] == "done"
    widget.close()


def test_one_picture_is_a_picture():
    widget = Sam2Widget(CLIP[0], DiscSegmenter(HEIGHT, WIDTH))
    assert widget.video["kind"] == "images" and widget.video["sizes"] == [[WIDTH, HEIGHT]]
    assert np.asarray(widget.masks.get(1, np.zeros((1, HEIGHT, WIDTH)))).shape[0] == 1
    widget.close()


# The panel


@pytest.fixture
def sent(monkeypatch):
    """What widgets have sent for a page to draw: the widget, and the commands in bytes."""
    found, send = [], ipywidgets.Widget.send

    def note(widget, content, buffers=None):
        if buffers:
            found.append((widget, b"".join(map(bytes, buffers))))
        send(widget, content, buffers)

    monkeypatch.setattr(ipywidgets.Widget, "send", note)
    return found


@pytest.fixture
def drawn(widget, sent):
    """The panel, and what gives the commands of its next drawing."""
    panel = widget.panel

    def wait():
        panel.wait_until_idle()
        sent.clear()
        panel.redraw()
        panel.wait_until_idle()
        return sent[-1][1]

    return panel, wait


def press(panel, x, y):
    """Press the mouse on the panel, as its page tells it."""
    content = {"event": "mouse_down", "x": x, "y": y}
    data = {"method": "custom", "content": content}
    panel.comm.handle_msg({"content": {"data": data}, "buffers": []})


def test_the_panel_draws_what_there_is(widget, drawn):
    panel, wait = drawn
    empty = len(wait())
    widget.add_point(0, 10, 6)
    widget.propagate()
    assert len(wait()) > empty
    assert widget.panel is panel and panel.frame_at(panel.x_of(7)) == 7
    press(panel, panel.x_of(12), 50.0)
    assert widget.frame == 12


def test_a_click_on_a_swatch_of_the_panel_selects_its_object(widget, drawn):
    panel, wait = drawn
    widget.add_point(0, 10, 6)
    widget.add_point(0, 30, 6, obj=2)
    wait()
    first, second = (
        next(x for x in range(panel.width) if panel.object_at(x, 12.0) == obj) for obj in (1, 2)
    )
    press(panel, first, 12.0)
    assert widget.selected == 1
    press(panel, second, 12.0)
    assert widget.selected == 2 and widget.frame == 0
    press(panel, 2.0, 12.0)  # beside them
    assert widget.selected == 2 and panel.object_at(2.0, 12.0) is None
    assert panel.object_at(first, 50.0) is None
    widget.clear()
    press(panel, first, 12.0)  # drawn, but gone
    assert widget.selected == 0


def test_drawing_of_ones_own_stays_apart(drawn, sent):
    panel, wait = drawn
    wait()
    assert len({id(sender) for sender, _ in sent}) == 1, "both layers of the panel by one"
    own, _ = sent[-1]
    panel.canvas.fill_rect(1, 2, 3, 4)
    assert sent[-1][0] is not own
    commands = wait()
    assert sent[-1] == (own, commands)


def test_the_panel_draws_at_most_five_times_a_second(widget, drawn, sent):
    panel, wait = drawn
    wait()
    sent.clear()
    began = time.monotonic()
    for frame in range(FRAMES):
        widget.frame = frame
    panel.wait_until_idle()
    assert 1 <= len(sent) <= 2 + (time.monotonic() - began) / 0.2
