"""The mask decoder: a two-way transformer between prompts and image, and mask prediction.

Kirillov et al. 2023, section 3 and appendix A; SAM 2 (Ravi et al. 2024), appendix D, adds the
object-score token and the high-resolution features.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


class ProjectedImage(NamedTuple):
    """An image as the decoder's first layer sees it, whatever is prompted but a mask.

    With it each further click on the image takes a seventh less arithmetic.
    """

    image_1lc: Tensor
    """(1, h*w, C) features, with the embedding of "no mask"."""
    keys_1hld: Tensor
    values_1hld: Tensor
    """(1, heads, h*w, D) what tokens attend to."""
    queries_1hld: Tensor
    """(1, heads, h*w, D) with which the image attends to tokens."""


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

    def project_image(self, image_1lc: Tensor, image_pos: Tensor) -> ProjectedImage:
        """Project what does not depend on the tokens."""
        placed = image_1lc + image_pos
        to_image, to_tokens = self.cross_attn_token_to_image, self.cross_attn_image_to_token
        return ProjectedImage(
            image_1lc,
            to_image.split_heads(to_image.k_proj(placed)),
            to_image.split_heads(to_image.v_proj(image_1lc)),
            to_tokens.split_heads(to_tokens.q_proj(placed)),
        )

    def forward(
        self,
        tokens: Tensor,
        image: Tensor,
        token_pos: Tensor,
        image_pos: Tensor,
        projected: ProjectedImage | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Update (N, T, C) tokens and the (N or 1, h*w, C) image by each other.

        Parameters
        ----------
        tokens, token_pos : (N, T, C) tokens, and their position embeddings.
        image, image_pos : (N or 1, h*w, C) image features, and (1, h*w, C) their positions.
        projected : by `project_image`, of one image and for N = 1.
        """
        if self.first:  # the tokens are still their own position: no residual either
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pos
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)

        to_image, to_tokens = self.cross_attn_token_to_image, self.cross_attn_image_to_token
        if projected is None:
            placed_image, image_queries = image + image_pos, None
            attended = to_image(tokens + token_pos, placed_image, image)
        else:
            _, keys, values, image_queries = projected
            placed_image = image  # its projected queries have the positions
            attended = to_image.attend_to_projected(tokens + token_pos, keys, values)
        tokens = self.norm2(tokens + attended)
        tokens = self.norm3(tokens + self.mlp(tokens))

        placed_tokens = tokens + token_pos
        image = to_tokens.add_attended(
            image, placed_image, placed_tokens, tokens, q_bhnd=image_queries
        )
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
        self,
        tokens_ntc: Tensor,
        image_nlc: Tensor,
        image_pos_1lc: Tensor,
        projected: ProjectedImage | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Update tokens and image by each other; the tokens are their own positions.

        Parameters
        ----------
        tokens_ntc : (N, T, C) output tokens and prompt embeddings.
        image_nlc : (N or 1, h*w, C) image features.
        image_pos_1lc : (1, h*w, C) their positions.
        projected : of the image, for its first layer.

        Returns
        -------
        tokens_ntc, image_nlc
            (N, T, C) and (N, h*w, C).
        """
        tokens, image = tokens_ntc, image_nlc
        for layer in self.layers:
            tokens, image = layer(tokens, image, tokens_ntc, image_pos_1lc, projected)
            projected = None
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

    def project_image(
        self, s16_1chw: Tensor, *, image_pos_1chw: Tensor, dense_1chw: Tensor
    ) -> ProjectedImage:
        """Compute what every click on an image begins with; see `run_transformer`."""
        first = cast("TwoWayBlock", self.transformer.layers[0])
        return first.project_image(_as_tokens(s16_1chw + dense_1chw), _as_tokens(image_pos_1chw))

    def run_transformer(
        self,
        s16_nchw: Tensor,
        *,
        image_pos_1chw: Tensor,
        prompts_npc: Tensor,
        dense_nchw: Tensor,
        projected: ProjectedImage | None = None,
    ) -> DecoderState:
        """Run the two-way transformer and the heads for scores: all but the masks.

        An image of one row is projected once for all prompt sets, until they change it.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) image features, conditioned on memory or without any.
        image_pos_1chw : (1, C, h, w) position of the cells.
        prompts_npc : (N, P, C) sparse prompt embeddings.
        dense_nchw : (N or 1, C, h or 1, w or 1) mask embedding, added to the features.
        projected : by `project_image`, of the same features and mask embedding; for N = 1.
        """
        embeddings = self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight
        own = self.derive("own tokens", lambda: torch.cat(embeddings), *embeddings)
        prompts_npc = prompts_npc.to(own.dtype)
        tokens = torch.cat((own.expand(prompts_npc.shape[0], -1, -1), prompts_npc), dim=1)
        image_pos = _as_tokens(image_pos_1chw)
        image = projected.image_1lc if projected else _as_tokens(s16_nchw + dense_nchw)
        tokens, image = self.transformer(tokens, image, image_pos, projected)
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
        image = self._upsample(state.image_nlc.unflatten(1, (h, w)), up1, s8_nchw)
        image = gelu1(F.layer_norm(image, norm.weight.shape, norm_weight, norm_bias, norm.eps))
        image = gelu2(self._upsample(image, up2, s4_nchw))
        masks = self._filters(state.tokens_nmc) @ image.flatten(1, 2).transpose(1, 2)
        return masks.unflatten(2, (4 * h, 4 * w))

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

    def _upsample(self, cells_nhwc: Tensor, up: nn.ConvTranspose2d, skip_nchw: Tensor) -> Tensor:
        """Apply a 2x2 transposed convolution of stride 2, and add a map: (N, 2h, 2w, C').

        Its outputs do not overlap, so that it is a matrix product. Cells are brought into the order
        of the map, two of a row at a time, by the sum with it.

        Parameters
        ----------
        cells_nhwc : (N, h, w, C).
        up : the convolution.
        skip_nchw : (N or 1, C', 2h, 2w), fastest where its channels lie side by side.
        """
        bias = up.bias
        assert bias is not None
        weight_abdc, bias_d = self.derive(
            f"split {up.out_channels}",
            lambda: (up.weight.permute(2, 3, 1, 0).contiguous(), bias.repeat(4)),
            *(up.weight, bias),
        )
        h, w, width = *cells_nhwc.shape[1:3], 2 * up.out_channels
        split = F.linear(cells_nhwc, weight_abdc.flatten(0, 2), bias_d)
        rows = split.unflatten(3, (2, width)).transpose(2, 3)  # (N, h, 2, w, 2 * C')
        skip_nhwc = skip_nchw.permute(0, 2, 3, 1).to(rows.dtype)
        total = skip_nhwc.reshape(skip_nhwc.shape[0], h, 2, w, width) + rows
        return total.reshape(rows.shape[0], 2 * h, 2 * w, up.out_channels)


def _as_tokens(map_nchw: Tensor) -> Tensor:
    """View an (N, C, h, w) map as (N, h*w, C)."""
    return map_nchw.flatten(2).transpose(1, 2)


def _exact(tokens: Tensor) -> Tensor:
    """Convert the input of a score head to float32, but not under autocast."""
    return tokens.float() if is_predicting() else tokens
