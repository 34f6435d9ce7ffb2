"""Conversion of Hugging Face's key layout of SAM 2 to Meta's.

transformers' `Sam2VideoModel` has the parameters of the official network under other names.
Three things differ in more than the name: the four point embeddings are one table, the random
frequencies of the prompt encoder appear twice, and the layers of an MLP are an input, an output
and those between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Image encoder
        (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
        (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
        (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
        # Prompt encoder and mask decoder
        (r"^prompt_encoder\.", "sam_prompt_encoder."),
        (r"\.shared_embedding\.", ".pe_layer."),
        (r"\.positional_embedding$", ".positional_encoding_gaussian_matrix"),
        (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
        (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
        (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
        (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
        (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
        (r"^mask_decoder\.", "sam_mask_decoder."),
        (r"\.upscale_conv1\.", ".output_upscaling.0."),
        (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
        (r"\.upscale_conv2\.", ".output_upscaling.3."),
        # Memory
        (r"\.mask_downsampler\.final_conv\.", ".mask_downsampler.encoder.12."),
        (r"^memory_encoder\.feature_projection\.", "memory_encoder.pix_feat_proj."),
        (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
        (r"^memory_encoder\.memory_fuser\.", "memory_encoder.fuser."),
        (r"\.depthwise_conv\.", ".dwconv."),
        (r"\.pointwise_conv([12])\.", r".pwconv\1."),
        (r"\.scale$", ".gamma"),
        (r"^no_memory_embedding$", "no_mem_embed"),
        (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
        (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
        (r"^no_object_pointer$", "no_obj_ptr"),
        (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
        (r"^object_pointer_proj\.", "obj_ptr_proj."),
        (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
        # Everywhere
        (r"\.o_proj\.", ".out_proj."),
        (r"\.layer_norm", ".norm"),
    )
)

_MLP_LAYER = re.compile(r"^(.+)\.(proj_in|layers\.(\d+)|proj_out)\.(weight|bias)$")
_DOWNSAMPLER_LAYER = re.compile(r"^(.+\.mask_downsampler)\.layers\.(\d+)\.(conv|layer_norm)\.(.+)$")
_POINT_EMBEDDINGS = "prompt_encoder.point_embed.weight"
_SHARED_FREQUENCIES = "shared_image_embedding.positional_embedding"
_OWN_FREQUENCIES = "prompt_encoder.shared_embedding.positional_embedding"


def is_hf(keys: Iterable[str]) -> bool:
    """Return whether keys of a state dict are of Hugging Face's layout."""
    return any(key.startswith("vision_encoder.") for key in keys)


def from_hf(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a state dict to Meta's; unknown ones stay as they are.

    Parameters
    ----------
    state : state dict of `Sam2VideoModel`.

    Returns
    -------
    dict
        Tensors are shared with `state`, not copied.
    """
    converted: dict[str, Tensor] = {}
    for key, value in state.items():
        if key == _POINT_EMBEDDINGS:
            for label, embedding in enumerate(value.split(1)):
                converted[f"sam_prompt_encoder.point_embeddings.{label}.weight"] = embedding
        elif key == _SHARED_FREQUENCIES:
            converted[_rename(_OWN_FREQUENCIES)] = value
        else:
            converted[_rename(_number_layers(key, state))] = value
    return converted


def _number_layers(key: str, state: Mapping[str, Tensor]) -> str:
    """Give the layers of an MLP, or of the memory encoder's downsampler, Meta's numbers."""
    if match := _DOWNSAMPLER_LAYER.match(key):
        prefix, layer, kind, rest = match.groups()
        # Meta's is one sequence of convolution, norm and activation, over and over.
        return f"{prefix}.encoder.{3 * int(layer) + (kind == 'layer_norm')}.{rest}"
    match = _MLP_LAYER.match(key)
    if match is None or f"{match[1]}.proj_in.weight" not in state:
        return key
    prefix, place, middle, rest = match.groups()
    if place == "proj_in":
        number = 0
    elif place == "proj_out":
        number = 1 + sum(
            other.startswith(f"{prefix}.layers.") and other.endswith(".weight") for other in state
        )
    else:
        number = 1 + int(middle)
    return f"{prefix}.layers.{number}.{rest}"


def _rename(key: str) -> str:
    for pattern, replacement in _RENAMES:
        key = pattern.sub(replacement, key)
    return key
