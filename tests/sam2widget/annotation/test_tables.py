"""Tables by object and frame: read as dictionaries are, and written a row at a time."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import get_args
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import Candidate, FrameKeys, Result, State
from sam2widget.annotation.session import Session
from sam2widget.annotation.store import AnnotationStore
from sam2widget.annotation.tables import FrameTable
from sam2widget.bridge.publisher import Publisher
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.core.masks.logits import MaskLogits
from tests.support.fakes import DiscSegmenter
from tests.support.sessions import everything, run

VALUES = {(2, 5): "b", (1, 3): "a", (2, 0): "c"}


def test_a_table_is_the_mapping_that_it_was_made_of():
    table = FrameTable.of_mapping(VALUES)
    assert table == VALUES and len(table) == 3
    assert FrameTable.of_mapping(table) is table
    assert table.rows() == [(1, {3: "a"}), (2, {5: "b", 0: "c"})]
    assert table.to_dict() == VALUES


def test_what_is_not_there_is_the_default():
    table = FrameTable.of_mapping(VALUES)
    assert table.get((2, 5)) == table.get((2, 5), "z") == "b"
    assert table.get((2, 6)) is None and table.get((7, 0)) is None
    assert table.get((2, 6), "z") == table.get((7, 0), "z") == "z"


def test_a_table_is_filled_with_a_copy_and_tells_nobody():
    told: list[object] = []
    table: FrameTable[str] = FrameTable(lambda *change: told.append(change))
    source = FrameTable.of_mapping(VALUES)
    table.fill(source)
    assert table == VALUES and told == []
    table[1, 3] = "d"
    del table[2, 5]
    assert source == VALUES
    assert told == [(1, {3: "a"}, {3: "d"}), (2, {5: "b"}, {5: None})]


def test_a_row_is_written_in_one_go_and_none_takes_values_away():
    told: list[object] = []
    table: FrameTable[str] = FrameTable(lambda *change: told.append(change))
    table.fill(VALUES)
    table.write_row(2, {0: None, 5: "d", 7: "e", 9: None})
    assert table == {(1, 3): "a", (2, 5): "d", (2, 7): "e"}
    before = {0: "c", 5: "b", 7: None, 9: None}
    assert told == [(2, before, {0: None, 5: "d", 7: "e", 9: None})]
    table.write_row(1, {3: None})
    assert table.rows() == [(2, {5: "d", 7: "e"})] and table.row(1) == {}
    with pytest.raises(KeyError):
        del table[1, 3]


def test_keys_by_object_are_the_set_of_them():
    keys = FrameKeys({2: {0, 5}, 1: {3}, 4: set()})
    assert keys == VALUES.keys() and len(keys) == 3 and (2, 5) in keys and (4, 0) not in keys
    assert keys & {(1, 3), (7, 7)} == {(1, 3)} and list(keys.by_object) == [2, 1]


def test_a_result_in_another_state_has_all_the_rest():
    mask, other = Mask.empty(4, 6), Mask.from_array(np.ones((4, 6), bool))
    logits = MaskLogits.pack(np.zeros((4, 6), np.float32))
    candidates = (Candidate(other, 0.5, 2),)
    result = Result(mask, 1.5, 0.25, "edit", "stale", other, candidates, 3, other, logits)
    empty = Result(mask, 1.5, 0.25, "edit")
    for one in fields(Result):
        if one.default is not MISSING:
            assert getattr(result, one.name) != getattr(empty, one.name), "or it proves nothing"
        if one.name != "state":
            assert getattr(result.in_state("accepted"), one.name) is getattr(result, one.name)
    for state in get_args(State):
        changed, replaced = result.in_state(state), replace(result, state=state)
        assert changed == replaced and changed.state == state
        # Logits take no part in comparing.
        assert all(getattr(changed, f.name) is getattr(replaced, f.name) for f in fields(Result))


# Many masks at once

FRAMES, HEIGHT, WIDTH, OBJECTS = 9, 12, 20, 3
EVERY = range(1, OBJECTS + 1)


class OneByOneStore(AnnotationStore):
    """Writes each value by itself."""

    def write_all_prompts(self, obj, prompts):
        for frame, one in prompts.items():
            super().write_all_prompts(obj, {frame: one})

    def write_all_results(self, obj, results):
        for frame, one in results.items():
            super().write_all_results(obj, {frame: one})


def make_session(num_frames=FRAMES, *, one_by_one=False, non_overlapping=True):
    """Objects that touch each other, tracked through the video."""
    store = OneByOneStore if one_by_one else AnnotationStore
    segmenter = DiscSegmenter(HEIGHT, WIDTH)
    with patch("sam2widget.annotation.session.AnnotationStore", store):
        session = Session(num_frames, HEIGHT, WIDTH, segmenter, non_overlapping=non_overlapping)
    for obj in EVERY:
        session.add_point(obj, 5 * obj, 6, obj=obj)
    run(session.propagate())
    return session


def do(session, what, obj, start, stop):
    """An edit, or its refusal."""
    try:
        if what in ("accept", "reject", "unreview", "reset"):
            getattr(session, what)(obj, start, stop)
        elif what == "lock":
            session.update_object(obj or 1, locked=start % 2 == 0)
        elif what == "remove":
            session.remove_object(obj or 1)
        elif what == "split":
            session.split(obj or 1, start)
        elif what == "propagate":
            run(session.propagate())
        elif what == "switch":
            session.switch(DiscSegmenter(HEIGHT, WIDTH))
        elif what == "overlap":
            session.set_non_overlapping(start % 2 == 0)
        else:
            getattr(session, what)()
    except SessionError as error:
        return str(error)
    return ""


REVIEWS = "accept", "reject", "unreview", "reset"
OTHERS = "lock", "remove", "split", "propagate", "switch", "overlap", "clear", "undo", "redo"


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(REVIEWS * 3 + OTHERS + ("undo", "redo") * 2),
            st.sampled_from([None, *EVERY]),
            st.integers(0, FRAMES - 1),
            st.integers(1, FRAMES),
        ),
        max_size=8,
    ),
    non_overlapping=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_many_at_once_are_what_one_by_one_gives_also_undone_and_redone(edits, non_overlapping):
    sessions = [
        make_session(one_by_one=one_by_one, non_overlapping=non_overlapping)
        for one_by_one in (False, True)
    ]
    told: list[list[object]] = [[], []]
    for session, some in zip(sessions, told, strict=True):
        session.listen(lambda changed, some=some: some.append(vars_of(changed)))

    def check():
        one, other = sessions
        assert everything(one) == everything(other)
        assert one.last_edit == other.last_edit and one.next_edit == other.next_edit
        assert told[0] == told[1]
        memories = [session.segmenter for session in sessions]
        assert memories[0].conditioning.keys() == memories[1].conditioning.keys()
        assert memories[0].memory.keys() == memories[1].memory.keys()

    for what, obj, start, length in edits:
        stop = min(start + length, FRAMES)
        answers = {do(session, what, obj, start, stop) for session in sessions}
        assert len(answers) == 1
        check()
    for way in ("undo", "redo"):
        while (sessions[0].last_edit if way == "undo" else sessions[0].next_edit) is not None:
            for session in sessions:
                getattr(session, way)()
            check()


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["reject", "accept", "reset", "lock"]),
            st.sampled_from(EVERY),
            st.integers(0, FRAMES - 1),
        ),
        max_size=6,
    ),
    start=st.integers(0, FRAMES - 2),
)
@settings(max_examples=30, deadline=None)
def test_a_span_of_all_is_accepted_as_each_mask_by_itself_in_one_step(edits, start):
    spans, singles = make_session(), make_session()
    for session in spans, singles:
        for what, obj, frame in edits:
            do(session, what, obj, frame, frame + 1)
    before, last = everything(spans), spans.last_edit
    refused = do(spans, "accept", None, start, FRAMES)
    kept = [
        do(singles, "accept", obj, frame, frame + 1)
        for obj in EVERY
        for frame in range(start, FRAMES)
    ]
    assert bool(refused) == all(kept) and everything(spans) == everything(singles)
    if spans.last_edit != last:
        spans.undo()
    assert everything(spans) == before and spans.last_edit == last


def vars_of(changed):
    return (*(changed.objects, set(changed.prompts), set(changed.results), set(changed.proposals)),)


@pytest.mark.parametrize(
    "edit",
    [
        lambda session: session.accept(None, 0, 40),
        lambda session: session.reject(None, 0, 40),
        lambda session: session.reset(None, 0, 40),
        lambda session: session.remove_object(1),
        lambda session: session.clear(),
        lambda session: session.split(1, 20),
        lambda session: session.switch(DiscSegmenter(HEIGHT, WIDTH)),
        lambda session: session.add_point(0, 3, 6, obj=2),
    ],
)
def test_an_edit_of_many_frames_writes_each_object_a_few_times(edit):
    session = make_session(40, non_overlapping=False)
    sent: list[object] = []
    publisher = Publisher(session, lambda message, _: sent.append(message), int, Review(session))
    publisher.outbox.hello("view")
    told: list[object] = []
    session.listen(told.append)
    depth = len(session._store.history._undo)
    for call in (lambda: edit(session), session.undo, session.redo):
        sent.clear()
        told.clear()
        with patch.object(FrameTable, "write_row", autospec=True, side_effect=WRITE_ROW) as writes:
            call()
        assert 0 < writes.call_count <= 3 * 2 * OBJECTS, "not once for each frame"
        assert len(told) == 1
        publisher.publish(None)
        assert len(sent) <= 4 * OBJECTS
    assert len(session._store.history._undo) == depth + 1


WRITE_ROW = FrameTable.write_row
