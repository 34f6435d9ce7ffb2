"""State dicts out of what trainers write: files, folders, wrappers and prefixes.

Nothing is unpickled but tensors, and plain numbers and texts beside them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .hub import CheckpointError

MAX_LISTED = 8
"""Largest number of keys that an error names."""

_WRAPPERS = (
    *("model", "state_dict", "model_state_dict", "module", "net", "network", "weights"),
    *("checkpoint", "params"),
)
"""Keys under which trainers keep the weights, beside optimizer states, epochs and the like."""
_AVERAGES = ("model_ema", "ema", "ema_state_dict", "ema_model", "state_dict_ema")
"""Keys of averaged weights, taken where there are no others."""
_EXTRA_TYPES = (Tensor, bool, int, float, str, type(None))
"""Types of what may be beside weights in one dictionary, such as the number of an epoch."""
_WRAPPER_SEGMENTS = {
    *("module", "_orig_mod", "_forward_module"),
    *("_fsdp_wrapped_module", "_checkpoint_wrapped_module"),
}
"""Segments of keys that DistributedDataParallel, torch.compile and the like add where they wrap."""
_ANCHOR_KEYS = (
    "image_encoder.trunk.patch_embed.proj.weight",
    "vision_encoder.backbone.patch_embed.projection.weight",
)
"""A key of each layout; a prefix before it is that of a module around the network, such as
Lightning's ``model.``."""
_PREFERRED = ("", "model.")
"""Prefixes that are taken of several networks in one file, such as one and its average."""
_PART_NAME = re.compile(r"[\w.-]+")


