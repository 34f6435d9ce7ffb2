"""Any sequence of edits, propagations and undos against a model of the semantics that is as
naive as can be: no memory, no journal, whole copies of the state."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sam2widget.records import SessionError
from sam2widget.segmenter import Point, PromptSet
from sam2widget.session import Session

from .fakes import DiscSegmenter, prompted_mask, tracked_mask

FRAMES, HEIGHT, WIDTH = 9, 8, 14
frames = st.integers(0, FRAMES - 1)
objects = st.integers(1, 3)


@dataclass
class Naive:
    """Everything there is, by object and frame."""

    objects: set[int] = field(default_factory=set)
    prompts: dict[tuple[int, int], PromptSet] = field(default_factory=dict)
    masks: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    states: dict[tuple[int, int], str] = field(default_factory=dict)
    corrected: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def same(self, other: Naive) -> bool:
        return (
            (self.objects, self.prompts, self.states)
            == (other.objects, other.prompts, other.states)
        ) and all(np.array_equal(mask, other.masks[key]) for key, mask in self.masks.items())

    def copy(self) -> Naive:
        return Naive(
            set(self.objects),
            *map(dict, (self.prompts, self.masks, self.states, self.corrected)),
        )

    def is_anchor(self, obj: int, frame: int) -> bool:
        return (obj, frame) in self.prompts or self.states.get((obj, frame)) == "accepted"

    def set_prompts(self, obj: int, frame: int, prompts: PromptSet) -> bool:
        """Whether anything has become stale."""
        key = obj, frame
        self.objects.add(obj)
        if key not in self.prompts and key in self.masks:
            self.corrected[key] = self.masks[key]
        if prompts:
            self.prompts[key] = prompts
            self.masks[key] = prompted_mask(prompts, HEIGHT, WIDTH)
            self.states[key] = "fresh"
            corrects = False
        else:
            del self.prompts[key], self.masks[key], self.states[key]
            corrects = key in self.corrected
            if corrects:
                self.masks[key] = self.corrected.pop(key)
                self.states[key] = "stale"
        for step in 1, -1:
            t = frame + step
            while 0 <= t < FRAMES and not self.is_anchor(obj, t):
                if (obj, t) in self.masks:
                    self.states[obj, t] = "stale"
                    corrects = True
                t += step
        return corrects

    def plan(self, stale_only: bool, direction: str) -> list[tuple[bool, int, dict[int, int]]]:
        """(reverse, frame, anchor by object), in order."""
        steps: dict[tuple[bool, int], dict[int, int]] = {}
        for obj in sorted(self.objects):
            anchors = [t for t in range(FRAMES) if self.is_anchor(obj, t)]
            for t in range(FRAMES):
                state = self.states.get((obj, t), "untracked")
                wanted = ("stale",) if stale_only else ("stale", "untracked")
                near = [
                    (abs(t - a), a)
                    for a in anchors
                    if direction == "both" or (a < t) == (direction == "forward")
                ]
                if t not in anchors and state in wanted and near:
                    anchor = min(near)[1]
                    steps.setdefault((anchor > t, t), {})[obj] = anchor
        ordered = sorted(steps.items(), key=lambda s: (s[0][0], -s[0][1] if s[0][0] else s[0][1]))
        return [(reverse, t, anchors) for (reverse, t), anchors in ordered]

    def track(self, frame: int, anchors: dict[int, int]) -> None:
        for obj, anchor in anchors.items():
            self.masks[obj, frame] = tracked_mask(self.masks[obj, anchor], frame - anchor)
            self.states[obj, frame] = "fresh"

    def remove(self, obj: int) -> None:
        self.objects.discard(obj)
        for table in self.prompts, self.masks, self.states, self.corrected:
            for key in [key for key in table if key[0] == obj]:
                del table[key]


class SessionAgainstNaive(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
        self.now = Naive()
        self.past: list[tuple[Naive, bool]] = []
        """State before each edit, and whether the edit made something stale."""
        self.future: list[tuple[Naive, bool]] = []

    def keep(self, before: Naive, corrects: bool = False) -> None:
        if self.now.same(before):
            return
        self.past.append((before, corrects))
        self.future.clear()

    def put(self, obj: int, frame: int, prompts: PromptSet) -> None:
        before = self.now.copy()
        self.keep(before, self.now.set_prompts(obj, frame, prompts))

    def prompts(self, obj: int, frame: int) -> PromptSet:
        return self.now.prompts.get((obj, frame), PromptSet())

    @rule(
        obj=objects,
        frame=frames,
        x=st.integers(0, WIDTH),
        y=st.integers(0, HEIGHT),
        label=st.sampled_from([1, 1, 0]),
    )
    def click(self, obj, frame, x, y, label):
        self.session.add_point(frame, x, y, label, obj)
        self.put(obj, frame, self.prompts(obj, frame).with_point(Point(x, y, label)))

    @rule(obj=objects, frame=frames, x=st.integers(0, WIDTH - 4))
    def box(self, obj, frame, x):
        self.session.add_box(frame, x, 1, x + 4, 5, obj)
        self.put(obj, frame, self.prompts(obj, frame).with_box((x, 1, x + 4, 5)))

    @rule(obj=objects, frame=frames, seed=st.integers(0, 5))
    def mask(self, obj, frame, seed):
        mask = np.random.default_rng(seed).random((HEIGHT, WIDTH)) > 0.7
        self.session.add_mask(frame, mask, obj)
        self.put(obj, frame, PromptSet(mask=self.session.prompts(frame, obj).mask))

    @precondition(lambda self: self.now.prompts)
    @rule(data=st.data())
    def remove_point(self, data):
        obj, frame = data.draw(st.sampled_from(sorted(self.now.prompts)))
        prompts = self.prompts(obj, frame)
        if prompts.points:
            index = data.draw(st.integers(0, len(prompts.points) - 1))
            self.session.remove_point(frame, obj, index)
            self.put(obj, frame, prompts.without_point(index))

    @precondition(lambda self: self.now.prompts)
    @rule(data=st.data())
    def clear_prompts(self, data):
        obj, frame = data.draw(st.sampled_from(sorted(self.now.prompts)))
        self.session.clear_prompts(frame, obj)
        self.put(obj, frame, PromptSet())

    @precondition(lambda self: self.now.masks)
    @rule(data=st.data(), length=st.integers(1, 3), accept=st.booleans())
    def review(self, data, length, accept):
        obj, start = data.draw(st.sampled_from(sorted(self.now.masks)))
        before = self.now.copy()
        (self.session.accept if accept else self.session.unreview)(obj, start, start + length)
        for t in range(start, start + length):
            key = obj, t
            if accept and key in self.now.masks:
                self.now.states[key] = "accepted"
            elif self.now.states.get(key) == "accepted":
                self.now.states[key] = "fresh"
        self.keep(before)

    @precondition(lambda self: self.now.objects)
    @rule(data=st.data())
    def remove_object(self, data):
        obj = data.draw(st.sampled_from(sorted(self.now.objects)))
        before = self.now.copy()
        self.session.remove_object(obj)
        self.now.remove(obj)
        self.keep(before)

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
        before = self.now.copy()
        for _, t, anchors in expected:
            self.now.track(t, anchors)
        if expected and not (stale_only and self.past and self.past[-1][1]):
            self.keep(before)
        elif expected:
            self.future.clear()

    @rule()
    def undo(self):
        if not self.past:
            with pytest.raises(SessionError, match="nothing to undo"):
                self.session.undo()
            return
        self.session.undo()
        before, corrects = self.past.pop()
        self.future.append((self.now, corrects))
        self.now = before

    @rule()
    def redo(self):
        if not self.future:
            with pytest.raises(SessionError, match="nothing to redo"):
                self.session.redo()
            return
        self.session.redo()
        after, corrects = self.future.pop()
        self.past.append((self.now, corrects))
        self.now = after

    @invariant()
    def both_agree(self):
        assert {info.id for info in self.session.objects} == self.now.objects
        for obj in self.now.objects:
            results = self.session.results(obj)
            assert {(obj, t) for t in results} == {key for key in self.now.masks if key[0] == obj}
            for t, result in results.items():
                assert result.state == self.now.states[obj, t]
                assert np.array_equal(result.mask.to_array(), self.now.masks[obj, t])
                assert self.session.prompts(t, obj) == self.prompts(obj, t)


SessionAgainstNaive.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestSession = SessionAgainstNaive.TestCase
