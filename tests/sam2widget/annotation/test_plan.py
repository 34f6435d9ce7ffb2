from sam2widget.annotation.plan import Step, make_plan, neighbours


def order(pending, anchors, direction="both"):
    return [(s.frame, s.objs, s.reverse) for s in make_plan(pending, anchors, direction)]


def test_frames_are_tracked_outwards_from_the_nearest_anchor_first_up_then_down():
    plan = order({1: [0, 1, 3, 4, 5, 7]}, {1: [2, 6]})
    assert [(frame, reverse) for frame, _, reverse in plan] == [
        *((3, False), (4, False), (7, False)),
        *((5, True), (1, True), (0, True)),
    ]


def test_of_two_anchors_as_near_the_earlier_is_taken():
    assert make_plan({1: [3]}, {1: [2, 4]}, "both") == [Step(3, (1,), False)]


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
    assert make_plan({1: [0, 1]}, {1: []}, "both") == []


def test_neighbours_are_the_anchors_around_a_frame():
    assert neighbours(3, [1, 5]) == (1, 5)
    assert neighbours(0, [1, 5]) == (None, 1)
    assert neighbours(9, [1, 5]) == (5, None)
