"""The whole of SAM 2 as a training task, and weights for it to begin with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..config import ModelConfig
from ..model import Sam2Model
from ..runtime import Runtime
from .interactive import interactive_clip_step
from .practice import SAM2, Practice
from .steps import clip_step, image_step
from .task import Stage, StepResult, Task


class Promptable(Task):
    """Promptable segmentation of pictures and clips.

    Parameters
    ----------
    model : from `random_model`, or from `load_model` to train on from there. It is trained in
        place.
    practice : `SAM2` for a network that segments already, `FROM_SCRATCH` for random weights.
    """

    def __init__(self, model: Sam2Model, practice: Practice = SAM2) -> None:
        super().__init__()
        self.model, self.practice = model, practice
        self._corrections = 0

    @property
    def network(self) -> Sam2Model:
        """The model."""
        return self.model

    def begin(self, stage: Stage) -> None:
        """Train at the stage's size."""
        self.model.train()
        if self.model.runtime.device != self.model.device:
            self.model.runtime = Runtime.choose(self.model.device)  # to predict with, later
        self.model.sam_prompt_encoder.image_size = stage.image_size
        self.model.config = replace(self.model.config, image_size=stage.image_size)
        self._corrections = stage.corrections

    def forward(self, rgb_bt3ss: Tensor, masks_btkss: Tensor) -> StepResult:
        """One step on pictures (T = 1) or on clips."""
        model, practice, corrections = self.model, self.practice, self._corrections
        if rgb_bt3ss.shape[1] == 1:
            rgb, masks = rgb_bt3ss[:, 0], masks_btkss[:, 0]
            return image_step(model, rgb, masks, corrections=corrections, practice=practice)
        step = clip_step if practice.clips == "first-frame" else interactive_clip_step
        return step(model, rgb_bt3ss, masks_btkss, corrections=corrections, practice=practice)


def random_model(config: ModelConfig, *, seed: int = 0) -> Sam2Model:
    """A network to train from scratch: small positions, a memory encoder whose blocks do
    something, and an object score that begins on the visible side."""
    torch.manual_seed(seed)
    model = Sam2Model(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(0.1)
            elif "pos_embed" in name or name.startswith(("maskmem_tpos", "no_mem", "no_obj")):
                parameter.normal_(std=0.02)
        # Added to every cell, it would drown the picture for the first hundreds of steps.
        model.sam_prompt_encoder.no_mask_embed.weight.mul_(0.02)
        # A mask prompt starts out as what it means: logits of ±10, averaged over each cell.
        model.mask_downsample.weight.fill_(20.0 / 16)
        assert model.mask_downsample.bias is not None
        model.mask_downsample.bias.fill_(-10.0)
        head = model.sam_mask_decoder.pred_obj_score_head.layers[-1]
        assert isinstance(head, torch.nn.Linear)
        head.bias.fill_(1.0)
    return model