def read_image_size(folder: Path) -> int | None:
    """Read the network's input size, in pixels, from the `config.json` of a folder.

    Returns
    -------
    int or None
        None where there is no such file, or it does not say it.

    Raises
    ------
    CheckpointError
        When the file is no JSON.
    """
    config = folder / "config.json"
    if not config.is_file():
        return None
    try:
        document = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{config} cannot be read as JSON ({error}).") from error
    for place in ((), ("vision_config",), ("vision_config", "backbone_config")):
        inner: Any = document
        for key in (*place, "image_size"):
            inner = cast("dict[str, Any]", inner).get(key) if isinstance(inner, dict) else None
        sides = set(cast("list[Any]", inner)) if isinstance(inner, list) else {inner}
        size = sides.pop() if len(sides) == 1 else None
        if isinstance(size, int) and size > 0:
            return size
    return None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the state dict in a file, or in the parts that an index lists.

    Parameters
    ----------
    path : of the file or of the index.

    Returns
    -------
    dict
        Tensors on the CPU as they were written, their keys without wrappers and prefixes.

    Raises
    ------
    CheckpointError
        When it is damaged, or holds no state dict.
    """
    if path.name.endswith(".index.json"):
        return _strip_prefixes(_read_parts(path), path)
    return _strip_prefixes(_unwrap(_read_file(path), path), path)


def _read_parts(index: Path) -> dict[str, Tensor]:
    try:
        listed: Mapping[str, object] = json.loads(index.read_bytes())["weight_map"]
        names = sorted({str(name) for name in listed.values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is no list of the parts of a checkpoint.") from error
    tensors: dict[str, Tensor] = {}
    for name in names:
        part = index.parent / name
        if not _PART_NAME.fullmatch(name) or not part.is_file():
            raise CheckpointError(
                f"{index.name} lists the file {name!r}, which is not in {index.parent}: fetch it "
                "too."
            )
        tensors |= _unwrap(_read_file(part), part)
    missing = [key for key in listed if key not in tensors]
    if missing:
        raise CheckpointError(f"{index} lists {_quote_keys(missing)}, which its parts do not hold.")
    return tensors


def _read_file(path: Path) -> object:
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        with _allow_plain_values():
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # of what is no pickle, the unpickler raises what it likes
        if "GLOBAL" in str(error):  # of a pickle: the name of something to call
            raise CheckpointError(
                f"{path} holds more than weights{_refused_name(str(error))}: loading it could run "
                "code, so it is refused. Save the state dict alone, best as .safetensors."
            ) from error
        if "TorchScript" in str(error):
            raise CheckpointError(
                f"{path} is a TorchScript program, which is refused as it could run code: save its "
                "state_dict()."
            ) from error
        reason = "it is no PyTorch file"
        if isinstance(error, (SafetensorError, RuntimeError, EOFError, OSError)):
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path} is not a readable checkpoint ({reason}). It may be damaged or only partly "
            "downloaded: delete it and fetch it again."
        ) from error


def _allow_plain_values() -> AbstractContextManager[object]:
    """Let `torch.load` read plain values that trainers keep beside the weights.

    They run nothing when they are read: arguments of a command line, paths, NumPy's numbers.
    """
    if not hasattr(torch.serialization, "safe_globals"):  # before torch 2.5
        return nullcontext()
    number = np.float64(0)
    scalar: Any = number.__reduce__()[0]
    kinds = {type(np.dtype(kind)) for kind in (*"?bBhHiIlLqQefd",)}
    return torch.serialization.safe_globals(
        [argparse.Namespace, type(Path()), scalar, np.dtype, *kinds]
    )


def _refused_name(message: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", message)
    return f" ({found[1]})" if found else ""


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    """Find the state dict within what a trainer has saved."""
    held = content
    for _ in range(4):
        if not isinstance(held, Mapping):
            break
        values = cast("Mapping[object, object]", held)
        inner = next(
            (values[key] for key in (*_WRAPPERS, *_AVERAGES) if _is_wrapper(values, key)), None
        )
        if inner is None:
            return _select_tensors(values, path)
        held = inner
    raise CheckpointError(f"{path} holds no weights, but a {type(held).__name__}: {_EXPECTED}")


def _is_wrapper(values: Mapping[object, object], key: str) -> bool:
    inner = values.get(key)
    return isinstance(inner, Mapping) and bool(cast("Mapping[object, object]", inner))


def _select_tensors(values: Mapping[object, object], path: Path) -> dict[str, Tensor]:
    tensors = {str(key): value for key, value in values.items() if isinstance(value, Tensor)}
    if not tensors or not all(isinstance(value, _EXTRA_TYPES) for value in values.values()):
        found = _quote_keys([str(key) for key in values if key not in tensors]) or "nothing"
        raise CheckpointError(f"{path} holds no weights, but {found}: {_EXPECTED}")
    return tensors


_EXPECTED = (
    "expected a state dict, or one under one of the keys "
    f"{', '.join(repr(key) for key in (*_WRAPPERS[:4], *_AVERAGES[:2]))}."
)


def _strip_prefixes(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Strip what wraps the network from its keys.

    Other weights beside it, such as those of heads and losses, keep keys of their own.
    """
    bare: dict[str, Tensor] = {}
    for key, value in tensors.items():
        name = ".".join(part for part in key.split(".") if part not in _WRAPPER_SEGMENTS)
        if name in bare:
            raise CheckpointError(f"{path} holds {name!r} twice, once as {key!r}: keep one.")
        bare[name] = value
    found = [key.removesuffix(end) for key in bare for end in _ANCHOR_KEYS if key.endswith(end)]
    prefixes = [prefix for prefix in found if not prefix or prefix.endswith(".")]
    if len(prefixes) > 1:
        prefixes = [prefix for prefix in prefixes if prefix in _PREFERRED] or prefixes
    if len(prefixes) > 1:
        raise CheckpointError(
            f"{path} holds several networks, whose keys begin with {_quote_keys(prefixes)}: save "
            "one."
        )
    prefix = prefixes[0] if prefixes else ""
    return {key.removeprefix(prefix): value for key, value in bare.items()}


def list_first(what: list[str], between: str = ", ") -> str:
    """Join the first of some texts, with the number of those left out.

    Parameters
    ----------
    what : the texts.
    between : separates them.
    """
    more = f"{between}and {len(what) - MAX_LISTED} more" if len(what) > MAX_LISTED else ""
    return between.join(what[:MAX_LISTED]) + more


def _quote_keys(keys: list[str]) -> str:
    return list_first([repr(key) for key in keys])
