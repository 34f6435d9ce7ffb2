"""Hiera, the hierarchical image encoder (Ryali et al. 2023, arXiv 2306.00989).

Feature maps are (B, H, W, C) inside and (B, C, H, W) on the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import MLP, add_linear, apply_in_chunks, attend, use_cpu_fast_path
from .precision import Conv2d, LayerNorm, Linear, PrecisionModule


class PatchEmbed(nn.Module):
    """Overlapping 7x7 patches at stride 4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = Conv2d(3, dim, kernel_size=7, stride=4, padding=3)

    def forward(self, pixels_bchw: Tensor) -> Tensor:
        """Embed the patches of images (B, 3, S, S): (B, S/4, S/4, C)."""
        return self.proj(pixels_bchw).permute(0, 2, 3, 1)


class WindowAttention(PrecisionModule):
    """Self-attention within one window, its queries pooled 2x2 where a stage begins."""

    def __init__(self, dim: int, dim_out: int, *, num_heads: int, pool: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool = pool
        self.qkv = Linear(dim, 3 * dim_out)
        self.proj = Linear(dim_out, dim_out)

    def forward(self, x_bhwc: Tensor) -> Tensor:
        """Attend within windows, without the output projection.

        Parameters
        ----------
        x_bhwc : (B, H, W, C) windows, normalised.

        Returns
        -------
        (B, H or H/2, W or W/2, dim_out); `add_projected` completes it.
        """
        weight, bias = self.qkv.weights()
        q, k, v = F.linear(x_bhwc, weight).chunk(3, dim=-1)
        if self.pool:
            q = max_pool(q)
        # The keys' bias adds the same to all scores of a query, which cancels in the softmax.
        q_bias = bias[: q.shape[-1]]
        q = q.add_(q_bias) if use_cpu_fast_path(q) else q + q_bias
        b, h, w, _ = q.shape
        q, k, v = (
            t.reshape(b, -1, self.num_heads, t.shape[-1] // self.num_heads).transpose(1, 2)
            for t in (q, k, v)
        )
        return attend(q, k, v).transpose(1, 2).reshape(b, h, w, -1)

    def add_projected(self, residual_bhwc: Tensor, attended_bhwc: Tensor) -> Tensor:
        """Project what `forward` returned and add it to a residual of the same shape."""
        bias = self.derive(
            "bias", self._joint_bias, self.qkv.bias, self.proj.weight, self.proj.bias
        )
        return add_linear(residual_bhwc, attended_bhwc, self.proj.weights()[0], bias)

    def _joint_bias(self) -> Tensor:
        """Compute the bias of the values and the output's as one.

        Attention weights add up to 1: the values' bias may as well be added after the sum.
        """
        v_bias = self.qkv.bias[-self.proj.in_features :]
        return self.proj.weight @ v_bias + self.proj.bias


class Block(nn.Module):
    """Windowed (or global, window 0) attention and an MLP, each with a residual."""

    def __init__(self, dim: int, dim_out: int, *, num_heads: int, window: int, pool: bool) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = LayerNorm(dim, eps=1e-6)
        self.attn = WindowAttention(dim, dim_out, num_heads=num_heads, pool=pool)
        self.norm2 = LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), activation=nn.GELU)
        if pool:
            self.proj = Linear(dim, dim_out)

    def forward(self, x_bhwc: Tensor) -> Tensor:
        """Transform a (B, H, W, C) map, or its windows (B * windows, window, window, C)."""
        hidden_dim = 4 * self.norm2.normalized_shape[0]
        if x_bhwc.shape[1] == self.window:
            return apply_in_chunks(lambda x: self._mlp(self._attention(x)), x_bhwc, hidden_dim)
        attended = self._attention(x_bhwc)
        return apply_in_chunks(self._mlp, attended.flatten(0, 2), hidden_dim).view(attended.shape)

    def _attention(self, x_bhwc: Tensor) -> Tensor:
        normed = self.norm1(x_bhwc)
        # Where a stage begins the shortcut is the projection of the *normed* input, pooled.
        shortcut = max_pool(self.proj(normed)) if self.pool else x_bhwc
        if self.window in (0, x_bhwc.shape[1]):
            return self.attn.add_projected(shortcut, self.attn(normed))
        attended = self.attn(to_windows(normed, self.window))
        window = self.window // 2 if self.pool else self.window
        return self.attn.add_projected(
            shortcut, from_windows(attended, window, shortcut.shape[1:3])
        )

    def _mlp(self, x: Tensor) -> Tensor:
        return self.mlp.forward_residual(x, self.norm2(x))


