"""Exact attention in blocks that stay in a CPU's cache.

PyTorch's own kernel wants values as wide as keys. Memory's values are a quarter as wide before
they are projected, and a projection may as well come after the weighted sum, whose weights add up
to 1: that is a third of the arithmetic less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

QUERY_ROWS, KEY_ROWS = 2048, 512
"""Of one block of weights: 4 MB, measured best."""


def attend_in_blocks(
    q_lc: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    gains: Sequence[float],
) -> Tensor:
    """Softmax(q kᵀ / √C + gain) v, (L, D), with the running maximum of Milakov and Gimelshein 2018.

    Parameters
    ----------
    q_lc : (L, C) queries.
    keys, values : (M, C) keys and (M, D) values, in as many parts as they come in.
    gains : what is added to all scores of each part.
    """
    # Powers of 2 take half the time of those of e, and no longer where they underflow.
    log2_e = math.log2(math.e)
    scaled_lc = q_lc * (log2_e / math.sqrt(q_lc.shape[1]))
    blocks = [
        (*block, gain * log2_e)
        for k_mc, v_md, gain in zip(keys, values, gains, strict=True)
        if len(k_mc)
        for block in zip(k_mc.split(KEY_ROWS), v_md.split(KEY_ROWS), strict=True)
    ]
    scratch = q_lc.new_empty(min(QUERY_ROWS, len(q_lc)) * KEY_ROWS)
    return torch.cat([_attend(rows_lc, blocks, scratch) for rows_lc in scaled_lc.split(QUERY_ROWS)])


def _attend(q_lc: Tensor, blocks: list[tuple[Tensor, Tensor, float]], scratch: Tensor) -> Tensor:
    """The rows of one block of queries, which are scaled already."""
    total_ld = q_lc.new_zeros(len(q_lc), blocks[0][1].shape[1])
    weight_l1 = q_lc.new_zeros(len(q_lc), 1)
    largest_l1 = q_lc.new_full((len(q_lc), 1), -math.inf)
    for k_mc, v_md, gain in blocks:
        weights_lm = scratch[: len(q_lc) * len(k_mc)].view(len(q_lc), len(k_mc))
        torch.mm(q_lc, k_mc.T, out=weights_lm)
        larger_l1 = torch.maximum(largest_l1, weights_lm.amax(dim=1, keepdim=True) + gain)
        weights_lm.sub_(larger_l1 - gain).exp2_()
        shrunk_l1 = (largest_l1 - larger_l1).exp2_()
        weight_l1.mul_(shrunk_l1).add_(weights_lm.sum(dim=1, keepdim=True))
        total_ld.mul_(shrunk_l1).addmm_(weights_lm, v_md)
        largest_l1 = larger_l1
    return total_ld / weight_l1
