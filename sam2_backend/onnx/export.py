"""Writes a network as ONNX files."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arguments import check_model
from ..extras import install_command
from ..network.config import (
    IMAGE_MEAN,
    IMAGE_STD,
    NO_OBJECT_LOGIT,
    NUM_CANDIDATES,
    ModelConfig,
)
from ..network.prompt_encoder import BOX_END, BOX_START, NEGATIVE, PAD, POSITIVE
from ..network.sam2 import STABILITY_DELTA, STABILITY_THRESHOLD, Sam2Model
from .parts import PARTS, Part, make_parts

OPSET = 18
"""Version of ONNX's operators; runtimes since 2023 have it."""
FORMAT = 1
"""Version of the description."""
DESCRIPTION = "model.json"
"""Name of the file that describes the others."""


def export_onnx(
    model: Sam2Model, folder: str | os.PathLike[str], *, parts: Iterable[str] | None = None
) -> Path:
    """Write a network as four ONNX files, and a JSON file that describes them.

    The parts are `image_encoder.onnx`, `mask_decoder.onnx` (with the prompt encoder),
    `memory_attention.onnx` and `memory_encoder.onnx`, all in float32. Numbers of objects, points,
    memories and object pointers may differ from call to call. `model.json` has the size of the
    input, how pictures are prepared, all inputs and outputs, and the numbers that tracking needs.

    PyTorch's exporter over `torch.export` is used, which needs PyTorch 2.6 and `onnxscript`.

    Parameters
    ----------
    model : from `load_model`, on any device and in any precision.
    folder : made where it is missing; files of these names are replaced.
    parts : names of the files to write, without `.onnx`; all if None.

    Returns
    -------
    Path
        Of `model.json`.

    Raises
    ------
    ValueError
        When `model` is no loaded model, or there is no such part.
    ImportError
        When `onnx` or `onnxscript` is not installed, or PyTorch is too old.
    """
    check_model(model, "export_onnx")
    chosen = PARTS if parts is None else tuple(parts)
    if unknown := [name for name in chosen if name not in PARTS]:
        raise ValueError(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.")
    _check_installed()
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    # A copy in float32 on the CPU, which nothing has been compiled in.
    network = Sam2Model(model.config)
    network.load_state_dict({key: value.cpu() for key, value in model.state_dict().items()})
    network = network.eval().requires_grad_(False)
    files: dict[str, Any] = {}
    for name, part in make_parts(network).items():
        if name in chosen:
            files[name] = _export_part(part, folder / f"{name}.onnx")
    path = folder / DESCRIPTION
    path.write_text(json.dumps(describe(model.config) | {"files": files}, indent=2) + "\n")
    return path


def describe(config: ModelConfig) -> dict[str, Any]:
    """Describe a network's inputs and how it tracks, in numbers and strings."""
    return {
        "format": FORMAT,
        "name": config.name,
        "image_size": config.image_size,
        "preprocessing": {
            "resize": "to image_size x image_size, aspect ratio not kept: Pillow's bicubic filter",
            "scale": 1 / 255,
            "mean": IMAGE_MEAN,
            "std": IMAGE_STD,
            "layout": "(1, 3, image_size, image_size) RGB",
        },
        "point_labels": {
            "padding": PAD,
            "negative": NEGATIVE,
            "positive": POSITIVE,
            "box_start": BOX_START,
            "box_end": BOX_END,
        },
        "mask_size": config.mask_size,
        "feature_size": config.feature_size,
        "hidden_dim": config.hidden_dim,
        "memory_dim": config.memory_dim,
        "num_candidates": NUM_CANDIDATES,
        "mask_threshold": 0.0,
        "stability_delta": STABILITY_DELTA,
        "stability_threshold": STABILITY_THRESHOLD,
        "no_object_logit": NO_OBJECT_LOGIT,
        "num_memories": config.num_memories,
        "tracked_memories": config.tracked_memories,
        "max_pointers": config.max_pointers,
    }


def _export_part(part: Part, path: Path) -> dict[str, Any]:
    """Write a part, and describe its file."""
    symbols: dict[str, Any] = {}
    shapes = tuple(
        {
            axis: symbols.setdefault(name, torch.export.Dim(name))
            for axis, name in enumerate(part.dynamic[one])
            if name is not None
        }
        for one in part.inputs
    )
    arguments = tuple(part.inputs.values())
    with torch.no_grad(), _quiet():
        # Tables of positions are computed now: an export would leave its own in their caches.
        result = part.module(*arguments)
        outputs = (result,) if isinstance(result, Tensor) else result
        torch.onnx.export(
            *(part.module, arguments, os.fspath(path)),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return {
        "file": path.name,
        "inputs": {
            name: _describe_tensor(tensor, part.dynamic[name])
            for name, tensor in part.inputs.items()
        },
        "outputs": {
            name: _describe_tensor(tensor, part.output_dims.get(name, ()))
            for name, tensor in zip(part.outputs, outputs, strict=True)
        },
    }


def _describe_tensor(tensor: Tensor, names: tuple[str | None, ...]) -> Mapping[str, Any]:
    sizes = list(tensor.shape)
    shape = [name or size for name, size in zip(names or [None] * len(sizes), sizes, strict=True)]
    return {"shape": shape, "dtype": str(tensor.dtype).removeprefix("torch.")}


def _check_installed() -> None:
    """Refuse to export where something is missing."""
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"An export to ONNX needs {' and '.join(missing)}: {install_command('onnx')}."
        )
    major, minor = (int(part) for part in torch.__version__.split(".")[:2])
    if (major, minor) < (2, 6):
        raise ImportError(
            f"An export to ONNX needs PyTorch 2.6 or later, this is {torch.__version__}."
        )


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep PyTorch's notes on its own exporter to itself; errors are raised all the same."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
