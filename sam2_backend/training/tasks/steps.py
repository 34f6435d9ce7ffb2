"""Forward passes of training steps: on images, and on clips prompted on their first frame.

`interactive.py` has clips on which simulated users also correct what was tracked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...network.mask_decoder import DecoderOutput
from ...network.prompt_encoder import BOX_START, PAD
from ...network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from .interaction import draw_corrective_click, draw_first_prompt
from .losses import decoder_loss
from .plans import FirstFramePlan, ImagePlan
from .task import StepResult
from .training_recipe import TrainingRecipe


@dataclass(frozen=True)
class InteractionTrace:
    """Predictions for the prompt of one frame, and after each corrective click."""

    output: DecoderOutput
    """The last prediction."""
    losses: list[Tensor]
    """One for each prediction."""
    ious: list[Tensor]
    """(N,) IoU of the single mask, one for each prediction."""


def run_image_step(
    model: Sam2Model,
    encoded: ImageFeatures,
    masks_bkss: Tensor,
    *,
    plan: ImagePlan,
    recipe: TrainingRecipe,
) -> StepResult:
    """Prompt K objects of each of B pictures, then correct them.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    encoded : features of the B pictures.
    masks_bkss : (B, K, S, S) bool.
    plan : how often the predictions are corrected.
    recipe : how prompts are drawn, and the losses.

    Returns
    -------
    StepResult
        Its measures are mean IoUs of the single mask: after the first "click" or "box", and
        after the corrective clicks ("corrected").
    """
    (features,) = split_by_frame(encoded, frames=1, targets=masks_bkss.shape[1])
    targets = downsample_masks(masks_bkss.flatten(0, 1))
    trace, measures = _first_interaction(model, features, targets, plan.corrections, recipe)
    return StepResult(torch.stack(trace.losses).mean(), measures)


def run_clip_step(
    model: Sam2Model,
    encoded: ImageFeatures,
    masks_btkss: Tensor,
    *,
    plan: FirstFramePlan,
    recipe: TrainingRecipe,
) -> StepResult:
    """Prompt K objects on the first frame of each clip and track them through the others.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    encoded : features of B clips of T frames, one after the other.
    masks_btkss : (B, T, K, S, S) bool.
    plan : how often the first predictions are corrected, and what tracking begins from.
    recipe : how prompts are drawn, and the losses.

    Returns
    -------
    StepResult
        Its measures are those of `run_image_step` on the first frame, and mean IoU where an object
        was "tracked".
    """
    b, frames, k = masks_btkss.shape[:3]
    n = b * k
    device = masks_btkss.device
    all_features = split_by_frame(encoded, frames=frames, targets=k)
    masks_ntss = masks_btkss.transpose(1, 2).flatten(0, 1)

    # The first frame, on which some users give a perfect mask in the end.
    features = all_features[0]
    targets = downsample_masks(masks_ntss[:, 0])
    trace, measures = _first_interaction(model, features, targets, plan.corrections, recipe)
    losses = trace.losses
    if plan.from_mask:
        selected = model.mask_as_output(features, masks_ntss[:, 0, None].float())
    else:
        selected = model.select_mask(trace.output, multimask=plan.corrections == 0)

    everywhere = torch.ones(n, dtype=torch.bool, device=device)
    memories: list[Tensor] = []
    pointers: list[Tensor] = []
    tracked: list[tuple[Tensor, Tensor]] = []
    for t in range(1, frames):
        memories.append(encode_memory(model, features, selected, binarize=t == 1))
        pointers.append(selected.pointer_nc)

        features = all_features[t]
        distances = torch.arange(t, 0, -1, device=device) * plan.stride
        slots = (distances - 1).clamp(max=model.config.num_memories - 2)
        slots[:1].fill_(model.config.num_memories - 1)  # the prompted frame
        s16 = model.condition_on_memory(
            features.s16,
            torch.stack(memories, dim=1),
            slots.expand(n, -1),
            torch.stack(pointers, dim=1),
            distances.expand(n, -1) / (model.config.max_pointers - 1),
        )
        output = decode_unprompted(model, features, s16)
        targets = downsample_masks(masks_ntss[:, t])
        loss, iou = decoder_loss(output, targets, ambiguous_n=everywhere, losses=recipe.losses)
        losses.append(loss)
        tracked.append((iou, is_present(targets)))
        selected = model.select_mask(output, multimask=True)
    measures["tracked"] = average_ious(tracked)
    return StepResult(torch.stack(losses).mean(), measures)


def _first_interaction(
    model: Sam2Model,
    features: ImageFeatures,
    targets_n1hw: Tensor,
    corrections: int,
    recipe: TrainingRecipe,
) -> tuple[InteractionTrace, dict[str, Tensor]]:
    """Answers on frames without memory, to a click or a box and corrections; and measures."""
    prompt = draw_first_prompt(
        (targets_n1hw[:, 0] > 0.5).float(),
        size=4 * targets_n1hw.shape[-1],
        box_share=recipe.box_share,
        center_bias=recipe.center_bias,
    )
    s16 = model.add_no_memory_embed(features.s16)
    trace = simulate_clicks(
        model, features, s16, targets_n1hw, prompt, corrections=corrections, recipe=recipe
    )
    boxed = prompt[1][:, 0] == BOX_START
    first = trace.ious[0]
    measures = {"click": average_ious([(first, ~boxed)]), "box": average_ious([(first, boxed)])}
    if corrections:
        measures["corrected"] = trace.ious[-1].mean()
    return trace, measures


def simulate_clicks(
    model: Sam2Model,
    features: ImageFeatures,
    s16_nchw: Tensor,
    targets_n1hw: Tensor,
    prompt: tuple[Tensor, Tensor],
    *,
    corrections: int,
    recipe: TrainingRecipe,
    previous_n1hw: Tensor | None = None,
) -> InteractionTrace:
    """Predict masks for a prompt, then simulate clicks that correct the predictions.

    Parameters
    ----------
    model : in training mode.
    features : of N objects, a row for each.
    s16_nchw : (N, C, h, w) their features at stride 16, conditioned on memory or none.
    targets_n1hw : (N, 1, S/4, S/4) true masks.
    prompt : (N, P, 2) points in pixels of the network's input, (N, P) labels.
    corrections : clicks after it.
    recipe : its `center_bias` and losses are used.
    previous_n1hw : (N, 1, S/4, S/4) logits of a prediction that the prompt already corrects.
    """
    size = 4 * targets_n1hw.shape[-1]
    truth = (targets_n1hw[:, 0] > 0.5).float()
    points, labels = prompt
    losses: list[Tensor] = []
    ious: list[Tensor] = []
    while True:
        output = model.decode_masks(
            s16_nchw,
            features.s8,
            features.s4,
            points_np2=points,
            labels_np=labels,
            mask_logits_n1hw=previous_n1hw,
        )
        ambiguous = (labels != PAD).sum(1) == 1
        loss, iou = decoder_loss(output, targets_n1hw, ambiguous_n=ambiguous, losses=recipe.losses)
        losses.append(loss)
        ious.append(iou)
        if len(losses) == corrections + 1:
            return InteractionTrace(output, losses, ious)
        previous_n1hw = select_shown_logits(output, ambiguous)
        click, label = draw_corrective_click(
            truth, (previous_n1hw[:, 0] > 0).float(), size=size, center_bias=recipe.center_bias
        )
        points, labels = torch.cat((points, click), 1), torch.cat((labels, label), 1)


def decode_unprompted(model: Sam2Model, features: ImageFeatures, s16_nchw: Tensor) -> DecoderOutput:
    """Decode the masks of N objects on a frame without a prompt, as tracking does."""
    n, device = len(s16_nchw), s16_nchw.device
    return model.decode_masks(
        s16_nchw,
        features.s8,
        features.s4,
        points_np2=torch.zeros(n, 1, 2, device=device),
        labels_np=torch.full((n, 1), PAD, device=device),
    )


def encode_memory(
    model: Sam2Model, features: ImageFeatures, selected: SelectedMask, *, binarize: bool
) -> Tensor:
    """Encode the memory (N, D, h, w) of a frame; `binarize` where a user prompted it."""
    size = (model.config.image_size, model.config.image_size)
    logits = selected.logits_n1hw.clamp(min=-32.0)
    full = F.interpolate(logits, size, mode="bilinear", align_corners=False)
    return model.encode_memory(features.s16, full, selected.object_score_n1, binarize=binarize)


def split_by_frame(encoded: ImageFeatures, *, frames: int, targets: int) -> list[ImageFeatures]:
    """Split the features of a batch of clips by frame, with a row for each object.

    Parameters
    ----------
    encoded : features of B clips, their frames one after the other.
    frames, targets : T frames and K objects a clip.

    Returns
    -------
    list
        Of T, with B * K rows each: the objects of a clip follow each other.
    """

    def per_object(map_bchw: Tensor) -> Tensor:
        return map_bchw[:, None].expand(-1, targets, -1, -1, -1).flatten(0, 1)

    levels = [level.unflatten(0, (-1, frames)).unbind(1) for level in encoded]
    return [ImageFeatures(*map(per_object, maps)) for maps in zip(*levels, strict=True)]


def is_present(targets_n1hw: Tensor) -> Tensor:
    """Return (N,) bool: whether an object (N, 1, h, w) is visible."""
    return targets_n1hw.flatten(1).amax(1) > 0.5


def average_ious(ious: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Average IoUs where they count, without the host waiting.

    Parameters
    ----------
    ious : pairs of IoUs (N,) and bool (N,), whether each counts.

    Returns
    -------
    Tensor
        Scalar; NaN where none counts.
    """
    values, counted = (torch.cat(parts) for parts in zip(*ious, strict=True))
    return (values * counted).sum() / counted.sum()


def downsample_masks(masks_nss: Tensor) -> Tensor:
    """Downsample masks (N, S, S) bool to (N, 1, S/4, S/4), the covered share of each cell."""
    return F.avg_pool2d(masks_nss[:, None].float(), 4)


def select_shown_logits(output: DecoderOutput, ambiguous_n: Tensor) -> Tensor:
    """Select the mask that a user would be shown, without gradient: (N, 1, S/4, S/4) logits.

    It is the candidate of the highest predicted IoU for an ambiguous prompt, else the single mask.
    """
    rows = torch.arange(len(ambiguous_n), device=ambiguous_n.device)
    best = 1 + output.ious_nm[:, 1:].argmax(dim=1)
    chosen = output.logits_nmhw[rows, torch.where(ambiguous_n, best, 0), None]
    return chosen.float().clamp(-32.0, 32.0).detach()
