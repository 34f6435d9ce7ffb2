"""Checkpoints of both layouts load strictly, and what cannot be loaded says why."""

from __future__ import annotations

import argparse
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sam2_backend import (
    AVAILABLE_MODELS,
    CONFIGS,
    CheckpointError,
    ModelConfig,
    Sam2Model,
    VideoPredictor,
    load_model,
)
from sam2_backend.checkpoints.hf_layout import from_hf, is_hf
from sam2_backend.checkpoints.names import ModelName, check_name, resolve_name
from sam2_backend.network.config import EARLIER_CONFIGS
from sam2_backend.network.transforms import frame_to_input
from tests.oracle import hugging_face
from tests.oracle.official import NAMES
from tests.parity.figures import Figures
from tests.parity.scene import drifting_texture

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of the smallest network there is."""
    torch.manual_seed(0)
    return Sam2Model(CONFIGS["nano"]).state_dict()


def saved(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


def failure(path: str | Path) -> str:
    with pytest.raises(CheckpointError) as error:
        load_model(path, device="cpu")
    return str(error.value)


# What loads


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["Meta's", "bare"])
def test_a_pt_file_loads_and_is_recognised(state: State, layout: str, tmp_path: Path):
    content = state if layout == "bare" else {"model": state}
    model = load_model(saved(content, tmp_path / "weights.pt"), device="cpu")
    assert model.config == CONFIGS["nano"]
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key])


@pytest.mark.parametrize("config", EARLIER_CONFIGS, ids=lambda config: str(config.image_size))
def test_weights_of_an_earlier_network_are_recognised(config: ModelConfig, tmp_path: Path):
    path = saved(Sam2Model(config).state_dict(), tmp_path / "finetuned.pt")
    assert load_model(path, device="cpu").config == config


def test_half_precision_safetensors_load_as_float32(state: State, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file({key: value.half().contiguous() for key, value in state.items()}, path)
    model = load_model(path, device="cpu", image_size=256)
    assert model.config.image_size == 256
    assert all(p.dtype == torch.float32 for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_hugging_face_keys_become_metas(name: str, needs_oracle: None):
    with torch.device("meta"):
        theirs = hugging_face.build(name).state_dict()
        ours = Sam2Model(CONFIGS[name]).state_dict()
    assert is_hf(theirs) and not is_hf(ours)
    converted = from_hf(theirs)
    assert {k: v.shape for k, v in converted.items()} == {k: v.shape for k, v in ours.items()}


@pytest.mark.slow
def test_a_hugging_face_checkpoint_tracks_as_transformers_does(needs_oracle: None, tmp_path: Path):
    theirs = hugging_face.build("sam2.1-hiera-tiny", 256)
    hugging_face.randomize_in_place(theirs)
    theirs.save_pretrained(tmp_path)
    model = load_model(tmp_path / "model.safetensors", device="cpu", image_size=256)
    assert model.config.name == "sam2.1-hiera-tiny"

    frames, click = drifting_texture(4, 180, 320), (100.0, 80.0)
    pixels = torch.cat([frame_to_input(rgb, 256, torch.device("cpu")) for rgb in frames])
    x, y = click[0] / 320 * 256, click[1] / 180 * 256
    ours = VideoPredictor(model, frames)
    ours.add_points(0, 1, [click], [1])
    figures = Figures()
    with torch.inference_mode():
        for feature, expected in zip(
            model.encode_image(pixels[:1]),
            hugging_face.image_features(theirs, pixels[:1]),
            strict=True,
        ):
            figures.compare_logits(feature.numpy(), expected)
    for result, expected in zip(
        ours.propagate(), hugging_face.track_click(theirs, pixels, (x, y)), strict=True
    ):
        figures.compare_logits(result.logits[1], expected)
    figures.check()


def loads(path: Path, state: State) -> None:
    loaded = load_model(path, device="cpu").state_dict()
    assert loaded.keys() == state.keys()
    for key, value in loaded.items():
        assert torch.allclose(value, state[key].float())


def prefixed(state: State, prefix: str) -> State:
    return {prefix + key: value for key, value in state.items()}


WRAPPERS: dict[str, Callable[[State], Any]] = {
    "state_dict": lambda s: {"state_dict": s, "epoch": 2, "lr": 0.1},
    "model_state_dict": lambda s: {"model_state_dict": s, "optimizer_state_dict": {"state": {}}},
    "a trainer's": lambda s: {
        "model": s,
        "optimizer": {"param_groups": [{}]},
        "steps": {"train": 9},
    },
    "an average": lambda s: {"ema": s, "epoch": 1},
    "weights beside their average": lambda s: {"ema": {"x": torch.zeros(1)}, "model": s},
    "wrapped twice": lambda s: {"model": {"state_dict": s}},
    "DistributedDataParallel's": lambda s: {"model": prefixed(s, "module.")},
    "torch.compile's": lambda s: prefixed(s, "_orig_mod."),
    "both's": lambda s: prefixed(s, "module._orig_mod."),
    "Lightning's": lambda s: {
        "state_dict": prefixed(s, "model."),
        "pytorch-lightning_version": "2.4.0",
        "hyper_parameters": {"lr": 1e-4, "name": "x"},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": []}],
    },
    "Lightning's, compiled": lambda s: {"state_dict": prefixed(s, "model._orig_mod.")},
    "a module's around it": lambda s: prefixed(s, "net.sam."),
    "a compiled encoder's": lambda s: {
        key.replace("image_encoder.", "image_encoder._orig_mod."): value for key, value in s.items()
    },
    "of half the bits": lambda s: {"model": {key: value.half() for key, value in s.items()}},
    "in bfloat16": lambda s: {"model": {key: value.bfloat16() for key, value in s.items()}},
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_what_trainers_wrap_around_weights_is_taken_off(name: str, state: State, tmp_path: Path):
    path = saved(WRAPPERS[name](state), tmp_path / "weights.pt")
    rounded = {"of half the bits": torch.half, "in bfloat16": torch.bfloat16}.get(name)
    loads(path, {key: value.to(rounded or value.dtype) for key, value in state.items()})


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin", ".weights"])
def test_the_suffix_of_a_file_does_not_matter(suffix: str, state: State, tmp_path: Path):
    loads(saved({"state_dict": state}, tmp_path / f"a{suffix}"), state)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "best.pt"])
def test_a_folder_with_weights_loads(name: str, state: State, tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "sam2_video"}')
    if name.endswith(".safetensors"):
        save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / name)
    else:
        torch.save(state, tmp_path / name)
    loads(tmp_path, state)


@pytest.mark.slow
def test_a_folder_in_parts_loads_and_a_part_that_is_not_there_is_named(
    needs_oracle: None, tmp_path: Path
):
    theirs = hugging_face.build("sam2.1-hiera-tiny", 256)
    hugging_face.randomize_in_place(theirs)
    theirs.save_pretrained(tmp_path, max_shard_size="60MB")
    assert not (tmp_path / "model.safetensors").exists()
    model = load_model(tmp_path, device="cpu")
    assert model.config.name == "sam2.1-hiera-tiny" and model.config.image_size == 256
    expected = from_hf(theirs.state_dict())
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())
    part = next(tmp_path.glob("model-00001-of-*.safetensors"))
    part.unlink()
    assert repr(part.name) in failure(tmp_path)


def test_extra_heads_are_left_out_on_request_and_named(state: State, tmp_path: Path):
    heads = {"class_head.weight": torch.zeros(3), "class_head.bias": torch.zeros(3)}
    path = saved({"state_dict": prefixed({**state, **heads}, "model.")}, tmp_path / "a.ckpt")
    sentence = failure(path)
    assert "unexpected class_head.weight; unexpected class_head.bias" in sentence
    assert "ignore_extra=True" in sentence
    with pytest.warns(UserWarning, match="left out class_head.weight, class_head.bias"):
        model = load_model(path, device="cpu", ignore_extra=True)
    assert model.config.name == "nano"
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_missing_weights_are_refused_by_name_with_ignore_extra_too(state: State, tmp_path: Path):
    changed = {key: value for key, value in state.items() if key != "no_obj_ptr"}
    path = saved({**changed, "head": torch.zeros(1)}, tmp_path / "a.pt")
    with (
        pytest.warns(UserWarning, match="head"),
        pytest.raises(CheckpointError, match="missing no_obj_ptr"),
    ):
        load_model(path, device="cpu", ignore_extra=True)


BESIDE: dict[str, Callable[[State], Any]] = {
    "arguments": lambda s: {"model": s, "args": argparse.Namespace(lr=1e-4, out=Path("runs"))},
    "a NumPy number": lambda s: {"model": s, "best": np.float64(0.9), "step": np.int64(3)},
    "an epoch": lambda s: {**s, "epoch": 3, "name": "mine", "loss": 0.1, "note": None},
    "checkpoint": lambda s: {"checkpoint": {"model": s}},
    "params": lambda s: {"params": s},
}


@pytest.mark.parametrize("beside", BESIDE)
def test_what_trainers_keep_beside_weights_is_passed_over(
    beside: str, state: State, tmp_path: Path
):
    if beside in ("arguments", "a NumPy number") and not hasattr(
        torch.serialization, "safe_globals"
    ):
        pytest.skip("PyTorch before 2.5 reads no such values without running code")
    model = load_model(saved(BESIDE[beside](state), tmp_path / "a.PT"), device="cpu")
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "config",
    [
        {"image_size": 512},
        {"image_size": [512, 512]},
        {"vision_config": {"backbone_config": {"image_size": [512, 512]}}},
    ],
)
def test_a_folder_says_its_input_size(config: dict[str, Any], state: State, tmp_path: Path):
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert load_model(tmp_path, device="cpu").config.image_size == 512


# What does not


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (lambda t: (t * 100).to(torch.int8), "has values of torch.int8, expected torch.float32"),
        (lambda t: t.to(torch.complex64), "has values of torch.complex64"),
        (lambda t: t * float("nan"), "holds NaN or infinity"),
        (lambda t: t.to_sparse(), "holds no dense values"),
        (lambda t: t.to("meta"), "holds no dense values"),
    ],
)
def test_weights_that_are_no_finite_floats_are_refused(
    values: Callable[[Tensor], Tensor], sentence: str, state: State, tmp_path: Path
):
    path = saved({**state, "no_obj_ptr": values(state["no_obj_ptr"])}, tmp_path / "a.pt")
    assert f"does not fit nano: no_obj_ptr {sentence}" in failure(path)


@pytest.mark.parametrize("name", [None, 5, {}])
def test_a_name_that_is_none_is_refused_in_a_sentence(name: Any):
    assert "A model is named by a text or a path" in failure(name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (lambda s: {"epoch": 3, "optimizer": {}}, "holds no weights, but 'epoch', 'optimizer'"),
        (lambda s: [1, 2], "holds no weights, but a list"),
        (lambda s: {"layers.0.weight": torch.zeros(2)}, "1 keys, such as 'layers.0.weight', fit"),
        (
            lambda s: {**prefixed(s, "student."), **prefixed(s, "teacher.")},
            "several networks, whose keys begin with 'student.', 'teacher.'",
        ),
        (lambda s: {**s, "module.no_obj_ptr": torch.ones(1)}, "'no_obj_ptr' twice"),
    ],
)
def test_what_holds_no_weights_or_several_says_what_it_holds(
    content: Callable[[State], Any], sentence: str, state: State, tmp_path: Path
):
    assert sentence in failure(saved(content(state), tmp_path / "a.pt"))


def test_a_folder_without_weights_says_what_is_there(tmp_path: Path):
    (tmp_path / "a.pt").touch()
    (tmp_path / "b.pt").touch()
    assert "holds a.pt, b.pt: expected model.safetensors" in failure(tmp_path)


def test_keys_that_do_not_fit_are_named(state: State, tmp_path: Path):
    changed = dict(state)
    del changed["no_obj_ptr"]
    changed["surplus.weight"] = torch.zeros(3)
    changed["mask_downsample.bias"] = torch.zeros(2)
    sentence = failure(saved({"model": changed}, tmp_path / "weights.pt"))
    assert "does not fit nano" in sentence
    assert "missing no_obj_ptr" in sentence
    assert "unexpected surplus.weight" in sentence
    assert "mask_downsample.bias has shape (2,), expected (1,)" in sentence


def test_weights_of_another_network_are_refused(tmp_path: Path):
    other = torch.nn.Linear(3, 4).state_dict()
    assert "is not a SAM 2 checkpoint" in failure(saved(other, tmp_path / "weights.pt"))


def test_a_file_without_weights_is_refused(tmp_path: Path):
    assert "holds no weights" in failure(saved([1, 2, 3], tmp_path / "weights.pt"))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_called_damaged(state: State, suffix: str, keep: float, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"model": state}, path)
    else:
        save_file(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    sentence = failure(path)
    assert "damaged or only partly downloaded" in sentence and str(path) in sentence


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_of_something_else_is_called_damaged(suffix: str, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"<html>Not found</html>" * 100)
    assert "damaged or only partly downloaded" in failure(path)


class Malicious:
    """What a pickle may hold: a call."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(state: State, zipped: bool, tmp_path: Path):
    mark, path = tmp_path / "ran", tmp_path / "weights.pt"
    content = {"model": state, "extra": Malicious(mark)}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps({"extra": Malicious(mark)}, protocol=2))
    assert "holds more than weights" in failure(path)
    assert not mark.exists()


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    assert "There is no checkpoint file" in failure(tmp_path / "absent.pt")


