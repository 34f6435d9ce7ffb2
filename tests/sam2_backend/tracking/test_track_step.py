"""All objects are tracked in one step, whatever their histories; as a graph too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Sam2Model, VideoPredictor
from sam2_backend.kernels.graphs import CAPTURE_AT, MAX_GRAPHS, GraphedFunction, repeat_in_place
from sam2_backend.network.layers import CpuPaths
from sam2_backend.network.sam2 import ImageFeatures
from sam2_backend.tracking.track_step import MemoryInputs, TrackStep, run_track_step


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["nano"], image_size=64))
    with torch.no_grad():
        network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)
        network.maskmem_tpos_enc.normal_(std=0.1)
    network.runtime = replace(network.runtime, memory_dtype=torch.float32)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 48, 64, 3), dtype=np.uint8)


def prompt(video: VideoPredictor, obj: int) -> None:
    """Prompt an object on as many frames as its number says, some of them late."""
    for n in range(obj):
        video.add_points(2 * n, obj, [[8 + 5 * obj, 20 + n]], [1])


@pytest.mark.parametrize("own_paths", [True, False])
def test_objects_of_different_histories_are_one_batch(model, frames, monkeypatch, own_paths):
    monkeypatch.setattr(CpuPaths, "enabled", own_paths)
    sizes: list[int] = []
    condition = model.condition_on_memory
    together = VideoPredictor(model, frames)
    for obj in range(1, 9):
        prompt(together, obj)
    monkeypatch.setattr(
        model,
        "condition_on_memory",
        lambda s16, *rest: sizes.append(len(rest[0])) or condition(s16, *rest),
    )
    ours = list(together.propagate(16, 20))
    assert sizes == [8] * 4
    for obj in (1, 4, 8):
        alone = VideoPredictor(model, frames)
        prompt(alone, obj)
        for result, expected in zip(ours, alone.propagate(16, 20), strict=True):
            np.testing.assert_allclose(
                result.logits[obj], expected.logits[obj], atol=2e-4, rtol=1e-4
            )
            assert result.scores[obj] == pytest.approx(expected.scores[obj], abs=1e-4)


def test_memory_maps_that_were_dropped_are_encoded_again_as_they_were(model, frames, monkeypatch):
    def track() -> list:
        video = VideoPredictor(model, frames)
        for t in range(0, 20, 2):
            video.add_points(t, 1, [[10 + t, 20]], [1])
        return [*video.propagate(), *video.propagate(reverse=True)]

    expected = track()
    encoded: list[int] = []
    encode = model.encode_memory
    monkeypatch.setattr(
        model, "encode_memory", lambda *a, **k: encoded.append(1) or encode(*a, **k)
    )
    track()
    usual = len(encoded)
    encoded.clear()
    monkeypatch.setattr("sam2_backend.tracking.memory_bank.MAX_CONDITIONING_MAPS", 1)
    ours = track()
    assert len(encoded) > usual
    for result, other in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(result.logits[1], other.logits[1])


def test_a_step_needs_no_value_on_the_host(model):
    """On a device without values: one that is asked for raises."""
    config = model.config
    c, side, device = config.hidden_dim, config.feature_size, torch.device("meta")
    with device:
        network = Sam2Model(config).eval().requires_grad_(False)
    with torch.inference_mode():
        features = ImageFeatures(
            torch.empty(1, c // 8, 4 * side, 4 * side, device=device),
            torch.empty(1, c // 4, 2 * side, 2 * side, device=device),
            torch.empty(1, c, side, side, device=device),
        )
        for is_mixed in (False, True):
            inputs = MemoryInputs(
                torch.empty(3, 7, config.memory_dim, side, side, device=device),
                torch.zeros(3, 7, dtype=torch.int64, device=device),
                torch.empty(3, 16, c, device=device),
                torch.empty(3, 16, device=device),
                torch.ones(3, 7, dtype=torch.bool, device=device) if is_mixed else None,
                torch.ones(3, 16, dtype=torch.bool, device=device) if is_mixed else None,
            )
            selected, memories = run_track_step(network, features, inputs, exclusive=True)
            assert selected.logits_n1hw.shape == (3, 1, config.mask_size, config.mask_size)
            assert memories.shape == (3, config.memory_dim, side, side)
            assert memories.device == device


def test_a_captured_step_gives_the_same_masks(model, frames):
    """Captured by what a CPU can do: reading and writing the same memory each time."""

    def track(*, capture: bool) -> tuple[list, VideoPredictor]:
        video = VideoPredictor(model, frames, exclusive_memory=True)
        if capture:
            video.tracker.step = TrackStep(model, capture=repeat_in_place)
        for obj in (1, 2, 3):
            prompt(video, obj)
        return list(video.propagate(6)), video

    (ours, video), (expected, _) = track(capture=True), track(capture=False)
    assert video.tracker.step.num_graphs > 0
    for result, other in zip(ours, expected, strict=True):
        for obj in (1, 2, 3):
            np.testing.assert_array_equal(result.logits[obj], other.logits[obj])
            np.testing.assert_array_equal(result.masks[obj], other.masks[obj])


def test_a_graph_is_made_of_shapes_that_recur_and_of_the_present_state():
    captured: list[torch.Size] = []
    factor = torch.ones(1)

    def double(x: torch.Tensor, more: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        return (2 * factor * x + (0 if more is None else more),)

    def capture(function):
        captured.append(function()[0].shape)
        return repeat_in_place(function)

    state = [0]
    function = GraphedFunction(double, torch.device("cpu"), state=lambda: state[0], capture=capture)
    for n in range(2 * CAPTURE_AT):
        x = torch.full((3,), float(n))
        (result,) = function(x, None)
        assert torch.equal(result, 2 * x)
        assert len(captured) == (n + 1 >= CAPTURE_AT)
    kept, _ = function(torch.ones(3), None)[0], function(torch.zeros(3), None)
    assert torch.equal(kept, torch.full((3,), 2.0)), "results are not overwritten"
    assert torch.equal(function(torch.ones(3), torch.ones(3))[0], torch.full((3,), 3.0))
    state[0] = 1
    assert torch.equal(function(torch.ones(3), None)[0], torch.full((3,), 2.0))
    assert function.num_graphs == 0, "made for other weights"
    for size in range(4, 4 + 2 * MAX_GRAPHS):
        for _ in range(CAPTURE_AT):
            function(torch.ones(size), None)
    assert function.num_graphs == MAX_GRAPHS


def test_what_cannot_be_captured_runs_without():
    def capture(function):
        raise RuntimeError("operation not permitted when stream is capturing")

    function = GraphedFunction(lambda x: (x + 1,), torch.device("cpu"), capture=capture)
    for _ in range(CAPTURE_AT - 1):
        function(torch.ones(2))
    with pytest.warns(RuntimeWarning, match="could not be captured"):
        assert torch.equal(function(torch.ones(2))[0], torch.full((2,), 2.0))
    assert torch.equal(function(torch.ones(2))[0], torch.full((2,), 2.0))
