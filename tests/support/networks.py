"""A network that is small and random, and tells frames apart all the same."""

from __future__ import annotations

from dataclasses import replace

import torch

from sam2_backend import CONFIGS, Sam2Model


def random_nano(image_size: int) -> Sam2Model:
    """The bundled model's network with random weights, which judges objects to be visible."""
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["nano"], image_size=image_size))
    with torch.no_grad():
        network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)
        network.maskmem_tpos_enc.normal_(std=0.1)
    return network.eval().requires_grad_(False)
