"""Exact attention in blocks that stay in a CPU's cache.

PyTorch's own kernel wants values as wide as keys. Memory's values are a quarter as wide before
they are projected, and a projection may as well come after the weighted sum, whose weights add up
to 1: that is a third of the arithmetic less. And keys are made when they are looked at, so that
all of them are never there at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 2**21
"""Weights that are there at once: 8 MB, measured best."""
LEAST_KEYS = 512
"""In a block, however many queries there are."""
SAFE_EXPONENT = 64.0
"""Powers of 2 between this and its negative are summed as they are."""


class Part(NamedTuple):
    """Some of what is attended to."""

    keys_mc: Tensor
    values_md: Tensor
    gain: float = 0.0
    """Added to all of its scores."""


def attend_in_blocks(q_lc: Tensor, parts: Iterable[Part], width: int) -> Tensor:
    """Softmax(q kᵀ / √C + gain) v, (L, D).

    Parameters
    ----------
    q_lc : (L, C) queries.
    parts : (M, C) keys and (M, D) values, each part asked for when its turn comes.
    width : D.
    """
    # Powers of 2 take half the time of those of e, and no longer where they underflow.
    log2_e = math.log2(math.e)
    q_lc = q_lc * (log2_e / math.sqrt(q_lc.shape[1]))
    longest_query = float(q_lc.norm(dim=1).amax())
    rows = max(LEAST_KEYS, BLOCK // len(q_lc))
    total_ld = q_lc.new_zeros(len(q_lc), width)
    weight_l1 = q_lc.new_zeros(len(q_lc), 1)
    shift_l1 = None
    for k_mc, v_md, gain in parts:
        gain *= log2_e
        largest = longest_query * float(k_mc.norm(dim=1).amax()) + abs(gain)
        if shift_l1 is None and largest > SAFE_EXPONENT:
            # From here on with the running maximum of Milakov and Gimelshein 2018.
            shift_l1 = torch.where(weight_l1 > 0, 0.0, -math.inf)
        scratch = q_lc.new_empty(len(q_lc) * min(rows, len(k_mc)))
        for k, v in zip(k_mc.split(rows), v_md.split(rows), strict=True):
            weights_lm = scratch[: len(q_lc) * len(k)].view(len(q_lc), len(k))
            torch.mm(q_lc, k.T, out=weights_lm)
            if shift_l1 is None:
                factor = 2.0**gain
            else:
                factor = 1.0
                larger_l1 = torch.maximum(shift_l1, weights_lm.amax(dim=1, keepdim=True) + gain)
                weights_lm.sub_(larger_l1 - gain)
                shrunk_l1 = (shift_l1 - larger_l1).exp2_()
                weight_l1.mul_(shrunk_l1)
                total_ld.mul_(shrunk_l1)
                shift_l1 = larger_l1
            weights_lm.exp2_()
            weight_l1.add_(weights_lm.sum(dim=1, keepdim=True), alpha=factor)
            total_ld.addmm_(weights_lm, v, alpha=factor)
    return total_ld.div_(weight_l1)
