"""Finds a memory policy by name: the built-in ones, then those of installed packages."""

from __future__ import annotations

from collections.abc import Callable

from ...network.config import ModelConfig
from .nearest import NearestPolicy
from .policy import MemoryPolicy
from .sam2 import Sam2Policy

ENTRY_POINTS = "sam2_backend.memory_policies"
"""Group of entry points; each is a function or class that makes a policy from a `ModelConfig`."""

BUILT_IN: dict[str, Callable[[ModelConfig], MemoryPolicy]] = {
    "sam2": Sam2Policy,
    "nearest": NearestPolicy,
}


def find_policy(policy: str | MemoryPolicy, config: ModelConfig) -> MemoryPolicy:
    """Make the memory policy of a name, or check one that is given.

    Parameters
    ----------
    policy : "sam2", "nearest", the name of an entry point in the group `ENTRY_POINTS`, or an
        object with the members of `MemoryPolicy`.
    config : of the network.

    Raises
    ------
    ValueError
        When there is no policy of this name, or the object is none.
    """
    made: object = policy
    if isinstance(policy, str):
        make = BUILT_IN.get(policy) or _find_installed(policy)
        made = make(config)
    if not isinstance(made, MemoryPolicy):
        raise ValueError(
            "memory_policy must be a name or an object with memory_reach, pointer_reach and "
            f"select(history), got {policy!r}."
        )
    return made


def _find_installed(name: str) -> Callable[[ModelConfig], MemoryPolicy]:
    from ...registry import find

    try:
        return find(ENTRY_POINTS, name)
    except LookupError as error:
        raise ValueError(
            f"There is no memory policy {name!r}; built in are {', '.join(BUILT_IN)}. {error}"
        ) from error
