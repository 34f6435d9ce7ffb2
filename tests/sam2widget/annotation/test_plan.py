"""What is tracked, in which order: with runs of frames, as a walk over all frames would say."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from sam2widget.annotation.plan import Plan, Step, intersect, invert, make_plan, neighbours

from .test_timeline import runs_of

FRAMES = 16


def order(pending, anchors, direction="both"):
    return [(s.frame, s.objs, s.reverse) for s in planned(pending, anchors, direction)]


def planned(pending, anchors, direction="both"):
    """A plan of frames that are listed one by one."""
    runs = ({obj: runs_of(frames) for obj, frames in one.items()} for one in (pending, anchors))
    return list(make_plan(*runs, direction))


def walked(pending, anchors, direction):
    """The same plan, frame by frame."""
    forward, backward = {}, {}
    for obj, frames in pending.items():
        for frame in frames:
            earlier, later = around(frame, anchors[obj])
            if direction == "forward":
                later = None
            elif direction == "backward":
                earlier = None
            if earlier is not None and (later is None or frame - earlier <= later - frame):
                forward.setdefault(frame, []).append(obj)
            elif later is not None:
                backward.setdefault(frame, []).append(obj)
    return [Step(frame, tuple(forward[frame]), False) for frame in sorted(forward)] + [
        Step(frame, tuple(backward[frame]), True) for frame in sorted(backward, reverse=True)
    ]


def around(frame, anchors):
    """The nearest anchors, of a list of frames."""
    before = bisect_left(anchors, frame)
    later = [one for one in anchors[before:] if one > frame]
    return (anchors[before - 1] if before else None), (later[0] if later else None)


def test_frames_are_tracked_outwards_from_the_nearest_anchor_first_up_then_down():
    plan = order({1: [0, 1, 3, 4, 5, 7]}, {1: [2, 6]})
    assert [(frame, reverse) for frame, _, reverse in plan] == [
        *((3, False), (4, False), (7, False)),
        *((5, True), (1, True), (0, True)),
    ]


def test_of_two_anchors_as_near_the_earlier_is_taken():
    assert planned({1: [3]}, {1: [2, 4]}) == [Step(3, (1,), False)]


def test_objects_of_one_frame_and_direction_are_tracked_together():
    plan = order({1: [1, 2], 2: [1, 2], 3: [1]}, {1: [0], 2: [0], 3: [2]})
    assert plan == [(1, (1, 2), False), (2, (1, 2), False), (1, (3,), True)]


def test_a_direction_uses_anchors_on_one_side_only():
    pending, anchors = {1: [0, 1, 3, 4]}, {1: [2]}
    assert order(pending, anchors, "forward") == [(3, (1,), False), (4, (1,), False)]
    assert order(pending, anchors, "backward") == [(1, (1,), True), (0, (1,), True)]
    assert order({1: [1, 2, 3]}, {1: [0, 4]}, "backward") == [
        *((3, (1,), True), (2, (1,), True), (1, (1,), True)),
    ]


def test_without_an_anchor_nothing_is_planned():
    assert planned({1: [0, 1]}, {1: []}) == [] and len(Plan()) == 0


def test_neighbours_are_the_anchors_around_a_frame():
    anchors = [(1, 2), (5, 8)]
    assert neighbours(3, anchors) == (1, 5)
    assert neighbours(0, anchors) == (None, 1)
    assert neighbours(9, anchors) == (7, None)
    assert neighbours(1, anchors) == (None, 5)
    assert neighbours(6, anchors) == (5, 7)


frames = st.sets(st.integers(0, FRAMES - 1)).map(sorted)


@given(
    st.lists(st.tuples(frames, frames), min_size=1, max_size=3),
    st.sampled_from(["both", "forward", "backward"]),
)
def test_a_plan_is_that_of_a_walk_over_all_frames(objects, direction):
    anchors = {obj: one for obj, (one, _) in enumerate(objects, 1)}
    pending = {
        obj: [t for t in one if t not in anchors[obj]] for obj, (_, one) in enumerate(objects, 1)
    }
    expected = walked(pending, anchors, direction)
    assert planned(pending, anchors, direction) == expected
    plan = make_plan(
        {obj: runs_of(one) for obj, one in pending.items()},
        {obj: runs_of(one) for obj, one in anchors.items()},
        direction,
    )
    for left in range(len(expected), 0, -1):
        assert len(plan) == left and plan.take() == expected[-left]
    assert len(plan) == 0


@given(frames, st.integers(0, FRAMES))
def test_neighbours_are_those_of_a_walk(anchors, frame):
    assert neighbours(frame, runs_of(anchors)) == around(frame, anchors)


@given(frames, frames, st.integers(0, FRAMES), st.integers(0, FRAMES))
def test_runs_are_inverted_and_intersected_as_sets_are(one, other, start, stop):
    assert list(intersect(runs_of(one), runs_of(other))) == runs_of({*one} & {*other})
    assert invert(runs_of(one), start, stop) == runs_of({*range(start, stop)} - {*one})
