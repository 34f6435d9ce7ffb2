"""What is left to track, what it is tracked from and what a correction makes stale.

All of it comes from runs of frames; each is held against a walk over all frames, after any edits.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session
from sam2widget.annotation.store import AnnotationStore
from sam2widget.annotation.tables import SessionTables
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import Point, PromptSet
from tests.support.fakes import DiscSegmenter

from .test_timeline import runs_of

FRAMES, HEIGHT, WIDTH = 12, 4, 6
PROMPT = PromptSet((Point(1.0, 1.0, 1),))
MASK = Mask.empty(HEIGHT, WIDTH)

frames = st.integers(0, FRAMES - 1)
states = st.sampled_from([None, "fresh", "stale", "accepted", "rejected"])


def state_of(session, frame, obj):
    result = session.result(frame, obj)
    return None if result is None else result.state


def anchors_of(session, obj):
    return [t for t in range(FRAMES) if session.is_anchor(t, obj)]


def pending_of(session, obj, span, stale_only):
    wanted = ("stale",) if stale_only else ("stale", None)
    return [t for t in span if state_of(session, t, obj) in wanted and not session.prompts(t, obj)]


def check(session, span=range(FRAMES)):
    """Whether it says what a walk over all frames does."""
    unlocked = [info.id for info in session.objects if not info.locked]
    ready = [obj for obj in unlocked if anchors_of(session, obj)]
    for obj in (info.id for info in session.objects):
        assert session.anchors(obj) == runs_of(anchors_of(session, obj))
        for stale_only in (False, True):
            expected = runs_of(pending_of(session, obj, span, stale_only))
            assert session.pending(obj, span, stale_only) == expected
    whole = range(FRAMES)
    assert session.has_pending == any(pending_of(session, obj, whole, False) for obj in ready)
    assert session.has_stale == any(pending_of(session, obj, whole, True) for obj in ready)


@st.composite
def stores(draw):
    """Two objects with any state and any prompts on each frame."""
    store = AnnotationStore(SessionTables(FRAMES, HEIGHT, WIDTH))
    prompts, results = {}, {}
    for key in [(obj, t) for obj in (1, 2) for t in range(FRAMES)]:
        state, is_prompted = draw(states), draw(st.sampled_from([False, False, True]))
        if is_prompted:
            prompts[key] = PROMPT
        if state is not None:
            results[key] = Result(MASK, 5.0, 0.9, "track", state)
    locked = draw(st.booleans())
    store.fill(
        [ObjectInfo.numbered(1), ObjectInfo(2, "b", "#000000", locked=locked)], prompts, results
    )
    return store


@given(stores(), frames, frames)
def test_runs_say_what_a_walk_over_all_frames_says(store, one, other):
    check(store, range(min(one, other), max(one, other) + 1))


@given(stores(), frames)
def test_a_correction_makes_stale_what_a_walk_from_its_frame_outwards_meets(store, frame):
    before = {t: state_of(store, t, 1) for t in range(FRAMES)}
    expected, met = dict(before), before[frame] == "stale"
    for span in range(frame + 1, FRAMES), range(frame - 1, -1, -1):
        for t in span:
            if store.is_anchor(t, 1):
                break
            if before[t] not in (None, "rejected"):
                expected[t], met = "stale", True
    with store.edit("a correction"):
        assert store.mark_span_stale(frame, 1) == met
    assert {t: state_of(store, t, 1) for t in range(FRAMES)} == expected
    check(store)
    store.history.undo()
    assert {t: state_of(store, t, 1) for t in range(FRAMES)} == before
    check(store)


EDITS = {
    "click": lambda s, obj, t, u: s.add_point(t, 3, 2, 1, obj),
    "clear": lambda s, obj, t, u: s.clear_prompts(t, obj),
    "accept": lambda s, obj, t, u: s.accept(obj, t, u),
    "reject": lambda s, obj, t, u: s.reject(obj, t, u),
    "unreview": lambda s, obj, t, u: s.unreview(obj, t, u),
    "reset": lambda s, obj, t, u: s.reset(obj, t, u),
    "import": lambda s, obj, t, u: s.import_masks({(obj, n): MASK for n in (t, u - 1)}),
    "lock": lambda s, obj, t, u: s.update_object(obj, locked=t % 2 == 0),
    "remove": lambda s, obj, t, u: s.remove_object(obj),
    "track": lambda s, obj, t, u: list(zip(range(u), s.propagate(), strict=False)),
    "track a part": lambda s, obj, t, u: list(s.propagate(t, u, objects=obj)),
    "track what is stale": lambda s, obj, t, u: list(s.propagate(stale_only=True)),
    "undo": lambda s, obj, t, u: s.undo(),
    "redo": lambda s, obj, t, u: s.redo(),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(1, 2), frames, frames)))
def test_so_they_do_after_any_edits(edits):
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    session.add_point(3, 3, 2)
    for name, obj, one, other in edits:
        with suppress(SessionError):
            EDITS[name](session, obj, min(one, other), max(one, other) + 1)
        check(session)
