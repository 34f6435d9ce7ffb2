"""Seeded random weights under which SAM 2 does something worth comparing.

Weights as a network is usually initialised give degenerate answers: no object anywhere, blocks
that add nothing (a layer scale of 1e-6), pictures without positions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

VISIBLE = 6.0
"""An object-score bias at which objects are judged visible throughout."""

_SCORE_BIAS = "sam_mask_decoder.pred_obj_score_head.layers.2.bias"
_EMBEDDING = re.compile(
    r"(tokens?|point_embeddings\.\d|not_a_point_embed|no_mask_embed)\.weight$|^no_|tpos_enc$"
)
_GAINS = tuple(
    (re.compile(pattern), gain)
    for pattern, gain in (
        # Masks with edges, and scores that tell frames apart.
        (r"output_hypernetworks_mlps\.\d\.layers\.2\.weight$", 30.0),
        (r"pred_obj_score_head\.layers\.2\.weight$", 8.0),
        # Memories and pointers that are told apart by content, place and time, and are heeded.
        (r"cross_attn_image\.[qk]_proj\.weight$", 1.3),
        (r"cross_attn_image\.(v|out)_proj\.weight$", 1.1),
        (r"obj_ptr_proj\.|obj_ptr_tpos_proj\.", 1.3),
    )
)
_DEFAULT_GAIN = 3**-0.5
"""PyTorch's own, of linear layers and convolutions."""


def randomize(state: Mapping[str, Tensor], *, seed: int = 0) -> None:
    """Fill a state dict in place; the same seed and keys give the same weights.

    Parameters
    ----------
    state : in Meta's key layout.
    seed : of the generator.
    """
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in state.items():
        tensor.copy_(_draw(key, tensor, generator))
    set_object_score_bias(state, VISIBLE)


def set_object_score_bias(state: Mapping[str, Tensor], bias: float) -> None:
    """Shift every object score of a state dict in place; low, and objects are absent."""
    state[_SCORE_BIAS].fill_(bias)


def _draw(key: str, tensor: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(tensor.shape, generator=generator)
    if key.endswith("gamma"):
        return torch.full(tensor.shape, 0.1)
    if key.endswith("gaussian_matrix"):
        return noise
    if _EMBEDDING.search(key):
        return 0.5 * noise
    if key.endswith("bias") or "pos_embed" in key:
        return 0.02 * noise
    if tensor.dim() == 1:  # scales of norms
        return 1 + 0.1 * noise
    gain = next((gain for pattern, gain in _GAINS if pattern.search(key)), _DEFAULT_GAIN)
    return gain * noise / tensor[0].numel() ** 0.5
