"""What a model may be called: a name of ours, a file, a folder, a repository. Without torch.

Whether there is such a thing is told here, before anything is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ..network.config import CONFIGS, ModelConfig
from .hub import OFFICIAL_OWNER, CheckpointError

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
"""Suffixes of files with weights."""
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names that Hugging Face gives the file in a folder, the preferred one first; with `.index.json`
appended, the list of the parts of a large one."""
_SHOWN = 300
"""Letters of a name that a sentence has."""


class ModelName(NamedTuple):
    """What a name stands for: one of these, the others are None."""

    config: ModelConfig | None = None
    """Of a model of ours."""
    path: Path | None = None
    """Of a file with weights, or the list of its parts."""
    repository: str | None = None
    """Id of a repository of the hub that may be there."""


def resolve_name(name: str, others: Iterable[str] = ()) -> ModelName:
    """Tell what a model's name stands for. Nothing is loaded or fetched.

    Parameters
    ----------
    name : as `load_model` takes it.
    others : further names that the caller takes, to be told of.

    Raises
    ------
    CheckpointError
        When it is no model: neither one of ours, nor there, nor possibly a repository; the
        sentence has the names that are like it.
    """
    if name in CONFIGS:
        return ModelName(config=CONFIGS[name])
    path = Path(os.path.expanduser(name))
    if name and os.path.isdir(path):  # which takes names of any length
        return ModelName(path=find_weights(path))
    if path.suffix.lower() in SUFFIXES or os.path.isfile(path):
        check_file(path)
        return ModelName(path=path)
    if not _is_repository(name):
        raise _unknown_model(name, others)
    owner, _, official = name.partition("/")
    if owner == OFFICIAL_OWNER and official in CONFIGS:
        return ModelName(config=CONFIGS[official])
    return ModelName(repository=name)


def check_name(name: str, others: Iterable[str] = ()) -> None:
    """Refuse what is no model, as `resolve_name` does, but for further names that a caller takes.

    Parameters
    ----------
    name : as `load_model` takes it.
    others : the further names.

    Raises
    ------
    CheckpointError
        When it is none.
    """
    others = list(others)
    if name not in others:
        resolve_name(name, others)


def check_file(path: Path) -> None:
    """Refuse a path where there is no file, or an empty one.

    Raises
    ------
    CheckpointError
        When it is so.
    """
    if not os.path.isfile(path):
        raise CheckpointError(f"There is no checkpoint file {_shorten(str(path))}. Check the path.")
    if not path.stat().st_size:
        raise CheckpointError(
            f"{path} is an empty file. It may be damaged or only partly downloaded: delete it and "
            "fetch it again."
        )


def _is_repository(name: str) -> bool:
    """Whether it has the form owner/name, and the hub takes it for the id of a repository."""
    if "/" not in name:
        return False
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _unknown_model(name: str, others: Iterable[str]) -> CheckpointError:
    known = [*CONFIGS, *others]
    near = get_close_matches(name, known, n=3, cutoff=0.65)
    near += [one for one in known if name and name.lower() in one and one not in near]
    hint = ""
    if near:
        hint = f" Did you mean {' or '.join(map(repr, near[:4]))}?"
    elif "/" in name:
        hint = " It is no file or folder, and no repository can have this id."
    return CheckpointError(
        f"Unknown model {_shorten(name)!r}.{hint} Use one of {', '.join(known)}, a path to a "
        f"{', '.join(SUFFIXES)} file or to a folder with one, or a Hugging Face repository id such "
        "as 'facebook/sam2.1-hiera-tiny'."
    )


def _shorten(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def find_weights(folder: Path) -> Path:
    """Find the file with weights in a folder as Hugging Face saves it, or the list of its parts.

    Parameters
    ----------
    folder : to search, without folders in it.

    Raises
    ------
    CheckpointError
        When there is none, or several and none of the usual name.
    """
    for name in FOLDER_FILES:
        for path in (folder / name, folder / f"{name}.index.json"):
            if path.is_file():
                return path
    found = sorted(one for one in folder.iterdir() if one.suffix in SUFFIXES and one.is_file())
    if len(found) == 1:
        return found[0]
    listed = ", ".join(one.name for one in found[:8]) or "no file with weights"
    raise CheckpointError(
        f"The folder {folder} holds {listed}: expected {' or '.join(FOLDER_FILES)}, as "
        "save_pretrained writes them. Give the path of the very file."
    )
