"""The mask decoder: a two-way transformer between prompts and image, and mask prediction.

Kirillov et al. 2023, section 3 and appendix A; SAM 2 (Ravi et al. 2024), appendix D, adds the
object-score token and the high-resolution features.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import NUM_CANDIDATES, ModelConfig
from .layers import MLP, Attention, LayerNorm2d
from .precision import Conv2d, LayerNorm, PrecisionModule, is_predicting


class DecoderOutput(NamedTuple):
    """All outputs of the mask decoder, before one mask is selected.

    Index 0 along M is the single-mask output, 1..3 are the candidates.
    """

    logits_nmhw: Tensor
    """(N, 4, S/4, S/4) mask logits."""
    ious_nm: Tensor
    """(N, 4) predicted IoU, 0..1."""
    object_score_n1: Tensor
    """(N, 1) logit that the object is visible."""
    tokens_nmc: Tensor
    """(N, 4, C) output tokens, from which object pointers are made."""


class DecoderState(NamedTuple):
    """Output of the decoder's transformer and its heads for scores; masks are predicted from it."""

    tokens_nmc: Tensor
    """(N, 4, C) output tokens of the masks."""
    image_nlc: Tensor
    """(N, h*w, C) image embedding, updated by the prompts."""
    ious_nm: Tensor
    """(N, 4) predicted IoU, 0..1."""
    object_score_n1: Tensor
    """(N, 1) logit that the object is visible."""

    def take(self, rows: Tensor) -> DecoderState:
        """Select some prompt sets by (K,) indices."""
        return DecoderState(*(field[rows] for field in self))


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves and the image, then the image attends to the tokens."""

    def __init__(self, config: ModelConfig, *, first: bool) -> None:
        super().__init__()
        dim, heads, inner = config.hidden_dim, config.decoder_heads, config.hidden_dim // 2
        self.first = first
        self.self_attn = Attention(dim, num_heads=heads)
        self.norm1 = LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, num_heads=heads, inner_dim=inner)
        self.norm2 = LayerNorm(dim)
        self.mlp = MLP((dim, config.decoder_mlp_dim, dim))
        self.norm3 = LayerNorm(dim)
        self.norm4 = LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, num_heads=heads, inner_dim=inner)

    def forward(
        self, tokens: Tensor, image: Tensor, token_pos: Tensor, image_pos: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update (N, T, C) tokens and the (N or 1, h*w, C) image by each other.

        Parameters
        ----------
        tokens, token_pos : (N, T, C) tokens, and their position embeddings.
        image, image_pos : (N or 1, h*w, C) image features, and (1, h*w, C) their positions.
        """
        if self.first:  # the tokens are still their own position: no residual either
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pos
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)

        placed_image = image + image_pos
        tokens = tokens + self.cross_attn_token_to_image(tokens + token_pos, placed_image, image)
        tokens = self.norm2(tokens)
        tokens = self.norm3(tokens + self.mlp(tokens))

        image = image + self.cross_attn_image_to_token(placed_image, tokens + token_pos, tokens)
        return tokens, self.norm4(image)


class TwoWayTransformer(nn.Module):
    """Two such blocks and a final attention from tokens to image."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, heads = config.hidden_dim, config.decoder_heads
        self.layers = nn.ModuleList(TwoWayBlock(config, first=i == 0) for i in range(2))
        self.final_attn_token_to_image = Attention(dim, num_heads=heads, inner_dim=dim // 2)
        self.norm_final_attn = LayerNorm(dim)

    def forward(
        self, tokens_ntc: Tensor, image_nlc: Tensor, image_pos_1lc: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update tokens and image by each other; the tokens are their own positions.

        Parameters
        ----------
        tokens_ntc : (N, T, C) output tokens and prompt embeddings.
        image_nlc : (N or 1, h*w, C) image features.
        image_pos_1lc : (1, h*w, C) their positions.

        Returns
        -------
        tokens_ntc, image_nlc
            (N, T, C) and (N, h*w, C).
        """
        tokens, image = tokens_ntc, image_nlc
        for layer in self.layers:
            tokens, image = layer(tokens, image, tokens_ntc, image_pos_1lc)
        attended = self.final_attn_token_to_image(tokens + tokens_ntc, image + image_pos_1lc, image)
        return self.norm_final_attn(tokens + attended), image


