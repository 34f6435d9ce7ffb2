"""The plain policy with few conditioning frames."""

from __future__ import annotations

from ...network.config import ModelConfig
from .plain import PlainPolicy

MAX_CONDITIONING = 4
"""Conditioning frames that a frame attends to at most, unless told otherwise."""


class NearestPolicy(PlainPolicy):
    """As `PlainPolicy`, but attend to fewer conditioning frames, the nearest ones.

    Parameters
    ----------
    config, max_conditioning : see `PlainPolicy`.
    """

    def __init__(self, config: ModelConfig, max_conditioning: int = MAX_CONDITIONING) -> None:
        super().__init__(config, max_conditioning)
