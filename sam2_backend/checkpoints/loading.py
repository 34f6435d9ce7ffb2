"""Loading of networks by name, file or repository, and saving of their weights.

Two layouts of keys are read: Meta's, which is this library's own, and Hugging Face's (see
`hf_layout`). `files` knows the files, folders and wrappers that they come in.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..arguments import check_flag
from ..kernels.allocator import tune_malloc
from ..kernels.runtime import Runtime
from ..network.config import CONFIGS, EARLIER_CONFIGS, ModelConfig
from ..network.precision_trial import masks_agree
from ..network.sam2 import Sam2Model
from ..tracking.policies import MemoryPolicy, name_policy
from ..tracking.policies.settings import PolicySettings
from . import hf_layout
from .files import list_first, read_image_size, read_tensors
from .hub import CheckpointError, fetch, official_file
from .names import resolve_name

_log = logging.getLogger(__name__)

AVAILABLE_MODELS: tuple[str, ...] = tuple(CONFIGS)
"""Names that `load_model` takes."""

_WEIGHTS_FOLDER = Path(__file__).parent / "weights"
_SIZE_KEY = "image_size"
"""Key of the input size in the metadata of a `.safetensors` file."""


def load_model(
    name: str | os.PathLike[str],
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    *,
    image_size: int | None = None,
    memory_pooling: int = 1,
    tracked_memories: int | None = None,
    memory: str | PolicySettings | MemoryPolicy = "plain",
    ignore_extra: bool = False,
    compile: bool = False,
) -> Sam2Model:
    """Build a network and load its weights.

    Parameters
    ----------
    name : one of `AVAILABLE_MODELS`; a path to a `.pt`, `.pth`, `.ckpt`, `.bin` or `.safetensors`
        file, or to a folder as Hugging Face saves it; or the id of a Hugging Face repository such
        as ``"facebook/sam2.1-hiera-tiny"``. The weights may lie under ``"model"``,
        ``"state_dict"`` or the like, and their keys begin with ``module.``, ``_orig_mod.`` or
        ``model.``.
    device : ``"cuda"``, ``"mps"``, ``"cpu"``…; the best there is if None.
    dtype : precision of the arithmetic, as ``torch.bfloat16`` or by name. If None bfloat16 on CUDA
        and float32 elsewhere; ``"auto"`` takes bfloat16 also on a CPU that has it, where a quick
        trial shows it faster and with the same masks. Parameters stay in float32, to be trained
        and saved.
    image_size : side of the network's input in pixels, a multiple of 32; if None the size that
        `save_model` or a folder's `config.json` wrote down, else the trained one. Smaller is
        faster and less exact.
    memory_pooling : side of the squares of cells that are one in memory (Xiong et al. 2024,
        EfficientTAM). 2 makes tracking faster and less exact.
    tracked_memories : frames before the current one that tracking looks at; all 6 if None. Fewer
        are faster and less exact.
    memory : which memories a frame of a video attends to, and which mask is taken: "plain", as
        SAM 2; see `VideoPredictor`, whose `memory_policy` it is where none is given there.
    ignore_extra : load also where there are weights that the network has no place for, such as
        heads of one's own, and warn which are left out.
    compile : compile the network with `torch.compile`, which takes minutes and pays on GPUs.

    Returns
    -------
    Sam2Model
        In evaluation mode, without gradients, with its `runtime` set.

    Raises
    ------
    CheckpointError
        When the name is unknown, the file is missing, damaged or of another network, or the
        download fails.
    ValueError
        When the device or precision cannot be used, an option is out of range, or there is no such
        memory policy.
    """
    ignore_extra = check_flag(ignore_extra, "ignore_extra")
    compile = check_flag(compile, "compile")
    name_policy(memory)
    runtime = Runtime.choose(device, dtype)
    tune_malloc()
    path, config = _locate(_check_name(name))
    state = read_state(path)
    config = config or _recognise_config(state, path, ignore_extra=ignore_extra)
    image_size = image_size or _read_saved_size(path) or read_image_size(Path(name).expanduser())
    if image_size is not None:
        config = replace(config, image_size=image_size)
    if tracked_memories is not None:
        config = replace(config, tracked_memories=tracked_memories)
    config = replace(config, memory_pooling=memory_pooling)
    model = Sam2Model(config)
    _load_strictly(model, state, path, ignore_extra=ignore_extra)
    model.runtime = runtime
    model.memory_policy = memory
    model.is_bundled = path.parent == _WEIGHTS_FOLDER
    model = model.to(runtime.device).eval().requires_grad_(False)
    if dtype == "auto" and runtime.device.type == "cpu" and runtime.dtype is not torch.float32:
        _try_precision(model)
    if compile:
        from ..predictors.compiling import compile_model

        compile_model(model)
    return model


def _try_precision(model: Sam2Model) -> None:
    """Go back to float32 where the chosen precision gives other masks."""
    dtype = model.runtime.dtype
    if masks_agree(model, dtype):
        _log.info("This CPU is faster in %s, with the same masks: it is used.", dtype)
    else:
        _log.info("This CPU is faster in %s, but with other masks: float32 is used.", dtype)
        model.runtime = replace(model.runtime, dtype=torch.float32)


def save_model(
    config: ModelConfig, state: Mapping[str, Tensor], path: str | os.PathLike[str]
) -> None:
    """Write a network's weights as `.safetensors`, in place of an earlier file at once.

    Parameters
    ----------
    config : of the network; its `image_size` is what `load_model` will choose.
    state : weights by the network's keys, from `model.state_dict()`.
    path : of the file.

    Raises
    ------
    CheckpointError
        When the file is no `.safetensors` or cannot be written.
    """
    path = weights_path(path)
    partial = path.with_suffix(".partial")
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(
            save(tensors, {"model": config.name, _SIZE_KEY: str(config.image_size)})
        )
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The weights could not be written to {path} ({error}): choose a folder that may be "
            "written to and has room."
        ) from error


def weights_path(path: str | os.PathLike[str]) -> Path:
    """Check where `save_model` is to write, before the weights are there.

    Returns
    -------
    Path
        The same path; "~" at its start is the user's home.

    Raises
    ------
    CheckpointError
        When it is no path, or no `.safetensors`.
    """
    if not isinstance(cast("object", path), (str, os.PathLike)):
        raise CheckpointError(
            f"Weights are written to a path such as 'weights.safetensors', got {path!r}."
        )
    path = Path(os.path.expanduser(path))
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"Weights are written as .safetensors, got the file name {path}: end it in that."
        )
    return path


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint file into Meta's key layout.

    Parameters
    ----------
    path : of a file with weights, or of the index of its parts.

    Returns
    -------
    dict
        Tensors on the CPU, in float32 where they are floating-point.

    Raises
    ------
    CheckpointError
        When the file is damaged or is not a checkpoint.
    """
    tensors = read_tensors(path)
    if hf_layout.is_hf(tensors):
        tensors = hf_layout.from_hf(tensors)
    return {
        key: value.float() if value.is_floating_point() else value for key, value in tensors.items()
    }


