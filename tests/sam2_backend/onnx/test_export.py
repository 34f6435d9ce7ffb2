"""Each exported file gives what PyTorch gives, whatever the numbers of objects and prompts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Sam2Model, export_onnx, load_model
from sam2_backend.onnx.kept_decoder import DECODER_KEYS
from sam2_backend.onnx.parts import make_parts

from .conftest import TINY, Exported, make_random, run_both

TOLERANCE = 2e-4
"""Of the largest value of an output: sums of products in another order."""
PARTS = ("image_encoder", "mask_decoder", "memory_attention", "memory_encoder")


@pytest.fixture(params=["nano", "tiny"])
def exported(request) -> Exported:
    return request.getfixturevalue(request.param)


def assert_same(pairs) -> None:
    assert pairs
    for name, expected, found in pairs:
        assert found.shape == expected.shape, name
        assert np.ptp(expected) > 0 or expected.size == 1, f"{name} is constant"
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max(), err_msg=name
        )


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def decoder_inputs(model: Sam2Model, objects: int, points: int) -> dict[str, torch.Tensor]:
    c = model.config
    generator = torch.Generator().manual_seed(objects + points)
    return {
        "image_embed": random(objects, c.hidden_dim, c.feature_size, c.feature_size),
        "high_res_feats_1": random(1, c.hidden_dim // 4, c.mask_size // 2, c.mask_size // 2),
        "high_res_feats_0": random(1, c.hidden_dim // 8, c.mask_size, c.mask_size),
        "point_coords": torch.rand(objects, points, 2, generator=generator) * c.image_size,
        "point_labels": torch.randint(-1, 4, (objects, points), generator=generator),
        "mask_input": 8 * random(objects, 1, c.mask_size, c.mask_size),
        "has_mask_input": torch.arange(objects) % 2 == 0,
    }


def attention_inputs(
    model: Sam2Model, objects: int, memories: int, pointers: int
) -> dict[str, torch.Tensor]:
    c = model.config
    generator = torch.Generator().manual_seed(memories)
    memory_valid = torch.rand(objects, memories, generator=generator) > 0.3
    memory_valid[:, 0] = True
    cells = c.feature_size, c.feature_size
    return {
        "image_features": random(1, c.hidden_dim, *cells),
        "memories": random(objects, memories, c.memory_dim, *cells),
        "memory_slots": torch.randint(c.num_memories, (objects, memories), generator=generator),
        "memory_valid": memory_valid,
        "pointers": random(objects, pointers, c.hidden_dim),
        "pointer_distances": torch.rand(objects, pointers, generator=generator),
        "pointer_valid": torch.rand(objects, pointers, generator=generator) > 0.3,
    }


def test_the_image_encoder_gives_the_same_features(exported):
    size = exported.model.config.image_size
    assert_same(run_both(exported, "image_encoder", {"pixels": random(1, 3, size, size)}))


@pytest.mark.parametrize(("objects", "points"), [(1, 1), (1, 7), (3, 2)])
def test_the_mask_decoder_gives_the_same_masks_of_any_prompts(exported, objects, points):
    inputs = decoder_inputs(exported.model, objects, points)
    assert_same(run_both(exported, "mask_decoder", inputs))


def test_the_mask_decoder_reads_the_mask_where_it_counts_only(nano):
    inputs = decoder_inputs(nano.model, 1, 1)
    (_, _, with_mask), *_ = run_both(nano, "mask_decoder", inputs)
    inputs["has_mask_input"] = torch.zeros(1, dtype=torch.bool)
    (_, _, without), *_ = run_both(nano, "mask_decoder", inputs)
    inputs["mask_input"] = inputs["mask_input"] * 0
    (_, _, zeros), *_ = run_both(nano, "mask_decoder", inputs)
    np.testing.assert_array_equal(without, zeros)
    assert not np.allclose(with_mask, without)


def test_padding_decodes_a_tracked_frame(tiny):
    """As `decode_tracked` does."""
    inputs = decoder_inputs(tiny.model, 2, 1)
    inputs["point_labels"] = torch.full((2, 1), -1)
    inputs["has_mask_input"] = torch.zeros(2, dtype=torch.bool)
    (_, _, found), *_ = run_both(tiny, "mask_decoder", inputs)
    with tiny.model.runtime.inference():
        expected = tiny.model.decode_tracked(
            *(inputs[name] for name in ("image_embed", "high_res_feats_1", "high_res_feats_0"))
        )
    masks = expected.logits_nmhw.numpy()
    np.testing.assert_allclose(found, masks, rtol=0, atol=TOLERANCE * np.abs(masks).max())


@pytest.mark.parametrize(
    ("objects", "memories", "pointers"), [(1, 1, 1), (1, 7, 16), (3, 2, 4), (2, 9, 1)]
)
def test_memory_attention_gives_the_same_features(exported, objects, memories, pointers):
    inputs = attention_inputs(exported.model, objects, memories, pointers)
    assert_same(run_both(exported, "memory_attention", inputs))


@pytest.mark.parametrize("objects", [1, 3])
def test_the_memory_encoder_gives_the_same_memories(exported, objects):
    c = exported.model.config
    inputs = {
        "image_features": random(1, c.hidden_dim, c.feature_size, c.feature_size),
        "mask_logits": 8 * random(objects, 1, c.mask_size, c.mask_size),
        "object_score_logits": torch.tensor([[3.0], [-2.0], [1.0]])[:objects],
        "is_prompted": torch.tensor([True, False, False])[:objects],
    }
    assert_same(run_both(exported, "memory_encoder", inputs))


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(replace(TINY, occlusion_memory=False, pointer_time=False), id="SAM 2.0"),
        pytest.param(replace(TINY, memory_pooling=2), id="pooled memory"),
    ],
)
def test_variants_of_the_memory_are_exported_too(export, config):
    exported = export(make_random(config))
    assert_same(run_both(exported, "memory_attention", attention_inputs(exported.model, 2, 3, 5)))
    c = config
    inputs = {
        "image_features": random(1, c.hidden_dim, c.feature_size, c.feature_size),
        "mask_logits": 8 * random(2, 1, c.mask_size, c.mask_size),
        "object_score_logits": torch.tensor([[3.0], [-2.0]]),
        "is_prompted": torch.tensor([True, False]),
    }
    assert_same(run_both(exported, "memory_encoder", inputs))


@pytest.mark.slow
def test_the_official_tiny_size_is_exported(export):
    exported = export(make_random(CONFIGS["sam2.1-hiera-tiny"]))
    assert_same(run_both(exported, "image_encoder", {"pixels": random(1, 3, 1024, 1024)}))
    assert_same(run_both(exported, "mask_decoder", decoder_inputs(exported.model, 1, 3)))
    assert_same(run_both(exported, "memory_attention", attention_inputs(exported.model, 1, 2, 3)))


def test_mask_decoders_of_all_official_sizes_are_of_one_shape():
    """So that what holds for the export of the tiny one holds for those of the others."""
    shapes = []
    for name, config in CONFIGS.items():
        if not name.startswith("sam2.1"):
            continue
        with torch.device("meta"):
            part = make_parts(Sam2Model(config))["mask_decoder"]
        weights = part.module.model.state_dict()
        inputs = {key: one.shape for key, one in part.inputs.items()}
        read = {key: one.shape for key, one in weights.items() if key.startswith(DECODER_KEYS)}
        shapes.append((inputs, read))
    assert len(shapes) == 4 and len(shapes[0][1]) > 100
    assert shapes[1:] == shapes[:1] * 3


def test_the_description_is_of_the_files(exported):
    import onnx

    model = json.loads((exported.folder / "model.json").read_text())
    assert tuple(model["files"]) == PARTS
    assert model["name"] == exported.model.config.name
    assert model["image_size"] == exported.model.config.image_size
    assert {path.name for path in exported.folder.iterdir()} == {
        "model.json",
        *(f"{part}.onnx" for part in PARTS),
    }
    for one in model["files"].values():
        graph = onnx.load(exported.folder / one["file"])
        onnx.checker.check_model(graph)
        for described, values in (
            (one["inputs"], graph.graph.input),
            (one["outputs"], graph.graph.output),
        ):
            shapes = {
                value.name: [
                    dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim
                ]
                for value in values
            }
            assert shapes == {name: tensor["shape"] for name, tensor in described.items()}
            assert list(shapes) == list(described)


def test_the_network_predicts_as_before_after_its_export(tiny):
    """Tables that it keeps are not those of the export."""
    fresh = make_random(TINY)
    pixels = random(1, 3, 128, 128)
    inputs = attention_inputs(fresh, 2, 3, 5)
    with fresh.runtime.inference():
        expected = fresh.encode_image(pixels).s16
        conditioned = make_parts(fresh)["memory_attention"].module(*inputs.values())
        torch.testing.assert_close(tiny.model.encode_image(pixels).s16, expected)
        again = make_parts(tiny.model)["memory_attention"].module(*inputs.values())
    torch.testing.assert_close(again, conditioned)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'export_onnx\(load_model\("nano"\)\)|load_model'):
        export_onnx("nano", tmp_path)


def test_a_missing_exporter_is_said_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("sam2_backend.onnx.export.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "sam2widget\[onnx\]"'):
        export_onnx(load_model("nano", "cpu"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_pytorch_that_is_too_old_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("sam2_backend.onnx.export.find_spec", lambda name: object())
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(ImportError, match=r"PyTorch 2\.6 or later, this is 2\.5\.1"):
        export_onnx(load_model("nano", "cpu"), tmp_path)
    assert not list(tmp_path.iterdir())
