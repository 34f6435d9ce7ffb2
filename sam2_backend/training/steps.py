"""One training step's forward pass: interactive on images, interactive and tracked on clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..mask_decoder import DecoderOutput
from ..model import Sam2Model
from ..prompt_encoder import PAD
from ..transforms import normalize
from .interaction import corrective_click, first_prompt
from .losses import decoder_loss


@dataclass(frozen=True)
class StepResult:
    """Loss and what to watch."""

    loss: Tensor
    ious: dict[str, float]
    """Mean IoU of the single mask by round ("first", "corrected") or "tracked"."""


def image_step(
    model: Sam2Model, rgb_b3ss: Tensor, masks_bkss: Tensor, *, corrections: int
) -> StepResult:
    """Prompt K objects of each of B pictures, then correct them `corrections` times.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    rgb_b3ss : (B, 3, S, S) uint8.
    masks_bkss : (B, K, S, S) bool.
    """
    size = rgb_b3ss.shape[-1]
    b, k = masks_bkss.shape[:2]
    features = model.encode_image(normalize(rgb_b3ss.float() / 255))
    features = features.select(torch.arange(b, device=rgb_b3ss.device).repeat_interleave(k))
    s16 = model.condition_on_nothing(features.s16)
    targets = _to_logit_size(masks_bkss.flatten(0, 1))

    points, labels = first_prompt(targets[:, 0] > 0.5, size=size)
    # Padding labels from the start keep shapes the same at every turn, for compiled graphs.
    points = F.pad(points, (0, 0, 0, corrections))
    labels = F.pad(labels, (0, corrections), value=PAD)
    previous: Tensor | None = None
    losses: list[Tensor] = []
    ious: dict[str, float] = {}
    for turn in range(corrections + 1):
        output = model.decode_masks(
            s16,
            features.s8,
            features.s4,
            points_np2=points,
            labels_np=labels,
            mask_logits_n1hw=previous,
        )
        ambiguous = (labels != PAD).sum(1) == 1
        loss, iou = decoder_loss(output, targets, ambiguous_n=ambiguous)
        losses.append(loss)
        ious["first" if turn == 0 else "corrected"] = float(iou.mean())
        if turn < corrections:
            previous = _chosen_logits(output, ambiguous).detach()
            click, label = corrective_click(
                (targets[:, 0] > 0.5).float(), (previous[:, 0] > 0).float(), size=size
            )
            points, labels = points.clone(), labels.clone()
            points[:, 2 + turn], labels[:, 2 + turn] = click[:, 0], label[:, 0]
    return StepResult(torch.stack(losses).mean(), ious)


def clip_step(model: Sam2Model, rgb_bt3ss: Tensor, masks_btkss: Tensor) -> StepResult:
    """Prompt K objects on the first frame of each clip and track them through the others.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    rgb_bt3ss : (B, T, 3, S, S) uint8.
    masks_btkss : (B, T, K, S, S) bool.
    """
    b, frames, k, size = masks_btkss.shape[:4]
    n = b * k
    device = rgb_bt3ss.device
    encoded = model.encode_image(normalize(rgb_bt3ss.flatten(0, 1).float() / 255))
    rows = torch.arange(b, device=device).repeat_interleave(k) * frames
    targets_tn = _to_logit_size(masks_btkss.transpose(1, 2).flatten(0, 2)).unflatten(0, (n, frames))

    memories: list[Tensor] = []
    pointers: list[Tensor] = []
    losses: list[Tensor] = []
    tracked: list[Tensor] = []
    first_iou = 0.0
    for t in range(frames):
        features = encoded.select(rows + t)
        targets = targets_tn[:, t]
        if t == 0:
            points, labels = first_prompt(targets[:, 0] > 0.5, size=size)
            s16 = model.condition_on_nothing(features.s16)
        else:
            points = torch.zeros(n, 2, 2, device=device)
            labels = torch.full((n, 2), PAD, device=device)
            slots = [model.config.num_memories - 1, *range(t - 2, -1, -1)][:t]
            s16 = model.condition_on_memory(
                features.s16,
                torch.stack(memories, dim=1),
                torch.tensor(slots, device=device).expand(n, -1),
                torch.stack(pointers, dim=1),
                torch.arange(t, 0, -1, device=device).expand(n, -1) / 15.0,
            )
        output = model.decode_masks(
            s16, features.s8, features.s4, points_np2=points, labels_np=labels
        )
        ambiguous = (labels != PAD).sum(1) <= 1
        loss, iou = decoder_loss(output, targets, ambiguous_n=ambiguous)
        losses.append(loss)
        if t == 0:
            first_iou = float(iou.mean())
        else:
            tracked.append(iou[targets.flatten(1).amax(1) > 0.5])
        if t + 1 < frames:
            selected = model.select_mask(output, multimask=t > 0)
            logits = selected.logits_n1hw.clamp(min=-32.0)
            if t == 0:
                # A user goes on to track once the first frame is right: half the time memory
                # starts from the truth, as after a mask prompt.
                truth = targets.round() * 20 - 10
                use_truth = torch.rand(n, 1, 1, 1, device=device) < 0.5
                logits = torch.where(use_truth, truth, logits)
            full = F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
            memories.append(
                model.encode_memory(features.s16, full, selected.object_score_n1, binarize=t == 0)
            )
            pointers.append(selected.pointer_nc)
    found = torch.cat(tracked)
    return StepResult(
        torch.stack(losses).mean(),
        {"first": first_iou, "tracked": float(found.mean()) if len(found) else 0.0},
    )


def _to_logit_size(masks_nss: Tensor) -> Tensor:
    """(N, S, S) bool -> (N, 1, S/4, S/4) covered share of each cell."""
    return F.avg_pool2d(masks_nss[:, None].float(), 4)


def _chosen_logits(output: DecoderOutput, ambiguous_n: Tensor) -> Tensor:
    """What a user would see: the best-rated candidate of one click, else the single mask."""
    rows = torch.arange(len(ambiguous_n), device=ambiguous_n.device)
    best = 1 + output.ious_nm[:, 1:].argmax(dim=1)
    chosen = output.logits_nmhw[rows, torch.where(ambiguous_n, best, 0), None]
    return chosen.clamp(-32.0, 32.0)
