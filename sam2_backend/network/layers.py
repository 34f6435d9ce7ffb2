"""Building blocks shared by the parts of the network."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..kernels.blocked_attention import attend_in_bfloat16
from .precision import Linear, PrecisionModule, is_predicting

CHUNK_ELEMENTS = 3 * 2**19
"""Numbers between two matrix products of a chunk: so many stay in a CPU's cache."""
MIN_CHUNK_TOKENS = 1024
"""Rows of a matrix product that still runs at full speed."""

MIN_BFLOAT16_KEYS = 32
"""Keys from which on products in bfloat16 gain more than what stands around them costs."""


class CpuPaths:
    """Whether computations on a CPU go ways of their own; tests take the others there too."""

    enabled = True

    @classmethod
    def serve(cls, device: torch.device) -> bool:
        """Whether they serve a device."""
        return cls.enabled and device.type == "cpu"


def use_cpu_fast_path(x: Tensor) -> bool:
    """Whether the CPU's fast paths apply: no gradients, no autocast, and nothing is compiled.

    Parameters
    ----------
    x : a tensor of the computation, for its device.
    """
    plain = CpuPaths.serve(x.device) and not torch.is_autocast_enabled("cpu")
    return plain and not torch.is_grad_enabled() and not torch.compiler.is_compiling()


