"""Functions of a user's are called with what happens, whatever they do."""

from __future__ import annotations

import threading

import pytest

from sam2widget.bridge.callbacks import FrameEvent, MaskEvent, PromptEvent
from tests.support.parts import Parts
from tests.support.waiting import threads_ended, wait_until


@pytest.fixture
def parts():
    parts = Parts().load()
    yield parts
    parts.close()


def add_point(parts, frame):
    parts.controller.edit(lambda: parts.session.add_point(frame, 10, 6))


def test_each_kind_is_told_to_those_who_asked_for_it(parts):
    prompts, masks, frames = [], [], []
    parts.callbacks.subscribe(PromptEvent, prompts.append)
    parts.callbacks.subscribe(MaskEvent, masks.append)
    parts.callbacks.subscribe(FrameEvent, frames.append)
    add_point(parts, 3)
    parts.callbacks.handle_frame(7)
    parts.callbacks.wait_until_idle()
    assert [(one.object, one.frame, len(one.prompts.points)) for one in prompts] == [(1, 3, 1)]
    assert [(one.object, one.frame) for one in masks] == [(1, 3)] and masks[0].result.mask.area
    assert frames == [FrameEvent(7)]


def test_one_function_twice_is_two_subscriptions_that_end_apart(parts):
    seen = []
    first, second = (parts.callbacks.subscribe(FrameEvent, seen.append) for _ in range(2))
    for frame, end in ((1, first), (2, second), (3, None)):
        parts.callbacks.handle_frame(frame)
        parts.callbacks.wait_until_idle()
        if end is not None:
            end()
    assert seen == [FrameEvent(1), FrameEvent(1), FrameEvent(2)]


@pytest.mark.parametrize("fault", [KeyError("oops"), SystemExit("bye")])
def test_a_function_that_fails_is_shown_and_the_next_one_called(parts, fault):
    seen = []

    def fail(event):
        raise fault

    parts.callbacks.subscribe(FrameEvent, fail)
    parts.callbacks.subscribe(FrameEvent, seen.append)
    parts.callbacks.handle_frame(1)
    parts.callbacks.wait_until_idle()
    assert seen == [FrameEvent(1)]
    assert len(parts.errors) == 1 and type(fault).__name__ in parts.errors[0]


def test_a_mask_that_is_rejected_is_told_as_gone(parts):
    seen = []
    parts.callbacks.subscribe(MaskEvent, seen.append)
    add_point(parts, 0)
    for change in (parts.session.accept, parts.session.reject, parts.session.unreview):
        parts.controller.edit(lambda change=change: change(obj=1, start=0))
    parts.callbacks.wait_until_idle()
    assert [one.result and one.result.state for one in seen][:3] == ["fresh", "accepted", None]
    assert seen[-1].result is not None and seen[-1].result.state != "rejected"


def test_a_function_may_edit(parts):
    def follow(event):
        if event.frame == 0:
            add_point(parts, 1)

    parts.callbacks.subscribe(PromptEvent, follow)
    add_point(parts, 0)
    parts.callbacks.wait_until_idle()
    assert sorted(frame for _, frame in parts.session.all_prompts) == [0, 1]


def test_nothing_runs_before_the_first_subscription_nor_after_closing():
    before = threading.enumerate()
    parts = Parts()
    parts.controller.close()
    wait_until(lambda: threads_ended(before))
    parts.callbacks.handle_frame(1)
    parts.callbacks.wait_until_idle()
    assert threads_ended(before)
    seen = []
    parts.callbacks.subscribe(FrameEvent, seen.append)
    parts.callbacks.close()
    parts.callbacks.handle_frame(2)
    wait_until(lambda: threads_ended(before))
    assert seen == []


def test_what_is_no_function_is_refused(parts):
    with pytest.raises(TypeError, match="A function is needed"):
        parts.callbacks.subscribe(FrameEvent, 7)
