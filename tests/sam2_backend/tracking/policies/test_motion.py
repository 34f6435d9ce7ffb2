"""SAMURAI's decisions: which mask is taken, and which memories are attended to."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_backend import CONFIGS, FrameRecord, MotionSettings
from sam2_backend.tracking.policies.candidates import box_iou
from sam2_backend.tracking.policies.kalman import BoxFilter
from sam2_backend.tracking.policies.motion import MotionPolicy, MotionRecord

from .parts import history, offer, path, record

NANO = CONFIGS["nano"]


def place(t: int) -> tuple[int, int, int, int]:
    """Of an object that moves right by a cell a frame."""
    return t + 15, 20, t + 25, 30


def follow(
    policy: MotionPolicy, num_frames: int, *, reverse: bool = False
) -> dict[int, FrameRecord]:
    """Records of an object that is followed for some frames from frame 0, or back from there."""
    sign = -1 if reverse else 1
    known: dict[int, FrameRecord] = {0: record(place(10))}
    for n in range(1, num_frames):
        here = place(10 + sign * n)
        before = history(sign * n, known, reverse=reverse)
        (decision,) = policy.decide([path(offer([here] * 3, [0.9, 0.8, 0.7]), before)])
        known[sign * n] = decision.record
    return known


def test_a_filter_foretells_a_box_that_moves_and_grows_steadily():
    found = BoxFilter.start((0, 0, 10, 20))
    for t in range(1, 20):
        found = found.predict().update((3 * t, 0, 3 * t + 10 + t, 20))
    np.testing.assert_allclose(found.predict().box, (60, 0, 90, 20), atol=0.5)
    ahead = found.predict(5)
    np.testing.assert_allclose(ahead.box, found.predict(2).predict(3).box)
    assert (np.diag(ahead.covariance_88) > np.diag(found.covariance_88)).all()
    np.testing.assert_allclose(found.covariance_88, found.covariance_88.T)
    assert np.linalg.eigvalsh(found.covariance_88).min() > 0


def test_a_filter_follows_the_measurement_more_where_it_knows_less():
    known = BoxFilter.start((0, 0, 10, 10))
    for _ in range(20):
        known = known.predict().update((0, 0, 10, 10))
    unknown = BoxFilter.start((0, 0, 10, 10)).predict(10)
    moved = (4, 0, 14, 10)
    assert known.predict().update(moved).box[0] < unknown.update(moved).box[0] <= 4


TWIN = (50, 45, 60, 55)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_mask_that_fits_the_motion_is_taken_before_one_with_a_little_more_iou(reverse):
    policy = MotionPolicy(NANO)
    known = follow(policy, 17, reverse=reverse)
    sign = -1 if reverse else 1
    here = place(10 + sign * 17)
    before = history(sign * 17, known, reverse=reverse)
    candidates = offer([TWIN, here, TWIN], [0.85, 0.8, 0.1])
    (decision,) = policy.decide([path(candidates, before)])
    assert decision.candidate == 1
    assert decision.record.motion_score > 0.8 and decision.record.num_steady == 18
    # What is better by more than motion weighs is taken all the same.
    (decision,) = policy.decide([path(offer([TWIN, here, TWIN], [0.95, 0.7, 0.1]), before)])
    assert decision.candidate == 0 and decision.record.motion_score == 0


def test_motion_counts_only_once_the_object_has_been_followed_for_long_enough():
    policy = MotionPolicy(NANO, MotionSettings(min_steady_frames=15))
    candidates = offer([TWIN, place(24), TWIN], [0.85, 0.8, 0.1])
    soon = history(14, follow(policy, 14))
    (decision,) = policy.decide([path(candidates, soon)])
    assert decision.candidate == 0, "14 steady frames"
    candidates = offer([TWIN, place(25), TWIN], [0.85, 0.8, 0.1])
    (decision,) = policy.decide([path(candidates, history(15, follow(policy, 15)))])
    assert decision.candidate == 1, "15 steady frames"


def test_an_object_that_is_lost_is_to_be_followed_anew():
    policy = MotionPolicy(NANO)
    known = follow(policy, 17)
    gone = offer([place(27)] * 3, [0.9, 0.8, 0.7], object_score=-3)
    (decision,) = policy.decide([path(gone, history(17, known))])
    assert decision.record.box is None and decision.record.filter is None
    assert decision.record.num_steady == 0
    known[17] = decision.record
    (decision,) = policy.decide([path(offer([TWIN] * 3, [0.9, 0.1, 0.1]), history(18, known))])
    assert decision.record.num_steady == 1 and decision.record.motion_score is None
    unsure = offer([place(27)] * 3, [0.29, 0.2, 0.1])
    (decision,) = policy.decide([path(unsure, history(17, follow(policy, 17)))])
    assert decision.record.num_steady == 0, "its predicted IoU is no more than 0.3"


def test_the_filter_takes_in_prompts_and_restored_masks():
    policy = MotionPolicy(NANO)
    known = follow(policy, 17)
    restored = {t: record(one.box) for t, one in known.items()}
    ours, theirs = (policy.foretell(history(17, one)) for one in (known, restored))
    assert (ours.num_steady, theirs.num_steady) == (17, 15), "as far as pointers reach"
    assert box_iou(ours.filter.box, theirs.filter.box) > 0.9
    corrected = {**known, 16: record((40, 40, 50, 50))}
    after = policy.foretell(history(17, corrected))
    assert after.num_steady == 17
    assert after.filter.box[1] > ours.filter.box[1] + 5, "towards the prompt"
    # A filter whose time ran the other way says nothing of this pass but its boxes.
    backward = {t: one for t, one in known.items() if t < 17}
    turned = policy.foretell(history(-1, backward, reverse=True))
    assert turned.filter is not None and turned.filter.mean_8[4] < 0, "it moves left now"


def test_frames_are_attended_to_whose_mask_and_visibility_and_motion_are_good():
    policy = MotionPolicy(NANO)

    def tracked(iou=0.9, object_score=5.0, motion=0.8, box=(0, 0, 10, 10)):
        return MotionRecord(iou, object_score, box, 100, motion, None, 0, False)

    known = {
        0: record(),
        **{t: tracked() for t in (3, 4, 5)},
        30: tracked(),
        31: tracked(iou=0.5),
        32: tracked(object_score=0.0),
        33: tracked(motion=0.0),
        34: tracked(motion=None),
        35: tracked(box=None),
    }
    before = history(36, known)
    assert policy.find_good(before) == [35, 34, 30, 5, 4, 3, 0], "and the frame just before"
    selection = policy.select(before)
    assert selection.memories == [(6, 0), (5, 3), (4, 4), (3, 5), (2, 30), (1, 34), (0, 35)]
    assert policy.retain(before) == [34, 30, 5, 4, 3]
    assert [t for _, t in selection.pointers] == [0, 35, 34, 33, 32, 31, 30], "as SAM 2"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"motion_weight": 1.5}, "motion_weight of the memory policy 'motion' must be a number"),
        ({"min_steady_frames": 2.5}, "must be a whole number from 0 to 1000, got 2.5"),
        ({"min_iou": float("nan")}, "must be a number from 0 to 1, got nan"),
        ({"min_iou": "0.5"}, "got '0.5'"),
        ({"min_iou": True}, "got True"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        MotionSettings(**setting)


def test_the_published_settings_are_the_default():
    assert MotionSettings() == MotionSettings(0.15, 15, 0.3, 0.5, 0.0, 0.0)
