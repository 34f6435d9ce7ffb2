"""Finds a memory policy by name: the built-in ones, then those of installed packages."""

from __future__ import annotations

from ...network.config import ModelConfig
from ...registry import find, names, register
from .policy import MemoryPolicy

ENTRY_POINTS = "sam2_backend.memory_policies"
"""Group of entry points; each is a function or class that makes a policy from a `ModelConfig`."""

register(ENTRY_POINTS, "sam2", f"{__package__}.sam2", "Sam2Policy")
register(ENTRY_POINTS, "nearest", f"{__package__}.nearest", "NearestPolicy")


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
        When there is no policy of this name, it cannot be loaded, or the object is none.
    """
    made: object = policy
    if isinstance(policy, str):
        try:
            made = find(ENTRY_POINTS, policy)(config)
        except LookupError as error:
            raise ValueError(
                f"There is no memory policy {policy!r}: there are "
                f"{', '.join(names(ENTRY_POINTS))}. {error}"
            ) from error
    if not isinstance(made, MemoryPolicy):
        raise ValueError(
            "memory_policy must be a name or an object with memory_reach, pointer_reach and "
            f"select(history), got {policy!r}."
        )
    return made
