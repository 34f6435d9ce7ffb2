"""Finds a memory policy by name: the built-in ones, then those of installed packages."""

from __future__ import annotations

from ...network.config import CONFIGS, ModelConfig
from ...registry import UnknownPartError, find, names, register
from ...renamed import warn_renamed
from .policy import MemoryPolicy
from .settings import PolicySettings, parse_policy

ENTRY_POINTS = "sam2_backend.memory_policies"
"""Group of entry points; each is a function or class that makes a policy from a `ModelConfig`, and
from settings by name where it has any."""
DEFAULT = "plain"
"""SAM 2 as it is."""

register(ENTRY_POINTS, DEFAULT, f"{__package__}.plain", "PlainPolicy")
register(ENTRY_POINTS, "nearest", f"{__package__}.nearest", "NearestPolicy")
register(ENTRY_POINTS, "motion", f"{__package__}.motion", "make")
register(ENTRY_POINTS, "distractor", f"{__package__}.distractor", "make")
register(ENTRY_POINTS, "tree", f"{__package__}.tree", "make")

_EARLIER_NAMES = {"sam2": DEFAULT}


def list_policies() -> list[str]:
    """List the names of all policies, those of installed packages last."""
    return names(ENTRY_POINTS)


def find_policy(policy: object, config: ModelConfig) -> MemoryPolicy:
    """Make the memory policy of a name or of settings, or check one that is given.

    Parameters
    ----------
    policy : a name, of `list_policies`; with settings as "motion:motion_weight=0.25"; settings such
        as `MotionSettings`; or an object with the members of `MemoryPolicy`.
    config : of the network.

    Raises
    ------
    ValueError
        When there is no policy of this name, it cannot be loaded, it has no such setting, or the
        object is none.
    """
    made = policy
    if isinstance(policy, str):
        made = _make(policy, config)
    elif isinstance(policy, PolicySettings):
        made = policy.make_policy(config)
    if not isinstance(made, MemoryPolicy):
        raise ValueError(
            "memory_policy must be a name or an object with memory_reach, pointer_reach and "
            f"select(history), got {policy!r}."
        )
    return made


def name_policy(policy: object) -> str | None:
    """Return the text by which `find_policy` makes a policy anew; None where there is none.

    Raises
    ------
    ValueError
        When it is no policy, or its name is none.
    """
    if isinstance(policy, PolicySettings):
        return str(policy)
    if not isinstance(policy, str):
        if not isinstance(policy, MemoryPolicy):
            find_policy(policy, _ANY)
        return None
    find_policy(policy, _ANY)
    name, colon, settings = policy.partition(":")
    return _EARLIER_NAMES.get(name, name) + colon + settings


_ANY = next(iter(CONFIGS.values()))
"""Of a network for which a policy is made to see whether it can be."""


def _make(text: str, config: ModelConfig) -> object:
    name, settings = parse_policy(text)
    if name in _EARLIER_NAMES:
        warn_renamed(f"The memory policy {name!r}", repr(_EARLIER_NAMES[name]))
        name = _EARLIER_NAMES[name]
    try:
        make = find(ENTRY_POINTS, name)
    except UnknownPartError as error:
        raise ValueError(
            f"There is no memory policy {name!r}: there are {', '.join(list_policies())}."
        ) from error
    except LookupError as error:
        raise ValueError(f"The memory policy {name!r} cannot be used. {error}") from error
    if not settings:
        return make(config)
    try:
        return make(config, **settings)
    except TypeError as error:
        raise ValueError(
            f"The memory policy {name!r} cannot be made with {', '.join(settings)}: {error}."
        ) from error
