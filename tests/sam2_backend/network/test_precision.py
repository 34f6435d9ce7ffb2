"""Networks predict in the precision that was chosen, and are trained and saved in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Sam2Model, VideoPredictor, load_model, save_model
from sam2_backend.kernels import runtime as runtimes
from sam2_backend.kernels.runtime import Runtime
from sam2widget.samples import sample_clip
from tests.oracle.random_weights import randomize
from tests.parity.scene import drifting_texture
from tests.support.counting import counting

SIDE = 256
"""Of the input of networks of official size."""


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.array(sample_clip().frames_thw3[:12])


def test_parameters_stay_as_they_were_saved():
    half = load_model("nano", "cpu", torch.bfloat16, image_size=64)
    exact = load_model("nano", "cpu", image_size=64)
    VideoPredictor(half, np.zeros((2, 48, 64, 3), np.uint8)).add_points(0, 1, [[9, 9]], [1])
    for key, value in half.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, exact.state_dict()[key])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_changed_weights_count_from_then_on(dtype):
    """Whatever was computed from them: cast, fused, tabulated."""
    torch.manual_seed(0)
    config = replace(CONFIGS["nano"], image_size=64)
    changed, fresh = (Sam2Model(config).eval().requires_grad_(False) for _ in range(2))
    for network in (changed, fresh):
        network.runtime = Runtime.choose("cpu", dtype)
    frames = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)

    def track(network: Sam2Model) -> list[np.ndarray]:
        video = VideoPredictor(network, frames)
        video.add_points(0, 1, [[20, 20]], [1])
        return [result.logits[1] for result in video.propagate()]

    before = track(changed)
    changed.load_state_dict(fresh.state_dict())
    for ours, expected, earlier in zip(track(changed), track(fresh), before, strict=True):
        np.testing.assert_array_equal(ours, expected)
        assert not np.array_equal(ours, earlier)


def test_the_mask_decoder_predicts_in_float32_on_a_cpu():
    """What the encoder applies of it does not: features are kept in the lower precision."""
    network = Sam2Model(replace(CONFIGS["nano"], image_size=64)).eval().requires_grad_(False)
    network.runtime = Runtime.choose("cpu", "bfloat16")
    with network.runtime.inference():
        features = network.encode_image(torch.randn(1, 3, 64, 64))
        output = network.decode_tracked(*features[::-1])
    assert {level.dtype for level in features} == {torch.bfloat16}
    assert {part.dtype for part in output} == {torch.float32}
    on_gpu = replace(network.runtime, device=torch.device("cuda"))
    assert on_gpu.decoder_dtype is torch.bfloat16


def test_training_does_not_see_the_precision_of_predictions():
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["nano"], image_size=64))
    pixels = torch.randn(1, 3, 64, 64)
    expected = network.encode_image(pixels).s16
    network.runtime = replace(network.runtime, dtype=torch.bfloat16)
    with network.runtime.inference():
        assert network.encode_image(pixels).s16.dtype == torch.bfloat16
    ours = network.encode_image(pixels).s16
    assert ours.requires_grad and torch.equal(ours, expected)
    with torch.no_grad():
        torch.testing.assert_close(network.encode_image(pixels).s16, expected)


def test_bfloat16_gives_nearly_the_same_masks_of_real_objects(frames):
    """IoU of 0.99 and more with those in float32, frame by frame."""

    def track(dtype: torch.dtype) -> list[dict[int, np.ndarray]]:
        video = VideoPredictor(load_model("nano", "cpu", dtype), frames)
        for obj, mask_hw in enumerate(sample_clip().masks.values(), 1):
            video.add_mask(0, obj, mask_hw[0])
        return [dict(result.masks) for result in video.propagate()]

    for ours, expected in zip(track(torch.bfloat16), track(torch.float32), strict=True):
        for obj, mask_hw in expected.items():
            assert mask_hw.any()
            iou = (ours[obj] & mask_hw).sum() / (ours[obj] | mask_hw).sum()
            assert iou >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CONFIGS if "hiera" in name])
def test_bfloat16_gives_nearly_the_same_masks_with_networks_of_official_size(name):
    """With random weights under which masks have edges and memories are heeded: IoU of 0.99, but
    0.98 with two of them, whose masks cover a quarter of the frame."""
    min_iou = 0.98 if name in ("sam2-hiera-tiny", "sam2.1-hiera-large") else 0.99
    network = Sam2Model(replace(CONFIGS[name], image_size=SIDE)).eval().requires_grad_(False)
    randomize(network.state_dict())
    moving = drifting_texture(3, 180, 320)

    def track(dtype: torch.dtype) -> list[np.ndarray]:
        network.runtime = Runtime.choose("cpu", dtype)
        video = VideoPredictor(network, moving)
        video.add_points(0, 1, [[160, 90]], [1])
        return [result.masks[1] for result in video.propagate()]

    exact, half = track(torch.float32), track(torch.bfloat16)
    for mask_hw, half_hw in zip(exact, half, strict=True):
        assert 0.05 < mask_hw.mean() < 0.95
        assert (mask_hw & half_hw).sum() / (mask_hw | half_hw).sum() >= min_iou


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_weight_is_cast_while_tracking(frames, dtype):
    model = load_model("nano", "cpu", dtype, image_size=128)
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[80, 90]], [1])
    video.add_points(0, 2, [[120, 90]], [1])
    coming = video.propagate(1)
    next(coming)
    with counting(model.parameters()) as counts:
        dict(next(coming).masks)
    assert counts.num_launches > 100
    assert counts.weight_casts == 0
    with counting(model.parameters()) as counts:
        video.add_points(3, 1, [[85, 95]], [1])
        video.add_box(4, 2, [20, 20, 90, 90])
    assert counts.num_launches > 100
    assert counts.weight_casts == 0, "of clicks and boxes neither"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, torch.float32),
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
        ("torch.float16", torch.float16),
        (torch.bfloat16, torch.bfloat16),
    ],
)
def test_a_precision_is_chosen_by_name_too(given, expected):
    assert Runtime.choose("cpu", given).dtype is expected


@pytest.mark.parametrize("is_faster", [True, False])
def test_auto_takes_bfloat16_where_a_cpu_is_faster_with_it(monkeypatch, is_faster):
    monkeypatch.setattr(runtimes, "is_bfloat16_faster", lambda: is_faster)
    expected = torch.bfloat16 if is_faster else torch.float32
    assert Runtime.choose("cpu", "auto").dtype is expected
    assert Runtime.choose("cpu").dtype is torch.float32, "less exact only where it is asked for"


@pytest.mark.parametrize("is_faster", [True, False])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_auto_takes_bfloat16_only_where_it_gives_the_same_masks(
    monkeypatch, tmp_path, is_faster, noise
):
    """Weights that nothing was trained with magnify what is rounded until masks are others."""
    monkeypatch.setattr(runtimes, "is_bfloat16_faster", lambda: is_faster)
    state = load_model("nano", "cpu").state_dict()
    if noise:
        torch.manual_seed(0)
        for value in state.values():
            if value.dim() > 1:
                value.add_(noise * torch.randn_like(value))
    save_model(CONFIGS["nano"], state, tmp_path / "weights.safetensors")
    model = load_model(tmp_path / "weights.safetensors", "cpu", "auto")
    expected = torch.bfloat16 if is_faster and not noise else torch.float32
    assert model.runtime.dtype is expected


def test_what_is_no_precision_gets_a_sentence():
    for wrong in ("half", torch.int8):
        with pytest.raises(ValueError, match="or 'auto', got"):
            Runtime.choose("cpu", wrong)
