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
from sam2_backend.video import open_video
from sam2widget.models.sam2 import Sam2Segmenter
from sam2widget.models.segmenter import Point, PromptSet
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
    video = prompt(model, frames, objects, is_mixed=is_mixed, **options)
    for _ in video.propagate(1, FIRST):
        pass
    with counting(model.parameters()) as counts:
        for result in video.propagate(FIRST, FIRST + FRAMES):
            assert set(result.masks) == set(result.scores) == set(range(objects))
            assert all(mask.shape == SIZE_HW for mask in result.masks.values())
    return counts


def prompt(
    model: Sam2Model, frames: np.ndarray, objects: int, *, is_mixed: bool, **options: bool
) -> VideoPredictor:
    video = VideoPredictor(model, frames, **options)
    for obj in range(objects):
        video.add_points(0, obj, [[8 + 6 * obj, 20]], [1])
        if is_mixed:
            for t in range(1, obj + 1):
                video.add_points(t, obj, [[8 + 6 * obj, 20]], [1])
    return video


@pytest.fixture(autouse=True)
def ways_of_gpus(monkeypatch: pytest.MonkeyPatch, model: Sam2Model) -> None:
    monkeypatch.setattr(CpuPaths, "enabled", False)
    monkeypatch.setattr(Runtime, "decoder_dtype", property(lambda runtime: runtime.dtype))
    model.runtime = model.runtime  # its parts predict in what that says


@pytest.mark.parametrize(("objects", "is_mixed"), [(1, False), (8, False), (8, True)])
def test_a_tracked_frame_launches_few_kernels_and_waits_once(model, frames, objects, is_mixed):
    counts = count(model, frames, objects, is_mixed=is_mixed)
    most = MAX_MIXED_LAUNCHES if is_mixed else MAX_LAUNCHES
    assert counts.num_launches / FRAMES <= most, counts.launches
    assert counts.num_syncs / FRAMES <= MAX_SYNCS, counts.syncs
    assert counts.weight_casts == 0
    bits = -(-SIZE_HW[0] * SIZE_HW[1] // 8)
    assert counts.host_bytes == FRAMES * objects * (bits + 8), "bits and two numbers"


def test_results_are_read_a_frame_late_and_nothing_waits_before(model, frames):
    video = prompt(model, frames, 2, is_mixed=False)
    coming = video.propagate(1)
    for _ in range(FIRST):
        before = next(coming)
    with counting(model.parameters()) as counts:
        result = next(coming)
        assert counts.num_syncs == 0 == counts.host_bytes
        assert len(dict(before.masks)) == 2
        assert counts.num_syncs == 1
        bits = -(-SIZE_HW[0] * SIZE_HW[1] // 8)
        assert counts.host_bytes == 2 * (bits + 8)
        assert len(dict(before.ious)) == len(dict(before.scores)) == 2 and counts.num_syncs == 1
    assert len(dict(result.masks)) == 2


@pytest.mark.parametrize("is_mixed", [False, True])
def test_the_widget_fetches_masks_and_logits_in_one_piece(model, frames, is_mixed):
    segmenter = Sam2Segmenter(model, open_video(frames))
    for obj in range(8):
        for t in range(obj + 1 if is_mixed else 1):
            segmenter.prompt(t, obj, PromptSet((Point(8 + 6 * obj, 20, 1),)))
    objs = tuple(range(8))
    for t in range(8, FIRST + FRAMES):
        with counting(model.parameters()) as counts:
            found = segmenter.track(t, objs, reverse=False)
        assert set(found) == set(objs)
        assert all(one.logits_hw is not None for one in found.values())
        side = model.config.mask_size
        bits = -(-SIZE_HW[0] * SIZE_HW[1] // 8)
        assert counts.num_syncs == 1, counts.syncs
        assert counts.host_bytes == 8 * (bits + 8 + 4 * side**2)


@pytest.mark.parametrize("fetch_logits", [False, True])
@pytest.mark.parametrize("non_overlapping", [False, True])
def test_what_is_fetched_in_one_piece_is_the_same(model, frames, fetch_logits, non_overlapping):
    def track(**options: bool) -> list:
        video = prompt(model, frames, 3, is_mixed=True, **options)
        return list(video.propagate(3, 6))

    plain = track(non_overlapping=non_overlapping)
    for ours, expected in zip(
        track(non_overlapping=non_overlapping, fetch_logits=fetch_logits), plain, strict=True
    ):
        for obj in range(3):
            np.testing.assert_array_equal(ours.masks[obj], expected.masks[obj])
            np.testing.assert_array_equal(ours.logits[obj], expected.logits[obj])
            assert (ours.scores[obj], ours.ious[obj]) == (expected.scores[obj], expected.ious[obj])


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
