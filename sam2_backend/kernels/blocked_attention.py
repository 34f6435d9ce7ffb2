"""Exact attention in blocks that stay in a CPU's cache.

PyTorch's own kernel wants values as wide as keys. Memory's values are a quarter as wide before
they are projected, and the projection may as well follow the weighted sum, whose weights add up
to 1: that saves a third of the arithmetic. Keys are computed block by block, so that they never
exist all at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 2**21
"""Attention weights that exist at once: 8 MB of float32, measured best."""
MIN_KEYS = 512
"""Keys of a block at least, however many queries there are."""
SAFE_EXPONENT = 64.0
"""Powers of 2 between this and its negative are summed without subtracting a maximum."""


class KVBlock(NamedTuple):
    """Keys and values of one block."""

    keys_mc: Tensor
    """(M, C)."""
    values_md: Tensor
    """(M, D)."""
    score_bias: float = 0.0
    """Added to the scores of all of its keys."""


def attend_in_blocks(q_lc: Tensor, blocks: Iterable[KVBlock], *, value_dim: int) -> Tensor:
    """Compute softmax(q kᵀ / √C + score_bias) v over all blocks, (L, D).

    Parameters
    ----------
    q_lc : (L, C) queries.
    blocks : (M, C) keys and (M, D) values; each block is taken from the iterator when it is
        needed, and freed after.
    value_dim : D.
    """
    # Powers of 2 take half the time of those of e, and no longer where they underflow.
    log2_e = math.log2(math.e)
    q_lc = q_lc * (log2_e / math.sqrt(q_lc.shape[1]))
    longest_query = float(q_lc.norm(dim=1).amax())
    rows = max(MIN_KEYS, BLOCK // len(q_lc))
    total_ld = q_lc.new_zeros(len(q_lc), value_dim)
    weight_l1 = q_lc.new_zeros(len(q_lc), 1)
    shift_l1 = None
    for k_mc, v_md, score_bias in blocks:
        score_bias *= log2_e
        largest = longest_query * float(k_mc.norm(dim=1).amax()) + abs(score_bias)
        if shift_l1 is None and largest > SAFE_EXPONENT:
            # From here on with the running maximum of Milakov and Gimelshein 2018.
            shift_l1 = torch.where(weight_l1 > 0, 0.0, -math.inf)
        scratch = q_lc.new_empty(len(q_lc) * min(rows, len(k_mc)))
        for k, v in zip(k_mc.split(rows), v_md.split(rows), strict=True):
            weights_lm = scratch[: len(q_lc) * len(k)].view(len(q_lc), len(k))
            torch.mm(q_lc, k.T, out=weights_lm)
            if shift_l1 is None:
                factor = 2.0**score_bias
            else:
                factor = 1.0
                larger_l1 = torch.maximum(
                    shift_l1, weights_lm.amax(dim=1, keepdim=True) + score_bias
                )
                weights_lm.sub_(larger_l1 - score_bias)
                shrunk_l1 = (shift_l1 - larger_l1).exp2_()
                weight_l1.mul_(shrunk_l1)
                total_ld.mul_(shrunk_l1)
                shift_l1 = larger_l1
            weights_lm.exp2_()
            weight_l1.add_(weights_lm.sum(dim=1, keepdim=True), alpha=factor)
            total_ld.addmm_(weights_lm, v, alpha=factor)
    return total_ld.div_(weight_l1)
