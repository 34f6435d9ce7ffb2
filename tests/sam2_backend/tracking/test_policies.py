"""Which memories a frame attends to is a policy's to choose, ours or a user's."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_backend import (
    CONFIGS,
    FrameHistory,
    MemoryPolicy,
    MemorySelection,
    Sam2Model,
    VideoPredictor,
)
from sam2_backend.tracking.policies import find_policy
from sam2_backend.tracking.policies.nearest import NearestPolicy
from sam2_backend.tracking.policies.plain import PlainPolicy
from tests.support.networks import random_nano

NANO = CONFIGS["nano"]


def history(frame: int, conditioning: list[int], tracked: range, *, reverse: bool = False):
    step = -1 if reverse else 1
    stored = {*conditioning, *tracked} - {frame}
    previous = {d: frame - step * d for d in range(1, 16) if frame - step * d in stored}
    return FrameHistory(
        frame=frame,
        reverse=reverse,
        conditioning=[t for t in conditioning if t != frame],
        previous=previous,
        with_memory={*previous.values()},
    )


def test_the_policy_of_the_reference_takes_all_prompted_frames_whatever_their_number():
    prompted = [40, 3, 17, 25, 31]
    selection = PlainPolicy(NANO).select(history(20, prompted, range(3, 20)))
    assert selection.memories == [
        *((6, t) for t in prompted),
        *((5, 14), (4, 15), (3, 16), (1, 18), (0, 19)),
    ]
    assert selection.pointers[:2] == [(17, 3), (3, 17)], "prompted frames of the past alone"
    assert 25 not in [t for _, t in selection.pointers]


def test_the_nearest_policy_takes_one_of_each_side_and_then_the_nearest():
    prompted = [40, 3, 17, 25, 31]
    selection = NearestPolicy(NANO, 3).select(history(20, prompted, range(3, 20)))
    assert [t for slot, t in selection.memories if slot == 6] == [17, 25, 31]
    assert NearestPolicy(NANO, 5).select(history(20, prompted, range(3, 20))) == PlainPolicy(
        NANO
    ).select(history(20, prompted, range(3, 20)))
    backwards = NearestPolicy(NANO, 2).select(history(20, prompted, range(20, 41), reverse=True))
    assert [t for slot, t in backwards.memories if slot == 6] == [17, 25]
    assert all(t > 20 for _, t in backwards.pointers)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        NearestPolicy(NANO, 1)


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    return random_nano(64)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10, 48, 64, 3), dtype=np.uint8)


class LastFrame:
    """Attend to the prompted frames and the one just before."""

    memory_reach = pointer_reach = 1

    def __init__(self) -> None:
        self.asked: list[int] = []

    def select(self, history: FrameHistory) -> MemorySelection:
        self.asked.append(history.frame)
        last = [t for d, t in history.previous.items() if d == 1]
        recent = [(0, t) for t in last if t not in history.conditioning]
        return MemorySelection(
            [*((6, t) for t in history.conditioning), *recent], [(1, t) for t in last]
        )


def test_a_policy_of_ones_own_decides_what_is_attended_to_and_kept(model, frames):
    policy = LastFrame()
    assert isinstance(policy, MemoryPolicy)
    video = VideoPredictor(model, frames, memory_policy=policy)
    video.add_points(0, 1, [[20, 20]], [1])
    ours = list(video.propagate())
    assert policy.asked == list(range(1, 10))
    assert sorted(video.tracker.banks[1].tracked) == [1, 8, 9], "near the prompt and the last"
    reference = VideoPredictor(model, frames)
    reference.add_points(0, 1, [[20, 20]], [1])
    for result, other in zip(ours, reference.propagate(), strict=True):
        is_alike = np.allclose(result.logits[1], other.logits[1], atol=1e-3)
        assert is_alike == (result.frame < 2), "until there is more to attend to"


def test_a_frame_without_any_memory_is_decoded_as_one_without_a_past(model, frames):
    class Nothing:
        memory_reach = pointer_reach = 0

        def select(self, history: FrameHistory) -> MemorySelection:
            return MemorySelection((), ())

    video = VideoPredictor(model, frames, memory_policy=Nothing())
    for obj in (1, 2):
        video.add_points(0, obj, [[20, 20 + obj]], [1])
    result = video.track(1)
    np.testing.assert_allclose(result.logits[1], result.logits[2], atol=1e-4)


def test_a_policy_that_chooses_what_is_not_stored_gets_a_sentence(model, frames):
    class Far(LastFrame):
        def select(self, history: FrameHistory) -> MemorySelection:
            return MemorySelection([(6, 0), (0, 99)], [])

    video = VideoPredictor(model, frames, memory_policy=Far())
    video.add_points(0, 1, [[20, 20]], [1])
    with pytest.raises(ValueError, match="Far chose the memory of frame 99 for frame 1"):
        video.track(1)


@pytest.mark.parametrize(("name", "kind"), [("plain", PlainPolicy), ("nearest", NearestPolicy)])
def test_built_in_policies_are_found_by_name(name, kind):
    assert type(find_policy(name, NANO)) is kind


def test_what_is_no_policy_gets_a_sentence(model, frames):
    with pytest.raises(ValueError, match=r"a name or an object with memory_reach.*got 3"):
        VideoPredictor(model, frames, memory_policy=3)


def test_a_name_that_there_is_not_is_told_with_those_that_there_are(model, frames):
    with pytest.raises(
        ValueError, match="no memory policy 'short': there are plain, nearest, motion"
    ):
        VideoPredictor(model, frames, memory_policy="short")
