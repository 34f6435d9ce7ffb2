"""Masked autoencoders pre-train the image encoder on pictures without labels.

He et al. 2021 (arXiv 2111.06377) hide most of a picture from the encoder and let a small
decoder reconstruct what was hidden; Ryali et al. 2023 (arXiv 2306.00989, section 3) do so for
Hiera.

A picture is cut into mask units as large as the windows of the first two stages: 32 pixels a
side, which is 8, 4, 2 and 1 cells at the four stages. Dropped units are blanked, then never
computed, and visible ones are computed by the encoder's own blocks:

- Patches overlap by 3 pixels; a dropped neighbour shows there as the mean colour.
- Positions are added before units are dropped: each cell has that of its place in the whole
  picture.
- Where the window is the unit (the first two stages and the block after them), cells attend to
  their own unit alone: what is computed is what the whole encoder computes there on the blanked
  picture.
- In larger windows (14 cells at stride 16, say) cells attend to the visible cells of the window,
  and to the zeros that pad windows at the picture's border, which the encoder does not mask.
- In global blocks they attend to all visible cells, which are fewer than in use; softmax makes up
  for that, and no parameter depends on their number.

With nothing dropped all this is the encoder itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...network.config import ModelConfig
from ...network.hiera import Block, Hiera, from_windows, max_pool, to_windows
from ...network.position import sine_embedding_2d
from ...network.sam2 import Sam2Model
from ...network.transforms import normalize
from .task import Stage, StepResult, Task

_PATCH_STRIDE, _PATCH_MARGIN = 4, 3
"""Of the trunk's 7x7 patches: the last of a unit ends with it, the first begins before it."""
_TARGET = 16
"""Side of the patches that are reconstructed, in pixels."""


