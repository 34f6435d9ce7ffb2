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
from .precision import LayerNorm, Linear, PrecisionModule, is_predicting


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
        valid_nm: Tensor | None = None,
        bias_n11m: Tensor | None = None,
    ) -> Tensor:
        """Attend from a grid of queries, and add the result to a residual: (N, h*w, C).

        Parameters
        ----------
        residual_nlc : (N or 1, h*w, C).
        q_nlc : (N or 1, h*w, C) queries of a grid of `size` (h, w); one row serves all.
        k_nmc, v_nmc : (N, M, D) keys and values; the first `num_spatial` of them are one or more
            such grids, the rest (object pointers) have no position and are not rotated.
        pooling : side of the squares of cells of which each spatial key stands for one.
        valid_nm : (N, M) bool, whether a key is attended to; all are if None.
        bias_n11m : (N or 1, 1, 1, M) of scores: that of `pooling` and `valid_nm`.
        """
        height, width = size
        head_dim = self.q_proj.out_features // self.num_heads
        q = self.split_heads(self.q_proj(q_nlc))
        q_table = rotary_table(head_dim, height=height, width=width, device=q.device)
        q = rotate(q, q_table).expand(k_nmc.shape[0], -1, -1, -1)
        k_table = rotary_table(
            head_dim,
            height=height // pooling,
            width=width // pooling,
            device=q.device,
            pooling=pooling,
        )
        # In bfloat16 also where values are wide: PyTorch's attention gains nothing from it.
        is_faster = v_nmc.shape[2] < q_nlc.shape[2] or q.dtype is torch.bfloat16
        if is_faster and self.num_heads == 1 and use_cpu_fast_path(q):
            attended = [
                attend_in_blocks(
                    q_lc,
                    self._key_blocks(
                        *(k_nmc[n], v_nmc[n], None if valid_nm is None else valid_nm[n]),
                        num_spatial=num_spatial,
                        table=k_table,
                        score_bias=score_bias_of(pooling),
                    ),
                    value_dim=v_nmc.shape[2],
                )
                for n, q_lc in enumerate(q[:, 0])
            ]
            return add_linear(residual_nlc, torch.stack(attended), *self._value_output())
        k = self.split_heads(self.k_proj(k_nmc))
        num_grids = num_spatial // len(k_table.cos)
        grids = k[:, :, :num_spatial].unflatten(2, (num_grids, -1))
        k = torch.cat((rotate(grids, k_table).flatten(2, 3), k[:, :, num_spatial:]), dim=2)
        v = self.split_heads(self.v_proj(v_nmc))
        attended_nhlc = F.scaled_dot_product_attention(q, k, v, attn_mask=bias_n11m)
        attended_nlc = attended_nhlc.transpose(1, 2).flatten(2)
        return add_linear(residual_nlc, attended_nlc, *self.out_proj.weights())

    def _value_output(self) -> tuple[Tensor, Tensor]:
        """Get the projections of values and output as the single one that they amount to."""
        value, out = self.v_proj, self.out_proj
        return self.derive(
            "value and output",
            lambda: (out.weight @ value.weight, F.linear(value.bias, out.weight, out.bias)),
            *(value.weight, value.bias, out.weight, out.bias),
        )

    def _key_blocks(
        self,
        k_mc: Tensor,
        v_mc: Tensor,
        valid_m: Tensor | None,
        *,
        num_spatial: int,
        table: RotaryTable,
        score_bias: float,
    ) -> Iterator[KVBlock]:
        """Projected keys of one grid after the other, then of the pointers; values as they are.

        Grids are valid as a whole. What is not valid is left out.
        """
        cells = len(table.cos)
        grids = zip(k_mc[:num_spatial].split(cells), v_mc[:num_spatial].split(cells), strict=True)
        for n, (k, v) in enumerate(grids):
            if valid_m is None or valid_m[n * cells]:
                yield KVBlock(rotate(self.k_proj(k), table), v, score_bias)
        k, v = k_mc[num_spatial:], v_mc[num_spatial:]
        if valid_m is not None:
            k, v = k[valid_m[num_spatial:]], v[valid_m[num_spatial:]]
        if len(k):
            yield KVBlock(self.k_proj(k), v)