class MaskDecoder(PrecisionModule):
    """Predicts four masks and their scores from image features and prompt embeddings."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, num_masks = config.hidden_dim, NUM_CANDIDATES + 1
        self.transformer = TwoWayTransformer(config)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(num_masks, dim)
        self.obj_score_token = nn.Embedding(1, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, kernel_size=2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        # Applied once per image, not per click: see Sam2Model.encode_image.
        self.conv_s0 = Conv2d(dim, dim // 8, kernel_size=1)
        self.conv_s1 = Conv2d(dim, dim // 4, kernel_size=1)
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP((dim, dim, dim, dim // 8)) for _ in range(num_masks)
        )
        self.iou_prediction_head = MLP((dim, dim, dim, num_masks), sigmoid_output=True)
        self.pred_obj_score_head = MLP((dim, dim, dim, 1))
        if config.person_head:
            self.person_head = MLP((dim, dim // 2, 1))

    def run_transformer(
        self,
        s16_nchw: Tensor,
        *,
        image_pos_1chw: Tensor,
        prompts_npc: Tensor,
        dense_nchw: Tensor,
    ) -> DecoderState:
        """Run the two-way transformer and the heads for scores: all but the masks.

        An image of one row is projected once for all prompt sets, until they change it.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) image features, conditioned on memory or without any.
        image_pos_1chw : (1, C, h, w) position of the cells.
        prompts_npc : (N, P, C) sparse prompt embeddings.
        dense_nchw : (N or 1, C, h or 1, w or 1) mask embedding, added to the features.
        """
        embeddings = self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight
        own = self.derive("own tokens", lambda: torch.cat(embeddings), *embeddings)
        prompts_npc = prompts_npc.to(own.dtype)
        tokens = torch.cat((own.expand(prompts_npc.shape[0], -1, -1), prompts_npc), dim=1)
        image = (s16_nchw + dense_nchw).flatten(2).transpose(1, 2)  # (N or 1, h*w, C)
        tokens, image = self.transformer(tokens, image, image_pos_1chw.flatten(2).transpose(1, 2))
        return DecoderState(
            tokens_nmc=tokens[:, 2 : 2 + NUM_CANDIDATES + 1],
            image_nlc=image,
            ious_nm=self.iou_prediction_head(_exact(tokens[:, 1])),
            object_score_n1=self.pred_obj_score_head(_exact(tokens[:, 0])),
        )

    def person_scores(self, tokens_nmc: Tensor) -> Tensor:
        """Score from (N, M, C) mask tokens how much each mask is one whole person: (N, M), 0..1.

        All are 1 where the network has no person head.
        """
        if not hasattr(self, "person_head"):
            return tokens_nmc.new_ones(tokens_nmc.shape[:2])
        return self.person_head(_exact(tokens_nmc))[..., 0].sigmoid()

    @property
    def score_heads(self) -> tuple[MLP, ...]:
        """The heads that compute scores, which are compared with each other: in float32."""
        heads = self.iou_prediction_head, self.pred_obj_score_head
        return (*heads, self.person_head) if hasattr(self, "person_head") else heads

    def predict_masks(self, state: DecoderState, s8_nchw: Tensor, s4_nchw: Tensor) -> Tensor:
        """Predict (N, 4, S/4, S/4) mask logits.

        Parameters
        ----------
        state : from `run_transformer`.
        s8_nchw, s4_nchw : (N or 1, C/4, 2h, 2w) and (N or 1, C/8, 4h, 4w) image features.
        """
        up1, norm, gelu1, up2, gelu2 = cast("Iterable[Any]", self.output_upscaling)
        norm_weight, norm_bias = norm.weights(state.image_nlc)
        h, w = s8_nchw.shape[2] // 2, s8_nchw.shape[3] // 2
        image = state.image_nlc.unflatten(1, (h, w))
        image = self._split(image, up1).add_(_by_cell(s8_nchw, 1))
        image = gelu1(F.layer_norm(image, norm.weight.shape, norm_weight, norm_bias, norm.eps))
        # (N, h, w, 2, 2, 2, 2, C/8)
        image = gelu2(self._split(image, up2).add_(_by_cell(s4_nchw, 2)))
        filters = self._filters(state.tokens_nmc)
        masks = filters @ image.flatten(1, -2).transpose(1, 2)
        masks = masks.unflatten(2, (h, w, 2, 2, 2, 2))
        return masks.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(*masks.shape[:2], 4 * h, 4 * w)

    def _filters(self, tokens_nmc: Tensor) -> Tensor:
        """Compute the filters of all masks, (N, 4, C/8), by an MLP each."""
        mlps = cast("Sequence[MLP]", self.output_hypernetworks_mlps)
        if torch.is_grad_enabled():
            return torch.stack([mlp(tokens_nmc[:, i]) for i, mlp in enumerate(mlps)], dim=1)
        # Side by side, as one product a layer.
        x_mnc = tokens_nmc.transpose(0, 1)
        for n, layers in enumerate(zip(*(mlp.layers for mlp in mlps), strict=True)):
            weights = [layer.weight for layer in layers]
            biases = [layer.bias for layer in layers]
            weight_mic, bias_m1c = self.derive(
                f"filters {n}",
                lambda w=weights, b=biases: (
                    torch.stack(w).transpose(1, 2),
                    torch.stack(b)[:, None],
                ),
                *(weights + biases),
            )
            x_mnc = torch.baddbmm(bias_m1c, (x_mnc.relu() if n else x_mnc), weight_mic)
        return x_mnc.transpose(0, 1)

    def _split(self, cells: Tensor, up: nn.ConvTranspose2d) -> Tensor:
        """Apply a 2x2 transposed convolution of stride 2 to (..., C) cells: (..., 2, 2, C').

        Its outputs do not overlap, so that it is a matrix product, whose layout is kept: the four
        cells that each becomes stay together.
        """
        bias = up.bias
        assert bias is not None
        weight_abdc, bias_d = self.derive(
            f"split {up.out_channels}",
            lambda: (up.weight.permute(2, 3, 1, 0).contiguous(), bias.repeat(4)),
            *(up.weight, bias),
        )
        split = F.linear(cells, weight_abdc.flatten(0, 2), bias_d)
        return split.unflatten(-1, weight_abdc.shape[:3])


def _exact(tokens: Tensor) -> Tensor:
    """Convert the input of a score head to float32, but not under autocast."""
    return tokens.float() if is_predicting() else tokens


def _by_cell(map_nchw: Tensor, splits: int) -> Tensor:
    """View an (N, C, H, W) map in the layout of `_split`, applied once or twice.

    (N, h, w, 2, 2, C) or (N, h, w, 2, 2, 2, 2, C).
    """
    parts = -1, *(2,) * splits
    split = map_nchw.unflatten(3, parts).unflatten(2, parts)
    rows, columns = range(2, 3 + splits), range(3 + splits, 4 + 2 * splits)
    return split.permute(0, *chain.from_iterable(zip(rows, columns, strict=True)), 1)
