"""Promptable segmentation as a training task, and random weights to begin with."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...kernels.runtime import Runtime
from ...network.config import IMAGE_MEAN, IMAGE_STD, ModelConfig
from ...network.sam2 import Sam2Model
from ...renamed import renamed_arguments
from .grouping import GroupingHead
from .interactive import run_interactive_clip_step
from .plans import FirstFramePlan, ImagePlan, InteractivePlan, Plan, draw_plan
from .steps import run_clip_step, run_image_step
from .task import Stage, StepResult, Task
from .teacher import FeaturePredictor, Teacher
from .training_recipe import SAM2, TrainingRecipe


@renamed_arguments(practice="recipe")
class Promptable(Task):
    """Train SAM 2 on promptable segmentation of pictures and clips.

    Parameters
    ----------
    model : from `random_model`, or from `load_model` to train on from there. It is trained in
        place.
    recipe : `SAM2` for a network that segments already, `FROM_SCRATCH` for random weights,
        `SHARP` to end with; a stage may have one of its own.
    teacher : a network whose features the image encoder also learns to predict, e.g.
        `EfficientNetLite`.
    teacher_weight : weight of that loss.
    seed : of the plans that are drawn where `forward` gets none.
    """

    _mean: Tensor
    _std: Tensor

    def __init__(
        self,
        model: Sam2Model,
        recipe: TrainingRecipe = SAM2,
        *,
        teacher: Teacher | None = None,
        teacher_weight: float = 0.7,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe
        self._task_recipe = recipe
        self._corrections: int | tuple[int, int] = 0
        self._rng = random.Random(seed)
        hidden = model.config.hidden_dim
        self.grouping = GroupingHead(hidden) if recipe.grouping else None
        self.teacher, self._teacher_weight = teacher, teacher_weight
        self.predictor = FeaturePredictor(hidden, teacher.channels) if teacher else None
        # Where constants are: a tensor made from Python's numbers would be waited for.
        self.register_buffer("_mean", torch.tensor(IMAGE_MEAN)[:, None, None], persistent=False)
        self.register_buffer("_std", torch.tensor(IMAGE_STD)[:, None, None], persistent=False)

    @property
    def network(self) -> Sam2Model:
        """The model."""
        return self.model

    @property
    def aux_head(self) -> nn.Module | None:
        """Auxiliary heads: grouping of pixels, and prediction of the teacher's features."""
        if self.grouping is None or self.predictor is None:
            return self.grouping or self.predictor
        return nn.ModuleList((self.grouping, self.predictor))

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe, and which teacher there is."""
        return {
            "recipe": asdict(self._task_recipe),
            "teacher": None if self.teacher is None else type(self.teacher).__name__,
            "teacher_weight": self._teacher_weight,
        }

    def begin(self, stage: Stage) -> None:
        """Set the model to the stage's input size, and the task to its recipe.

        Raises
        ------
        ValueError
            When the stage's recipe has an auxiliary loss and the task's own has none.
        """
        self.model.train()
        if self.model.runtime.device != self.model.device:
            self.model.runtime = Runtime.choose(self.model.device)  # to predict with, later
        self.model.sam_prompt_encoder.image_size = stage.image_size
        self.model.config = replace(self.model.config, image_size=stage.image_size)
        self._corrections = stage.corrections
        self.recipe = stage.recipe or self._task_recipe
        if self.recipe.grouping and self.grouping is None:
            raise ValueError(
                "A stage's recipe has grouping > 0, and the task's own has none: give Promptable "
                "a recipe that has it too, so that its auxiliary head is there from the start."
            )

    def draw_plan(self, rng: random.Random, frames: int) -> Plan:
        """Draw corrections, prompts and all else that is decided on the host; see `plans`."""
        return draw_plan(rng, self.recipe, frames=frames, corrections=self._corrections)

    def forward(
        self, rgb_bt3ss: Tensor, masks_btkss: Tensor, plan: Plan | None = None
    ) -> StepResult:
        """Compute the loss of a step on pictures (T = 1) or clips; see `Task.forward`."""
        recipe = self.recipe
        plan = plan or self.draw_plan(self._rng, rgb_bt3ss.shape[1])
        rgb, masks = rgb_bt3ss, masks_btkss
        if recipe.reverse_share and rgb.shape[1] > 1:
            rgb, masks = reverse_clips(rgb, masks, share=recipe.reverse_share)
        pixels = rgb.flatten(0, 1).float() / 255
        encoded = self.model.encode_image((pixels - self._mean) / self._std)
        if isinstance(plan, ImagePlan):
            result = run_image_step(self.model, encoded, masks[:, 0], plan=plan, recipe=recipe)
        elif isinstance(plan, FirstFramePlan):
            result = run_clip_step(self.model, encoded, masks, plan=plan, recipe=recipe)
        else:
            assert isinstance(plan, InteractivePlan)
            result = run_interactive_clip_step(self.model, encoded, masks, plan=plan, recipe=recipe)
        loss, measures = result.loss, dict(result.measures)
        if self.grouping is not None and recipe.grouping:
            grouping = self.grouping(encoded, masks.flatten(0, 1))
            loss = loss + recipe.grouping * grouping
            measures["grouping"] = grouping.detach()
        if self.teacher is not None and self.predictor is not None:
            distance = self.predictor(encoded.s16, self.teacher(pixels))
            loss = loss + self._teacher_weight * distance
            measures["teacher"] = distance.detach()
        return StepResult(loss, measures)


def reverse_clips(rgb_bt3ss: Tensor, masks_btkss: Tensor, *, share: float) -> tuple[Tensor, Tensor]:
    """Reverse a share of the clips, of those whose objects are all visible at the end.

    Parameters
    ----------
    rgb_bt3ss, masks_btkss : as `Clip` has them.
    share : probability that a clip is reversed.
    """
    visible = masks_btkss[:, -1].flatten(2).any(dim=2).all(dim=1)
    turned = visible & (torch.rand(len(visible), device=visible.device) < share)
    at = turned[:, None, None, None, None]
    return (
        torch.where(at, rgb_bt3ss.flip(1), rgb_bt3ss),
        torch.where(at, masks_btkss.flip(1), masks_btkss),
    )


def random_model(config: ModelConfig, *, seed: int = 0) -> Sam2Model:
    """Make a network with random weights to train from scratch.

    Other than PyTorch's defaults are: small position embeddings, layer scales of the memory
    encoder that let its blocks learn, mask prompts that mean what they will mean, and an object
    score that begins on the visible side.

    Parameters
    ----------
    config : of the network.
    seed : of the weights.

    Returns
    -------
    Sam2Model
        On the CPU, in float32.
    """
    torch.manual_seed(seed)
    model = Sam2Model(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(0.1)
            elif "pos_embed" in name or name.startswith(("maskmem_tpos", "no_mem", "no_obj")):
                parameter.normal_(std=0.02)
        # Added to every cell, it would outweigh the picture for the first hundreds of steps.
        model.sam_prompt_encoder.no_mask_embed.weight.mul_(0.02)
        # Mask prompts begin as logits of ±10, averaged over each cell.
        model.mask_downsample.weight.fill_(20.0 / 16)
        assert model.mask_downsample.bias is not None
        model.mask_downsample.bias.fill_(-10.0)
        head = model.sam_mask_decoder.pred_obj_score_head.layers[-1]
        assert isinstance(head, torch.nn.Linear)
        head.bias.fill_(1.0)
    return model
