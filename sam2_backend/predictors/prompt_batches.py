"""How many prompt sets are decoded at once."""

from __future__ import annotations

from ..network.sam2 import Sam2Model

MAX_PROMPTS = 64
"""Prompt sets decoded at once on a GPU, and at most on a CPU."""
CPU_CELLS = 2**22
"""Numbers of the image embeddings of a batch of prompt sets: so many stay in a CPU's cache."""


def prompt_batch_size(model: Sam2Model) -> int:
    """Choose how many prompt sets to decode at once on the model's device."""
    if model.device.type != "cpu":
        return MAX_PROMPTS
    cells = model.config.hidden_dim * model.config.feature_size**2
    return min(MAX_PROMPTS, max(1, CPU_CELLS // cells))
