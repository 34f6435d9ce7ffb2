"""What may be done to masks after the network: small parts removed, overlaps decided."""

from __future__ import annotations

import torch
from torch import Tensor

from .mask_cleaner import MaskCleaner

__all__ = ["MaskCleaner", "make_exclusive"]


def make_exclusive(logits_n1hw: Tensor) -> Tensor:
    """Mask logits of N objects of which at most one is above 0 at any place: the largest.

    Each is lowered to its lead over the best of the others where that is less. The sum of any two
    is then 0 at most, also between cells, so that masks stay exclusive however they are resized;
    a border lies where two logits are equal.

    Parameters
    ----------
    logits_n1hw : (N, 1, h, w).
    """
    if len(logits_n1hw) < 2:
        return logits_n1hw
    first, second = logits_n1hw.topk(2, dim=0).values
    others = torch.where(logits_n1hw == first, second, first)
    return torch.minimum(logits_n1hw, logits_n1hw - others)
