"""SAM2Long's decisions: which branches go on, and how memories are chosen and weighed."""

from __future__ import annotations

import math

import pytest

from sam2_backend import CONFIGS, TreeSettings
from sam2_backend.tracking.policies.tree import TreePolicy

from .parts import history, offer, path, record

NANO = CONFIGS["nano"]
BOXES = [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)]


def chosen(decisions) -> list[tuple[int, int]]:
    return [(one.path, one.candidate) for one in decisions]


def test_the_branches_of_the_highest_sums_of_logarithms_go_on():
    policy = TreePolicy(NANO)
    paths = [
        path(offer(BOXES, [0.5, 0.3, 0.2]), score=math.log(0.9)),
        path(offer(BOXES, [0.95, 0.6, 0.1]), score=math.log(0.6)),
        path(offer(BOXES, [0.1, 0.4, 0.2]), score=math.log(0.5)),
    ]
    decisions = policy.decide(paths)
    assert chosen(decisions) == [(1, 0), (0, 0), (1, 1)]
    assert decisions[0].score == pytest.approx(math.log(0.6 * 0.95))
    assert decisions[1].score == pytest.approx(math.log(0.9 * 0.5))
    assert decisions[0].record.box == BOXES[0] and decisions[0].record.iou == pytest.approx(0.95)


def test_one_path_becomes_three_and_three_stay_three():
    policy = TreePolicy(NANO)
    assert chosen(policy.decide([path(offer(BOXES, [0.2, 0.9, 0.5]))])) == [(0, 1), (0, 2), (0, 0)]
    assert len(policy.decide([path(offer(BOXES, [0.2, 0.9, 0.5]))] * 3)) == 3
    narrow = TreePolicy(NANO, TreeSettings(max_paths=1))
    assert chosen(narrow.decide([path(offer(BOXES, [0.2, 0.9, 0.5]))])) == [(0, 1)]


@pytest.mark.parametrize(("object_score", "expected"), [(1.9, 3), (2.0, 1)])
def test_where_no_path_is_sure_branches_go_on_that_differ(object_score, expected):
    """Equal IoUs, to two decimals, stand for equal masks."""
    policy = TreePolicy(NANO)
    ious = [0.801, 0.8, 0.6]
    other = offer(BOXES, [0.799, 0.4, 0.3], object_score=0.5)
    paths = [path(offer(BOXES, ious, object_score=object_score)), path(other, score=-0.001)]
    decisions = policy.decide(paths)
    assert len({round(one.record.iou, 2) for one in decisions}) == expected
    assert chosen(decisions)[0] == (0, 0)
    assert [one.score for one in decisions] == sorted((d.score for d in decisions), reverse=True)


def test_a_path_that_judges_the_object_absent_goes_on_as_one():
    policy = TreePolicy(NANO)
    absent = path(offer(BOXES, [0.2, 0.7, 0.5], object_score=-4))
    (decision,) = policy.decide([absent])
    assert decision.candidate == 1 and decision.record.box is None
    both = policy.decide([absent, path(offer(BOXES, [0.6, 0.5, 0.4]))])
    assert chosen(both) == [(0, 1), (1, 0), (1, 1)]


def test_a_score_of_nothing_is_no_error():
    decisions = TreePolicy(NANO).decide([path(offer(BOXES, [0.0, 0.0, 0.0]))])
    assert all(math.isfinite(one.score) for one in decisions)


def test_good_frames_are_attended_to_and_weigh_by_visibility():
    policy = TreePolicy(NANO)
    known = {
        0: record(object_score=10),
        5: record(object_score=1),
        6: record(object_score=9),
        7: record(iou=0.3),
        8: record(None, object_score=-2),
        9: record(object_score=4),
    }
    selection = policy.select(history(10, known))
    assert selection.memories == [(6, 0), (2, 5), (1, 6), (0, 9)]
    assert selection.weights == pytest.approx([1.0, 0.95, 1.05, 1.0])
    only = policy.select(history(10, {0: record(), 9: record()}))
    assert only.weights == [1.0, 1.0]
    many = {t: record(object_score=t) for t in range(30)}
    selection = policy.select(history(30, many))
    assert selection.memories == [(6, 0), *((29 - t, t) for t in range(24, 30))]
    assert selection.weights == pytest.approx([1.0, 0.95, 0.97, 0.99, 1.01, 1.03, 1.05])
    assert list(policy.retain(history(30, many))) == [29, 28, 27, 26, 25, 24]


def test_the_published_settings_are_the_default():
    assert TreeSettings() == TreeSettings(3, 2.0, 0.3, 0.95, 1.05)
