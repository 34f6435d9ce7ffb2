"""Every device that this machine has gives the CPU's masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import AutomaticMaskGenerator, ImagePredictor, VideoPredictor, load_model
from sam2_backend.kernels.runtime import Runtime, find_best_device
from sam2_backend.network.transforms import (
    frame_to_input,
    frames_to_input,
    image_to_input,
    pack_bits,
)
from sam2_backend.tracking.logits_store import LogitsStore
from sam2widget.samples import sample_clip

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append("cuda")
if torch.backends.mps.is_available():
    DEVICES.append("mps")

MAX_DIFFERING_PIXELS = 1e-3
"""In float32: other sums of the same products."""


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.array(sample_clip().frames_thw3[:10])


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return request.param


def track(frames, device: str, *, has_graphs: bool = False):
    model = load_model("nano", device, "float32", image_size=128)
    model.runtime = replace(model.runtime, has_graphs=has_graphs)
    video = VideoPredictor(model, frames, exclusive_memory=True)
    video.add_mask(3, 1, sample_clip().masks[1][3])
    video.add_points(3, 2, [[120, 90], [20, 20]], [1, 0])
    video.add_box(5, 2, [80, 60, 150, 120])
    return [*video.propagate(), *video.propagate(reverse=True)]


@pytest.fixture(scope="module")
def expected(frames):
    return track(frames, "cpu")


@pytest.mark.parametrize("has_graphs", [False, True])
def test_masks_of_a_video_are_the_cpus(frames, device, expected, has_graphs):
    ours = track(frames, device, has_graphs=has_graphs)
    for result, other in zip(ours, expected, strict=True):
        for obj, mask_hw in other.masks.items():
            assert np.mean(result.masks[obj] != mask_hw) <= MAX_DIFFERING_PIXELS
            assert result.scores[obj] == pytest.approx(other.scores[obj], abs=0.05)


def test_masks_of_a_picture_are_the_cpus(frames, device):
    def predict(where: str):
        predictor = ImagePredictor(load_model("nano", where, "float32", image_size=128))
        predictor.set_image(frames[0])
        return predictor.predict([[80, 90]], [1])

    (masks, ious, _), (other_masks, other_ious, _) = predict(device), predict("cpu")
    assert np.mean(masks != other_masks) <= MAX_DIFFERING_PIXELS
    np.testing.assert_allclose(ious, other_ious, atol=1e-2)


def test_everything_is_found_on_every_device(frames, device):
    model = load_model("nano", device, "float32", image_size=128)
    found = AutomaticMaskGenerator(model, points_per_side=4, pred_iou_thresh=0.0).generate(
        frames[0]
    )
    assert found and all(one["segmentation"].shape == frames[0].shape[:2] for one in found)


def test_inputs_and_packed_masks_are_the_cpus(frames, device):
    for convert in (image_to_input, frame_to_input):
        ours, other = (convert(frames[0], 64, torch.device(where)) for where in (device, "cpu"))
        torch.testing.assert_close(ours.cpu(), other, atol=1e-5, rtol=1e-5)
    pictures = [frames[0], frames[0][:90, 7:]]
    uploaded = [torch.from_numpy(rgb.copy()).to(device) for rgb in pictures]
    ours = frames_to_input(uploaded, 64, torch.device(device))
    other = frames_to_input(pictures, 64, torch.device("cpu"))
    torch.testing.assert_close(ours.cpu(), other, atol=1e-5, rtol=1e-5)
    masks = torch.rand(3, 7, 9) > 0.5
    assert torch.equal(pack_bits(masks.to(device)).cpu(), pack_bits(masks))


def test_logits_of_prompted_frames_come_back_to_their_device(device):
    logits = torch.randn(1, 1, 8, 8)
    stored = LogitsStore(0).put(logits.to(device))
    assert stored.in_memory is None
    ours = stored.load()
    assert ours.device.type == device and torch.equal(ours.cpu(), logits)


def test_further_clicks_on_a_frame_are_the_cpus(frames, device):
    """They begin with what clicks have in common, on a CPU alone."""

    def click(where: str) -> list[np.ndarray]:
        video = VideoPredictor(load_model("nano", where, "float32", image_size=128), frames)
        return [
            *(video.preview(0, 1, [[80 + 9 * n, 90]], [1]).masks[1] for n in range(3)),
            video.add_points(0, 1, [[80, 90]], [1]).masks[1],
            video.add_points(0, 1, [[20, 20]], [0]).masks[1],
        ]

    for mask_hw, other_hw in zip(click(device), click("cpu"), strict=True):
        assert np.mean(mask_hw != other_hw) <= MAX_DIFFERING_PIXELS


def test_the_best_device_is_chosen_by_itself():
    best = "cuda" if "cuda" in DEVICES else DEVICES[-1]
    assert Runtime.choose().device.type == best


@pytest.mark.parametrize(
    ("has_cuda", "has_mps", "best"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_gpus_come_before_the_cpu(monkeypatch, has_cuda, has_mps, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: has_mps)
    assert find_best_device() == best
