"""Tiny models of transformers with random weights: what they answer means nothing, but all of it
is there."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch

from tests.oracle import tv_cpu_shim

SIDE = 128
"""Of the networks' input in pixels."""
KINDS = ("sam2_video", "edgetam_video", "sam3_tracker_video")
_DIM, _MEMORY_DIM = 128, 64
_PARTS = {
    "hidden_size": _DIM,
    "mlp_dim": 64,
    "num_attention_heads": 2,
    "iou_head_hidden_dim": _DIM,
}


def need_transformers() -> None:
    """Skip where transformers is not installed; else make it work with this build of torch."""
    if importlib.util.find_spec("transformers") is None:
        import pytest  # which a clean environment of an extra lacks

        pytest.skip("transformers not installed: pip install -e '.[oracle]'")
    tv_cpu_shim.install()


def make_tracker(kind: str, seed: int = 0) -> Any:
    """A video segmentation model of one of the kinds, which sees objects everywhere."""
    import transformers

    torch.manual_seed(seed)
    name = {
        "sam2_video": "Sam2Video",
        "edgetam_video": "EdgeTamVideo",
        "sam3_tracker_video": "Sam3TrackerVideo",
    }[kind]
    is_sam3 = kind == "sam3_tracker_video"
    patch = 16
    vision = _sam3_vision(patch) if is_sam3 else _hiera()
    mlp = "feed_forward" if is_sam3 or kind == "sam2_video" else "mlp"
    config = getattr(transformers, f"{name}Config")(
        vision_config=vision,
        prompt_encoder_config=getattr(transformers, f"{name}PromptEncoderConfig")(
            hidden_size=_DIM, image_size=SIDE, patch_size=patch
        ),
        mask_decoder_config=getattr(transformers, f"{name}MaskDecoderConfig")(**_PARTS),
        image_size=SIDE,
        memory_attention_hidden_size=_DIM,
        memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[SIDE // patch] * 2,
        memory_encoder_hidden_size=_DIM,
        memory_encoder_output_channels=_MEMORY_DIM,
        mask_downsampler_embed_dim=_DIM,
        memory_fuser_embed_dim=_DIM,
        memory_fuser_intermediate_dim=64,
        **{f"memory_attention_{mlp}_hidden_size": 64},
        **(_perceiver() if kind == "edgetam_video" else {}),
    )
    model = getattr(transformers, f"{name}Model")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
        for head in model.mask_decoder.output_hypernetworks_mlps:
            head.proj_out.weight.mul_(30)  # masks with edges
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(6)
    return model


def _hiera() -> Any:
    from transformers import Sam2HieraDetConfig, Sam2VisionConfig

    dims = [8, 16, 32, 64]
    backbone = Sam2HieraDetConfig(
        image_size=[SIDE, SIDE],
        hidden_size=8,
        num_attention_heads=1,
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=dims,
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    return Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=dims[::-1],
        backbone_feature_sizes=[[SIDE // stride] * 2 for stride in (4, 8, 16)],
        fpn_hidden_size=_DIM,
    )


def _sam3_vision(patch: int) -> Any:
    from transformers import Sam3VisionConfig, Sam3ViTConfig

    backbone = Sam3ViTConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=patch,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=64,
    )
    return Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=_DIM,
        backbone_feature_sizes=[[SIDE // patch * n] * 2 for n in (4, 2, 1)],
    )


def _perceiver() -> dict[str, Any]:
    return {
        "memory_attention_rope_k_sizes": [4, 4],
        "perceiver_resampler_num_latents": 16,
        "perceiver_resampler_num_latents_2d": 16,
        "perceiver_resampler_hidden_size": _MEMORY_DIM,
        "perceiver_resampler_mlp_intermediate_size": 32,
        "perceiver_resampler_attention_head_dim": _MEMORY_DIM,
        "perceiver_resampler_num_layers": 1,
    }


def make_sam3() -> Any:
    """A `Sam3Model` with random weights."""
    import transformers

    torch.manual_seed(0)
    small = {"hidden_size": _DIM, "intermediate_size": 64, "num_attention_heads": 2}
    config = transformers.Sam3Config(
        vision_config=_sam3_vision(16),
        text_config={**_text(), "projection_dim": _DIM},
        geometry_encoder_config={**small, "num_layers": 1},
        detr_encoder_config={**small, "num_layers": 1},
        detr_decoder_config={**small, "num_layers": 2, "num_queries": 8},
        mask_decoder_config={"hidden_size": _DIM, "num_attention_heads": 2},
    )
    return transformers.Sam3Model(config).eval()


def save_sam3(folder: Any) -> None:
    """Write a tiny SAM 3 for pictures into a folder, with its processor."""
    from transformers import CLIPTokenizer, Sam3ImageProcessor, Sam3Processor

    make_sam3().save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    images = Sam3ImageProcessor(size=size, mask_size={"height": 32, "width": 32})
    Sam3Processor(images, CLIPTokenizer(model_max_length=32)).save_pretrained(folder)


def _text() -> dict[str, Any]:
    return {
        "model_type": "clip_text_model",
        "vocab_size": 100,
        "hidden_size": _DIM,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 32,
    }


def make_sam3_video() -> Any:
    """A `Sam3VideoModel` with random weights: detector and tracker share a backbone."""
    import transformers

    detector, tracker = make_sam3().config, make_tracker("sam3_tracker_video").config
    config = transformers.Sam3VideoConfig(
        detector_config=detector.to_dict(),
        tracker_config=tracker.to_dict(),
        low_res_mask_size=SIDE // 4,
        # Random weights are sure of nothing.
        score_threshold_detection=0.0,
        new_det_thresh=0.0,
        det_nms_thresh=0.5,
        hotstart_delay=3,
        hotstart_unmatch_thresh=3,
        hotstart_dup_thresh=3,
    )
    torch.manual_seed(1)
    return transformers.Sam3VideoModel(config).eval()


def save_sam3_video(folder: Any) -> None:
    """Write a tiny SAM 3 for videos into a folder, with its processor."""
    from transformers import (
        CLIPTokenizer,
        Sam2VideoVideoProcessor,
        Sam3ImageProcessor,
        Sam3VideoProcessor,
    )

    make_sam3_video().save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    images = Sam3ImageProcessor(size=size, mask_size={"height": 32, "width": 32})
    tokenizer = CLIPTokenizer(model_max_length=32)
    videos = Sam2VideoVideoProcessor(size=size)
    Sam3VideoProcessor(images, videos, tokenizer, target_size=SIDE).save_pretrained(folder)
