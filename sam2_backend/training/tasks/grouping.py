"""An auxiliary head for the image encoder: which pixels belong together.

Prompts alone supervise the encoder on a few objects of a picture. This loss pulls the embeddings
of every two pixels of one object together and pushes those across its outline apart (associative
embedding, Newell et al. 2017, arXiv 1611.05424; De Brabandere et al. 2017, arXiv 1708.02551). A
network that starts from random weights then learns to segment several times faster.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...network.sam2 import ImageFeatures

_WIDTH, _CHANNELS = 48, 32
"""Of the hidden layer, and of an embedding."""
_SAMPLES = 160
"""Pixels a picture of which all pairs are compared."""
_MAX_LOGIT = 2.0
"""Logit of two equal embeddings; it falls with their distance."""
_OWN, _SHARED = 0.6, 0.2
"""A cell belongs to an object that covers more of it than the first; up to there, and from the
second on, it is left out."""


class GroupingHead(nn.Module):
    """Auxiliary head that embeds the stride-8 cells of a picture and compares pairs of them.

    Parameters
    ----------
    hidden_dim : C of the image encoder's features at stride 16.
    """

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.from_s16 = nn.Conv2d(hidden_dim, _WIDTH, 1)
        self.from_s8 = nn.Conv2d(hidden_dim // 4, _WIDTH, 1)
        self.to_embedding = nn.Conv2d(_WIDTH, _CHANNELS, 1)

    def forward(self, features: ImageFeatures, masks_bkss: Tensor) -> Tensor:
        """Compute the balanced cross-entropy of sampled pairs being of one object.

        Parameters
        ----------
        features : of B pictures.
        masks_bkss : (B, K, S, S) bool. Where none of them is may be anything, one object or many.

        Returns
        -------
        Tensor
            Scalar loss.
        """
        size = features.s8.shape[-2:]
        coarse = F.interpolate(self.from_s16(features.s16), size, mode="bilinear")
        cells = self.to_embedding(F.gelu(coarse + self.from_s8(features.s8))).flatten(2)
        cover = F.interpolate(masks_bkss.float(), size, mode="area").flatten(2)
        share, nearest = cover.max(dim=1)
        owner = torch.where(share > _OWN, nearest + 1, 0)
        undecided = (share > _SHARED) & (share <= _OWN)
        at = _sample_cells(_balance_objects(owner, ~undecided, masks_bkss.shape[1]), _SAMPLES)

        embedded = cells.gather(2, at[:, None].expand(-1, _CHANNELS, -1)).transpose(1, 2)
        owner = owner.gather(1, at)
        logits = _MAX_LOGIT - torch.cdist(embedded.float(), embedded.float()).square() / 2
        same = owner[:, :, None] == owner[:, None]
        known = (owner > 0)[:, :, None] | (owner > 0)[:, None]
        loss = F.binary_cross_entropy_with_logits(logits, same.float(), reduction="none")
        return _mean(loss, known & same) + _mean(loss, known & ~same)


def _balance_objects(owner_bp: Tensor, decided_bp: Tensor, objects: int) -> Tensor:
    """Return weights (B, P) that sample small objects as often as large ones."""
    own = owner_bp[..., None] == torch.arange(objects + 1, device=owner_bp.device)
    counts = (own & decided_bp[..., None]).sum(dim=1).gather(1, owner_bp)
    return decided_bp / counts.clamp(min=4)


def _sample_cells(weights_bp: Tensor, count: int) -> Tensor:
    """Draw indices (B, count) by weight, with repetition, without the host waiting."""
    up_to = weights_bp.cumsum(dim=1)
    thresholds = torch.rand(len(weights_bp), count, device=weights_bp.device) * up_to[:, -1:]
    return torch.searchsorted(up_to, thresholds, right=True).clamp(max=weights_bp.shape[1] - 1)


def _mean(loss: Tensor, where: Tensor) -> Tensor:
    return (loss * where).sum() / where.sum().clamp(min=1)
