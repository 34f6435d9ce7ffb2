"""The four parts of a network that are exported, each a function of tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network.sam2 import Sam2Model

PARTS = "image_encoder", "mask_decoder", "memory_attention", "memory_encoder"
"""Names of the parts, which are those of their files."""

EXAMPLE_OBJECTS, EXAMPLE_MEMORIES, EXAMPLE_POINTERS, EXAMPLE_POINTS = 2, 3, 5, 4
"""Sizes that an export is traced with; all of them may be others afterwards. None of them is 1,
which would be taken for a size that never changes."""


@dataclass(frozen=True)
class Part:
    """One file of an export: a module, an example of its inputs, and names."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    """By name, in the order of the module's arguments."""
    outputs: tuple[str, ...]
    """Names, in the order of what the module returns."""
    dynamic: Mapping[str, tuple[str | None, ...]]
    """By input, the name of each dimension that may differ; None for those that may not."""
    output_dims: Mapping[str, tuple[str | None, ...]]
    """The same by output; those of which none differ are left out."""


class _Part(nn.Module):
    """What is written as one file; its weights are the model's."""

    def __init__(self, model: Sam2Model) -> None:
        super().__init__()
        self.model = model


class ImageEncoder(_Part):
    """Encodes one image."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Encode normalised (1, 3, S, S) pixels at three strides, the deepest twice.

        Returns
        -------
        image_features, image_embed, high_res_feats_1, high_res_feats_0
            (1, C, S/16, S/16) as memory wants it, the same as the mask decoder wants it on a frame
            without memory, (1, C/4, S/8, S/8) and (1, C/8, S/4, S/4).
        """
        s4, s8, s16 = self.model.encode_image(pixels)
        return s16, self.model.add_no_memory_embed(s16), s8, s4


class MaskDecoder(_Part):
    """Prompt encoder and mask decoder: all four masks of N prompt sets."""

    def forward(
        self,
        image_embed: Tensor,
        high_res_feats_1: Tensor,
        high_res_feats_0: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, ...]:
        """Predict masks.

        Parameters
        ----------
        image_embed : (N, C, S/16, S/16), conditioned on memory or from the image encoder.
        high_res_feats_1, high_res_feats_0 : (1, C/4, S/8, S/8) and (1, C/8, S/4, S/4).
        point_coords : (N, P, 2) float, (x, y) in pixels of the network's input.
        point_labels : (N, P) int64: 1 and 0 clicks, 2 and 3 corners of a box, -1 padding.
        mask_input : (N, 1, S/4, S/4) mask logits of an earlier answer.
        has_mask_input : (N,) bool, whether that counts.

        Returns
        -------
        masks, iou_predictions, object_score_logits, object_pointers
            (N, 4, S/4, S/4) logits, (N, 4), (N, 1) and (N, 4, C), the learned one of absent
            objects.
        """
        model = self.model
        encoder = model.sam_prompt_encoder
        dense = torch.where(
            has_mask_input[:, None, None, None],
            encoder.embed_mask(mask_input),
            encoder.embed_mask(None),
        )
        h, w = image_embed.shape[2:]
        state = model.sam_mask_decoder.run_transformer(
            image_embed,
            image_pos_1chw=encoder.pe_layer.grid(h, w),
            prompts_npc=encoder.embed_points(point_coords, point_labels),
            dense_nchw=dense,
        )
        masks = model.sam_mask_decoder.predict_masks(state, high_res_feats_1, high_res_feats_0)
        pointers = torch.where(
            (state.object_score_n1 > 0)[..., None],
            model.obj_ptr_proj(state.tokens_nmc),
            model.no_obj_ptr,
        )
        return masks, state.ious_nm, state.object_score_n1, pointers


class MemoryAttention(_Part):
    """Conditions one frame on the memories of N objects."""

    def forward(
        self,
        image_features: Tensor,
        memories: Tensor,
        memory_slots: Tensor,
        memory_valid: Tensor,
        pointers: Tensor,
        pointer_distances: Tensor,
        pointer_valid: Tensor,
    ) -> Tensor:
        """Condition features: (N, C, h, w).

        Parameters are those of `Sam2Model.condition_on_memory`.
        """
        return self.model.condition_on_memory(
            *(image_features, memories, memory_slots, pointers, pointer_distances),
            valid_nm=memory_valid,
            valid_np=pointer_valid,
        )