class MaskedAutoencoder(nn.Module):
    """The image encoder's trunk, and a decoder that reconstructs the masked pixels.

    Parameters
    ----------
    config : the network whose trunk is to be trained.
    mask_ratio : share of mask units that are dropped.
    decoder_dim, decoder_layers, decoder_heads : size of the decoder.

    Raises
    ------
    ValueError
        When the config's windows are not made of whole mask units.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        mask_ratio: float = 0.6,
        decoder_dim: int = 128,
        decoder_layers: int = 3,
        decoder_heads: int = 4,
    ) -> None:
        super().__init__()
        self.unit = config.window_sizes[0]
        sides = [self.unit >> stage for stage in range(4)]
        if sides[3] != 1 or any(w % u for w, u in zip(config.window_sizes, sides, strict=True)):
            raise ValueError(
                f"Windows of {config.window_sizes} cells cannot be masked: a mask unit has "
                f"{sides} cells a side at the four stages, and each window must be a multiple."
            )
        self.mask_ratio = mask_ratio
        self.trunk = Hiera(config)
        dims = [config.embed_dim * 2**stage for stage in range(4)]
        # All stages meet at stride 16, the finest that is cheap to decode.
        self.fusion = nn.ModuleList(
            [nn.Conv2d(dim, decoder_dim, s, s) for dim, s in zip(dims, (4, 2, 1), strict=False)]
            + [nn.ConvTranspose2d(dims[3], decoder_dim, 2, 2)]
        )
        self.fusion_norm = nn.LayerNorm(decoder_dim)
        self.mask_token = nn.Parameter(torch.zeros(decoder_dim))
        self.decoder = nn.Sequential(
            *(
                Block(decoder_dim, decoder_dim, num_heads=decoder_heads, window=0, pool=False)
                for _ in range(decoder_layers)
            ),
            nn.LayerNorm(decoder_dim),
            nn.Linear(decoder_dim, 3 * _TARGET**2),
        )
        for parameter in (self.trunk.pos_embed, self.trunk.pos_embed_window, self.mask_token):
            nn.init.normal_(parameter, std=0.02)

    def forward(self, pixels_b3ss: Tensor) -> Tensor:
        """Compute the loss of a batch, with mask units dropped at random.

        Parameters
        ----------
        pixels_b3ss : (B, 3, S, S) normalised pictures, S a multiple of 32.

        Returns
        -------
        Tensor
            Scalar loss.
        """
        b, _, s, _ = pixels_b3ss.shape
        units = (s // (self.unit * _PATCH_STRIDE)) ** 2
        visible = min(max(round(units * (1 - self.mask_ratio)), 1), units - 1)
        noise = torch.rand(b, units, device=pixels_b3ss.device)
        kept = noise.argsort(dim=1)[:, :visible].sort(dim=1).values
        return self.loss(pixels_b3ss, kept)

    def loss(self, pixels_b3ss: Tensor, kept_bv: Tensor) -> Tensor:
        """Compute the mean squared error of the dropped patches.

        Each is normalised by its own mean and deviation (He et al., section 4.1).

        Parameters
        ----------
        pixels_b3ss : (B, 3, S, S) normalised pictures.
        kept_bv : (B, V) mask units that are visible, counted row by row.

        Returns
        -------
        Tensor
            Scalar loss.
        """
        b, _, s, _ = pixels_b3ss.shape
        side = s // (self.unit * _PATCH_STRIDE)
        predicted = self.reconstruct(
            encode_visible(self.trunk, pixels_b3ss, kept_bv), kept_bv, side
        )
        cut = pixels_b3ss.unflatten(3, (-1, _TARGET)).unflatten(2, (-1, _TARGET))
        target = cut.permute(0, 2, 4, 1, 3, 5).flatten(3)  # (B, S/16, S/16, 3 * 16 * 16)
        target = F.layer_norm(target, target.shape[-1:], eps=1e-6)
        error = (predicted.float() - target).square().mean(dim=-1)
        dropped = ~_visible(kept_bv, side).view(b, side, side)
        scale = error.shape[1] // side
        dropped = dropped.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        return error[dropped].mean()

    def reconstruct(self, features: list[Tensor], kept_bv: Tensor, side: int) -> Tensor:
        """Predict the patches of the whole picture from its visible units.

        Parameters
        ----------
        features : from `encode_visible`.
        kept_bv : (B, V) mask units that they are of.
        side : mask units a side.

        Returns
        -------
        Tensor
            (B, S/16, S/16, 3 * 16 * 16).
        """
        b, v = kept_bv.shape
        fused = torch.stack(
            [
                fuse(level.flatten(0, 1).permute(0, 3, 1, 2))
                for fuse, level in zip(self.fusion, features, strict=True)
            ]
        ).sum(0)
        tokens = self.fusion_norm(fused.permute(0, 2, 3, 1)).unflatten(0, (b, v))
        cells, dim = tokens.shape[2], tokens.shape[4]
        units = self.mask_token.repeat(b, side * side, cells, cells, 1)
        units[_rows(kept_bv), kept_bv] = tokens.to(units.dtype)
        whole = from_windows(units.flatten(0, 1), cells, (side * cells, side * cells))
        position = sine_embedding_2d(
            dim, height=side * cells, width=side * cells, device=whole.device
        )
        return self.decoder(whole + position.permute(1, 2, 0))


class Pretraining(Task):
    """Masked autoencoding of any pictures; masks of a source are not used.

    Parameters
    ----------
    autoencoder : trained in place; `load_trunk` takes its trunk out of the checkpoint.
    """

    def __init__(self, autoencoder: MaskedAutoencoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    @property
    def network(self) -> MaskedAutoencoder:
        """The autoencoder."""
        return self.autoencoder

    @property
    def settings(self) -> dict[str, Any]:
        """The share of masked units."""
        return {"mask_ratio": self.autoencoder.mask_ratio}

    def begin(self, stage: Stage) -> None:
        """Nothing depends on the stage."""
        self.autoencoder.train()

    def forward(self, rgb_bt3ss: Tensor, masks_btkss: Tensor, plan: None = None) -> StepResult:
        """Compute the loss on every picture of the batch; see `Task.forward`."""
        pixels = normalize(rgb_bt3ss.flatten(0, 1).float() / 255)
        return StepResult(self.autoencoder(pixels), {})


def load_trunk(model: Sam2Model, run: Path) -> None:
    """Load a pre-trained trunk's averaged weights into a model, in place.

    Parameters
    ----------
    model : of the config that was pre-trained.
    run : folder with `checkpoint.pt` of a run of `Pretraining`.

    Raises
    ------
    KeyError, RuntimeError
        When the checkpoint is of another task, or a key is missing or does not fit.
    """
    state: dict[str, Any] = torch.load(
        run / "checkpoint.pt", map_location=model.device, weights_only=True
    )["ema"]
    prefix = "trunk."
    trunk = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
    model.image_encoder.trunk.load_state_dict(trunk)


def encode_visible(trunk: Hiera, pixels_b3ss: Tensor, kept_bv: Tensor) -> list[Tensor]:
    """Run the trunk on visible mask units only.

    Parameters
    ----------
    pixels_b3ss : (B, 3, S, S) normalised pictures, S a multiple of 32.
    kept_bv : (B, V) mask units that are visible, counted row by row.

    Returns
    -------
    list
        Four (B, V, u, u, C): each unit's cells at strides 4, 8, 16 and 32.
    """
    b, v = kept_bv.shape
    unit = trunk.pos_embed_window.shape[-1]
    side = pixels_b3ss.shape[-1] // (unit * _PATCH_STRIDE)
    x = _embed_visible(trunk, pixels_b3ss, kept_bv, side)
    features: list[Tensor] = []
    for i, block in enumerate(trunk.blocks):
        assert isinstance(block, Block)
        if block.window == x.shape[2]:  # windows and units are one
            x = block(x.flatten(0, 1)).unflatten(0, (b, v))
        elif block.window == 0 and not block.pool:
            x = block(x.flatten(1, 3)[:, :, None]).view(x.shape)
        else:
            x = _attend_visible(block, x, kept_bv, side)
        if i in trunk.stage_ends:
            features.append(x)
    return features


def _embed_visible(trunk: Hiera, pixels_b3ss: Tensor, kept_bv: Tensor, side: int) -> Tensor:
    """Embed the patches of the visible units with their positions: (B, V, u, u, C)."""
    b = len(kept_bv)
    unit = trunk.pos_embed_window.shape[-1]
    length = unit * _PATCH_STRIDE
    seen = _visible(kept_bv, side).view(b, 1, side, side)
    seen = seen.repeat_interleave(length, 2).repeat_interleave(length, 3)
    blanked = F.pad(pixels_b3ss * seen, (_PATCH_MARGIN, 0, _PATCH_MARGIN, 0))
    extent = length + _PATCH_MARGIN
    cut = blanked.unfold(2, extent, length).unfold(3, extent, length)
    tiles = cut.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)[_rows(kept_bv), kept_bv]
    proj = trunk.patch_embed.proj
    patches = F.conv2d(tiles.flatten(0, 1), proj.weight, proj.bias, stride=_PATCH_STRIDE)
    x = patches.permute(0, 2, 3, 1).unflatten(0, kept_bv.shape)
    return x + to_windows(trunk.position(side * unit, side * unit), unit)[kept_bv]


def _attend_visible(block: Block, x_bvuuc: Tensor, kept_bv: Tensor, side: int) -> Tensor:
    """Run a block whose windows hold several units: visible cells of one attend to each other."""
    b, v, u = x_bvuuc.shape[:3]
    normed = block.norm1(x_bvuuc)
    shortcut = _pool(block.proj(normed)) if block.pool else x_bvuuc
    q, k, value = block.attn.qkv(normed).chunk(3, dim=-1)
    q = _pool(q) if block.pool else q
    shape, queries = q.shape, q.shape[2] ** 2
    q, k, value = (t.flatten(1, 3) for t in (q, k, value))

    mask = None
    if block.window:
        reach = block.window // u  # units a window side
        across = -(-side // reach)
        row, column = kept_bv // side // reach, kept_bv % side // reach
        window_bv = row * across + column
        # Windows at the border are padded with zeros, which are equal keys: one stands for all.
        inside = (side - torch.arange(across, device=q.device) * reach).clamp(max=reach) * u
        padding = block.window**2 - inside[:, None] * inside
        _, padding_k, padding_v = block.attn.qkv.bias.to(k.dtype).chunk(3)
        k, value = (
            torch.cat((t, bias.expand(b, across**2, -1)), dim=1)
            for t, bias in ((k, padding_k), (value, padding_v))
        )
        key_window = torch.cat(
            (
                window_bv.repeat_interleave(u * u, dim=1),
                torch.arange(across**2, device=q.device).expand(b, -1),
            ),
            dim=1,
        )
        weight = torch.cat((q.new_zeros(v * u * u), padding.flatten().to(q.dtype).log()))
        same = window_bv.repeat_interleave(queries, dim=1)[:, :, None] == key_window[:, None]
        mask = torch.where(same, weight, float("-inf"))[:, None]

    q, k, value = (
        t.unflatten(2, (block.attn.num_heads, -1)).transpose(1, 2) for t in (q, k, value)
    )
    out = F.scaled_dot_product_attention(q, k, value, attn_mask=mask)
    x = shortcut + block.attn.proj(out.transpose(1, 2).reshape(shape))
    return x + block.mlp(block.norm2(x))


def _pool(x_bvuuc: Tensor) -> Tensor:
    return max_pool(x_bvuuc.flatten(0, 1)).unflatten(0, x_bvuuc.shape[:2])


def _rows(kept_bv: Tensor) -> Tensor:
    """Return (B, 1) indices of pictures, to go with those of units."""
    return torch.arange(len(kept_bv), device=kept_bv.device)[:, None]


def _visible(kept_bv: Tensor, side: int) -> Tensor:
    """Return (B, side * side) bool, whether each unit is visible."""
    visible = torch.zeros(len(kept_bv), side * side, dtype=torch.bool, device=kept_bv.device)
    return visible.scatter(1, kept_bv, True)
