"""Clips on which users prompt and correct several frames (SAM 2, appendix D.2).

Memories of frames are kept in the predictors' own `MemoryBank`: a row of the batch is an object,
and all rows share one history. The clip counts as an excerpt of a longer video.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ...network.prompt_encoder import NEGATIVE, PAD
from ...network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from ...tracking.memory_bank import MemoryBank, MemoryEntry
from ...tracking.policies.plain import PlainPolicy
from .interaction import draw_click, draw_corrective_click, draw_first_prompt
from .losses import decoder_loss
from .plans import InteractivePlan
from .steps import (
    InteractionTrace,
    average_ious,
    decode_unprompted,
    downsample_masks,
    encode_memory,
    is_present,
    select_shown_logits,
    simulate_clicks,
    split_by_frame,
)
from .task import StepResult
from .training_recipe import TrainingRecipe


class ClipMemory:
    """Features of a batch of clips, and the memory bank of the N objects in them.

    Parameters
    ----------
    model : in training mode.
    features : of each frame, a row for each object; see `split_by_frame`.
    """

    def __init__(self, model: Sam2Model, features: list[ImageFeatures]) -> None:
        self.model, self._features = model, features
        config = model.config
        self._reach = config.max_pointers - 1
        self._bank = MemoryBank(PlainPolicy(config))

    def features(self, t: int) -> ImageFeatures:
        """Return features of frame t, a row for each object."""
        return self._features[t]

    def condition(self, t: int) -> Tensor:
        """Condition the stride-16 features of frame t on memory, as tracking does: (N, C, h, w)."""
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

    def add(self, t: int, selected: SelectedMask, *, conditioning: bool) -> None:
        """Add the memory of frame t to the bank.

        Parameters
        ----------
        t : of the clip.
        selected : the masks of its N objects.
        conditioning : whether a user prompted or corrected the frame.
        """
        memory = encode_memory(self.model, self.features(t), selected, binarize=conditioning)
        entry = MemoryEntry(
            pointer=selected.pointer_nc,
            object_score=selected.object_score_n1,
            iou=selected.ious_n,
            logits=None,
            memory=memory,
        )
        if conditioning:
            self._bank.condition(t, entry)
        else:
            self._bank.track(t, entry, reverse=False)


def run_interactive_clip_step(
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
    recipe : how prompts are drawn, and the losses.

    Returns
    -------
    StepResult
        Its measures are mean IoUs of the single mask where the object is visible: after the first
        "click" or "box", after all clicks ("corrected"), and where it was "tracked".
    """
    frames, k = masks_btkss.shape[1:3]
    masks_ntss = masks_btkss.transpose(1, 2).flatten(0, 1)
    memory = ClipMemory(model, split_by_frame(encoded, frames=frames, targets=k))
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
        targets = downsample_masks(masks_ntss[:, t])
        present = is_present(targets)
        clicks = plan.corrections if t in plan.corrected else 0
        trace: InteractionTrace | None = None
        if t in plan.prompted:
            if plan.prompt == "mask":
                selected = model.mask_as_output(features, masks_ntss[:, t, None].float())
            else:
                s16 = model.add_no_memory_embed(features.s16)
                prompt = draw_prompts(targets, plan.prompt, recipe)
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
                shown = select_shown_logits(output, everywhere)
                click = draw_corrective_click(
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
        memory.add(t, selected, conditioning=t in plan.prompted or clicks > 0)
    measures = {name: average_ious(values) for name, values in ious.items() if values}
    return StepResult(torch.stack(losses).mean(), measures)


def draw_prompts(
    targets_n1hw: Tensor, kind: Literal["click", "box"], recipe: TrainingRecipe
) -> tuple[Tensor, Tensor]:
    """Draw a click or a box for each object; a negative click where it is absent.

    Parameters
    ----------
    targets_n1hw : (N, 1, S/4, S/4) true masks.
    kind : "click" or "box", the same for all.
    recipe : its `center_bias` is used.

    Returns
    -------
    points_np2, labels_np : (x, y) in pixels of the network's input; P is 1 for clicks, 2 for boxes.
    """
    size = 4 * targets_n1hw.shape[-1]
    truth = (targets_n1hw[:, 0] > 0.5).float()
    share = 1.0 if kind == "box" else 0.0
    points, labels = draw_first_prompt(
        truth, size=size, box_share=share, center_bias=recipe.center_bias
    )
    absent = truth.flatten(1).sum(1) == 0
    background = torch.stack((draw_click(1 - truth, size=size, center_bias=0),) * 2, dim=1)
    points = torch.where(absent[:, None, None], background, points)
    negative = torch.full_like(labels, PAD)
    negative[:, 0].fill_(NEGATIVE)
    labels = torch.where(absent[:, None], negative, labels)
    # Padding changes the output a little; predictors send a lone click without it.
    return (points, labels) if kind == "box" else (points[:, :1], labels[:, :1])


def _on_device(
    values: list[int] | list[float], device: torch.device, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Make a tensor of a few numbers on the device: a copy would make the host wait."""
    return torch.cat([torch.full((1,), value, dtype=dtype, device=device) for value in values])