class MemoryAttentionLayer(nn.Module):
    """Self-attention, cross-attention to memory and an MLP, each after a norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = RotaryAttention(dim, num_heads=1)
        self.cross_attn_image = RotaryAttention(dim, num_heads=1, kv_dim=config.memory_dim)
        self.linear1 = Linear(dim, config.memory_mlp_dim)
        self.linear2 = Linear(config.memory_mlp_dim, dim)
        self.norm1 = LayerNorm(dim)
        self.norm2 = LayerNorm(dim)
        self.norm3 = LayerNorm(dim)

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        size: tuple[int, int],
        num_spatial: int,
        pooling: int,
        valid_nm: Tensor | None,
        bias_n11m: Tensor | None,
    ) -> Tensor:
        """Transform the (N or 1, h*w, C) tokens of a frame; see `RotaryAttention.forward`."""
        normed = self.norm1(x)
        x = self.self_attn(x, normed, normed, normed, size=size, num_spatial=x.shape[1])
        x = self.cross_attn_image(
            *(x, self.norm2(x), keys, values),
            size=size,
            num_spatial=num_spatial,
            pooling=pooling,
            valid_nm=valid_nm,
            bias_n11m=bias_n11m,
        )
        return apply_in_chunks(self._mlp, x.flatten(0, 1), self.linear1.out_features).view(x.shape)

    def _mlp(self, x_rc: Tensor) -> Tensor:
        hidden = F.relu(self.linear1(self.norm3(x_rc)))
        return add_linear(x_rc, hidden, *self.linear2.weights())


class MemoryAttention(PrecisionModule):
    """A stack of such layers over one frame's stride-16 features."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pooling = config.memory_pooling
        self.layers = nn.ModuleList(
            MemoryAttentionLayer(config) for _ in range(config.memory_layers)
        )
        self.norm = LayerNorm(config.hidden_dim)

    def forward(
        self,
        s16_nchw: Tensor,
        memory_nmd: Tensor,
        memory_pos_nmd: Tensor,
        *,
        num_spatial: int,
        valid_nk: Tensor | None = None,
    ) -> Tensor:
        """Condition features on memory.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) features of the current frame.
        memory_nmd : (N, M, D) memory tokens: `num_spatial` of them from memory maps, frame after
            frame in row-major order, then the tokens of object pointers.
        memory_pos_nmd : (N, M, D) their positions, which are added to keys, not to values.
        valid_nk : (N, M) bool, which of them are attended to: whole memory maps and pointers; all
            if None.

        Returns
        -------
        (N, C, h, w) conditioned features.
        """
        _, c, h, w = s16_nchw.shape
        device = s16_nchw.device
        position = self.derive(
            f"position {h} x {w}",
            lambda: 0.1 * sine_embedding_2d(c, height=h, width=w, device=device),
            self.norm.weight,
        )
        x = (s16_nchw + position).flatten(2).transpose(1, 2)
        keys = memory_nmd + memory_pos_nmd
        if is_predicting():
            keys = keys.to(self.compute_dtype)
        bias_n11k = self._score_bias(x, keys.shape[1], num_spatial, valid_nk)
        for layer in self.layers:
            x = layer(
                *(x, keys, memory_nmd),
                size=(h, w),
                num_spatial=num_spatial,
                pooling=self.pooling,
                valid_nm=valid_nk,
                bias_n11m=bias_n11k,
            )
        return self.norm(x).transpose(1, 2).unflatten(2, (h, w))

    def _score_bias(
        self, x: Tensor, num_keys: int, num_spatial: int, valid_nk: Tensor | None
    ) -> Tensor | None:
        if self.pooling == 1 and valid_nk is None:
            return None
        bias_1k = x.new_zeros(1, num_keys)
        bias_1k[:, :num_spatial] = score_bias_of(self.pooling)
        if valid_nk is not None:
            bias_1k = torch.where(valid_nk, bias_1k, -math.inf)
        return bias_1k[:, None, None]


def score_bias_of(pooling: int) -> float:
    """Compute the score bias of a square of cells, so that it weighs as much as they would."""
    return 2 * math.log(pooling)
