"""Runs of frames are kept as tables are written, and say what a walk over all frames would."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2widget.annotation.records import ObjectInfo, Result, State, Timeline
from sam2widget.annotation.session import Session
from sam2widget.annotation.tables import FrameTable
from sam2widget.annotation.timeline import FrameRuns, TimelineIndex
from sam2widget.core.masks import Mask
from tests.support.fakes import DiscSegmenter

HEIGHT, WIDTH = 4, 6


def runs_of(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open runs of some frames, made from all of them."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if runs and runs[-1][1] == frame:
            runs[-1] = runs[-1][0], frame + 1
        else:
            runs.append((frame, frame + 1))
    return runs


def walked(session: Session, obj: int) -> Timeline:
    """A timeline, made from all results and prompts of an object."""
    prompted = {t for o, t in session.all_prompts if o == obj}
    results = session.results(obj)

    def frames(state: str) -> list[int]:
        return [t for t, result in results.items() if result.state == state]

    return Timeline(
        sorted(prompted),
        runs_of(frames("accepted")),
        runs_of(frames("rejected")),
        runs_of(set(frames("fresh")) - prompted),
        runs_of(set(frames("stale")) - prompted),
    )


def test_frames_join_into_half_open_runs():
    runs = FrameRuns()
    for frame in (3, 1, 2, 7):
        runs.add(frame)
    assert runs.to_list() == [(1, 4), (7, 8)]
    assert FrameRuns().to_list() == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=60))
def test_runs_are_those_of_the_set_that_they_stand_for(writes):
    runs, frames = FrameRuns(), set()
    for is_in, frame in writes:
        (runs.add if is_in else runs.discard)(frame)
        (frames.add if is_in else frames.discard)(frame)
        assert runs.to_list() == runs_of(frames)
        assert [t for t in range(14) if t in runs] == sorted(frames)


def test_an_index_knows_nothing_of_what_it_was_not_told():
    index = TimelineIndex()
    assert index.get(5) == Timeline([], [], [], [], [])
    index.set_state(5, 3, None, "fresh")
    index.set_prompted(5, 3, True, "fresh")
    assert index.get(5) == Timeline([3], [], [], [], [])
    index.set_prompted(5, 3, False, "fresh")
    assert index.get(5) == Timeline([], [], [], [(3, 4)], [])


@given(
    st.dictionaries(st.integers(0, 15), st.sampled_from(get_args(State))),
    st.sets(st.integers(0, 15)),
)
def test_filling_in_says_what_telling_of_each_frame_would(states, prompted):
    filled, told = TimelineIndex(), TimelineIndex()
    filled.fill(1, prompted, states)
    for frame, state in states.items():
        told.set_state(1, frame, None, state)
    for frame in prompted:
        told.set_prompted(1, frame, True, states.get(frame))
    for read in ("get", "prompted", "tracked", "stale", "anchors", "settled"):
        assert getattr(filled, read)(1) == getattr(told, read)(1)
    filled.set_state(1, 3, states.get(3), "stale")
    told.set_state(1, 3, states.get(3), "stale")
    assert filled.get(1) == told.get(1)


def test_a_timeline_follows_edits_propagation_undo_redo_and_what_is_filled_in():
    session = Session(30, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    for edit in [
        lambda: session.add_point(4, 3, 2),
        lambda: list(session.propagate()),
        lambda: session.accept(1, 8, 12),
        lambda: session.add_point(20, 1, 1),
        lambda: session.reject(1, 14, 18),
        lambda: session.reject(1, 4),
        lambda: session.unreview(1, 0, 30),
        lambda: session.clear_prompts(20, 1),
        lambda: session.reset(1, 2, 6),
        lambda: session.import_masks({(1, t): Mask.empty(HEIGHT, WIDTH) for t in (0, 9)}),
        lambda: session.remove_object(1),
    ]:
        edit()
        assert session.timeline(1) == walked(session, 1)
    for step in (session.undo, session.redo):
        for _ in range(11):
            step()
            assert session.timeline(1) == walked(session, 1)
    session.undo()
    other = Session(30, HEIGHT, WIDTH)
    other.fill(session.objects, session.all_prompts, session.all_results)
    assert other.timeline(1) == walked(session, 1) == session.timeline(1)


# What it costs


def tracked_session(num_frames: int) -> Session:
    """One object, prompted on frame 0 and tracked but for the last ten frames."""
    session = Session(num_frames, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    mask = Mask.empty(HEIGHT, WIDTH)
    tracked = Result(mask, 5.0, 0.9, "track")
    session.add_point(0, 3, 2)
    filled = Session(num_frames, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    results = {(1, t): tracked for t in range(1, num_frames - 10)}
    filled.fill([ObjectInfo.numbered(1)], session.all_prompts, session.all_results | results)
    return filled


def opcodes(call: Callable[[], object]) -> int:
    """How many instructions of Python a call takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def test_an_update_of_one_frame_does_not_walk_all_frames():
    def update(session: Session, steps: Any) -> None:
        next(steps)
        session.timeline(1)

    counts = []
    for num_frames in (100, 10_000):
        session = tracked_session(num_frames)
        steps = session.propagate()
        next(steps)  # which plans, and looks at all frames once
        counts.append(opcodes(lambda session=session, steps=steps: update(session, steps)))
        assert session.timeline(1).tracked == [(1, num_frames - 8)]
    assert counts[1] <= counts[0] + 50, "the number of frames does not show"


def test_reading_a_timeline_needs_no_table():
    session = tracked_session(200)
    before = session.timeline(1)
    vars(session.tables).update(results=None, prompts=None)
    assert session.timeline(1) == before and before.tracked == [(1, 190)]


@pytest.mark.parametrize("as_table", [False, True])
def test_masks_are_filled_in_without_a_search_for_each(as_table):
    objects, num_frames = range(1, 5), 1500
    result = Result(Mask.empty(HEIGHT, WIDTH), 5.0, 0.9, "track")
    results = {(obj, t): result for obj in objects for t in range(num_frames)}
    source = FrameTable.of_mapping(results) if as_table else results
    session = Session(num_frames, HEIGHT, WIDTH)
    infos = [ObjectInfo.numbered(obj) for obj in objects]
    count = opcodes(lambda: session.fill(infos, {}, source))
    assert count < 70 * len(results)
    assert all(session.timeline(obj).tracked == [(0, num_frames)] for obj in objects)
    session.accept(1, 3)
    assert source[1, 3] is result, "what was filled in stays as it was"
