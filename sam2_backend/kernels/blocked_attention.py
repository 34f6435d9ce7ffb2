"""Exact attention in blocks that stay in a CPU's cache.

PyTorch's own kernel wants values as wide as keys. Memory's values are a quarter as wide before
they are projected, and the projection may as well follow the weighted sum, whose weights add up
to 1: that saves a third of the arithmetic. Keys are computed block by block, so that they never
exist all at once.

PyTorch's kernel gains nothing from a CPU's bfloat16 products; here they count. Sums are in float32.
Scores come out of the products in bfloat16, so that their error grows with their size: the mean key
of a block is subtracted first, which lowers all scores of a query alike, and is made up for in
float32.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

_log = logging.getLogger(__name__)

BLOCK_BYTES = 2**23
"""Of attention weights that exist at once: 8 MB, measured best in float32."""
MIN_KEYS = 512
"""Keys of a block at least, however many queries there are."""
SAFE_EXPONENT = 96.0
"""Powers of 2 between this and its negative are summed without subtracting a maximum: of float32's
127 that leaves room for 2^16 keys and values of 2^15. Scores of trained weights are bounded by some
64."""


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
    longest_query = float(_longest(q_lc))
    is_exact = q_lc.dtype is torch.float32
    rows = max(MIN_KEYS, BLOCK_BYTES // q_lc.element_size() // len(q_lc))
    total_ld = q_lc.new_zeros(len(q_lc), value_dim, dtype=torch.float32)
    weight_l1 = q_lc.new_zeros(len(q_lc), 1, dtype=torch.float32)
    shift_l1 = None
    for k_mc, v_md, score_bias in blocks:
        offset: float | Tensor = score_bias * log2_e
        longest_key = float(_longest(k_mc))
        largest = longest_query * longest_key + abs(offset)
        if not is_exact:
            mean_1c = k_mc.mean(dim=0, keepdim=True)
            k_mc = k_mc - mean_1c
            offset = (q_lc @ mean_1c.T).float() + offset
            largest = max(largest, longest_query * float(_longest(k_mc)))
        if shift_l1 is None and largest > SAFE_EXPONENT:
            # From here on with the running maximum of Milakov and Gimelshein 2018.
            shift_l1 = torch.where(weight_l1 > 0, 0.0, -math.inf)
        scratch = q_lc.new_empty(len(q_lc) * min(rows, len(k_mc)))
        for k, v in zip(k_mc.split(rows), v_md.split(rows), strict=True):
            weights_lm = scratch[: len(q_lc) * len(k)].view(len(q_lc), len(k))
            torch.mm(q_lc, k.T, out=weights_lm)
            if shift_l1 is None:
                factor = 2.0**offset
            else:
                factor = 1.0
                larger_l1 = torch.maximum(shift_l1, weights_lm.amax(dim=1, keepdim=True) + offset)
                # Rounded as the scores are: a difference of two precisions takes three copies.
                rounded_l1 = (larger_l1 - offset).to(weights_lm.dtype)
                larger_l1 = rounded_l1.float() + offset
                weights_lm.sub_(rounded_l1)
                shrunk_l1 = (shift_l1 - larger_l1).exp2_()
                weight_l1.mul_(shrunk_l1)
                total_ld.mul_(shrunk_l1)
                shift_l1 = larger_l1
            weights_lm.exp2_()
            if is_exact and not isinstance(factor, Tensor):
                weight_l1.add_(weights_lm.sum(dim=1, keepdim=True), alpha=factor)
                total_ld.addmm_(weights_lm, v, alpha=factor)
            else:
                # Added up in float32, and rounded once; to ask for float32 copies them all.
                weight_l1 += factor * weights_lm.sum(dim=1, keepdim=True)
                total_ld += factor * (weights_lm @ v)
    way = "plain powers" if shift_l1 is None else "powers less a running maximum"
    _log.debug("Attention of %d queries in blocks: %s.", len(q_lc), way)
    return total_ld.div_(weight_l1).to(q_lc.dtype)


def attend_in_bfloat16(q_bhlc: Tensor, k_bhmc: Tensor, v_bhmd: Tensor) -> Tensor:
    """Compute softmax(q kᵀ / √C) v in bfloat16 on a CPU, (B, H, L, D).

    Few queries and keys at once, many in blocks.

    Parameters
    ----------
    q_bhlc, k_bhmc, v_bhmd : (B, H, L, C) queries, (B, H, M, C) keys and (B, H, M, D) values.
    """
    b, h, length, c = q_bhlc.shape
    if length * k_bhmc.shape[2] * k_bhmc.element_size() > BLOCK_BYTES:
        heads = zip(*(x.flatten(0, 1) for x in (q_bhlc, k_bhmc, v_bhmd)), strict=True)
        d = v_bhmd.shape[3]
        attended = [attend_in_blocks(q, [KVBlock(k, v)], value_dim=d) for q, k, v in heads]
        return torch.stack(attended).unflatten(0, (b, h))
    # Less the mean key, which shifts all scores of a query alike: what is rounded is small.
    k_bhmc = k_bhmc - k_bhmc.mean(dim=2, keepdim=True)
    scores_bhlm = (q_bhlc * c**-0.5) @ k_bhmc.transpose(2, 3)
    return scores_bhlm.softmax(dim=3) @ v_bhmd


def _longest(x_mc: Tensor) -> Tensor:
    """Compute the largest norm of rows."""
    return torch.linalg.vector_norm(x_mc, dim=1, dtype=torch.float32).amax()
