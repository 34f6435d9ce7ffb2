"""Points, boxes and masks as embeddings (Kirillov et al. 2023, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .layers import LayerNorm2d
from .position import RandomFourierFeatures
from .precision import Conv2d, PrecisionModule

PAD, NEGATIVE, POSITIVE, BOX_START, BOX_END = -1, 0, 1, 2, 3
"""Labels of a point: padding, a negative or positive click, the corners of a box."""


class PromptEncoder(PrecisionModule):
    """Embeds points and box corners sparsely, a mask densely.

    A box enters as its two corners; the caller puts them before the clicks.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.image_size = config.image_size
        self.pe_layer = RandomFourierFeatures(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            Conv2d(1, 4, kernel_size=2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            Conv2d(4, 16, kernel_size=2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            Conv2d(16, dim, kernel_size=1),
        )

    def embed_points(self, points_np2: Tensor, labels_np: Tensor) -> Tensor:
        """Embed points and one padding point after them: (N, P + 1, C).

        Parameters
        ----------
        points_np2 : (N, P, 2) float, (x, y) in pixels of the network's input.
        labels_np : (N, P) integers, see `PAD` and its neighbours.
        """
        n = points_np2.shape[0]
        points = torch.cat((points_np2 + 0.5, points_np2.new_zeros(n, 1, 2)), dim=1)
        labels = torch.cat((labels_np, labels_np.new_full((n, 1), PAD)), dim=1)[..., None]
        embedded = self.pe_layer(points / self.image_size)
        # Padding has no place, so its embedding replaces; the others add to the position.
        embedded = torch.where(labels == PAD, self.not_a_point_embed.weight, embedded)
        for label, embedding in enumerate(self.point_embeddings):
            embedded = torch.where(
                labels == label, embedded + embedding.get_parameter("weight"), embedded
            )
        return embedded

    def embed_no_points(self, n: int) -> Tensor:
        """Embed one padding point, as while tracking, and the one after it: (N, 2, C)."""
        weight = self.not_a_point_embed.weight
        padding = self.derive("no points", lambda: weight.expand(1, 2, -1).contiguous(), weight)
        return padding.expand(n, -1, -1)

    def embed_mask(self, logits_n1hw: Tensor | None) -> Tensor:
        """Embed (N, 1, S/4, S/4) mask logits: (N, C, S/16, S/16), or (1, C, 1, 1) for None."""
        if logits_n1hw is None:
            weight = self.no_mask_embed.weight
            return self.derive("no mask", lambda: weight[..., None, None], weight)
        return self.mask_downscaling(logits_n1hw)
