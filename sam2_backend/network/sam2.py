"""The assembled network: every step of SAM 2 as a pure function of tensors.

Nothing here remembers a frame or an object: `MemoryBank` does. All methods are differentiable
and take objects as the batch dimension N.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..kernels.runtime import Runtime
from .config import NO_OBJECT_LOGIT, ModelConfig
from .layers import MLP
from .mask_decoder import Considered, DecoderOutput, MaskDecoder
from .memory_attention import MemoryAttention
from .memory_encoder import MemoryEncoder
from .neck import ImageEncoder
from .position import sine_embedding_1d, sine_embedding_2d
from .prompt_encoder import PromptEncoder

_MEMORY_SCALE, _MEMORY_BIAS = 20.0, -10.0
"""A mask enters memory as probability * 20 - 10 (official configuration)."""
_STABILITY_DELTA, _STABILITY_THRESHOLD = 0.05, 0.98
"""When the single mask is unsure of its edge, the best candidate replaces it."""


class ImageFeatures(NamedTuple):
    """What the encoder sees in B pictures. C is the hidden width, S the input size."""

    s4: Tensor
    """(B, C/8, S/4, S/4), ready for the mask decoder."""
    s8: Tensor
    """(B, C/4, S/8, S/8), ready for the mask decoder."""
    s16: Tensor
    """(B, C, S/16, S/16)."""

    def select(self, index_n: Tensor | slice) -> ImageFeatures:
        """Rows of the batch, one for each of N objects."""
        return ImageFeatures(*(level[index_n] for level in self))

    def expand(self, n: int) -> ImageFeatures:
        """One picture's features seen by N objects, without a copy."""
        return ImageFeatures(*(level.expand(n, -1, -1, -1) for level in self))

    @property
    def nbytes(self) -> int:
        """Bytes held by the three levels."""
        return sum(level.nbytes for level in self)


class SelectedMask(NamedTuple):
    """One mask an object, chosen from a decoder's output."""

    logits_n1hw: Tensor
    """(N, 1, S/4, S/4); `NO_OBJECT_LOGIT` throughout where the object is absent."""
    ious_n: Tensor
    """(N,) predicted IoU."""
    object_score_n1: Tensor
    """(N, 1) logit that the object is visible."""
    pointer_nc: Tensor
    """(N, C) object pointer."""


