"""Building blocks shared by the parts of the network."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CACHED_NUMBERS = 3 * 2**19
"""Of what lies between two matrix products: so many stay in a CPU's cache."""
LEAST_TOKENS = 1024
"""Of a matrix product that still runs at full speed."""


def predicting_on_cpu(x: Tensor) -> bool:
    """Whether what is done for speed on a CPU may be done: in float32, without gradients, and
    nothing is compiled."""
    plain = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return plain and not torch.is_grad_enabled() and not torch.compiler.is_compiling()


def by_rows(work: Callable[[Tensor], Tensor], x: Tensor, width: int) -> Tensor:
    """Do what treats each row of a (rows, ..., C) by itself in parts that fit a CPU's cache.

    Parameters
    ----------
    work : keeps the number of rows.
    width : the most numbers that there are on the way for each of C.
    """
    if not predicting_on_cpu(x):
        return work(x)
    tokens = max(LEAST_TOKENS, CACHED_NUMBERS // width)
    parts = x.split(max(1, tokens // math.prod(x.shape[1:-1])))
    return torch.cat([work(part) for part in parts])


def add_linear(base: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`base` (..., C) and a linear layer's answer to `x` (..., D), summed.

    On a CPU the product is added where it falls, rather than by a pass of its own over both.
    """
    if not predicting_on_cpu(base):
        return base + F.linear(x, weight, bias)
    total = (base + bias).expand(*x.shape[:-1], -1).contiguous()
    total.view(-1, len(weight)).addmm_(x.reshape(-1, x.shape[-1]), weight.T)
    return total


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
        x = self.last(self._hidden(x))
        return x.sigmoid() if self.sigmoid_output else x

    def added_to(self, base: Tensor, x: Tensor) -> Tensor:
        """`base` and what this makes of `x`: a residual block's end."""
        return add_linear(base, self._hidden(x), self.last.weight, self.last.bias)

    @property
    def last(self) -> nn.Linear:
        """The layer that nothing follows."""
        return cast("nn.Linear", self.layers[-1])

    def _hidden(self, x: Tensor) -> Tensor:
        *hidden, _ = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return x


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
        if len(q_bnc) == len(k_bmc) and predicting_on_cpu(q_bnc):
            # A head is narrow: the longer side is not projected where the shorter one is so
            # short that its heads can be carried over instead.
            most = self.q_proj.out_features // self.num_heads
            if q_bnc.shape[1] < most < k_bmc.shape[1]:
                return self._from_few(q_bnc, k_bmc, v_bmc)
            if k_bmc.shape[1] < most < q_bnc.shape[1]:
                return self._to_few(q_bnc, k_bmc, v_bmc)
        q = self._split_heads(self.q_proj(q_bnc))
        k = self._split_heads(self.k_proj(k_bmc))
        v = self._split_heads(self.v_proj(v_bmc))
        b = max(len(q), len(k))
        q, k, v = (x.expand(b, -1, -1, -1) for x in (q, k, v))
        return self._join_heads(F.scaled_dot_product_attention(q, k, v))

    def _from_few(self, q_bnc: Tensor, k_bmc: Tensor, v_bmc: Tensor) -> Tensor:
        """Few queries: q·(W k + b) is (Wᵀ q)·k, and q·b, the same for all keys, cancels out."""
        q_bhnd = self._split_heads(self.q_proj(q_bnc))
        scale = q_bhnd.shape[-1] ** -0.5
        carried = (q_bhnd * scale) @ self._by_head(self.k_proj.weight)  # (B, heads, N, C)
        weights = (carried.flatten(1, 2) @ k_bmc.transpose(1, 2)).softmax(dim=-1)
        summed = (weights @ v_bmc).unflatten(1, (self.num_heads, -1))
        out = summed @ self._by_head(self.v_proj.weight).transpose(1, 2)
        bias_h1d = self.v_proj.bias.unflatten(0, (self.num_heads, 1, -1))
        return self._join_heads(out + bias_h1d)

    def _to_few(self, q_bnc: Tensor, k_bmc: Tensor, v_bmc: Tensor) -> Tensor:
        """Few keys: the same the other way round, and values are projected out at once."""
        k_bhmd = self._split_heads(self.k_proj(k_bmc))
        scaled = k_bhmd * k_bhmd.shape[-1] ** -0.5
        carried = (scaled @ self._by_head(self.q_proj.weight)).flatten(1, 2)
        bias = (scaled @ self.q_proj.bias.unflatten(0, (self.num_heads, -1, 1))).flatten(1)
        # Queries last: a softmax over so few keys is slow where they lie side by side.
        scores = torch.baddbmm(bias[..., None], carried, q_bnc.transpose(1, 2))
        weights = scores.unflatten(1, (self.num_heads, -1)).softmax(dim=2).flatten(1, 2)
        v_bhmd = self._split_heads(self.v_proj(v_bmc))
        out_hdc = self._by_head(self.out_proj.weight.T)
        carried_out = (v_bhmd @ out_hdc).flatten(1, 2)  # (B, heads * M, C)
        return torch.baddbmm(self.out_proj.bias[None, None], weights.transpose(1, 2), carried_out)

    def _by_head(self, weight_ic: Tensor) -> Tensor:
        return weight_ic.unflatten(0, (self.num_heads, -1))  # (heads, inner/heads, C)

    def _split_heads(self, x_bnc: Tensor) -> Tensor:
        return x_bnc.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N, C/heads)

    def _join_heads(self, x_bhnc: Tensor) -> Tensor:
        return self.out_proj(x_bhnc.transpose(1, 2).flatten(2))
