"""Any sequence of edits, propagations and undos against a naive model of the semantics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sam2widget.annotation.session import Session
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import Point, PromptSet
from tests.support.fakes import DiscSegmenter, prompted_mask, tracked_mask

from .naive import Naive, NaiveSession
from .test_timeline import runs_of, walked

FRAMES, HEIGHT, WIDTH = 9, 8, 14
frames = st.integers(0, FRAMES - 1)
objects = st.integers(1, 3)


class SessionAgainstNaive(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        segmenter = DiscSegmenter(HEIGHT, WIDTH)
        self.session = Session(FRAMES, HEIGHT, WIDTH, segmenter, non_overlapping=False)
        self.naive = NaiveSession(FRAMES, self.prompted, self.tracked)

    def prompted(self, obj: int, frame: int, prompts: PromptSet) -> Mask:
        return Mask.from_array(prompted_mask(prompts, HEIGHT, WIDTH))

    def tracked(self, obj: int, frame: int, anchor: int) -> Mask:
        anchor_hw = self.now.masks[obj, anchor].to_array()
        return Mask.from_array(tracked_mask(anchor_hw, frame - anchor))

    @property
    def now(self) -> Naive:
        return self.naive.now

    @rule(
        obj=objects,
        frame=frames,
        x=st.integers(0, WIDTH),
        y=st.integers(0, HEIGHT),
        label=st.sampled_from([1, 1, 0]),
    )
    def click(self, obj, frame, x, y, label):
        self.session.add_point(frame, x, y, label, obj)
        self.naive.put(obj, frame, self.naive.prompts(obj, frame).with_point(Point(x, y, label)))

    @rule(obj=objects, frame=frames, x=st.integers(0, WIDTH - 4))
    def box(self, obj, frame, x):
        self.session.add_box(frame, x, 1, x + 4, 5, obj)
        self.naive.put(obj, frame, self.naive.prompts(obj, frame).with_box((x, 1, x + 4, 5)))

    @rule(obj=objects, frame=frames, seed=st.integers(0, 5))
    def mask(self, obj, frame, seed):
        mask = np.random.default_rng(seed).random((HEIGHT, WIDTH)) > 0.7
        self.session.add_mask(frame, mask, obj)
        self.naive.put(obj, frame, PromptSet(mask=self.session.prompts(frame, obj).mask))

    @precondition(lambda self: self.now.prompts)
    @rule(data=st.data())
    def remove_point(self, data):
        obj, frame = data.draw(st.sampled_from(sorted(self.now.prompts)))
        prompts = self.naive.prompts(obj, frame)
        if prompts.points:
            index = data.draw(st.integers(0, len(prompts.points) - 1))
            self.session.remove_point(frame, obj, index)
            self.naive.put(obj, frame, prompts.without_point(index))

    @precondition(lambda self: self.now.prompts)
    @rule(data=st.data())
    def clear_prompts(self, data):
        obj, frame = data.draw(st.sampled_from(sorted(self.now.prompts)))
        self.session.clear_prompts(frame, obj)
        self.naive.put(obj, frame, PromptSet())

    @precondition(lambda self: self.now.masks)
    @rule(data=st.data(), length=st.integers(1, 3), accept=st.booleans())
    def review(self, data, length, accept):
        obj, start = data.draw(st.sampled_from(sorted(self.now.masks)))
        stop = min(start + length, FRAMES)
        (self.session.accept if accept else self.session.unreview)(obj, start, stop)
        self.naive.review(obj, range(start, stop), accept=accept)

    @precondition(lambda self: self.now.objects)
    @rule(data=st.data())
    def remove_object(self, data):
        obj = data.draw(st.sampled_from(sorted(self.now.objects)))
        self.session.remove_object(obj)
        self.naive.remove_object(obj)

    @rule(
        stale_only=st.booleans(),
        steps=st.sampled_from([1, 2, 4, 99, 99]),
        direction=st.sampled_from(["both", "both", "forward", "backward"]),
    )
    def propagate(self, stale_only, steps, direction):
        anchored = any(self.now.is_anchor(o, t) for o in self.now.objects for t in range(FRAMES))
        if not anchored:
            with pytest.raises(SessionError, match="nothing to propagate"):
                self.session.propagate(stale_only=stale_only)
            return
        expected = self.now.plan(stale_only, direction)[:steps]
        running = self.session.propagate(direction=direction, stale_only=stale_only)
        tracked = [step for _, step in zip(range(steps), running, strict=False)]
        running.close()
        assert [(step.reverse, step.frame) for step in tracked[: len(expected)]] == [
            (reverse, t) for reverse, t, _ in expected
        ]
        self.naive.propagate(expected, stale_only=stale_only)

    @rule()
    def undo(self):
        if not self.naive.past:
            with pytest.raises(SessionError, match="nothing to undo"):
                self.session.undo()
            return
        self.session.undo()
        self.naive.undo()

    @rule()
    def redo(self):
        if not self.naive.future:
            with pytest.raises(SessionError, match="nothing to redo"):
                self.session.redo()
            return
        self.session.redo()
        self.naive.redo()

    @invariant()
    def both_agree(self):
        assert {info.id for info in self.session.objects} == self.now.objects
        for obj in self.now.objects:
            results = self.session.results(obj)
            assert {(obj, t) for t in results} == {key for key in self.now.masks if key[0] == obj}
            for t, result in results.items():
                assert result.state == self.now.states[obj, t]
                assert result.mask == self.now.masks[obj, t]
                assert self.session.prompts(t, obj) == self.naive.prompts(obj, t)
            assert self.session.timeline(obj) == walked(self.session, obj)
            assert self.session.anchors(obj) == runs_of(
                t for t in range(FRAMES) if self.now.is_anchor(obj, t)
            )
        assert self.session.has_pending == bool(self.now.plan(False, "both"))
        assert self.session.has_stale == bool(self.now.plan(True, "both"))


SessionAgainstNaive.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestSession = SessionAgainstNaive.TestCase