class MemoryEncoder(_Part):
    """Encodes a frame and N masks on it as memories."""

    def forward(
        self,
        image_features: Tensor,
        mask_logits: Tensor,
        object_score_logits: Tensor,
        is_prompted: Tensor,
    ) -> Tensor:
        """Encode memories: (N, D, S/16, S/16).

        Parameters
        ----------
        image_features : (1, C, S/16, S/16) from the image encoder.
        mask_logits : (N, 1, S/4, S/4).
        object_score_logits : (N, 1).
        is_prompted : (N,) bool; the masks of prompted frames are cut at 0 first.
        """
        model, size = self.model, self.model.config.image_size
        logits = F.interpolate(mask_logits, (size, size), mode="bilinear", align_corners=False)
        # What the sigmoid makes of it is 0 and 1 in float32.
        cut = torch.where(logits > 0, 1e3, -1e3)
        logits = torch.where(is_prompted[:, None, None, None], cut, logits)
        return model.encode_memory(image_features, logits, object_score_logits, binarize=False)


def make_parts(model: Sam2Model) -> dict[str, Part]:
    """Make the parts of a network, by the names of their files."""
    config = model.config
    size, cells, mask = config.image_size, config.feature_size, config.mask_size
    dim = config.hidden_dim
    n, m, p = EXAMPLE_OBJECTS, EXAMPLE_MEMORIES, EXAMPLE_POINTERS
    n_points = EXAMPLE_POINTS
    features = torch.zeros(1, dim, cells, cells)
    fixed = (None,) * 4
    per_object = ("objects", None, None, None)
    return {
        "image_encoder": Part(
            ImageEncoder(model),
            {"pixels": torch.zeros(1, 3, size, size)},
            ("image_features", "image_embed", "high_res_feats_1", "high_res_feats_0"),
            {"pixels": fixed},
            {},
        ),
        "mask_decoder": Part(
            MaskDecoder(model),
            {
                "image_embed": torch.zeros(n, dim, cells, cells),
                "high_res_feats_1": torch.zeros(1, dim // 4, 2 * cells, 2 * cells),
                "high_res_feats_0": torch.zeros(1, dim // 8, 4 * cells, 4 * cells),
                "point_coords": torch.zeros(n, n_points, 2),
                "point_labels": torch.ones(n, n_points, dtype=torch.int64),
                "mask_input": torch.zeros(n, 1, mask, mask),
                "has_mask_input": torch.ones(n, dtype=torch.bool),
            },
            ("masks", "iou_predictions", "object_score_logits", "object_pointers"),
            {
                "image_embed": per_object,
                "high_res_feats_1": fixed,
                "high_res_feats_0": fixed,
                "point_coords": ("objects", "points", None),
                "point_labels": ("objects", "points"),
                "mask_input": per_object,
                "has_mask_input": ("objects",),
            },
            {
                "masks": per_object,
                "iou_predictions": ("objects", None),
                "object_score_logits": ("objects", None),
                "object_pointers": ("objects", None, None),
            },
        ),
        "memory_attention": Part(
            MemoryAttention(model),
            {
                "image_features": features,
                "memories": torch.zeros(n, m, config.memory_dim, cells, cells),
                "memory_slots": torch.zeros(n, m, dtype=torch.int64),
                "memory_valid": torch.ones(n, m, dtype=torch.bool),
                "pointers": torch.zeros(n, p, dim),
                "pointer_distances": torch.zeros(n, p),
                "pointer_valid": torch.ones(n, p, dtype=torch.bool),
            },
            ("image_embed",),
            {
                "image_features": fixed,
                "memories": ("objects", "memories", None, None, None),
                "memory_slots": ("objects", "memories"),
                "memory_valid": ("objects", "memories"),
                "pointers": ("objects", "pointers", None),
                "pointer_distances": ("objects", "pointers"),
                "pointer_valid": ("objects", "pointers"),
            },
            {"image_embed": per_object},
        ),
        "memory_encoder": Part(
            MemoryEncoder(model),
            {
                "image_features": features,
                "mask_logits": torch.zeros(n, 1, mask, mask),
                "object_score_logits": torch.ones(n, 1),
                "is_prompted": torch.ones(n, dtype=torch.bool),
            },
            ("memories",),
            {
                "image_features": fixed,
                "mask_logits": per_object,
                "object_score_logits": ("objects", None),
                "is_prompted": ("objects",),
            },
            {"memories": per_object},
        ),
    }
