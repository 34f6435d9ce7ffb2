"""Hiera, the hierarchical image encoder (Ryali et al. 2023, arXiv 2306.00989).

Feature maps are (B, H, W, C) inside and (B, C, H, W) on the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import MLP, add_linear, by_rows, predicting_on_cpu


class PatchEmbed(nn.Module):
    """Overlapping 7x7 patches at stride 4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=7, stride=4, padding=3)

    def forward(self, pixels_bchw: Tensor) -> Tensor:
        return self.proj(pixels_bchw).permute(0, 2, 3, 1)


class WindowAttention(nn.Module):
    """Self-attention within one window, its queries pooled 2x2 where a stage begins."""

    def __init__(self, dim: int, dim_out: int, *, num_heads: int, pool: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool = pool
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x_bhwc: Tensor) -> Tensor:
        """What each place sees, its heads side by side: `added_to` makes it an answer."""
        q, k, v = F.linear(x_bhwc, self.qkv.weight).chunk(3, dim=-1)
        if self.pool:
            q = max_pool(q)
        # The keys' bias adds the same to all scores of a query, which softmax does not see.
        q_bias = self.qkv.bias[: q.shape[-1]]
        q = q.add_(q_bias) if predicting_on_cpu(q) else q + q_bias
        b, h, w, _ = q.shape
        q, k, v = (
            t.reshape(b, -1, self.num_heads, t.shape[-1] // self.num_heads).transpose(1, 2)
            for t in (q, k, v)
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, h, w, -1)

    def added_to(self, base_bhwc: Tensor, seen_bhwc: Tensor) -> Tensor:
        """`base` and what was seen, projected."""
        # The values' bias comes through any weights that add up to 1.
        v_bias = self.qkv.bias[-seen_bhwc.shape[-1] :]
        bias = self.proj.weight @ v_bias + self.proj.bias
        return add_linear(base_bhwc, seen_bhwc, self.proj.weight, bias)


class Block(nn.Module):
    """Windowed (or global, window 0) attention and an MLP, each with a residual."""

    def __init__(self, dim: int, dim_out: int, *, num_heads: int, window: int, pool: bool) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = WindowAttention(dim, dim_out, num_heads=num_heads, pool=pool)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), activation=nn.GELU)
        if pool:
            self.proj = nn.Linear(dim, dim_out)

    def forward(self, x_bhwc: Tensor) -> Tensor:
        """A map, or windows of a map along the batch, as wide as this block's own."""
        width = 4 * self.norm2.normalized_shape[0]
        if x_bhwc.shape[1] == self.window:
            return by_rows(lambda x: self._widen(self._look(x)), x_bhwc, width)
        looked = self._look(x_bhwc)
        return by_rows(self._widen, looked.flatten(0, 2), width).view(looked.shape)

    def _look(self, x_bhwc: Tensor) -> Tensor:
        normed = self.norm1(x_bhwc)
        # Where a stage begins the shortcut is the projection of the *normed* input, pooled.
        shortcut = max_pool(self.proj(normed)) if self.pool else x_bhwc
        if self.window in (0, x_bhwc.shape[1]):
            return self.attn.added_to(shortcut, self.attn(normed))
        seen = self.attn(to_windows(normed, self.window))
        window = self.window // 2 if self.pool else self.window
        return self.attn.added_to(shortcut, from_windows(seen, window, shortcut.shape[1:3]))

    def _widen(self, x: Tensor) -> Tensor:
        return self.mlp.added_to(x, self.norm2(x))


class Hiera(nn.Module):
    """The trunk: four stages at strides 4, 8, 16 and 32, widths doubling."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, heads = config.embed_dim, config.num_heads
        self.patch_embed = PatchEmbed(dim)
        window0 = config.window_sizes[0]
        self.pos_embed = nn.Parameter(torch.zeros(1, dim, *config.pos_embed_size))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, dim, window0, window0))
        self._position: tuple[tuple[Any, ...], Tensor] | None = None
        self.stage_ends = [n - 1 for n in accumulate(config.stages)]

        self.blocks = nn.ModuleList()
        for stage, depth in enumerate(config.stages):
            for i in range(depth):
                starts_stage = i == 0 and stage > 0
                # A block that starts a stage still sees the windows of the stage before.
                window = config.window_sizes[stage - 1 if starts_stage else stage]
                if len(self.blocks) in config.global_blocks:
                    window = 0
                dim_in, dim = dim, dim * 2 if starts_stage else dim
                heads = heads * 2 if starts_stage else heads
                self.blocks.append(
                    Block(dim_in, dim, num_heads=heads, window=window, pool=starts_stage)
                )

    def forward(self, pixels_bchw: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> four (B, C, H, W) maps, strides 4, 8, 16, 32."""
        x = self.patch_embed(pixels_bchw)
        x = x + self._known_position(x.shape[1], x.shape[2])
        side, window = x.shape[1], 0
        features = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            # Blocks of one window follow each other without putting the map together between.
            wanted = block.window if block.window and side % block.window == 0 else 0
            if wanted != window:
                x = from_windows(x, window, (side, side)) if window else x
                x = to_windows(x, wanted) if wanted else x
                window = wanted
            x = block(x)
            if block.pool:
                side, window = side // 2, window // 2
            if i in self.stage_ends:
                whole = from_windows(x, window, (side, side)) if window else x
                features.append(whole.permute(0, 3, 1, 2))
        return features

    def _known_position(self, height: int, width: int) -> Tensor:
        """The same as before, as long as the weights are."""
        if not predicting_on_cpu(self.pos_embed):
            return self.position(height, width)
        weights = self.pos_embed, self.pos_embed_window
        of = height, width, *((w.data_ptr(), w._version) for w in weights)
        known = self._position
        if known is None or known[0] != of:
            known = self._position = of, self.position(height, width)
        return known[1]

    def position(self, height: int, width: int) -> Tensor:
        """Resized background plus tiled window embedding: (1, height, width, C)."""
        window = self.pos_embed_window
        background = F.interpolate(self.pos_embed, size=(height, width), mode="bicubic")
        tiles = (1, 1, -(-height // window.shape[2]), -(-width // window.shape[3]))
        tiled = window.tile(tiles)[:, :, :height, :width]
        return (background + tiled).permute(0, 2, 3, 1)


def max_pool(x_bhwc: Tensor) -> Tensor:
    """2x2 max pooling of a (B, H, W, C) map. PyTorch's own takes several times as long."""
    rows = torch.maximum(x_bhwc[:, 0::2], x_bhwc[:, 1::2])
    return torch.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def to_windows(x_bhwc: Tensor, window: int) -> Tensor:
    """Cut into (B * windows, window, window, C), padding right and bottom with zeros."""
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
