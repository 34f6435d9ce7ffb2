"""Where a GPU computes meanwhile, a session begins the next frame before it reads this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget.annotation.session import Session
from sam2widget.models.sam2 import Sam2Segmenter
from sam2widget.models.segmenter import Prediction
from tests.support.fakes import DiscSegmenter
from tests.support.networks import random_nano

FRAMES, HEIGHT, WIDTH = 12, 12, 40


class DeferringSegmenter(DiscSegmenter):
    """One that notes when it is given a frame, and when it is asked for it."""

    defers_tracking = True

    def begin_track(
        self, frame: int, objs: Sequence[int], *, reverse: bool
    ) -> Callable[[], dict[int, Prediction]]:
        self._note("begin", frame)
        found = super().track(frame, objs, reverse=reverse)

        def answer() -> dict[int, Prediction]:
            self._note("read", frame)
            return found

        return answer


@pytest.fixture
def segmenter() -> DeferringSegmenter:
    return DeferringSegmenter(HEIGHT, WIDTH)


@pytest.fixture
def session(segmenter) -> Session:
    return Session(FRAMES, HEIGHT, WIDTH, segmenter)


def order(segmenter: DeferringSegmenter) -> list[tuple[str, int]]:
    return [(call[0], call[1]) for call in segmenter.calls if call[0] in ("begin", "read")]


def assert_as_without(session: Session, edit: Callable[[Session], None]) -> None:
    """Check results against those of a model that does not defer."""
    plain = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    edit(plain)
    for _ in plain.propagate():
        pass
    for obj in (info.id for info in plain.objects):
        for t in range(FRAMES):
            ours, expected = session.result(t, obj), plain.result(t, obj)
            assert (ours is None) == (expected is None)
            assert ours is None or (ours.mask, ours.state) == (expected.mask, expected.state)


def test_the_next_frame_is_begun_before_this_one_is_read(session, segmenter):
    session.add_point(4, 5, 6, obj=1)
    segmenter.calls.clear()
    for _ in session.propagate():
        pass
    forward = [5, 6, 7, 8, 9, 10, 11]
    backward = [3, 2, 1, 0]
    expected: list[tuple[str, int]] = []
    for sweep in (forward, backward):  # the first of a sweep may need what the last one gave
        expected.append(("begin", sweep[0]))
        for frame, following in pairwise(sweep):
            expected += [("begin", following), ("read", frame)]
        expected.append(("read", sweep[-1]))
    assert order(segmenter) == expected
    assert_as_without(session, lambda plain: plain.add_point(4, 5, 6, obj=1))


def test_what_was_begun_counts_for_nothing_after_an_edit_in_between(session, segmenter):
    session.add_point(0, 5, 6, obj=1)
    steps = session.propagate()
    for _ in range(3):
        next(steps)
    assert order(segmenter)[-2:] == [("begin", 4), ("read", 3)]
    session.add_point(4, 20, 6, obj=1)
    segmenter.calls.clear()
    for _ in steps:
        pass
    assert ("read", 4) not in order(segmenter)

    def edit(plain: Session) -> None:
        plain.add_point(0, 5, 6, obj=1)
        for _ in plain.propagate(stop=4):
            pass
        plain.add_point(4, 20, 6, obj=1)

    # Frames before the correction keep what they had, and are as stale as without.
    assert_as_without(session, edit)


def test_a_stop_loses_nothing_and_the_next_propagation_goes_on(session, segmenter):
    session.add_point(0, 5, 6, obj=1)
    steps = session.propagate()
    for _ in range(4):
        next(steps)
    steps.close()
    assert session.result(4, 1) is not None and session.result(5, 1) is None
    for _ in session.propagate():
        pass
    assert_as_without(session, lambda plain: plain.add_point(0, 5, 6, obj=1))


def test_a_frame_that_fails_fails_after_the_one_before_is_written(session, segmenter):
    session.add_point(0, 5, 6, obj=1)
    steps = session.propagate()
    next(steps)
    begin = segmenter.begin_track

    def fail_on_four(frame: int, *rest, **options):
        if frame == 4:
            raise RuntimeError("frame 4 is damaged")
        return begin(frame, *rest, **options)

    segmenter.begin_track = fail_on_four
    with pytest.raises(RuntimeError, match="frame 4 is damaged"):
        for _ in steps:
            pass
    assert session.result(3, 1) is not None and session.result(4, 1) is None
    segmenter.begin_track = begin
    for _ in session.propagate():
        pass
    assert_as_without(session, lambda plain: plain.add_point(0, 5, 6, obj=1))


def test_objects_that_join_on_the_way_wait_until_all_is_written(session, segmenter):
    def edit(one: Session) -> None:
        one.add_point(0, 5, 6, obj=1)
        one.add_point(5, 20, 6, obj=2)

    edit(session)
    for _ in session.propagate():
        pass
    assert_as_without(session, edit)


@pytest.mark.slow
def test_masks_of_a_network_are_those_without(monkeypatch):
    model = random_nano(64)
    frames = np.random.default_rng(0).integers(0, 256, (16, 48, 64, 3), dtype=np.uint8)
    found = []
    for defers in (True, False):
        segmenter = Sam2Segmenter(model, open_video(frames))
        monkeypatch.setattr(segmenter, "_defers_tracking", defers)
        session = Session(len(frames), 48, 64, segmenter)
        session.add_point(6, 20, 20, obj=1)
        session.add_point(6, 40, 30, obj=2)
        for step in session.propagate():
            if step.done == 4:
                session.add_point(13, 30, 20, obj=2)
        found.append([session.result(t, obj).mask for t in range(len(frames)) for obj in (1, 2)])
    assert found[0] == found[1]
