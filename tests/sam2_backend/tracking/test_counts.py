"""What a GPU is asked to do for a tracked frame is counted, and must not grow.

Counted on the CPU, on the ways that GPUs go, without graphs: they launch as many kernels at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Sam2Model, VideoPredictor
from sam2_backend.kernels.runtime import Runtime
from sam2_backend.network.layers import CpuPaths
from tests.support.counting import Counts, counting

SIZE_HW = 48, 64
FRAMES = 8
"""Frames counted: as many as the encoder takes at once."""
FIRST = 17
"""All memories and pointers are there."""

MAX_LAUNCHES = 345
"""Of tiny, a frame, an eighth of the encoder's included."""
MAX_MIXED_LAUNCHES = 355
"""Where objects differ in what they remember."""
MAX_SYNCS = 1
"""The masks, which are fetched in one piece."""


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["sam2.1-hiera-tiny"], image_size=64))
    with torch.no_grad():
        network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)
    network.runtime = replace(Runtime.choose("cpu", "bfloat16"), frames_at_once=FRAMES)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    shape = FIRST + 2 * FRAMES, *SIZE_HW, 3
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def count(
    model: Sam2Model, frames: np.ndarray, objects: int, *, is_mixed: bool = False, **options: bool
) -> Counts:
    """Count what tracking takes for `FRAMES` frames, masks and scores on the host included."""
    video = VideoPredictor(model, frames, **options)
    for obj in range(objects):
        video.add_points(0, obj, [[8 + 6 * obj, 20]], [1])
        if is_mixed:
            for t in range(1, obj + 1):
                video.add_points(t, obj, [[8 + 6 * obj, 20]], [1])
    for _ in video.propagate(1, FIRST):
        pass
    with counting(model.parameters()) as counts:
        for result in video.propagate(FIRST, FIRST + FRAMES):
            assert set(result.masks) == set(result.scores) == set(range(objects))
            assert all(mask.shape == SIZE_HW for mask in result.masks.values())
    return counts


@pytest.fixture(autouse=True)
def ways_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CpuPaths, "enabled", False)


@pytest.mark.parametrize(("objects", "is_mixed"), [(1, False), (8, False), (8, True)])
def test_a_tracked_frame_launches_few_kernels_and_waits_once(model, frames, objects, is_mixed):
    counts = count(model, frames, objects, is_mixed=is_mixed)
    most = MAX_MIXED_LAUNCHES if is_mixed else MAX_LAUNCHES
    assert counts.num_launches / FRAMES <= most, counts.launches
    assert counts.num_syncs / FRAMES <= MAX_SYNCS, counts.syncs
    assert counts.weight_casts == 0
    bits = -(-SIZE_HW[0] * SIZE_HW[1] // 8)
    assert counts.host_bytes == FRAMES * objects * (bits + 8), "bits and two numbers"


@pytest.mark.parametrize("exclusive", [False, True])
def test_more_objects_launch_no_more_kernels(model, frames, exclusive):
    two, eight = (
        count(model, frames, n, exclusive_memory=exclusive, non_overlapping=exclusive)
        for n in (2, 8)
    )
    assert two.launches == eight.launches


def test_counting_sees_what_it_is_there_for():
    weight = torch.nn.Parameter(torch.ones(3, 3), requires_grad=False)
    x = torch.arange(3.0)
    with counting([weight]) as counts, torch.inference_mode():
        _ = x @ weight.to(torch.bfloat16).float()
        _ = x.view(3, 1)[x > 1].sum().item(), x.tolist(), x.cpu(), bool(x.sum())
    assert counts.weight_casts == 1
    assert counts.num_syncs == 5
    assert counts.host_bytes == 4 + 12 + 12 + 4
    assert counts.launches["aten.sum.default"] == 2 and not counts.launches["aten.view.default"]
