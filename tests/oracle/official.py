"""The official SAM 2 (`sam2` on PyPI) at any size and input size, and our twin of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sam2_backend import CONFIGS, Sam2Model, load_model

from . import tv_cpu_shim
from .random_weights import randomize

_YAML_LETTERS = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}

NAMES = tuple(name for name in CONFIGS if "hiera" in name)
"""Our names of the models that have an official twin."""


def build(name: str, image_size: int, *, seed: int = 0, vos_optimized: bool = False) -> Any:
    """An official video predictor with random weights, on the CPU.

    Parameters
    ----------
    name : one of `NAMES`.
    image_size : side of the network's input in pixels.
    seed : of the weights.
    vos_optimized : the variant that compiles itself.
    """
    tv_cpu_shim.install()
    from sam2.build_sam import build_sam2_video_predictor

    family, _, size = name.split("-", 2)
    model = build_sam2_video_predictor(
        f"configs/{family}/{family}_hiera_{_YAML_LETTERS[size]}.yaml",
        device="cpu",
        hydra_overrides_extra=[f"++model.image_size={image_size}"],
        vos_optimized=vos_optimized,
    )
    randomize(model.state_dict(), seed=seed)
    return model


def build_nano() -> Any:
    """An official video predictor of the shape of our bundled model, with its weights: masks of
    a network that has learnt something."""
    tv_cpu_shim.install()
    from sam2.build_sam import build_sam2_video_predictor
    from sam2.modeling.sam.mask_decoder import MaskDecoder
    from sam2.modeling.sam.transformer import TwoWayTransformer

    nano = load_model("nano", "cpu")
    c = nano.config
    widths = [c.embed_dim * 2**stage for stage in (3, 2, 1, 0)]
    values: dict[str, Any] = {
        "image_size": c.image_size,
        "image_encoder.trunk.embed_dim": c.embed_dim,
        "image_encoder.trunk.num_heads": c.num_heads,
        "image_encoder.trunk.stages": list(c.stages),
        "image_encoder.trunk.global_att_blocks": list(c.global_blocks),
        "image_encoder.trunk.window_spec": list(c.window_sizes),
        "image_encoder.neck.d_model": c.hidden_dim,
        "image_encoder.neck.position_encoding.num_pos_feats": c.hidden_dim,
        "image_encoder.neck.backbone_channel_list": widths,
        "memory_attention.d_model": c.hidden_dim,
        "memory_attention.num_layers": c.memory_layers,
        "memory_attention.layer.d_model": c.hidden_dim,
        "memory_attention.layer.dim_feedforward": c.memory_mlp_dim,
        "memory_attention.layer.self_attention.embedding_dim": c.hidden_dim,
        "memory_attention.layer.cross_attention.embedding_dim": c.hidden_dim,
        "memory_attention.layer.cross_attention.kv_in_dim": c.memory_dim,
        "memory_encoder.in_dim": c.hidden_dim,
        "memory_encoder.out_dim": c.memory_dim,
        "memory_encoder.position_encoding.num_pos_feats": c.memory_dim,
        "memory_encoder.mask_downsampler.embed_dim": c.hidden_dim,
        "memory_encoder.fuser.layer.dim": c.hidden_dim,
    }
    model = build_sam2_video_predictor(
        "configs/sam2.1/sam2.1_hiera_t.yaml",
        device="cpu",
        hydra_overrides_extra=[f"++model.{key}={value}" for key, value in values.items()],
    )
    # Its shape is not the configuration's to say.
    model.sam_mask_decoder = MaskDecoder(
        transformer_dim=c.hidden_dim,
        transformer=TwoWayTransformer(2, c.hidden_dim, c.decoder_heads, c.decoder_mlp_dim),
        iou_head_hidden_dim=c.hidden_dim,
        use_high_res_features=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        use_multimask_token_for_obj_ptr=True,
        dynamic_multimask_via_stability=True,
        dynamic_multimask_stability_delta=0.05,
        dynamic_multimask_stability_thresh=0.98,
    )
    state = nano.state_dict()
    model.load_state_dict({key: value for key, value in state.items() if "person_head" not in key})
    return model.eval()


def twin(official: Any, name: str) -> Sam2Model:
    """Our network with the weights of an official one, loaded strictly."""
    model = Sam2Model(replace(CONFIGS[name], image_size=official.image_size))
    model.load_state_dict(official.state_dict())
    return model.eval().requires_grad_(False)


def image_predictor(official: Any) -> Any:
    """The official image predictor around a model, made to fit the model's input size."""
    tv_cpu_shim.install()
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    predictor = SAM2ImagePredictor(official)
    # Its feature sizes are written for 1024 pixels.
    predictor._bb_feat_sizes = [(official.image_size // stride,) * 2 for stride in (4, 8, 16)]
    return predictor


def mask_generator(official: Any, **settings: Any) -> Any:
    """The official automatic mask generator around a model of any input size."""
    tv_cpu_shim.install()
    from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

    generator = SAM2AutomaticMaskGenerator(official, **settings)
    generator.predictor = image_predictor(official)
    return generator


def save_video(frames: Sequence[NDArray[np.uint8]], folder: Path) -> list[NDArray[np.uint8]]:
    """Write frames as the JPEG files the official predictor reads; return them as decoded."""
    folder.mkdir(parents=True, exist_ok=True)
    decoded: list[NDArray[np.uint8]] = []
    for index, frame in enumerate(frames):
        path = folder / f"{index:05d}.jpg"
        Image.fromarray(frame).save(path, quality=95)
        decoded.append(np.asarray(Image.open(path).convert("RGB")))
    return decoded


def open_video(official: Any, folder: Path, pixels_t3ss: Tensor | None = None) -> dict[str, Any]:
    """An official inference state for a folder of JPEG files.

    Parameters
    ----------
    official : from `build`.
    folder : from `save_video`.
    pixels_t3ss : normalised frames at input size to see in place of the files' own.
    """
    state = official.init_state(str(folder))
    if pixels_t3ss is not None:
        assert state["images"].shape == pixels_t3ss.shape
        state["images"] = pixels_t3ss
        state["cached_features"] = {}
    return state


def low_resolution_logits(state: dict[str, Any], obj: int, frame: int) -> NDArray[np.float32]:
    """(S/4, S/4) logits that an inference state holds for one object on one frame."""
    return _output(state, obj, frame)["pred_masks"][0, 0].numpy()


def object_score(state: dict[str, Any], obj: int, frame: int) -> float:
    """Object-score logit that an inference state holds for one object on one frame."""
    return float(_output(state, obj, frame)["object_score_logits"])


def _output(state: dict[str, Any], obj: int, frame: int) -> dict[str, Any]:
    index = state["obj_id_to_idx"][obj]
    for outputs in (state["temp_output_dict_per_obj"], state["output_dict_per_obj"]):
        for kind in ("cond_frame_outputs", "non_cond_frame_outputs"):
            if frame in outputs[index][kind]:
                return outputs[index][kind][frame]
    raise KeyError(f"The official state has nothing for object {obj} on frame {frame}.")
