"""Settings of policies: dataclasses that make a policy, and the text that names one."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ...network.config import ModelConfig
from .policy import MemoryPolicy

Number = int | float
MAX_FRAMES = 1000
"""Frames that a setting may count at most."""


@dataclass(frozen=True)
class PolicySettings(ABC):
    """The settings of a memory policy; `str` gives the text by which `find_policy` finds it.

    Raises
    ------
    ValueError
        When a setting is no number, or is out of range.
    """

    policy: ClassVar[str]
    """The policy's name."""
    ranges: ClassVar[dict[str, tuple[Number, Number]]]
    """Minimum and maximum that each setting may be."""

    def __post_init__(self) -> None:
        for field in fields(self):
            minimum, maximum = self.ranges[field.name]
            value = getattr(self, field.name)
            is_whole = isinstance(field.default, int)
            is_number = isinstance(value, int if is_whole else (int, float))
            if isinstance(value, bool) or not is_number or not minimum <= value <= maximum:
                kind = "a whole number" if is_whole else "a number"
                raise ValueError(
                    f"{field.name} of the memory policy {self.policy!r} must be {kind} from "
                    f"{minimum} to {maximum}, got {value!r}."
                )

    @abstractmethod
    def make_policy(self, config: ModelConfig) -> MemoryPolicy:
        """Make the policy for a network."""

    def __str__(self) -> str:
        own = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return f"{self.policy}:{','.join(own)}" if own else self.policy


def parse_policy(text: str) -> tuple[str, dict[str, Any]]:
    """Split "motion:motion_weight=0.25" into the name and the settings.

    Raises
    ------
    ValueError
        When it is not of this form.
    """
    name, colon, rest = text.partition(":")
    settings: dict[str, Any] = {}
    for part in rest.split(",") if colon else []:
        key, equals, value = part.partition("=")
        try:
            if not equals or not key.strip().isidentifier():
                raise ValueError
            settings[key.strip()] = json.loads(value)
        except ValueError as error:
            raise ValueError(
                f"A memory policy is named by a text like 'motion' or 'motion:motion_weight=0.25', "
                f"got {text!r}."
            ) from error
    return name, settings