def _read_saved_size(path: Path) -> int | None:
    """Read the input size that `save_model` wrote, in pixels; None where there is none."""
    if path.suffix.lower() != ".safetensors":
        return None
    with safe_open(path, framework="pt") as file:  # pyright: ignore[reportUnknownVariableType]
        metadata: Mapping[str, str] = file.metadata() or {}
    size = metadata.get(_SIZE_KEY, "")
    return int(size) if size.isdecimal() else None


def _check_name(name: object) -> str:
    if isinstance(name, (str, os.PathLike)):
        return os.fspath(cast("str | os.PathLike[str]", name))
    raise CheckpointError(
        f"A model is named by a text or a path, got a {type(name).__name__}: use one of "
        f"{', '.join(AVAILABLE_MODELS)}, or the path of a file with weights."
    )


def bundled_file(name: str) -> Path | None:
    """Return the file of a named model that comes with the library; None of any other."""
    path = _WEIGHTS_FOLDER / f"{name}.safetensors"
    return path if path.exists() else None


def _locate(name: str) -> tuple[Path, ModelConfig | None]:
    """Find the file of a name, fetched if need be, and its network if the name says which."""
    config, path, repository = resolve_name(name)
    if config is not None:
        return bundled_file(config.name) or fetch(*official_file(config.name)), config
    if path is not None:
        return path, None
    assert repository is not None
    return fetch(repository, "model.safetensors"), None


def _recognise_config(
    state: Mapping[str, Tensor], path: Path, *, ignore_extra: bool = False
) -> ModelConfig:
    """Find the named variant whose parameters have the shapes of a state dict, or most of them."""
    shapes = {key: value.shape for key, value in state.items()}
    best: tuple[int, ModelConfig] | None = None
    wrong = 0
    for config in (*CONFIGS.values(), *EARLIER_CONFIGS):
        with torch.device("meta"):
            expected = Sam2Model(config).state_dict()
        missed = sum(shapes.get(key) != value.shape for key, value in expected.items())
        extra = len(shapes.keys() - expected.keys())
        missed += extra
        if missed == 0:
            return config
        if best is None or missed < best[0]:
            best = missed, config
            wrong = missed - extra if ignore_extra else missed
    assert best is not None
    if wrong > len(shapes) // 2:
        shown = ", ".join(repr(key) for key in list(shapes)[:4])
        raise CheckpointError(
            f"{path} is not a SAM 2 checkpoint: its {len(shapes)} keys, such as {shown}, fit none "
            f"of {', '.join(AVAILABLE_MODELS)}."
        )
    return best[1]


def _load_strictly(
    model: Sam2Model, state: Mapping[str, Tensor], path: Path, *, ignore_extra: bool = False
) -> None:
    expected = model.state_dict()
    extra = [key for key in state if key not in expected]
    if ignore_extra and extra:
        warnings.warn(f"{path}: left out {list_first(extra)}.", UserWarning, stacklevel=3)
        state = {key: state[key] for key in expected if key in state}
    problems = [f"missing {key}" for key in expected if key not in state]
    problems += [f"unexpected {key}" for key in state if key not in expected]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, expected {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    if not problems:
        checked = ((key, _rejection_reason(state[key], value)) for key, value in expected.items())
        problems = [f"{key} {reason}" for key, reason in checked if reason]
    if problems:
        hint = ""
        if extra and len(extra) == len(problems):
            hint = " If they may be left out, say load_model(..., ignore_extra=True)."
        shown = list_first(problems, "; ")
        raise CheckpointError(f"{path} does not fit {model.config.name}: {shown}.{hint}")
    model.load_state_dict(state)


def _rejection_reason(given: Tensor, expected: Tensor) -> str | None:
    """Return why a tensor cannot be a parameter's values; None where it can."""
    if given.is_floating_point() != expected.is_floating_point():
        return f"has values of {given.dtype}, expected {expected.dtype}"
    if given.layout != expected.layout or given.is_meta:
        return "holds no dense values"
    # A sum is finite only where all are.
    return None if bool(torch.isfinite(given.sum())) else "holds NaN or infinity"
