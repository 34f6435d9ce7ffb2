"""The assembled network: every step of SAM 2 as a pure function of tensors.

The network holds no state of frames or objects: a `MemoryBank` does. All methods are differentiable
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
from .mask_decoder import DecoderOutput, DecoderState, MaskDecoder, ProjectedImage
from .memory_attention import MemoryAttention
from .memory_encoder import MemoryEncoder
from .neck import ImageEncoder
from .position import sine_embedding_1d, sine_embedding_2d
from .precision import Conv2d, Linear, PrecisionModule, is_predicting, set_compute_dtype
from .prompt_encoder import PromptEncoder
from .transforms import resize_smoothly

_MEMORY_SCALE, _MEMORY_BIAS = 20.0, -10.0
"""A mask enters the memory encoder as probability * 20 - 10 (official configuration)."""
STABILITY_DELTA, STABILITY_THRESHOLD = 0.05, 0.98
"""A single mask of lower stability is replaced by the best candidate (official predictors)."""


class ImageFeatures(NamedTuple):
    """Features of B images at three strides. C is the hidden width, S the input size."""

    s4: Tensor
    """(B, C/8, S/4, S/4), projected for the mask decoder."""
    s8: Tensor
    """(B, C/4, S/8, S/8), projected for the mask decoder."""
    s16: Tensor
    """(B, C, S/16, S/16)."""

    def select(self, index_n: Tensor | slice) -> ImageFeatures:
        """Select rows of the batch, one for each of N objects."""
        return ImageFeatures(*(level[index_n] for level in self))

    def expand(self, n: int) -> ImageFeatures:
        """Repeat one image's features for N objects, without a copy."""
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