class Sam2Model(nn.Module):
    """SAM 2, parameter for parameter as in the official checkpoints.

    Parameters
    ----------
    config : the shape of the network; see `CONFIGS`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.runtime = Runtime(torch.device("cpu"), torch.float32)
        dim, memory_dim = config.hidden_dim, config.memory_dim
        self.image_encoder = ImageEncoder(config)
        self.sam_prompt_encoder = PromptEncoder(config)
        self.sam_mask_decoder = MaskDecoder(config)
        self.memory_attention = MemoryAttention(config)
        self.memory_encoder = MemoryEncoder(config)
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.obj_ptr_proj = MLP((dim, dim, dim, dim))
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(config.num_memories, 1, 1, memory_dim))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, dim))
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, dim))  # in checkpoints, never read
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, dim))
        if config.occlusion_memory:
            self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, memory_dim))
        if config.pointer_time:
            self.obj_ptr_tpos_proj = nn.Linear(dim, memory_dim)

    is_bundled: bool = False
    """Whether its weights are those that come with the library."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.no_obj_ptr.device

    # Seeing

    def encode_image(self, pixels_b3ss: Tensor) -> ImageFeatures:
        """Normalised pictures (B, 3, S, S) -> features, with the decoder's share precomputed."""
        decoder = self.sam_mask_decoder
        return ImageFeatures(*self.image_encoder(pixels_b3ss, decoder.conv_s0, decoder.conv_s1))

    # Remembering

    def condition_on_nothing(self, s16_nchw: Tensor) -> Tensor:
        """Features of an object's first frame: there is no memory yet."""
        return s16_nchw + self.no_mem_embed[0, 0, :, None, None]

    def condition_on_memory(
        self,
        s16_nchw: Tensor,
        memories_nmdhw: Tensor,
        slots_nm: Tensor,
        pointers_npc: Tensor,
        distances_np: Tensor,
    ) -> Tensor:
        """Features that have looked at each object's memory.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) features of the current frame.
        memories_nmdhw : (N, M, D, h, w) memories, M >= 1.
        slots_nm : (N, M) integers: 0 for the frame just before, 1 for the one before it and so
            on; `config.num_memories - 1` for conditioning frames.
        pointers_npc : (N, P, C) object pointers, P >= 0.
        distances_np : (N, P) distances of the pointers in time, scaled to about 0..1, positive
            towards where tracking comes from.

        Returns
        -------
        (N, C, h, w).
        """
        m, d, h, w = memories_nmdhw.shape[1:]
        place = sine_embedding_2d(d, h, w, s16_nchw.device)
        memories = memories_nmdhw.to(s16_nchw.dtype)
        pooling = self.config.memory_pooling
        if pooling > 1:
            place = F.avg_pool2d(place, pooling)
            memories = F.avg_pool2d(memories.flatten(0, 1), pooling).unflatten(0, (-1, m))
            h, w = h // pooling, w // pooling
        time = self.maskmem_tpos_enc[slots_nm, 0, 0]  # (N, M, D)
        position = (time[:, :, None] + place.flatten(1).T).flatten(1, 2)  # (N, M*h*w, D)
        memory = memories.flatten(3).transpose(2, 3).flatten(1, 2)

        # A pointer is wider than a memory token and enters as several of them.
        pieces = pointers_npc.shape[2] // d
        pointer_tokens = pointers_npc.unflatten(2, (pieces, d)).flatten(1, 2)
        pointer_position = self._pointer_position(distances_np).repeat_interleave(pieces, dim=1)
        return self.memory_attention(
            s16_nchw,
            torch.cat((memory, pointer_tokens), dim=1),
            torch.cat((position, pointer_position), dim=1),
            spatial=m * h * w,
        )

    def _pointer_position(self, distances_np: Tensor) -> Tensor:
        if self.config.pointer_time:
            embedded = sine_embedding_1d(distances_np, self.config.hidden_dim)
            return self.obj_ptr_tpos_proj(embedded)
        return distances_np.new_zeros(*distances_np.shape, self.config.memory_dim)

    def encode_memory(
        self,
        s16_nchw: Tensor,
        mask_logits_n1ss: Tensor,
        object_score_n1: Tensor,
        *,
        binarize: bool,
    ) -> Tensor:
        """Sum up a frame and each object's mask on it.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) un-conditioned features.
        mask_logits_n1ss : (N, 1, S, S) mask logits at input size.
        object_score_n1 : (N, 1) visibility logits.
        binarize : harden the mask first, as on frames that a user prompted.

        Returns
        -------
        (N, D, h, w).
        """
        mask = (mask_logits_n1ss > 0).to(s16_nchw.dtype) if binarize else mask_logits_n1ss.sigmoid()
        memory = self.memory_encoder(s16_nchw, mask * _MEMORY_SCALE + _MEMORY_BIAS)
        if self.config.occlusion_memory:
            absent = (object_score_n1 <= 0).to(memory.dtype)
            memory = memory + (absent * self.no_obj_embed_spatial)[..., None, None]
        return memory

    # Deciding

    def decode_masks(
        self,
        s16_nchw: Tensor,
        s8_nchw: Tensor,
        s4_nchw: Tensor,
        *,
        points_np2: Tensor | None = None,
        labels_np: Tensor | None = None,
        mask_logits_n1hw: Tensor | None = None,
    ) -> DecoderOutput:
        """All four masks for N prompt sets; nothing is chosen yet.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) conditioned features.
        s8_nchw, s4_nchw : high-resolution features, N or 1 rows.
        points_np2 : (N, P, 2) float, (x, y) in pixels of the network's input; None for no
            points at all.
        labels_np : (N, P): see `prompt_encoder`.
        mask_logits_n1hw : (N, 1, S/4, S/4) mask prompt or logits of an earlier answer.
        """
        considered = self.consider_prompts(
            s16_nchw, points_np2=points_np2, labels_np=labels_np, mask_logits_n1hw=mask_logits_n1hw
        )
        return self.draw_masks(considered, s8_nchw, s4_nchw)

    def consider_prompts(
        self,
        s16_nchw: Tensor,
        *,
        points_np2: Tensor | None = None,
        labels_np: Tensor | None = None,
        mask_logits_n1hw: Tensor | None = None,
    ) -> Considered:
        """The first half of `decode_masks`: all but the masks. Where `s16_nchw` is one row, it
        is that of all prompt sets."""
        n, _, h, w = s16_nchw.shape
        if points_np2 is None or labels_np is None:
            prompts = s16_nchw.new_zeros(n, 0, self.config.hidden_dim)
        else:
            prompts = self.sam_prompt_encoder.embed_points(points_np2, labels_np)
        return self.sam_mask_decoder.consider(
            s16_nchw,
            image_pos_1chw=self.sam_prompt_encoder.pe_layer.grid(h, w),
            prompts_npc=prompts,
            dense_nchw=self.sam_prompt_encoder.embed_mask(mask_logits_n1hw),
        )

    def draw_masks(self, considered: Considered, s8_nchw: Tensor, s4_nchw: Tensor) -> DecoderOutput:
        """The second half of `decode_masks`: the masks."""
        return DecoderOutput(
            logits_nmhw=self.sam_mask_decoder.draw(considered, s8_nchw, s4_nchw),
            ious_nm=considered.ious_nm,
            object_score_n1=considered.object_score_n1,
            tokens_nmc=considered.tokens_nmc,
        )

    def select_mask(
        self, output: DecoderOutput, *, multimask: bool, candidate: int | None = None
    ) -> SelectedMask:
        """One mask an object, as the video path chooses it, with occlusion applied.

        With `multimask` the candidate of the highest predicted IoU, or `candidate`; without, the
        single mask, or in evaluation the best candidate where the single mask's edge is unstable.
        """
        rows = torch.arange(len(output.ious_nm), device=output.ious_nm.device)
        if multimask:
            best = output.ious_nm[:, 1:].argmax(dim=1)
            chosen = 1 + (best if candidate is None else torch.full_like(best, candidate))
            logits = output.logits_nmhw[rows, chosen, None]
            ious = output.ious_nm[rows, chosen]
            token = output.tokens_nmc[rows, chosen]
        else:
            logits, ious = single_mask(output, stable=not self.training)
            token = output.tokens_nmc[:, 0]
        visible = output.object_score_n1 > 0
        return SelectedMask(
            logits_n1hw=torch.where(visible[..., None, None], logits.float(), NO_OBJECT_LOGIT),
            ious_n=ious,
            object_score_n1=output.object_score_n1,
            pointer_nc=self._hide(self.obj_ptr_proj(token), visible),
        )

    def adopt_mask(self, features: ImageFeatures, masks_n1ss: Tensor) -> SelectedMask:
        """Take given masks (N, 1, S, S; 0 or 1) as the answer; decode them for pointers only."""
        masks = masks_n1ss.float()
        size = (self.config.mask_size, self.config.mask_size)
        logits = F.interpolate(
            masks * 20.0 - 10.0, size=size, mode="bilinear", align_corners=False, antialias=True
        )
        n = len(masks)
        decoded = self.decode_masks(
            features.s16.expand(n, -1, -1, -1),
            features.s8,
            features.s4,
            points_np2=masks.new_zeros(n, 1, 2),
            labels_np=torch.full((n, 1), -1, device=masks.device),
            mask_logits_n1hw=self.mask_downsample(masks),
        )
        selected = self.select_mask(decoded, multimask=False)
        visible = masks.flatten(1).any(dim=1, keepdim=True)
        return SelectedMask(
            logits_n1hw=logits,
            ious_n=masks.new_ones(n),
            object_score_n1=visible.float() * 20.0 - 10.0,
            pointer_nc=self._hide(selected.pointer_nc, visible),
        )

    def _hide(self, pointer_nc: Tensor, visible_n1: Tensor) -> Tensor:
        return torch.where(visible_n1, pointer_nc, self.no_obj_ptr.to(pointer_nc.dtype))


def single_mask(output: DecoderOutput, *, stable: bool = True) -> tuple[Tensor, Tensor]:
    """The single mask of each row: logits (N, 1, h, w) and predicted IoU (N,).

    With `stable`, a mask whose area depends too much on the threshold gives way to the best
    candidate (official predictors: delta 0.05, threshold 0.98).
    """
    logits, ious = output.logits_nmhw[:, :1], output.ious_nm[:, 0]
    if not stable:
        return logits, ious
    inner = (logits > _STABILITY_DELTA).flatten(1).sum(1).float()
    outer = (logits > -_STABILITY_DELTA).flatten(1).sum(1).float()
    is_stable = torch.where(outer > 0, inner / outer, 1.0) >= _STABILITY_THRESHOLD
    rows = torch.arange(len(ious), device=ious.device)
    best = 1 + output.ious_nm[:, 1:].argmax(dim=1)
    logits = torch.where(
        is_stable[:, None, None, None], logits, output.logits_nmhw[rows, best, None]
    )
    return logits, torch.where(is_stable, ious, output.ious_nm[rows, best])