def test_an_unknown_name_lists_the_known_ones():
    sentence = failure("sam3-huge")
    assert "Unknown model 'sam3-huge'" in sentence
    assert all(name in sentence for name in AVAILABLE_MODELS)


@pytest.mark.parametrize(
    "name",
    [
        *("./mine", "../mine", "models/", "/models", "a/b/c", "a//b", "some one/model"),
        *("some--one/model", "someone/.model", "someone/model.git"),
        f"someone/{'a' * 97}",
    ],
)
def test_a_name_that_no_repository_can_have_is_refused_without_a_network(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    sentence = f"^Unknown model '{re.escape(name)}'. It is no file or folder, and no repository can"
    for call in (check_name, resolve_name, lambda name: load_model(name, device="cpu")):
        with pytest.raises(CheckpointError, match=sentence):
            call(name)


def test_a_name_is_resolved_in_one_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    tiny = CONFIGS["sam2.1-hiera-tiny"]
    assert resolve_name("sam2.1-hiera-tiny") == ModelName(config=tiny)
    assert resolve_name("facebook/sam2.1-hiera-tiny") == ModelName(config=tiny)
    assert resolve_name("someone/some-model") == ModelName(repository="someone/some-model")
    weights = tmp_path / "facebook" / "sam2.1-hiera-tiny" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    relative = weights.relative_to(tmp_path)
    assert resolve_name("facebook/sam2.1-hiera-tiny") == ModelName(path=relative)
    assert resolve_name(str(weights)) == ModelName(path=weights)
    (tmp_path / "someone").mkdir()
    (tmp_path / "someone" / "some-model").write_bytes(b"weights")
    assert resolve_name("someone/some-model").path == Path("someone/some-model")
    check_name("auto", ["auto"])
    for name in ("", "auto"):
        with pytest.raises(CheckpointError, match=f"Unknown model '{name}'"):
            resolve_name(name)


@pytest.mark.parametrize("name", ["sam2.1-hiera-tiny", "someone/some-model"])
def test_offline_says_what_to_do_instead(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    sentence = failure(name)
    assert "could not be downloaded" in sentence and "load_model('nano')" in sentence


def test_an_unreachable_hub_says_what_to_do_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert "Check the connection" in failure("sam2.1-hiera-tiny")
