"""The second oracle: transformers' SAM 2, built for any of our configurations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_backend import CONFIGS
from sam2_backend.checkpoints.hf_layout import from_hf

from . import tv_cpu_shim
from .random_weights import randomize


def build(name: str, image_size: int = 1024) -> Any:
    """A `Sam2VideoModel` with its default initialisation.

    Parameters
    ----------
    name : one of the official models.
    image_size : side of the network's input in pixels.
    """
    tv_cpu_shim.install()
    from transformers import (
        Sam2HieraDetConfig,
        Sam2VideoConfig,
        Sam2VideoMaskDecoderConfig,
        Sam2VideoModel,
        Sam2VideoPromptEncoderConfig,
        Sam2VisionConfig,
    )

    ours = CONFIGS[name]
    dims = [ours.embed_dim * 2**stage for stage in range(4)]
    backbone = Sam2HieraDetConfig(
        image_size=[image_size, image_size],
        hidden_size=ours.embed_dim,
        num_attention_heads=ours.num_heads,
        blocks_per_stage=list(ours.stages),
        embed_dim_per_stage=dims,
        num_attention_heads_per_stage=[ours.num_heads * 2**stage for stage in range(4)],
        window_size_per_stage=list(ours.window_sizes),
        global_attention_blocks=list(ours.global_blocks),
        window_positional_embedding_background_size=list(ours.pos_embed_size),
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=dims[::-1],
        backbone_feature_sizes=[[image_size // stride] * 2 for stride in (4, 8, 16)],
    )
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(image_size=image_size),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(),
        image_size=image_size,
        memory_attention_rope_feat_sizes=[image_size // 16] * 2,
        enable_occlusion_spatial_embedding=ours.occlusion_memory,
        enable_temporal_pos_encoding_for_object_pointers=ours.pointer_time,
    )
    return Sam2VideoModel(config).eval()


def randomize_in_place(model: Any) -> None:
    """Give a `Sam2VideoModel` our random weights."""
    randomize(from_hf(model.state_dict()))  # the converted tensors are the model's own
    own = model.prompt_encoder.shared_embedding.positional_embedding
    model.shared_image_embedding.positional_embedding.copy_(own)


def image_features(model: Any, pixels_b3ss: Tensor) -> list[NDArray[np.float32]]:
    """Feature maps (B, C, h, w) at strides 4, 8 and 16."""
    flat = model.get_image_features(pixels_b3ss, return_dict=True).fpn_hidden_states
    side = pixels_b3ss.shape[-1]
    return [
        level.permute(1, 2, 0).unflatten(2, (side // stride, side // stride)).numpy()
        for level, stride in zip(flat, (4, 8, 16), strict=True)
    ]


def track_click(
    model: Any, pixels_t3ss: Tensor, click_model: tuple[float, float]
) -> Iterator[NDArray[np.float32]]:
    """Mask logits (S/4, S/4), frame after frame, of what one click on the first frame means.

    Parameters
    ----------
    model : from `build`.
    pixels_t3ss : normalised frames at input size.
    click_model : (x, y) in pixels of the network's input.
    """
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    side = pixels_t3ss.shape[-1]
    session = Sam2VideoInferenceSession(
        video=pixels_t3ss, video_height=side, video_width=side, dtype=torch.float32
    )
    prompt = {
        "point_coords": torch.tensor([[[click_model]]]),
        "point_labels": torch.ones(1, 1, 1, dtype=torch.int32),
    }
    session.add_point_inputs(session.obj_id_to_idx(1), 0, prompt)
    session.obj_with_new_inputs = [1]
    for frame in range(len(pixels_t3ss)):
        yield model(session, frame_idx=frame).pred_masks[0, 0].numpy()
