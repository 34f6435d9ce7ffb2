"""What a frame attends to, and what is dropped."""

import torch

from sam2_backend import CONFIGS
from sam2_backend.tracking.memory_bank import (
    MAX_CONDITIONING_MAPS,
    MemoryBank,
    MemoryEntry,
)
from sam2_backend.tracking.policies.plain import PlainPolicy


def entry() -> MemoryEntry:
    return MemoryEntry(
        pointer=torch.zeros(1, 4),
        object_score=torch.ones(1, 1),
        iou=0.5,
        logits=torch.zeros(1, 1, 2, 2),
        memory=torch.zeros(1, 2, 1, 1),
    )


def tracked_bank(*, num_frames: int, prompted: int = 0) -> MemoryBank:
    bank = MemoryBank(PlainPolicy(CONFIGS["nano"]))
    bank.condition(prompted, entry())
    for frame in range(prompted + 1, num_frames):
        bank.drop_corrected_spans()
        bank.track(frame, entry(), reverse=False)
    return bank


def test_a_frame_attends_to_prompted_frames_and_the_last_six():
    bank = tracked_bank(num_frames=30)
    selection = bank.select(29, reverse=False)
    # The prompted frame fills the last slot; the farthest of the six comes first.
    assert [slot for slot, _ in selection.memories] == [6, 5, 4, 3, 2, 1, 0]
    assert [distance for distance, _ in selection.pointers] == [29, *range(1, 16)]


def test_a_backward_pass_does_not_see_pointers_of_earlier_prompts():
    bank = tracked_bank(num_frames=10)
    bank.condition(8, entry())
    selection = bank.select(5, reverse=True)
    assert [distance for distance, _ in selection.pointers if distance == 5] == []
    assert 3 in [distance for distance, _ in selection.pointers]


def test_memory_does_not_grow_with_the_length_of_the_video():
    short, long = tracked_bank(num_frames=60), tracked_bank(num_frames=600)
    assert len(short.tracked) == len(long.tracked)
    maps = [t for t, e in long.tracked.items() if e.memory is not None]
    assert maps == [*range(1, 7), *range(593, 600)]


def test_frames_near_a_prompt_stay_reachable_for_a_pass_the_other_way():
    bank = tracked_bank(num_frames=60, prompted=20)
    selection = bank.select(19, reverse=True)
    assert [slot for slot, _ in selection.memories] == [6, 5, 4, 3, 2, 1]


def test_a_correction_makes_only_its_span_stale():
    bank = tracked_bank(num_frames=12)
    bank.condition(6, entry())
    bank.drop_corrected_spans()
    for frame in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11):
        bank.track(frame, entry(), reverse=False)
    bank.condition(9, entry())
    bank.drop_corrected_spans()
    assert sorted(bank.tracked) == [1, 2, 3, 4, 5]
    assert sorted(bank.conditioning) == [0, 6, 9]


def test_a_prompted_frame_is_no_longer_a_tracked_one():
    bank = tracked_bank(num_frames=4)
    bank.condition(2, entry())
    assert 2 not in bank.tracked
    assert bank.was_tracked(2)
    bank.forget(2)
    assert bank.entry(2) is None
    assert not bank.was_tracked(2)


def test_memory_maps_do_not_grow_with_the_number_of_prompted_frames():
    bank = MemoryBank(PlainPolicy(CONFIGS["nano"]))
    for frame in range(0, 400, 2):
        bank.condition(frame, entry())
    for t, one in bank.conditioning.items():  # as `Tracker.encode_pending`
        one.memory = None if t else one.memory
    most = 0
    for frame in (*range(1, 400, 2), *range(399, 0, -2)):
        selection = bank.select(frame, reverse=False)
        for _, t in selection.memories:
            one = bank.require(t)
            one.memory = torch.zeros(1, 2, 1, 1) if one.memory is None else one.memory
        most = max(most, sum(one.memory is not None for one in bank.conditioning.values()))
    assert most == MAX_CONDITIONING_MAPS


def test_as_many_maps_are_kept_as_are_attended_to_at_once():
    bank = MemoryBank(PlainPolicy(CONFIGS["nano"], max_conditioning=40))
    for frame in range(40):
        bank.condition(frame, entry())
    bank.select(50, reverse=False)
    assert all(one.memory is not None for one in bank.conditioning.values())
