"""The whole of SAM 2 as a training task, and weights for it to begin with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..config import ModelConfig
from ..model import Sam2Model
from ..runtime import Runtime
from ..transforms import normalize
from .grouping import Grouping
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
        self.grouping = Grouping(model.config.hidden_dim) if practice.grouping else None
        self._corrections = 0

    @property
    def network(self) -> Sam2Model:
        """The model."""
        return self.model

    @property
    def scaffold(self) -> Grouping | None:
        """The dense lesson, if the practice has one."""
        return self.grouping

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
        practice, corrections = self.practice, self._corrections
        rgb, masks = reverse_some(rgb_bt3ss, masks_btkss, share=practice.reverse_share)
        encoded = self.model.encode_image(normalize(rgb.flatten(0, 1).float() / 255))
        if rgb.shape[1] == 1:
            step, targets = image_step, masks[:, 0]
        else:
            step = clip_step if practice.clips == "first-frame" else interactive_clip_step
            targets = masks
        result = step(self.model, encoded, targets, corrections=corrections, practice=practice)
        if self.grouping is None:
            return result
        lesson = self.grouping(encoded, masks.flatten(0, 1))
        measures = {**result.measures, "grouping": float(lesson.detach())}
        return StepResult(result.loss + practice.grouping * lesson, measures)


def reverse_some(rgb_bt3ss: Tensor, masks_btkss: Tensor, *, share: float) -> tuple[Tensor, Tensor]:
    """Let time run backward in a share of the clips whose objects are all there at the end."""
    visible = masks_btkss[:, -1].flatten(2).any(dim=2).all(dim=1)
    turned = visible & (torch.rand(len(visible), device=visible.device) < share)
    at = turned[:, None, None, None, None]
    return (
        torch.where(at, rgb_bt3ss.flip(1), rgb_bt3ss),
        torch.where(at, masks_btkss.flip(1), masks_btkss),
    )


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
