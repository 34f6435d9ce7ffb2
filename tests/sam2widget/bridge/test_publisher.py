"""What views are told of a session, without a widget, a model's thread or a page."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import Tracked
from sam2widget.annotation.session import Session
from sam2widget.bridge import publisher as publisher_module
from sam2widget.bridge.protocol import ReplyTo
from sam2widget.bridge.publisher import Publisher
from sam2widget.core.masks import Mask
from tests.support.fakes import ChoosySegmenter
from tests.support.parts import FRAMES, HEIGHT, WIDTH

ME = ReplyTo("view", 1)


class Told(list):
    """Messages and their buffers; whatever is sent is drawn at once."""

    def __call__(self, message, buffers):
        self.append((message, buffers))
        if hasattr(message, "seq"):
            self.publisher.outbox.ack(message.seq)

    @property
    def kinds(self):
        return [message.type for message, _ in self]

    def of(self, kind):
        return [message for message, _ in self if message.type == kind]

    def last_mask(self):
        message, buffers = next(one for one in reversed(self) if one[0].type == "masks")
        return message.frame, [Mask.from_bytes(runs, HEIGHT, WIDTH).to_array() for runs in buffers]


@pytest.fixture
def session():
    return Session(FRAMES, HEIGHT, WIDTH, ChoosySegmenter(HEIGHT, WIDTH))


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def publisher(session, told):
    review = Review(session)
    session.listen(review.note)
    publisher = told.publisher = Publisher(session, told, lambda: 0, review)
    publisher.outbox.hello("view")
    publisher.set_frame("view", 3)
    return publisher


def test_an_edit_is_told_masks_first_and_done_last(session, told, publisher):
    session.add_point(3, 10, 6)
    publisher.publish(ME)
    assert told.kinds[0] == "masks" and told.kinds[-1] == "done"
    assert {"prompts", "candidates", "timeline"} <= set(told.kinds)
    frame, (mask_hw,) = told.last_mask()
    assert frame == 3 and np.array_equal(mask_hw, session.masks(1)[3])


def test_masks_of_frames_that_nobody_shows_are_not_told(session, told, publisher):
    session.add_point(7, 10, 6)
    publisher.publish(ME)
    assert "masks" not in told.kinds and told.of("timeline")[0].prompted == [7]
    publisher.set_frame("view", 7)
    publisher.tell_frame(7)
    assert told.last_mask()[0] == 7


def test_what_has_not_changed_is_not_told_again(session, told, publisher):
    session.add_point(3, 10, 6)
    publisher.publish(None)
    told.clear()
    publisher.publish(ME)
    assert told.kinds == ["done"]


def test_a_view_that_is_new_is_told_everything(session, told, publisher):
    session.add_point(0, 10, 6)
    session.add_point(3, 30, 6, obj=2)
    publisher.publish(None)
    told.clear()
    publisher.replay(ME)
    assert told.kinds[0] == "welcome"
    assert [one.object for one in told.of("timeline")] == [1, 2]
    assert told.last_mask()[0] == 0  # the frame that the widget is at


def test_a_propagation_is_told_from_its_first_frame_to_its_end(told, publisher):
    publisher.report_begin()
    publisher.report_step(Tracked(1, False, 1, 4))
    publisher.report_end()
    first, last = told.of("progress")[0], told.of("progress")[-1]
    assert first.running and not last.running and (last.done, last.total) == (1, 4)
    assert told.of("masks")[-1].frame == 1


def test_an_object_that_is_gone_leaves_no_timeline(session, told, publisher):
    session.add_point(3, 10, 6)
    session.remove_object(1)
    publisher.publish(ME)
    assert "timeline" not in told.kinds and told.last_mask() == (3, [])


def test_a_view_that_has_left_is_told_nothing_but_its_answers_later(session, told, publisher):
    publisher.leave("view")
    session.add_point(3, 10, 6)
    publisher.publish(ME)
    publisher.publish_error(None, "no")
    assert told == []
    publisher.outbox.set_visible("view", True)
    assert told.kinds == ["done", "error"]


def test_areas_of_an_object_are_told_of_every_frame_while_it_is_there(session, told, publisher):
    session.add_point(3, 10, 6)
    publisher.tell_areas(ME, 1)
    message, (buffer,) = told[-1]
    areas_t = np.frombuffer(buffer, "<u4")
    assert (message.type, message.object, len(areas_t)) == ("areas", 1, FRAMES)
    assert areas_t.tolist() == [mask_hw.sum() for mask_hw in session.masks(1)]
    assert areas_t[3] > 0 and not areas_t[:3].any()
    told.clear()
    publisher.tell_areas(ME, 2)
    assert not told


def test_confidences_of_many_masks_come_later_and_leave_nothing_out(session, told, publisher):
    for obj in 1, 2:
        session.add_point(0, 10 * obj, 6, obj=obj)
    list(session.propagate())
    publisher_module.MASKS_AT_ONCE, before = FRAMES, publisher_module.MASKS_AT_ONCE
    try:
        publisher.replay(ME)
    finally:
        publisher_module.MASKS_AT_ONCE = before
    assert [one.object for one in told.of("timeline")] == [1, 2]
    assert [one.object for one in told.of("confidence")] == [1] and publisher.has_uncertain
    told.clear()
    for _ in publisher.tell_confidences():
        pass
    assert [one.object for one in told.of("confidence")] == [2] and not publisher.has_uncertain
    publisher.replay(ME)
    assert [one.object for one in told.of("confidence")] == [2, 1, 2]


def test_a_frame_tells_prompts_that_there_are_and_that_there_were(session, told, publisher):
    for obj in 1, 2:
        session.add_point(0, 10 * obj, 6, obj=obj)
    session.add_point(3, 10, 6, obj=1)
    publisher.publish(None)
    told.clear()
    publisher.tell_frame(3)
    assert [(one.object, len(one.points)) for one in told.of("prompts")] == [(1, 1)]
    session.clear_prompts(3, 1)
    told.clear()
    publisher.tell_frame(3)
    assert [(one.object, len(one.points)) for one in told.of("prompts")] == [(1, 0)]
    told.clear()
    publisher.tell_frame(5)
    assert told.of("prompts") == []