class Hiera(PrecisionModule):
    """The trunk: four stages at strides 4, 8, 16 and 32, widths doubling."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, heads = config.embed_dim, config.num_heads
        self.patch_embed = PatchEmbed(dim)
        window0 = config.window_sizes[0]
        self.pos_embed = nn.Parameter(torch.zeros(1, dim, *config.pos_embed_size))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, dim, window0, window0))
        self.stage_ends = [n - 1 for n in accumulate(config.stages)]

        self.blocks = nn.ModuleList()
        for stage, depth in enumerate(config.stages):
            for i in range(depth):
                starts_stage = i == 0 and stage > 0
                # A block that starts a stage still has the windows of the stage before.
                window = config.window_sizes[stage - 1 if starts_stage else stage]
                if len(self.blocks) in config.global_blocks:
                    window = 0
                dim_in, dim = dim, dim * 2 if starts_stage else dim
                heads = heads * 2 if starts_stage else heads
                self.blocks.append(
                    Block(dim_in, dim, num_heads=heads, window=window, pool=starts_stage)
                )

    def forward(self, pixels_bchw: Tensor) -> list[Tensor]:
        """Encode normalised images (B, 3, S, S) as four (B, C, H, W) maps of strides 4 to 32."""
        x = self.patch_embed(pixels_bchw)
        x = x + self._cached_position(x.shape[1], x.shape[2])
        side, window = x.shape[1], 0
        features = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            # Consecutive blocks of one window size stay in windows: the map is not put together.
            new_window = block.window if block.window and side % block.window == 0 else 0
            if new_window != window:
                x = from_windows(x, window, (side, side)) if window else x
                x = to_windows(x, new_window) if new_window else x
                window = new_window
            x = block(x)
            if block.pool:
                side, window = side // 2, window // 2
            if i in self.stage_ends:
                map_bhwc = from_windows(x, window, (side, side)) if window else x
                features.append(map_bhwc.permute(0, 3, 1, 2))
        return features

    def _cached_position(self, height: int, width: int) -> Tensor:
        return self.derive(
            f"position {height} x {width}",
            lambda: self.position(height, width),
            self.pos_embed,
            self.pos_embed_window,
        )

    def position(self, height: int, width: int) -> Tensor:
        """Compute the position embedding, resized background plus tiled window: (1, H, W, C)."""
        window = self.pos_embed_window
        embed = self.pos_embed
        if embed.device.type == "mps":  # which has no bicubic resize everywhere
            embed = embed.cpu()
        background = F.interpolate(embed, size=(height, width), mode="bicubic").to(window.device)
        tiles = (1, 1, -(-height // window.shape[2]), -(-width // window.shape[3]))
        tiled = window.tile(tiles)[:, :, :height, :width]
        return (background + tiled).permute(0, 2, 3, 1)


def max_pool(x_bhwc: Tensor) -> Tensor:
    """Pool a (B, H, W, C) map by the maximum of 2x2 cells; faster than PyTorch's own."""
    rows = torch.maximum(x_bhwc[:, 0::2], x_bhwc[:, 1::2])
    return torch.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def to_windows(x_bhwc: Tensor, window: int) -> Tensor:
    """Cut (B, H, W, C) into (B * windows, window, window, C), zero-padded right and bottom."""
    _, h, w, c = x_bhwc.shape
    x_bhwc = F.pad(x_bhwc, (0, 0, 0, -w % window, 0, -h % window))
    x = x_bhwc.unflatten(2, (-1, window)).unflatten(1, (-1, window))  # (B, nh, win, nw, win, C)
    return x.transpose(2, 3).reshape(-1, window, window, c)


def from_windows(x_nwwc: Tensor, window: int, size: Sequence[int]) -> Tensor:
    """Put windows back together and crop the padding: inverse of `to_windows`."""
    h, w = size
    rows, columns = -(-h // window), -(-w // window)
    x = x_nwwc.reshape(-1, rows, columns, window, window, x_nwwc.shape[-1]).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, :h, :w]
