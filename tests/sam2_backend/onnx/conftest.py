"""Exported networks, each exported once, and their parts run in PyTorch and in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, ModelConfig, Sam2Model, export_onnx, load_model
from sam2_backend.onnx.parts import make_parts
from tests.oracle.random_weights import randomize

TINY = replace(
    CONFIGS["sam2.1-hiera-tiny"],
    embed_dim=16,
    stages=(1, 1, 2, 1),
    global_blocks=(2,),
    image_size=128,
    hidden_dim=32,
    decoder_heads=2,
    decoder_mlp_dim=48,
    memory_dim=16,
    memory_layers=1,
    memory_mlp_dim=48,
)
"""The family of SAM 2.1 in small numbers."""


@dataclass(frozen=True)
class Exported:
    """A network, and the folder that it was exported to."""

    model: Sam2Model
    folder: Path


def make_random(config: ModelConfig) -> Sam2Model:
    model = Sam2Model(config)
    randomize(model.state_dict())
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sam2Model], Exported]:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch", minversion="2.6")

    def export(model: Sam2Model) -> Exported:
        return Exported(model, export_onnx(model, tmp_path_factory.mktemp("onnx")).parent)

    return export


@pytest.fixture(scope="session")
def nano(export) -> Exported:
    return export(load_model("nano", "cpu"))


@pytest.fixture(scope="session")
def tiny(export) -> Exported:
    return export(make_random(TINY))


def run_both(
    exported: Exported, part: str, inputs: dict[str, torch.Tensor]
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, expected and found, of each output of a part."""
    import onnxruntime

    made = make_parts(exported.model)[part]
    assert list(inputs) == list(made.inputs)
    with exported.model.runtime.inference():
        result = made.module(*inputs.values())
    expected = (result,) if isinstance(result, torch.Tensor) else result
    session = onnxruntime.InferenceSession(
        exported.folder / f"{part}.onnx", providers=["CPUExecutionProvider"]
    )
    feed: dict[str, Any] = {name: one.numpy() for name, one in inputs.items()}
    found = session.run(None, feed)
    return [
        (name, ours.numpy(), theirs)
        for name, ours, theirs in zip(made.outputs, expected, found, strict=True)
    ]