class Sam2Model(PrecisionModule):
    """SAM 2, parameter for parameter as in the official checkpoints.

    Parameters
    ----------
    config : the shape of the network; see `CONFIGS`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        dim, memory_dim = config.hidden_dim, config.memory_dim
        self.image_encoder = ImageEncoder(config)
        self.sam_prompt_encoder = PromptEncoder(config)
        self.sam_mask_decoder = MaskDecoder(config)
        self.memory_attention = MemoryAttention(config)
        self.memory_encoder = MemoryEncoder(config)
        self.mask_downsample = Conv2d(1, 1, kernel_size=4, stride=4)
        self.obj_ptr_proj = MLP((dim, dim, dim, dim))
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(config.num_memories, 1, 1, memory_dim))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, dim))
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, dim))  # in checkpoints, never read
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, dim))
        if config.occlusion_memory:
            self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, memory_dim))
        if config.pointer_time:
            self.obj_ptr_tpos_proj = Linear(dim, memory_dim)
        self.runtime = Runtime(torch.device("cpu"), torch.float32)

    memory_policy: object = "plain"
    """The memory policy of predictors that are given none: what `find_policy` takes."""
    is_bundled: bool = False
    """Whether its weights come with the library."""

    @property
    def runtime(self) -> Runtime:
        """Device and precision; may be exchanged by another precision's."""
        return self._runtime

    @runtime.setter
    def runtime(self, runtime: Runtime) -> None:
        self._runtime = runtime
        set_compute_dtype(self, runtime.dtype)
        set_compute_dtype(self.sam_prompt_encoder, runtime.decoder_dtype)
        set_compute_dtype(self.sam_mask_decoder, runtime.decoder_dtype)
        for conv in (self.sam_mask_decoder.conv_s0, self.sam_mask_decoder.conv_s1):
            set_compute_dtype(conv, runtime.dtype)  # the encoder applies them
        for head in self.sam_mask_decoder.score_heads:
            set_compute_dtype(head, torch.float32)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.no_obj_ptr.device

    # Image encoder

    def encode_image(self, pixels_b3ss: Tensor) -> ImageFeatures:
        """Encode images (Ravi et al. 2024, section 4).

        The decoder's convolutions of the high-resolution features are applied here, once an image.

        Parameters
        ----------
        pixels_b3ss : (B, 3, S, S) normalised; see `network.transforms`.
        """
        decoder = self.sam_mask_decoder
        return ImageFeatures(*self.image_encoder(pixels_b3ss, decoder.conv_s0, decoder.conv_s1))

    # Memory

    def add_no_memory_embed(self, s16_nchw: Tensor) -> Tensor:
        """Add the "no memory" embedding to (N, C, h, w) features, as on a frame without memory."""
        embed = self.no_mem_embed
        return s16_nchw + self.derive("no memory", lambda: embed[0, 0, :, None, None], embed)

    def condition_on_memory(
        self,
        s16_nchw: Tensor,
        memories_nmdhw: Tensor,
        slots_nm: Tensor,
        pointers_npc: Tensor,
        distances_np: Tensor,
        valid_nm: Tensor | None = None,
        valid_np: Tensor | None = None,
    ) -> Tensor:
        """Condition features on each object's memory (Ravi et al. 2024, section 4).

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) features of the current frame.
        memories_nmdhw : (N, M, D, h, w) memories, M >= 1.
        slots_nm : (N, M) integers: 0 for the frame just before, 1 for the one before it and so
            on; `config.num_memories - 1` for conditioning frames.
        pointers_npc : (N, P, C) object pointers, P >= 0.
        distances_np : (N, P) distances of the pointers in time, scaled to about 0..1, positive
            towards where tracking comes from.
        valid_nm, valid_np : (N, M) and (N, P) bool, where objects have fewer memories or pointers
            than others: False for what only fills up. Each has one memory at least. All are valid
            if None.

        Returns
        -------
        (N, C, h, w).
        """
        m, d, h, w = memories_nmdhw.shape[1:]
        spatial = sine_embedding_2d(d, height=h, width=w, device=s16_nchw.device)
        memories = memories_nmdhw.to(s16_nchw.dtype)
        pooling = self.config.memory_pooling
        if pooling > 1:
            spatial = F.avg_pool2d(spatial, pooling)
            memories = F.avg_pool2d(memories.flatten(0, 1), pooling).unflatten(0, (-1, m))
            h, w = h // pooling, w // pooling
        time = self.maskmem_tpos_enc[slots_nm, 0, 0]  # (N, M, D)
        position = (time[:, :, None] + spatial.flatten(1).T).flatten(1, 2)  # (N, M*h*w, D)
        memory = memories.flatten(3).transpose(2, 3).flatten(1, 2)

        # A pointer is wider than a memory token and enters as several of them.
        pieces = pointers_npc.shape[2] // d
        pointer_tokens = pointers_npc.unflatten(2, (pieces, d)).flatten(1, 2)
        if is_predicting():
            pointer_tokens = pointer_tokens.to(memory.dtype)
        pointer_position = self._pointer_position(distances_np)
        pointer_position = pointer_position[:, :, None].expand(-1, -1, pieces, -1).flatten(1, 2)
        valid_nk = None
        if valid_nm is not None and valid_np is not None:
            valid_keys = (
                valid_nm[..., None].expand(-1, -1, h * w).flatten(1),
                valid_np[..., None].expand(-1, -1, pieces).flatten(1),
            )
            valid_nk = torch.cat(valid_keys, dim=1)
        return self.memory_attention(
            s16_nchw,
            torch.cat((memory, pointer_tokens), dim=1),
            torch.cat((position, pointer_position), dim=1),
            num_spatial=m * h * w,
            valid_nk=valid_nk,
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
        """Encode a frame and each object's mask on it as a memory map.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) unconditioned features.
        mask_logits_n1ss : (N, 1, S, S) mask logits at input size.
        object_score_n1 : (N, 1) visibility logits.
        binarize : cut the mask at 0 first, as on frames that a user prompted; else its sigmoid.

        Returns
        -------
        (N, D, h, w).
        """
        mask = (mask_logits_n1ss > 0).to(s16_nchw.dtype) if binarize else mask_logits_n1ss.sigmoid()
        memory = self.memory_encoder(s16_nchw, mask * _MEMORY_SCALE + _MEMORY_BIAS)
        if self.config.occlusion_memory:
            absent = (object_score_n1 <= 0).to(memory.dtype)
            embed = self.no_obj_embed_spatial
            embed = self.derive("no object in memory", lambda: embed, embed)
            memory = memory + (absent * embed)[..., None, None]
        return memory

    # Mask decoder

    def decode_masks(
        self,
        s16_nchw: Tensor,
        s8_nchw: Tensor,
        s4_nchw: Tensor,
        *,
        points_np2: Tensor | None = None,
        labels_np: Tensor | None = None,
        mask_logits_n1hw: Tensor | None = None,
        projected: ProjectedImage | None = None,
    ) -> DecoderOutput:
        """Predict all four masks for N prompt sets, before one is selected.

        Parameters
        ----------
        s16_nchw : (N or 1, C, h, w) conditioned features.
        s8_nchw, s4_nchw : high-resolution features, N or 1 rows.
        points_np2 : (N, P, 2) float, (x, y) in pixels of the network's input; None for no
            points at all.
        labels_np : (N, P): see `prompt_encoder`.
        mask_logits_n1hw : (N, 1, S/4, S/4) mask prompt or logits of an earlier answer.
        projected : by `project_image` of the same features, for one prompt set without a mask.
        """
        state = self.run_transformer(
            s16_nchw,
            points_np2=points_np2,
            labels_np=labels_np,
            mask_logits_n1hw=mask_logits_n1hw,
            projected=projected,
        )
        return self.predict_masks(state, s8_nchw, s4_nchw)

    def decode_tracked(self, s16_nchw: Tensor, s8_nchw: Tensor, s4_nchw: Tensor) -> DecoderOutput:
        """Predict all four masks of N objects on a frame that has no prompts; see `decode_masks`.

        The transformer gets one padding point, as in the official predictor.
        """
        prompts = self.sam_prompt_encoder.embed_no_points(len(s16_nchw))
        state = self._run_transformer(s16_nchw, prompts, None)
        return self.predict_masks(state, s8_nchw, s4_nchw)

    def run_transformer(
        self,
        s16_nchw: Tensor,
        *,
        points_np2: Tensor | None = None,
        labels_np: Tensor | None = None,
        mask_logits_n1hw: Tensor | None = None,
        projected: ProjectedImage | None = None,
    ) -> DecoderState:
        """Run the first half of `decode_masks`: the transformer, and the scores.

        Parameters are those of `decode_masks`; one row of `s16_nchw` serves all prompt sets.
        """
        if points_np2 is None or labels_np is None:
            prompts = s16_nchw.new_zeros(len(s16_nchw), 0, self.config.hidden_dim)
        else:
            prompts = self.sam_prompt_encoder.embed_points(points_np2, labels_np)
        return self._run_transformer(s16_nchw, prompts, mask_logits_n1hw, projected)

    def project_image(self, s16_1chw: Tensor) -> ProjectedImage:
        """Compute what every click on an image begins with, for `decode_masks`.

        Parameters
        ----------
        s16_1chw : (1, C, h, w) conditioned features.
        """
        return self.sam_mask_decoder.project_image(
            s16_1chw,
            image_pos_1chw=self.sam_prompt_encoder.pe_layer.grid(*s16_1chw.shape[2:]),
            dense_1chw=self.sam_prompt_encoder.embed_mask(None),
        )

    def _run_transformer(
        self,
        s16_nchw: Tensor,
        prompts_npc: Tensor,
        mask_logits_n1hw: Tensor | None,
        projected: ProjectedImage | None = None,
    ) -> DecoderState:
        h, w = s16_nchw.shape[2:]
        return self.sam_mask_decoder.run_transformer(
            s16_nchw,
            image_pos_1chw=self.sam_prompt_encoder.pe_layer.grid(h, w),
            prompts_npc=prompts_npc,
            dense_nchw=self.sam_prompt_encoder.embed_mask(mask_logits_n1hw),
            projected=projected,
        )

    def predict_masks(self, state: DecoderState, s8_nchw: Tensor, s4_nchw: Tensor) -> DecoderOutput:
        """Run the second half of `decode_masks`: the masks."""
        return DecoderOutput(
            logits_nmhw=self.sam_mask_decoder.predict_masks(state, s8_nchw, s4_nchw),
            ious_nm=state.ious_nm,
            object_score_n1=state.object_score_n1,
            tokens_nmc=state.tokens_nmc,
        )

    def select_mask(
        self,
        output: DecoderOutput,
        *,
        multimask: bool,
        candidate: int | Tensor | None = None,
    ) -> SelectedMask:
        """Select one mask an object as the video path does, and apply occlusion.

        Parameters
        ----------
        output : from `decode_masks`.
        multimask : take the candidate of the highest predicted IoU; else the single mask, or in
            evaluation the best candidate where the single mask is unstable.
        candidate : with `multimask`, the candidate to take, 0 to 2; or an (N,) one for each object.
        """
        rows = torch.arange(len(output.ious_nm), device=output.ious_nm.device)
        if multimask:
            best = output.ious_nm[:, 1:].argmax(dim=1)
            chosen = 1 + (best if candidate is None else torch.zeros_like(best) + candidate)
            logits = output.logits_nmhw[rows, chosen, None]
            ious = output.ious_nm[rows, chosen]
            token = output.tokens_nmc[rows, chosen]
        else:
            logits, ious = select_single_mask(output, stable=not self.training)
            token = output.tokens_nmc[:, 0]
        visible = output.object_score_n1 > 0
        return SelectedMask(
            logits_n1hw=torch.where(visible[..., None, None], logits.float(), NO_OBJECT_LOGIT),
            ious_n=ious,
            object_score_n1=output.object_score_n1,
            pointer_nc=self._apply_occlusion(self.obj_ptr_proj(token), visible),
        )

    def mask_as_output(self, features: ImageFeatures, masks_n1ss: Tensor) -> SelectedMask:
        """Use given masks as the output; they are decoded for their object pointers only.

        Parameters
        ----------
        features : of one image.
        masks_n1ss : (N, 1, S, S), 0 or 1; an empty one says that the object is absent.
        """
        masks = masks_n1ss.float()
        logits = resize_smoothly(masks * 20.0 - 10.0, self.config.mask_size)
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
            pointer_nc=self._apply_occlusion(selected.pointer_nc, visible),
        )

    def _apply_occlusion(self, pointer_nc: Tensor, visible_n1: Tensor) -> Tensor:
        """Replace the pointers of absent objects by the learned one."""
        absent = self.derive("no object", lambda: self.no_obj_ptr, self.no_obj_ptr)
        return torch.where(visible_n1, pointer_nc, absent.to(pointer_nc.dtype))


def select_single_mask(output: DecoderOutput, *, stable: bool = True) -> tuple[Tensor, Tensor]:
    """Select the single mask of each row: logits (N, 1, h, w) and predicted IoU (N,).

    Parameters
    ----------
    output : of a decoder.
    stable : whether a mask whose area depends too much on the threshold is replaced by the best
        candidate (official predictors: delta 0.05, threshold 0.98).
    """
    logits, ious = output.logits_nmhw[:, :1], output.ious_nm[:, 0]
    if not stable:
        return logits, ious
    inner = (logits > STABILITY_DELTA).flatten(1).sum(1).float()
    outer = (logits > -STABILITY_DELTA).flatten(1).sum(1).float()
    is_stable = torch.where(outer > 0, inner / outer, 1.0) >= STABILITY_THRESHOLD
    rows = torch.arange(len(ious), device=ious.device)
    best = 1 + output.ious_nm[:, 1:].argmax(dim=1)
    logits = torch.where(
        is_stable[:, None, None, None], logits, output.logits_nmhw[rows, best, None]
    )
    return logits, torch.where(is_stable, ious, output.ious_nm[rows, best])
