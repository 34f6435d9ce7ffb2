"""DAM4SAM's decisions: when a distractor is there, and which memories are kept for it."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_backend import CONFIGS, CandidateMasks, DistractorSettings, FrameRecord
from sam2_backend.tracking.policies.distractor import (
    DistractorPolicy,
    DistractorRecord,
    box_ratio,
)

from .parts import history, mask_of, offer, path, record

NANO = CONFIGS["nano"]
HERE = (10, 10, 20, 20)
WIDER = (10, 10, 22, 20)
TWIN = (40, 10, 50, 20)


def tracked(
    box: tuple[int, int, int, int] | None = HERE, *, is_resolving: bool = False
) -> DistractorRecord:
    plain = record(box)
    return DistractorRecord(plain.iou, plain.object_score, box, plain.area, is_resolving)


def known(num_frames: int, *resolving: int) -> dict[int, FrameRecord]:
    tracks = {t: tracked(is_resolving=t in resolving) for t in range(1, num_frames)}
    return {0: record(HERE), **tracks}


def test_other_masks_that_reach_out_make_the_share_of_the_box_small():
    assert box_ratio(offer([HERE, HERE, WIDER], [0.9, 0.5, 0.4]), 0) == pytest.approx(10 / 12)
    assert box_ratio(offer([HERE, TWIN, HERE], [0.9, 0.5, 0.4]), 0) == pytest.approx(10 / 40)
    # Only the largest component of another mask counts.
    masks = np.stack([mask_of(HERE), mask_of(WIDER, (60, 60, 62, 62)), mask_of()])
    specks = CandidateMasks(masks, np.array([0.9, 0.5, 0.4], np.float32), 5.0)
    assert box_ratio(specks, 0) == pytest.approx(10 / 12)


def is_resolving(
    boxes=(HERE, TWIN, HERE), ious=(0.9, 0.5, 0.4), *, before=None, score=5.0, **settings
) -> bool:
    policy = DistractorPolicy(NANO, DistractorSettings(**settings))
    candidates = offer(boxes, ious, object_score=score)
    (decision,) = policy.decide([path(candidates, before or history(12, known(12)))])
    assert decision.candidate == 0, "the mask is the one that SAM 2 takes"
    return decision.record.is_resolving


def test_a_frame_is_kept_that_shows_a_distractor_while_the_object_is_tracked_reliably():
    assert is_resolving()
    assert not is_resolving((HERE, WIDER, HERE)), "nothing else is there"
    assert is_resolving((HERE, WIDER, HERE), max_box_ratio=0.9)
    assert not is_resolving(ious=(0.79, 0.5, 0.4)), "its IoU is less than 0.8"
    assert not is_resolving(score=-1.0), "the object is absent"
    assert is_resolving(((10, 10, 20, 22), TWIN, HERE)), "it has grown by 20 percent"
    assert not is_resolving(((10, 10, 20, 23), TWIN, HERE)), "by 30 percent"
    assert not is_resolving(before=history(12, known(12, 8))), "four frames after the last"
    assert is_resolving(before=history(13, known(13, 8))), "five frames after the last"


def test_the_area_is_compared_with_the_last_ten_frames_with_the_object():
    before = {t: tracked((10, 10, 20, 30)) for t in range(1, 9)}
    before |= {t: tracked() for t in range(9, 15)}
    before |= {t: tracked(None) for t in range(15, 18)}
    usual = history(18, before, conditioning=[])
    assert is_resolving(before=usual)
    assert not is_resolving(before=usual, median_frames=20), "half as large as most before"
    assert not is_resolving(before=history(9, before, conditioning=[]))
    assert not is_resolving(before=history(18, {}, conditioning=[])), "nothing to compare with"


def test_half_of_memory_is_recent_and_half_tells_the_object_from_others():
    policy = DistractorPolicy(NANO)
    before = history(40, known(40, 7, 13, 19, 33))
    selection = policy.select(before)
    # Spans are 0 to 4, 5 to 9 and so on; of each the newest frame.
    assert selection.memories == [
        *((6, t) for t in (0, 33, 19, 13)),
        *((2, 29), (1, 34), (0, 39)),
    ]
    assert set(policy.retain(before)) == {33, 19, 13, 39, 34, 29}
    assert [d for d, _ in selection.pointers] == [40, *range(1, 16)], "as SAM 2"


def test_spans_stay_as_they_are_while_the_newest_fills():
    policy = DistractorPolicy(NANO)
    recent = [policy.find_recent(history(t, known(t))) for t in (40, 41, 44, 45, 46)]
    assert recent == [[39, 34, 29], [40, 39, 34], [43, 39, 34], [44, 39, 34], [45, 44, 39]]
    turned = {t: tracked() for t in range(60, 80)}
    backward = history(59, turned, conditioning=[80], reverse=True)
    assert policy.find_recent(backward) == [60, 65, 70]


def test_frames_without_the_object_are_never_attended_to():
    policy = DistractorPolicy(NANO)
    before = known(20)
    before |= {t: tracked(None) for t in range(20, 90)}
    assert policy.find_recent(history(90, before)) == [19, 14, 9]


def test_the_published_settings_are_the_default():
    assert DistractorSettings() == DistractorSettings(3, 3, 5, 0.7, 0.8, 0.2, 10)
