"""Checkpoints of training runs, and the settings that a run must be resumed with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch

CHECKPOINT = "checkpoint.pt"
"""Name of the file in the folder of a run."""
_ANYTIME = frozenset({"accumulate"})
"""Settings that may change: they decide about memory, not about what is learnt."""


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint, replacing the one before at once.

    Parameters
    ----------
    folder : of the run.
    state : tensors, numbers, texts, and lists and dictionaries of them: it is loaded with
        `weights_only`.
    """
    path = folder / CHECKPOINT
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    os.replace(partial, path)


def load_checkpoint(
    folder: Path, device: torch.device, settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Load the checkpoint of a run, which must have the same settings.

    Parameters
    ----------
    folder : of the run.
    device : where its tensors are to be.
    settings : of the run that goes on, by name. Of those that the checkpoint does not have, as it
        is of an earlier version, nothing is asked.

    Returns
    -------
    dict or None
        As it was saved; None where there is no checkpoint.

    Raises
    ------
    ValueError
        When it is of a run of other settings, which are named.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    # Before the other settings were written down, stages were.
    before = {"stages": state.get("stages", settings["stages"]), **state.get("settings", {})}
    differences = find_differences(before, settings)
    if differences:
        raise ValueError(
            f"{path} is of a run of other settings ({'; '.join(differences)}): call it as before "
            "to go on, or give another folder to start anew."
        )
    return state


def find_differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Name the settings that differ, such as "seed was 0, now 1".

    Parameters
    ----------
    before, now : numbers, texts, and lists and dictionaries of them. Entries that only one of two
        dictionaries has are left out, as one version of this library writes more than another.
    name : of the setting, where it is within others.
    """
    before, now = (json.loads(json.dumps(value)) for value in (before, now))
    if isinstance(before, dict) and isinstance(now, dict):
        earlier, later = cast("dict[str, Any]", before), cast("dict[str, Any]", now)
        shared = [key for key in later if key in earlier and key not in _ANYTIME]
        parts = [(earlier[key], later[key], f"{name}.{key}" if name else key) for key in shared]
    elif _holds_groups(before) and _holds_groups(now):
        if len(before) != len(now):
            return [f"number of {name} was {len(before)}, now {len(now)}"]
        pairs = zip(before, now, strict=True)
        parts = [(*pair, f"{name}[{i}]") for i, pair in enumerate(pairs)]
    else:
        return [] if before == now else [f"{name} was {before!r}, now {now!r}"]
    return [difference for part in parts for difference in find_differences(*part)]


def _holds_groups(value: object) -> bool:
    """Whether a setting is a list of dictionaries, as the stages of a run are."""
    if not isinstance(value, list):
        return False
    items = cast("Sequence[object]", value)
    return all(isinstance(item, dict) for item in items)
