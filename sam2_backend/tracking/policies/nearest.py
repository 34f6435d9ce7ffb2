"""The reference's policy with few conditioning frames."""

from __future__ import annotations

from ...network.config import ModelConfig
from .sam2 import Sam2Policy

MAX_CONDITIONING = 4
"""Conditioning frames that a frame attends to at most, unless told otherwise."""


class NearestPolicy(Sam2Policy):
    """As the reference, but attend to fewer conditioning frames, the nearest ones.

    Parameters
    ----------
    config, max_conditioning : see `Sam2Policy`.
    """

    def __init__(self, config: ModelConfig, max_conditioning: int = MAX_CONDITIONING) -> None:
        super().__init__(config, max_conditioning)
