"""The models that a person can choose from, and what it takes to have each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .loading import BUNDLED, label_of

ModelState = Literal["bundled", "cached", "download"]
"""It comes with the library, is on this machine, or would be downloaded first."""

SIZES_BYTES = {
    "sam2.1-hiera-tiny": 156_000_000,
    "sam2.1-hiera-small": 184_000_000,
    "sam2.1-hiera-base-plus": 324_000_000,
    "sam2.1-hiera-large": 898_000_000,
}
"""Of the official checkpoints, about."""


MEMORIES = {
    "plain": "as SAM 2",
    "nearest": "fewer prompted frames: faster with many",
    "motion": "for what moves among others like it",
    "distractor": "for what has look-alikes",
    "tree": "for what is often hidden: slower, three paths",
}
"""What each built-in memory policy is for, as a person reads it."""


@dataclass(frozen=True)
class MemoryChoice:
    """A memory policy that can be chosen by its name."""

    name: str
    """As `load_model` takes it."""
    purpose: str
    """As a person reads it; "" where it is not known."""


def list_memories() -> list[MemoryChoice]:
    """List the memory policies, those of other packages last."""
    from sam2_backend.tracking.policies import list_policies

    return [MemoryChoice(name, MEMORIES.get(name, "")) for name in list_policies()]


@dataclass(frozen=True)
class ModelChoice:
    """A model that can be chosen by its name."""

    name: str
    """As `load_model` takes it."""
    label: str
    """As a person reads it."""
    state: ModelState
    size_bytes: int
    """Of the file with its weights, about."""


def list_models() -> list[ModelChoice]:
    """The bundled model and the official ones, the smallest first.

    The official SAM 2.0 are among them where they are on this machine.
    """
    from sam2_backend.checkpoints.hub import cached_file
    from sam2_backend.checkpoints.loading import bundled_file
    from sam2_backend.network.config import CONFIGS

    found: list[ModelChoice] = []
    for name in CONFIGS:
        bundled, cached = bundled_file(name), None
        if bundled is None:
            cached = cached_file(name)
        path = bundled or cached
        size_bytes = SIZES_BYTES.get(name) if path is None else path.stat().st_size
        if size_bytes is None:
            continue
        state: ModelState = "bundled" if bundled else "cached" if cached else "download"
        found.append(ModelChoice(name, label_of(name), state, size_bytes))
    return sorted(found, key=lambda choice: (choice.name != BUNDLED, choice.size_bytes))
