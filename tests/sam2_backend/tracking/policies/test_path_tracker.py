"""Tracking with policies that decide: paths, memories that stay, corrections, both directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Decision, FrameHistory, Sam2Model, VideoPredictor
from sam2_backend.network.mask_decoder import DecoderOutput
from sam2_backend.network.sam2 import SelectedMask
from sam2_backend.tracking.memory_bank import MemoryBank, make_entries
from sam2_backend.tracking.policies import find_policy
from sam2_backend.tracking.policies.plain import PlainPolicy
from tests.support.networks import random_nano

from .parts import record

NANO = CONFIGS["nano"]
DECIDING = "motion", "distractor", "tree"
FRAMES, HEIGHT, WIDTH = 40, 48, 64


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    network = random_nano(64)
    network.runtime = replace(network.runtime, memory_dtype=torch.float32)
    return network


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


def predictor(model: Sam2Model, frames: np.ndarray, policy: object, **options) -> VideoPredictor:
    video = VideoPredictor(model, frames, memory_policy=policy, **options)
    for obj in (1, 2, 3):
        video.add_points(0, obj, [[8 + 12 * obj, 20]], [1])
    return video


class Best(PlainPolicy):
    """What SAM 2 does, told as decisions."""

    def decide(self, paths):
        best = paths[0].candidates.best
        return [Decision(0, best, paths[0].candidates.record(best))]

    def retain(self, history: FrameHistory):
        return ()


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_policy_that_decides_as_sam2_gives_what_the_plain_one_gives(model, frames, exclusive):
    plain = predictor(model, frames, "plain", exclusive_memory=exclusive)
    ours = predictor(model, frames, Best(model.config), exclusive_memory=exclusive)
    for video in (plain, ours):
        video.add_points(12, 2, [[40, 30]], [1])  # an object with another history than the others
    for expected, result in zip(plain.propagate(), ours.propagate(), strict=True):
        for obj in (1, 2, 3):
            np.testing.assert_allclose(
                result.logits[obj], expected.logits[obj], atol=2e-4, rtol=1e-4
            )
            assert result.scores[obj] == pytest.approx(expected.scores[obj], abs=1e-4)
            assert result.ious[obj] == pytest.approx(expected.ious[obj], abs=1e-4)


@pytest.mark.parametrize("policy", DECIDING)
@pytest.mark.parametrize("reverse", [False, True])
def test_objects_tracked_together_are_as_each_alone(model, frames, policy, reverse):
    together = VideoPredictor(model, frames, memory_policy=policy)
    start = FRAMES - 1 if reverse else 0
    for obj in (1, 2, 3):
        together.add_points(start, obj, [[8 + 12 * obj, 20]], [1])
    results = list(together.propagate(reverse=reverse))[:16]
    for obj in (1, 3):
        alone = VideoPredictor(model, frames, memory_policy=policy)
        alone.add_points(start, obj, [[8 + 12 * obj, 20]], [1])
        for result, expected in zip(results, alone.propagate(reverse=reverse), strict=False):
            np.testing.assert_allclose(
                result.logits[obj], expected.logits[obj], atol=1e-3, rtol=1e-3
            )


def steer(model: Sam2Model, monkeypatch: pytest.MonkeyPatch, answers) -> None:
    """Let the network predict what a function says of each step: (boxes, ious, object score)."""
    calls = iter(range(10**6))
    decode = model.decode_tracked

    def decode_tracked(*features: torch.Tensor) -> DecoderOutput:
        output = decode(*features)
        boxes, ious, score = answers(next(calls))
        logits_nmhw = torch.full_like(output.logits_nmhw, -10.0)
        for n, (x0, y0, x1, y1) in enumerate(boxes, 1):
            logits_nmhw[:, n, y0:y1, x0:x1] = 10.0
        return DecoderOutput(
            logits_nmhw,
            torch.tensor([[0.0, *ious]]).expand(len(logits_nmhw), -1),
            torch.full_like(output.object_score_n1, score),
            output.tokens_nmc,
        )

    monkeypatch.setattr(model, "decode_tracked", decode_tracked)


@pytest.mark.parametrize(("policy", "stays"), [("plain", False), ("motion", True)])
def test_where_twins_cross_plain_follows_the_other_and_motion_does_not(
    model, monkeypatch, policy, stays
):
    """From the crossing on, the network is a little surer of the twin, which goes back."""
    crossing = 21

    def answers(call: int):
        t = call + 1
        x, twin_x = round(t / 3), round((2 * crossing - t) / 3)
        boxes = [(twin_x, 10, twin_x + 3, 13), (x, 5, x + 3, 8), (0, 0, 16, 16)]
        return boxes, [0.85 if t > crossing else 0.2, 0.8, 0.1], 5.0

    steer(model, monkeypatch, answers)
    still = np.zeros((FRAMES, 64, 64, 3), np.uint8)
    video = VideoPredictor(model, still, memory_policy=policy)
    start = np.zeros((64, 64), bool)
    start[20:32, 0:12] = True
    video.add_mask(0, 1, start)
    last = list(video.propagate())[-1]
    rows = np.flatnonzero(last.logits[1].max(axis=1) > 0)
    assert rows.tolist() == ([5, 6, 7] if stays else [10, 11, 12])


@pytest.mark.parametrize("policy", ["plain", *DECIDING])
def test_after_a_long_absence_policies_attend_to_frames_with_the_object(
    model, frames, monkeypatch, policy
):
    absent = range(10, 35)

    def answers(call: int):
        score = -5.0 if call + 1 in absent else 5.0
        return [(2, 2, 8, 8)] * 3, [0.9, 0.6, 0.5], score

    steer(model, monkeypatch, answers)
    video = VideoPredictor(model, frames, memory_policy=policy)
    video.add_points(0, 1, [[20, 20]], [1])
    for t in range(1, 35):
        video.track(t)
    selection = video.tracker.banks[1].select(35, reverse=False)
    attended = {t for _, t in selection.memories} - {0}
    with_object = {t for t in attended if t not in absent}
    if policy == "plain":
        assert not with_object and len(attended) == 6
    else:
        expected = {"motion": 5, "distractor": 2, "tree": 6}[policy]
        assert len(with_object) == expected and max(with_object) == 9
        assert attended - with_object <= {34}, "at most the frame just before besides"


class Script(PlainPolicy):
    """Goes on with what a script says: (path, candidate) of each frame, the best first."""

    def __init__(self, script: dict[int, list[tuple[int, int]]]) -> None:
        super().__init__(NANO)
        self.script = script
        self.num_paths: dict[int, int] = {}

    def decide(self, paths):
        frame = paths[0].history.frame
        self.num_paths[frame] = len(paths)
        return [
            Decision(p, c, paths[0].candidates.record(0), score=1.0 + frame)
            for p, c in self.script.get(frame, [(0, 0)])
        ]

    def retain(self, history: FrameHistory):
        return ()


def test_a_path_that_becomes_the_best_brings_the_memory_that_it_had(model, frames):
    """Paths 0 and 1 take candidates 0 and 1 on frame 1; path 1 is the best from frame 3 on."""
    script = Script({1: [(0, 0), (0, 1)], 2: [(0, 0), (1, 1)], 3: [(1, 1)]})
    switched = VideoPredictor(model, frames, memory_policy=script)
    other = VideoPredictor(model, frames, memory_policy=Script({t: [(0, 1)] for t in range(9)}))
    for video in (switched, other):
        video.add_points(0, 1, [[20, 20]], [1])
    results = [[video.track(t) for t in range(1, 4)] for video in (switched, other)]
    same = [
        np.allclose(one.logits[1], two.logits[1], atol=1e-4)
        for one, two in zip(*results, strict=True)
    ]
    assert same == [False, False, True]
    ours, theirs = (video.tracker.banks[1] for video in (switched, other))
    for t in (1, 2, 3):
        torch.testing.assert_close(
            ours.tracked[t].require_memory(), theirs.tracked[t].require_memory()
        )
    assert script.num_paths == {1: 1, 2: 2, 3: 2}


def test_paths_end_where_an_object_is_prompted_or_tracking_begins_elsewhere(model, frames):
    three = [(0, 0), (0, 1), (0, 2)]
    script = Script(dict.fromkeys(range(FRAMES), three))
    video = VideoPredictor(model, frames, memory_policy=script)
    video.add_points(0, 1, [[20, 20]], [1])
    for t in (1, 2, 3):
        video.track(t)
    assert script.num_paths == {1: 1, 2: 3, 3: 3}
    before = video.tracker.banks[1]
    video.add_points(3, 1, [[30, 30]], [1])
    assert video.tracker.banks[1] is before and 3 in before.conditioning
    for t in (3, 4, 5):
        video.track(t)
    assert script.num_paths[4] == 1 and script.num_paths[5] == 3
    video.track(20)
    assert script.num_paths[20] == 1, "a jump"
    video.track(19, reverse=True)
    assert script.num_paths[19] == 1, "a turn"
    video.clear_prompts(0, 1)
    video.track(18, reverse=True)
    assert script.num_paths[18] == 1, "a prompt that was taken back"
    video.remove_object(1)
    video.add_points(0, 2, [[20, 20]], [1])
    video.track(1)
    assert script.num_paths[1] == 1


def test_what_is_not_offered_cannot_be_chosen(model, frames):
    for wrong in ([], [(1, 0)], [(0, 3)]):
        video = VideoPredictor(model, frames, memory_policy=Script({1: wrong}))
        video.add_points(0, 1, [[20, 20]], [1])
        with pytest.raises(ValueError, match="Script chose no mask for frame 1 of those"):
            video.track(1)


@pytest.mark.parametrize("policy", DECIDING)
def test_memory_does_not_grow_with_the_video(model, frames, policy):
    video = VideoPredictor(model, np.concatenate([frames] * 5), memory_policy=policy)
    video.add_points(0, 1, [[20, 20]], [1])
    sizes = []
    for result in video.propagate():
        bank = video.tracker.banks[1]
        kept = [entry for entry in bank.tracked.values() if entry.memory is not None]
        sizes.append((len(bank.tracked), len(kept)))
        assert len(bank.tracked) <= 2 * 15 + 1 + 12, result.frame
    assert max(sizes[60:]) == max(sizes[120:])


@pytest.mark.parametrize("policy", DECIDING)
def test_a_correction_makes_its_span_new_and_the_rest_stays(model, frames, policy):
    video = predictor(model, frames, policy)
    list(video.propagate(stop=20))
    video.add_points(10, 1, [[50, 40]], [1])
    others = {t: video.tracker.banks[2].entry(t) for t in range(12, 20)}
    again = [video.track(t, [1]) for t in range(11, 20)]
    assert video.tracker.banks[1].conditioning.keys() == {0, 10}
    assert others == {t: video.tracker.banks[2].entry(t) for t in range(12, 20)}
    fresh = predictor(model, frames, policy)
    list(fresh.propagate(stop=10))
    fresh.add_points(10, 1, [[50, 40]], [1])
    expected = [fresh.track(t, [1]) for t in range(11, 20)]
    for one, two in zip(again, expected, strict=True):
        np.testing.assert_allclose(one.logits[1], two.logits[1], atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("policy", DECIDING)
def test_tracking_goes_on_from_masks_that_are_put_back(model, frames, policy):
    video = predictor(model, frames, policy)
    done = {result.frame: result for result in video.propagate(stop=20)}
    again = predictor(model, frames, policy)
    masks = {t: dict(result.masks) for t, result in done.items() if t}
    again.restore_before(20, masks)
    result = again.track(20)
    assert np.isfinite(result.logits[1]).all()
    bank = again.tracker.banks[1]
    written = [t for t, entry in bank.tracked.items() if entry.record is not None]
    assert set(range(20 - policy_reach(policy), 21)) <= set(written)


def policy_reach(name: str) -> int:
    return find_policy(name, NANO).memory_reach


def test_retained_frames_of_a_live_video_are_counted_as_they_were_remembered(model):
    """Frames may be skipped there: distances count those that are remembered."""

    class Keep(Best):
        def retain(self, history: FrameHistory):
            return [t for t in history.records if t == 4]

    bank = MemoryBank(Keep(NANO), skips_frames=True)

    def entry():
        dim = NANO.hidden_dim
        (made,) = make_entries(
            SelectedMask(
                torch.ones(1, 1, 4, 4), torch.ones(1), torch.ones(1, 1), torch.ones(1, dim)
            )
        )
        made.memory = torch.ones(1, NANO.memory_dim, 4, 4)
        made.record = record()
        return made

    bank.condition(0, entry())
    for t in range(2, 200, 2):
        bank.track(t, entry(), reverse=False)
    assert 4 in bank.tracked and bank.tracked[4].memory is not None
    history = bank.history(200, reverse=False)
    assert history.previous[15] == 170 and 4 not in history.previous.values()
    assert 4 in history.records and 4 in history.with_memory
    assert bank.history(3, reverse=False).records.keys() == {0, 2}, "4 is later than 3"
