import time
from itertools import pairwise

import numpy as np
import pytest

from sam2widget.annotation.confidence import ABSENT, NO_MASK, Review, mask_iou
from sam2widget.annotation.overlaps import intersection_areas
from sam2widget.annotation.session import Session
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import Prediction
from tests.support.fakes import DiscSegmenter

FRAMES, HEIGHT, WIDTH = 20, 12, 40


@pytest.mark.parametrize("seed", range(5))
def test_the_iou_of_run_lengths_is_that_of_arrays(seed):
    a, b = np.random.default_rng(seed).random((2, 9, 13)) > 0.2 * seed
    expected = (a & b).sum() / (a | b).sum()
    assert mask_iou(Mask.from_array(a), Mask.from_array(b)) == pytest.approx(expected)


def test_two_empty_masks_agree():
    assert mask_iou(Mask.empty(3, 4), Mask.empty(3, 4)) == 1
    assert mask_iou(Mask.empty(3, 4), Mask.from_array(np.ones((3, 4)))) == 0


class Doubtful(DiscSegmenter):
    """Jumps on frame 7, doubts frame 12, sees nothing on 15."""

    def track(self, frame, objs, *, reverse):
        found = super().track(frame, objs, reverse=reverse)
        for obj, one in found.items():
            mask, score, iou = one.mask_hw, one.score, one.iou
            if frame == 7:
                mask = np.roll(mask, 12, axis=1)
            if frame == 12:
                iou = 0.3
            if frame == 15:
                mask, score = np.zeros_like(mask), -6.0
            found[obj] = Prediction(mask, score, iou)
        return found


@pytest.fixture
def session():
    session = Session(FRAMES, HEIGHT, WIDTH, Doubtful(HEIGHT, WIDTH))
    return session


@pytest.fixture
def review(session):
    review = Review(session)
    session.listen(review.note)
    session.add_point(0, 10, 6)
    list(session.propagate())
    return review


def test_a_jump_a_doubt_and_an_absence_show(review):
    confidence = review.confidence(1)
    assert confidence[7] < 0.1 and confidence[12] < 0.5 * confidence[3]
    assert confidence[3] == pytest.approx(0.9 / (1 + np.exp(-5)), abs=0.01)
    levels = review.levels(1)
    assert levels[15] == ABSENT and levels[3] > 200 and levels.dtype == np.uint8


def test_the_queue_goes_from_the_least_certain_on_and_around(session, review):
    assert review.num_unreviewed() == FRAMES - 1
    seen = [review.next_unreviewed() for _ in range(FRAMES - 1)]
    assert len(set(seen)) == FRAMES - 1 and review.next_unreviewed() == seen[0]
    confidence = review.confidence(1)
    assert [confidence[t] for _, t in seen] == sorted(confidence[t] for _, t in seen)


def test_what_is_reviewed_is_left_out(session, review):
    session.accept(1, 1, 11)
    session.reject(1, 11)
    assert review.num_unreviewed() == FRAMES - 12 and review.levels(1)[11] == NO_MASK
    session.accept(1, 12, FRAMES)
    assert review.num_unreviewed() == 0 and review.next_unreviewed() is None
    session.undo()
    session.update_object(1, locked=True)
    assert review.num_unreviewed() == 0


def test_undo_is_followed(session, review):
    before = review.confidence(1)
    session.add_point(7, 17, 6)
    assert review.confidence(1)[7] > before[7]
    session.undo()
    assert np.array_equal(review.confidence(1), before)


def test_what_is_kept_up_to_date_is_what_all_of_it_gives(session, review):
    rng = np.random.default_rng(0)
    for _ in range(12):
        frame = int(rng.integers(FRAMES))
        edit = rng.integers(4)
        if edit == 0:
            session.add_point(frame, int(rng.integers(WIDTH)), 6)
        elif edit == 1:
            session.reset(None, 0, FRAMES) if frame % 5 == 0 else session.undo()
        elif edit == 2 and session.result(frame, 1) is not None:
            session.reject(1, frame) if frame % 2 else session.accept(1, frame)
        elif session.anchors(1):
            list(session.propagate())
        before = review.confidence(1)
        anew = Review(session)
        np.testing.assert_array_equal(before, anew.confidence(1))
        np.testing.assert_array_equal(review.levels(1), anew.levels(1))


def test_an_object_is_looked_at_as_a_whole_when_it_is_first_asked_for(session, review):
    session.add_point(0, 30, 6, obj=2)
    list(session.propagate())
    assert review.num_waiting(2) == FRAMES
    review.levels(1)
    session.reject(2, 4)
    session.accept(1, 5, 7)
    assert (review.num_waiting(1), review.num_waiting(2)) == (2, FRAMES)
    assert np.isnan(review.confidence(2)[4]) and review.num_waiting(2) == 0
    np.testing.assert_array_equal(review.confidence(2), Review(session).confidence(2))


def test_a_tracked_frame_costs_less_than_a_millisecond():
    y, x = np.mgrid[:480, :854]
    masks = [Mask.from_array((x - 400 - t) ** 2 + (y - 240) ** 2 < 120**2) for t in range(40)]
    began = time.perf_counter()
    for a, b in pairwise(masks):
        mask_iou(a, b)
        mask_iou(a, b)
    assert (time.perf_counter() - began) / 39 < 0.002


@pytest.mark.parametrize("seed", range(4))
def test_many_pairs_at_once_share_what_each_shares_alone(seed):
    rng = np.random.default_rng(seed)
    # Of several sizes, some empty, some full, some that begin with the object.
    sizes = [tuple(rng.integers(1, 9, 2)) for _ in range(40)]
    first, second = (
        [rng.random(size) < rng.choice([0.0, 0.3, 0.7, 1.0]) for size in sizes] for _ in range(2)
    )
    found = intersection_areas(*([Mask.from_array(one) for one in of] for of in (first, second)))
    assert found.tolist() == [int((a & b).sum()) for a, b in zip(first, second, strict=True)]