def apply_in_chunks(function: Callable[[Tensor], Tensor], x: Tensor, hidden_dim: int) -> Tensor:
    """Apply a function of independent rows to (rows, ..., C) in chunks that fit a CPU's cache.

    Off the CPU's fast path the function is applied to all rows at once.

    Parameters
    ----------
    function : maps (rows, ..., C) to as many rows; no row depends on another.
    hidden_dim : channels of its widest intermediate result.
    """
    if not use_cpu_fast_path(x):
        return function(x)
    tokens = max(MIN_CHUNK_TOKENS, CHUNK_ELEMENTS // hidden_dim)
    chunks = x.split(max(1, tokens // math.prod(x.shape[1:-1])))
    return torch.cat([function(chunk) for chunk in chunks])


def attend(q_bhnc: Tensor, k_bhmc: Tensor, v_bhmc: Tensor) -> Tensor:
    """Compute attention of B batches and H heads: (B, H, N, C)."""
    is_small = k_bhmc.shape[2] < MIN_BFLOAT16_KEYS
    if q_bhnc.dtype is torch.bfloat16 and not is_small and use_cpu_fast_path(q_bhnc):
        return attend_in_bfloat16(q_bhnc, k_bhmc, v_bhmc)
    return F.scaled_dot_product_attention(q_bhnc, k_bhmc, v_bhmc)


def add_linear(residual: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Add a linear layer's output to a residual: `residual` + `x` Wᵀ + b, (..., C).

    On a CPU the product is accumulated in place, rather than by another pass over both.

    Parameters
    ----------
    residual : (..., C).
    x : (..., D).
    weight, bias : (C, D) and (C,).
    """
    if not use_cpu_fast_path(residual) or residual.dtype != weight.dtype:
        return residual + F.linear(x.to(weight.dtype), weight, bias)
    total = (residual + bias).expand(*x.shape[:-1], -1).contiguous()
    total.view(-1, len(weight)).addmm_(x.reshape(-1, x.shape[-1]), weight.T)
    return total


class LayerNorm2d(PrecisionModule):
    """Layer norm over the channels of a (B, C, H, W) map."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x_bchw: Tensor) -> Tensor:
        """Normalise each cell of a (B, C, H, W) map."""
        x_bhwc = x_bchw.permute(0, 2, 3, 1)
        weight, bias = self.weights(x_bchw)
        x_bhwc = F.layer_norm(x_bhwc, self.weight.shape, weight, bias, self.eps)
        return x_bhwc.permute(0, 3, 1, 2)

    def weights(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Get weight and bias (C,), in the precision of `x`."""
        weight, bias = self.weight, self.bias
        if x.dtype is torch.float32 or not is_predicting():
            return weight, bias
        return self.derive("weights", lambda: (weight, bias), weight, bias)


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
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(dims))
        self.activation = activation()
        self.sigmoid_output = sigmoid_output

    def forward(self, x: Tensor) -> Tensor:
        """Transform (..., first of dims) to (..., last of dims)."""
        x = self.last(self._hidden(x))
        return x.sigmoid() if self.sigmoid_output else x

    def forward_residual(self, residual: Tensor, x: Tensor) -> Tensor:
        """Compute `residual` + MLP(`x`), the end of a residual block; no sigmoid."""
        return add_linear(residual, self._hidden(x), *self.last.weights())

    @property
    def last(self) -> Linear:
        """The output layer."""
        return cast("Linear", self.layers[-1])

    def _hidden(self, x: Tensor) -> Tensor:
        *hidden, _ = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return x


class AttentionProjections(PrecisionModule):
    """The projections of multi-head attention, whose inner width may differ from its input's.

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
        self.q_proj = Linear(dim, inner_dim)
        self.k_proj = Linear(kv_dim, inner_dim)
        self.v_proj = Linear(kv_dim, inner_dim)
        self.out_proj = Linear(inner_dim, dim)

    def split_heads(self, x_bnc: Tensor) -> Tensor:
        """(B, N, C) -> (B, heads, N, C / heads)."""
        return x_bnc.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class Attention(AttentionProjections):
    """Multi-head attention."""

    def forward(self, q_bnc: Tensor, k_bmc: Tensor, v_bmc: Tensor) -> Tensor:
        """Attend from (B, N, C) queries to (B, M, C) keys and values: (B, N, C).

        A batch of one row on one side is projected once and shared by all rows of the other.
        """
        # With fewer tokens on one side than a head has channels, it takes less arithmetic to apply
        # the other side's projection to them than to project the many tokens.
        if self._are_few(q_bnc, k_bmc):
            return self._few_queries(q_bnc, k_bmc, v_bmc)
        if self._are_few(k_bmc, q_bnc):
            return self._add_few_values(None, self._few_key_scores(q_bnc, k_bmc), v_bmc)
        q = self.split_heads(self.q_proj(q_bnc))
        k = self.split_heads(self.k_proj(k_bmc))
        v = self.split_heads(self.v_proj(v_bmc))
        b = max(q.shape[0], k.shape[0])
        q, k, v = (x.expand(b, -1, -1, -1) for x in (q, k, v))
        return self._join_heads(attend(q, k, v))

    def attend_to_projected(self, q_bnc: Tensor, k_bhmd: Tensor, v_bhmd: Tensor) -> Tensor:
        """Attend from (B, N, C) queries to (B, H, M, D) projected keys and values: (B, N, C)."""
        return self._join_heads(attend(self.split_heads(self.q_proj(q_bnc)), k_bhmd, v_bhmd))

    def add_attended(
        self,
        residual_bnc: Tensor,
        q_bnc: Tensor,
        k_bmc: Tensor,
        v_bmc: Tensor,
        *,
        q_bhnd: Tensor | None = None,
    ) -> Tensor:
        """Add what `forward` computes to a residual: (B, N, C).

        Parameters
        ----------
        residual_bnc : (B or 1, N, C).
        q_bnc, k_bmc, v_bmc : as for `forward`.
        q_bhnd : (B, H, N, D) projected queries, where they are known.
        """
        if q_bhnd is not None:
            scores_bhmn = self._scaled_keys(k_bmc) @ q_bhnd.transpose(2, 3)
        elif self._are_few(k_bmc, q_bnc) and residual_bnc.dtype == q_bnc.dtype:
            scores_bhmn = self._few_key_scores(q_bnc, k_bmc)
        else:
            return residual_bnc + self(q_bnc, k_bmc, v_bmc)
        return self._add_few_values(residual_bnc, scores_bhmn, v_bmc)

    def _are_few(self, tokens: Tensor, others: Tensor) -> bool:
        """Whether these are fewer than a head has channels and the others more, row for row."""
        if not use_cpu_fast_path(tokens):
            return False
        head_dim = self.q_proj.out_features // self.num_heads
        is_between = tokens.shape[1] < head_dim < others.shape[1]
        return is_between and tokens.shape[0] == others.shape[0]

    def _few_queries(self, q_bnc: Tensor, k_bmc: Tensor, v_bmc: Tensor) -> Tensor:
        """Attend with the key projection applied to the queries.

        q·(W k + b) = (Wᵀ q)·k + q·b, and q·b, the same for all keys, cancels out in the softmax.
        """
        q_bhnd = self.split_heads(self.q_proj(q_bnc))
        scale = q_bhnd.shape[-1] ** -0.5
        projected = (q_bhnd * scale) @ self._by_head(self.k_proj)  # (B, heads, N, C)
        weights = (projected.flatten(1, 2) @ k_bmc.transpose(1, 2)).softmax(dim=-1)
        summed = (weights @ v_bmc).unflatten(1, (self.num_heads, -1))
        out = summed @ self._by_head(self.v_proj).transpose(1, 2)
        bias_h1d = self.v_proj.weights()[1].unflatten(0, (self.num_heads, 1, -1))
        return self._join_heads(out + bias_h1d)

    def _few_key_scores(self, q_bnc: Tensor, k_bmc: Tensor) -> Tensor:
        """Compute scores with the query projection applied to the keys: (B, heads, M, N).

        Queries last: a softmax over so few keys is slow where they lie side by side.
        """
        scaled = self._scaled_keys(k_bmc)
        projected = (scaled @ self._by_head(self.q_proj)).flatten(1, 2)
        q_bias = self.q_proj.weights()[1].unflatten(0, (self.num_heads, -1, 1))
        bias = (scaled @ q_bias).flatten(1)
        scores = torch.baddbmm(bias[..., None], projected, q_bnc.transpose(1, 2))
        return scores.unflatten(1, (self.num_heads, -1))

    def _scaled_keys(self, k_bmc: Tensor) -> Tensor:
        k_bhmd = self.split_heads(self.k_proj(k_bmc))
        return k_bhmd * k_bhmd.shape[-1] ** -0.5

    def _add_few_values(
        self, residual_bnc: Tensor | None, scores_bhmn: Tensor, v_bmc: Tensor
    ) -> Tensor:
        """Add values, to which the output's projection is applied, to a residual.

        The weights of a head add up to 1: a share of the bias in all of its values is the bias.
        """
        weights = scores_bhmn.softmax(dim=2).flatten(1, 2).transpose(1, 2)  # (B, N, heads * M)
        v_bhmd = self.split_heads(self.v_proj(v_bmc))
        weight_ci, bias_c = self.out_proj.weights()
        projected_v = v_bhmd @ weight_ci.T.unflatten(0, (self.num_heads, -1))
        projected_v = (projected_v + bias_c / self.num_heads).flatten(1, 2)  # (B, heads * M, C)
        if residual_bnc is None:
            return weights @ projected_v
        return torch.baddbmm(residual_bnc, weights, projected_v)

    def _by_head(self, layer: Linear) -> Tensor:
        weight_ic, _ = layer.weights()
        return weight_ic.unflatten(0, (self.num_heads, -1))  # (heads, inner/heads, C)

    def _join_heads(self, x_bhnc: Tensor) -> Tensor:
        return self.out_proj(x_bhnc.transpose(1, 2).flatten(2))
