"""Clips on which users prompt and correct several frames (SAM 2, appendix D.2).

What a frame remembers is kept by the predictors' own `MemoryBank`: a row of the batch is an
object, and all rows share one history. The clip counts as an excerpt of a longer video.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ...network.prompt_encoder import NEGATIVE, PAD
from ...network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from ...tracking.memory_bank import MemoryBank, MemoryEntry
from ...tracking.policies.sam2 import Sam2Policy
from .interaction import click_in, corrective_click, first_prompt
from .losses import decoder_loss
from .plans import InteractivePlan
from .steps import (
    InteractionTrace,
    decode_unprompted,
    encode_memory,
    features_by_frame,
    is_present,
    mean_iou,
    shown_logits,
    simulate_clicks,
    to_logit_size,
)
from .task import StepResult
from .training_recipe import TrainingRecipe


class ClipMemory:
    """Features of a batch of clips, and what is remembered of the N objects in them.

    Parameters
    ----------
    model : in training mode.
    features : of each frame, one row an object; see `features_by_frame`.
    """

    def __init__(self, model: Sam2Model, features: list[ImageFeatures]) -> None:
        self.model, self._features = model, features
        config = model.config
        self._reach = config.max_pointers - 1
        self._bank = MemoryBank(Sam2Policy(config))

    def features(self, t: int) -> ImageFeatures:
        """Features of frame t, one row an object."""
        return self._features[t]

    def condition(self, t: int) -> Tensor:
        """Lowest level of frame t, conditioned as tracking forward does: (N, C, h, w)."""
        selection = self._bank.select(t, reverse=False)
        memories = [self._bank.require(s).require_memory() for _, s in selection.memories]
        pointers = [self._bank.require(s).pointer for _, s in selection.pointers]
        s16 = self.features(t).s16
        slots = _on_device([slot for slot, _ in selection.memories], s16.device, torch.long)
        distances = _on_device([d / self._reach for d, _ in selection.pointers], s16.device)
        return self.model.condition_on_memory(
            s16,
            torch.stack(memories, dim=1),
            slots.expand(len(s16), -1),
            torch.stack(pointers, dim=1),
            distances.expand(len(s16), -1),
        )

    def remember(self, t: int, selected: SelectedMask, *, conditioning: bool) -> None:
        """Keep what frame t says; `conditioning` where a user prompted or corrected it."""
        memory = encode_memory(self.model, self.features(t), selected, binarize=conditioning)
        entry = MemoryEntry(
            pointer=selected.pointer_nc,
            object_score=selected.object_score_n1,
            iou=0.0,  # nobody looks at it here
            logits=None,
            memory=memory,
        )
        if conditioning:
            self._bank.condition(t, entry)
        else:
            self._bank.track(t, entry, reverse=False)


def interactive_clip_step(
    model: Sam2Model,
    encoded: ImageFeatures,
    masks_btkss: Tensor,
    *,
    plan: InteractivePlan,
    recipe: TrainingRecipe,
) -> StepResult:
    """Prompt K objects of each clip, track them, and correct some of the frames.

    The first frame and maybe others are prompted before tracking begins, with the true mask, a
    click or a box. Unless masks were given, these and maybe a tracked frame are corrected by
    clicks in the error region. Prompted and corrected frames condition the ones after them.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    encoded : features of B clips of T >= 2 frames, one after the other.
    masks_btkss : (B, T, K, S, S) bool; empty where an object is absent.
    plan : which frames are prompted and corrected, the same for all clips.
    recipe : how prompts are drawn and answers judged.

    Returns
    -------
    StepResult
        Its measures are mean IoUs of the single mask where the object is there: after the first
        "click" or "box", after all clicks ("corrected"), and where it was "tracked".
    """
    frames, k = masks_btkss.shape[1:3]
    masks_ntss = masks_btkss.transpose(1, 2).flatten(0, 1)
    memory = ClipMemory(model, features_by_frame(encoded, frames=frames, targets=k))
    everywhere = torch.ones(len(masks_ntss), dtype=torch.bool, device=masks_btkss.device)

    losses: list[Tensor] = []
    ious: dict[str, list[tuple[Tensor, Tensor]]] = {
        plan.prompt: [],
        "corrected": [],
        "tracked": [],
    }
    tracked = [t for t in range(frames) if t not in plan.prompted]
    for t in (*plan.prompted, *tracked):
        features = memory.features(t)
        targets = to_logit_size(masks_ntss[:, t])
        present = is_present(targets)
        clicks = plan.corrections if t in plan.corrected else 0
        trace: InteractionTrace | None = None
        if t in plan.prompted:
            if plan.prompt == "mask":
                selected = model.mask_as_output(features, masks_ntss[:, t, None].float())
            else:
                s16 = model.add_no_memory_embed(features.s16)
                prompt = prompt_or_deny(targets, plan.prompt, recipe)
                trace = simulate_clicks(
                    model, features, s16, targets, prompt, corrections=clicks, recipe=recipe
                )
                ious[plan.prompt].append((trace.ious[0], present))
                multimask = clicks == 0 and prompt[1].shape[1] == 1
                selected = model.select_mask(trace.output, multimask=multimask)
        else:
            s16 = memory.condition(t)
            output = decode_unprompted(model, features, s16)
            loss, iou = decoder_loss(output, targets, ambiguous_n=everywhere, losses=recipe.losses)
            losses.append(loss)
            ious["tracked"].append((iou, present))
            selected = model.select_mask(output, multimask=True)
            if clicks:
                shown = shown_logits(output, everywhere)
                click = corrective_click(
                    (targets[:, 0] > 0.5).float(),
                    (shown[:, 0] > 0).float(),
                    size=model.config.image_size,
                    center_bias=recipe.center_bias,
                )
                trace = simulate_clicks(
                    model,
                    features,
                    s16,
                    targets,
                    click,
                    corrections=clicks - 1,
                    recipe=recipe,
                    previous_n1hw=shown,
                )
                selected = model.select_mask(trace.output, multimask=clicks == 1)
        if trace is not None:
            losses += trace.losses
            if clicks:
                ious["corrected"].append((trace.ious[-1], present))
        memory.remember(t, selected, conditioning=t in plan.prompted or clicks > 0)
    measures = {name: mean_iou(values) for name, values in ious.items() if values}
    return StepResult(torch.stack(losses).mean(), measures)


def prompt_or_deny(
    targets_n1hw: Tensor, kind: Literal["click", "box"], recipe: TrainingRecipe
) -> tuple[Tensor, Tensor]:
    """A click or a box for each object; where it is absent, a click that says so."""
    size = 4 * targets_n1hw.shape[-1]
    truth = (targets_n1hw[:, 0] > 0.5).float()
    share = 1.0 if kind == "box" else 0.0
    points, labels = first_prompt(truth, size=size, box_share=share, center_bias=recipe.center_bias)
    absent = truth.flatten(1).sum(1) == 0
    anywhere = torch.stack((click_in(1 - truth, size=size, center_bias=0),) * 2, dim=1)
    points = torch.where(absent[:, None, None], anywhere, points)
    denied = torch.full_like(labels, PAD)
    denied[:, 0].fill_(NEGATIVE)
    labels = torch.where(absent[:, None], denied, labels)
    # Padding changes answers a little; predictors send a lone click without it.
    return (points, labels) if kind == "box" else (points[:, :1], labels[:, :1])


def _on_device(
    values: list[int] | list[float], device: torch.device, dtype: torch.dtype = torch.float32
) -> Tensor:
    """A few numbers as a tensor, each filled in on the device: a copy would be waited for."""
    return torch.cat([torch.full((1,), value, dtype=dtype, device=device) for value in values])
