"""The current frame looks at what is remembered (Ravi et al. 2024, section 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..kernels.blocked_attention import Part, attend_in_blocks
from .config import ModelConfig
from .layers import Attention, add_linear, by_rows, predicting_on_cpu
from .position import RotaryTable, rotary_table, rotate, sine_embedding_2d


class RotaryAttention(Attention):
    """Attention with axial rotary positions on queries and on the spatial part of the keys."""

    def added_to(
        self,
        base_nlc: Tensor,
        q_nlc: Tensor,
        k_nmc: Tensor,
        v_nmc: Tensor,
        *,
        size: tuple[int, int],
        spatial: int,
        pooling: int = 1,
    ) -> Tensor:
        """`base` and what a grid of queries attends to.

        Parameters
        ----------
        base_nlc : (N or 1, h*w, C).
        q_nlc : (N, h*w, C) queries of a grid of `size` (h, w); one row serves all.
        k_nmc, v_nmc : (N, M, D) keys and values; the first `spatial` of them are one or more
            such grids, the rest (object pointers) have no place and are not rotated.
        pooling : side of the squares of cells of which each spatial key stands for one.
        """
        height, width = size
        dim = self.q_proj.out_features // self.num_heads
        q = self._split_heads(self.q_proj(q_nlc))
        q = rotate(q, rotary_table(dim, height, width, q.device)).expand(len(k_nmc), -1, -1, -1)
        table = rotary_table(dim, height // pooling, width // pooling, q.device, pooling)
        # So that a square weighs as much as its cells did.
        gain = 2 * math.log(pooling)
        narrow = v_nmc.shape[2] < q_nlc.shape[2] and self.num_heads == 1
        if narrow and predicting_on_cpu(q):
            seen = [
                attend_in_blocks(q_lc, self._parts(k_mc, v_mc, spatial, table, gain), v_mc.shape[1])
                for q_lc, k_mc, v_mc in zip(q[:, 0], k_nmc, v_nmc, strict=True)
            ]
            # Both projections as the one that they make together.
            weight = self.out_proj.weight @ self.v_proj.weight
            bias = F.linear(self.v_proj.bias, self.out_proj.weight, self.out_proj.bias)
            return add_linear(base_nlc, torch.stack(seen), weight, bias)
        k = self._split_heads(self.k_proj(k_nmc))
        grids = spatial // len(table.cos)
        rotated = rotate(k[:, :, :spatial].unflatten(2, (grids, -1)), table).flatten(2, 3)
        k = torch.cat((rotated, k[:, :, spatial:]), dim=2)
        v = self._split_heads(self.v_proj(v_nmc))
        gains = None
        if pooling > 1:
            gains = q.new_zeros(1, k.shape[2])
            gains[:, :spatial] = gain
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=gains).transpose(1, 2).flatten(2)
        return add_linear(base_nlc, seen, self.out_proj.weight, self.out_proj.bias)

    def _parts(
        self, k_mc: Tensor, v_mc: Tensor, spatial: int, table: RotaryTable, gain: float
    ) -> Iterator[Part]:
        """Grid after grid, then what has no place; values are not projected."""
        cells = len(table.cos)
        for k, v in zip(k_mc[:spatial].split(cells), v_mc[:spatial].split(cells), strict=True):
            yield Part(rotate(self.k_proj(k), table), v, gain)
        if len(k_mc) > spatial:
            yield Part(self.k_proj(k_mc[spatial:]), v_mc[spatial:])


class MemoryAttentionLayer(nn.Module):
    """Self-attention, cross-attention to memory, feed-forward; norms first."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = RotaryAttention(dim, num_heads=1)
        self.cross_attn_image = RotaryAttention(dim, num_heads=1, kv_dim=config.memory_dim)
        self.linear1 = nn.Linear(dim, config.memory_mlp_dim)
        self.linear2 = nn.Linear(config.memory_mlp_dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        size: tuple[int, int],
        spatial: int,
        pooling: int,
    ) -> Tensor:
        normed = self.norm1(x)
        x = self.self_attn.added_to(x, normed, normed, normed, size=size, spatial=x.shape[1])
        x = self.cross_attn_image.added_to(
            x, self.norm2(x), keys, values, size=size, spatial=spatial, pooling=pooling
        )
        return by_rows(self._widen, x.flatten(0, 1), self.linear1.out_features).view(x.shape)

    def _widen(self, x_rc: Tensor) -> Tensor:
        hidden = F.relu(self.linear1(self.norm3(x_rc)))
        return add_linear(x_rc, hidden, self.linear2.weight, self.linear2.bias)


class MemoryAttention(nn.Module):
    """A stack of such layers over one frame's stride-16 features."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pooling = config.memory_pooling
        self.layers = nn.ModuleList(
            MemoryAttentionLayer(config) for _ in range(config.memory_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_dim)

    def forward(
        self, s16_nchw: Tensor, memory_nmd: Tensor, memory_pos_nmd: Tensor, *, spatial: int
    ) -> Tensor:
        """Condition features on memory.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) features of the current frame.
        memory_nmd : (N, M, D) memory tokens: `spatial` of them from memory maps, frame after
            frame in row-major order, then the tokens of object pointers.
        memory_pos_nmd : (N, M, D) their positions; keys get them, values do not.

        Returns
        -------
        (N, C, h, w) conditioned features.
        """
        _, c, h, w = s16_nchw.shape
        position = sine_embedding_2d(c, h, w, s16_nchw.device)
        x = (s16_nchw + 0.1 * position).flatten(2).transpose(1, 2)
        keys = memory_nmd + memory_pos_nmd
        for layer in self.layers:
            x = layer(x, keys, memory_nmd, size=(h, w), spatial=spatial, pooling=self.pooling)
        return self.norm(x).transpose(1, 2).unflatten(2, (h, w))
