"""Memory attention: the current frame attends to its memory (Ravi et al. 2024, section 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..kernels.blocked_attention import KVBlock, attend_in_blocks
from .config import ModelConfig
from .layers import AttentionProjections, add_linear, apply_in_chunks, use_cpu_fast_path
from .position import RotaryTable, rotary_table, rotate, sine_embedding_2d


class RotaryAttention(AttentionProjections):
    """Attention with axial rotary positions on queries and on the spatial part of the keys."""

    def forward(
        self,
        residual_nlc: Tensor,
        q_nlc: Tensor,
        k_nmc: Tensor,
        v_nmc: Tensor,
        *,
        size: tuple[int, int],
        num_spatial: int,
        pooling: int = 1,
    ) -> Tensor:
        """Attend from a grid of queries, and add the result to a residual: (N, h*w, C).

        Parameters
        ----------
        residual_nlc : (N or 1, h*w, C).
        q_nlc : (N or 1, h*w, C) queries of a grid of `size` (h, w); one row serves all.
        k_nmc, v_nmc : (N, M, D) keys and values; the first `num_spatial` of them are one or more
            such grids, the rest (object pointers) have no position and are not rotated.
        pooling : side of the squares of cells of which each spatial key stands for one.
        """
        height, width = size
        head_dim = self.q_proj.out_features // self.num_heads
        q = self.split_heads(self.q_proj(q_nlc))
        q_table = rotary_table(head_dim, height=height, width=width, device=q.device)
        q = rotate(q, q_table).expand(len(k_nmc), -1, -1, -1)
        k_table = rotary_table(
            head_dim,
            height=height // pooling,
            width=width // pooling,
            device=q.device,
            pooling=pooling,
        )
        # So that a square weighs as much as its cells would.
        score_bias = 2 * math.log(pooling)
        values_are_narrow = v_nmc.shape[2] < q_nlc.shape[2] and self.num_heads == 1
        if values_are_narrow and use_cpu_fast_path(q):
            attended = [
                attend_in_blocks(
                    q_lc,
                    self._key_blocks(k_mc, v_mc, num_spatial, k_table, score_bias),
                    value_dim=v_mc.shape[1],
                )
                for q_lc, k_mc, v_mc in zip(q[:, 0], k_nmc, v_nmc, strict=True)
            ]
            # The projections of values and output as the single one that they amount to.
            weight = self.out_proj.weight @ self.v_proj.weight
            bias = F.linear(self.v_proj.bias, self.out_proj.weight, self.out_proj.bias)
            return add_linear(residual_nlc, torch.stack(attended), weight, bias)
        k = self.split_heads(self.k_proj(k_nmc))
        num_grids = num_spatial // len(k_table.cos)
        grids = k[:, :, :num_spatial].unflatten(2, (num_grids, -1))
        k = torch.cat((rotate(grids, k_table).flatten(2, 3), k[:, :, num_spatial:]), dim=2)
        v = self.split_heads(self.v_proj(v_nmc))
        bias_1m = None
        if pooling > 1:
            bias_1m = q.new_zeros(1, k.shape[2])
            bias_1m[:, :num_spatial] = score_bias
        attended_nhlc = F.scaled_dot_product_attention(q, k, v, attn_mask=bias_1m)
        attended_nlc = attended_nhlc.transpose(1, 2).flatten(2)
        return add_linear(residual_nlc, attended_nlc, self.out_proj.weight, self.out_proj.bias)

    def _key_blocks(
        self,
        k_mc: Tensor,
        v_mc: Tensor,
        num_spatial: int,
        table: RotaryTable,
        score_bias: float,
    ) -> Iterator[KVBlock]:
        """Projected keys of one grid after the other, then of the pointers; values as they are."""
        cells = len(table.cos)
        grids = zip(k_mc[:num_spatial].split(cells), v_mc[:num_spatial].split(cells), strict=True)
        for k, v in grids:
            yield KVBlock(rotate(self.k_proj(k), table), v, score_bias)
        if len(k_mc) > num_spatial:
            yield KVBlock(self.k_proj(k_mc[num_spatial:]), v_mc[num_spatial:])


class MemoryAttentionLayer(nn.Module):
    """Self-attention, cross-attention to memory and an MLP, each after a norm."""

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
        num_spatial: int,
        pooling: int,
    ) -> Tensor:
        """Transform the (N or 1, h*w, C) tokens of a frame; see `RotaryAttention.forward`."""
        normed = self.norm1(x)
        x = self.self_attn(x, normed, normed, normed, size=size, num_spatial=x.shape[1])
        x = self.cross_attn_image(
            x, self.norm2(x), keys, values, size=size, num_spatial=num_spatial, pooling=pooling
        )
        return apply_in_chunks(self._mlp, x.flatten(0, 1), self.linear1.out_features).view(x.shape)

    def _mlp(self, x_rc: Tensor) -> Tensor:
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
        self, s16_nchw: Tensor, memory_nmd: Tensor, memory_pos_nmd: Tensor, *, num_spatial: int
    ) -> Tensor:
        """Condition features on memory.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) features of the current frame.
        memory_nmd : (N, M, D) memory tokens: `num_spatial` of them from memory maps, frame after
            frame in row-major order, then the tokens of object pointers.
        memory_pos_nmd : (N, M, D) their positions, which are added to keys, not to values.

        Returns
        -------
        (N, C, h, w) conditioned features.
        """
        _, c, h, w = s16_nchw.shape
        position = sine_embedding_2d(c, height=h, width=w, device=s16_nchw.device)
        x = (s16_nchw + 0.1 * position).flatten(2).transpose(1, 2)
        keys = memory_nmd + memory_pos_nmd
        for layer in self.layers:
            x = layer(
                x, keys, memory_nmd, size=(h, w), num_spatial=num_spatial, pooling=self.pooling
            )
        return self.norm(x).transpose(1, 2).unflatten(2, (h, w))
