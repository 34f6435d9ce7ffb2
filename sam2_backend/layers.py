"""Building blocks shared by the parts of the network."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of a (B, C, H, W) map."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x_bchw: Tensor) -> Tensor:
        x_bhwc = x_bchw.permute(0, 2, 3, 1)
        x_bhwc = F.layer_norm(x_bhwc, self.weight.shape, self.weight, self.bias, self.eps)
        return x_bhwc.permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with an activation between them."""

    def __init__(
        self,
        dims: tuple[int, ...],
        *,
        activation: type[nn.Module] = nn.ReLU,
        sigmoid_output: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(dims))
        self.activation = activation()
        self.sigmoid_output = sigmoid_output

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        x = last(x)
        return x.sigmoid() if self.sigmoid_output else x


class Attention(nn.Module):
    """Multi-head attention whose inner width may be narrower than its input.

    Parameters
    ----------
    dim : width of queries and output.
    num_heads : heads the inner width is split into.
    inner_dim : width of the projected queries, keys and values; `dim` if None.
    kv_dim : width of keys and values before projection; `dim` if None.
    """

    def __init__(
        self, dim: int, *, num_heads: int, inner_dim: int | None = None, kv_dim: int | None = None
    ) -> None:
        super().__init__()
        inner_dim = inner_dim or dim
        kv_dim = kv_dim or dim
        self.num_heads = num_heads
        self.q_proj = nn.Linear(dim, inner_dim)
        self.k_proj = nn.Linear(kv_dim, inner_dim)
        self.v_proj = nn.Linear(kv_dim, inner_dim)
        self.out_proj = nn.Linear(inner_dim, dim)

    def forward(self, q_bnc: Tensor, k_bmc: Tensor, v_bmc: Tensor) -> Tensor:
        """Attend; where one side has a single row it is projected once and shared by all."""
        q = self._split_heads(self.q_proj(q_bnc))
        k = self._split_heads(self.k_proj(k_bmc))
        v = self._split_heads(self.v_proj(v_bmc))
        b = max(len(q), len(k))
        q, k, v = (x.expand(b, -1, -1, -1) for x in (q, k, v))
        return self._join_heads(F.scaled_dot_product_attention(q, k, v))

    def _split_heads(self, x_bnc: Tensor) -> Tensor:
        return x_bnc.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N, C/heads)

    def _join_heads(self, x_bhnc: Tensor) -> Tensor:
        return self.out_proj(x_bhnc.transpose(1, 2).flatten(2))
