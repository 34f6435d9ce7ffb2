"""One training step's forward pass: interactive on images, interactive and tracked on clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..mask_decoder import DecoderOutput
from ..model import ImageFeatures, Sam2Model
from ..prompt_encoder import BOX_START, PAD
from ..transforms import normalize
from .interaction import corrective_click, first_prompt
from .losses import decoder_loss

_MASK_PROMPT_SHARE = 0.5
"""Share of clips whose first frame is prompted with the true mask (SAM 2, appendix D.2)."""
_FASTEST = 3
"""A clip may stand for one in which only every so many frames were seen."""


@dataclass(frozen=True)
class StepResult:
    """Loss and what to watch."""

    loss: Tensor
    ious: dict[str, float]
    """Mean IoU of the single mask after the first "click" or "box", after the corrective clicks
    ("corrected"), and where it was "tracked"."""


@dataclass(frozen=True)
class _Dialogue:
    """What came of prompting one frame and correcting the answer."""

    output: DecoderOutput
    """The last answer."""
    losses: list[Tensor]
    ious: dict[str, float]


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
    b, k = masks_bkss.shape[:2]
    features = model.encode_image(normalize(rgb_b3ss.float() / 255))
    features = features.select(torch.arange(b, device=rgb_b3ss.device).repeat_interleave(k))
    targets = _to_logit_size(masks_bkss.flatten(0, 1))
    dialogue = _converse(model, features, targets, corrections)
    return StepResult(torch.stack(dialogue.losses).mean(), dialogue.ious)


def clip_step(
    model: Sam2Model, rgb_bt3ss: Tensor, masks_btkss: Tensor, *, corrections: int
) -> StepResult:
    """Prompt K objects on the first frame of each clip and track them through the others.

    Parameters
    ----------
    model : in training mode; its `config.image_size` is S.
    rgb_bt3ss : (B, T, 3, S, S) uint8.
    masks_btkss : (B, T, K, S, S) bool.
    """
    b, frames, k = masks_btkss.shape[:3]
    n = b * k
    device = rgb_bt3ss.device
    encoded = model.encode_image(normalize(rgb_bt3ss.flatten(0, 1).float() / 255))
    rows = torch.arange(b, device=device).repeat_interleave(k) * frames
    masks_ntss = masks_btkss.transpose(1, 2).flatten(0, 1)
    nothing = {
        "points_np2": torch.zeros(n, 1, 2, device=device),
        "labels_np": torch.full((n, 1), PAD, device=device),
    }

    # The first frame: a dialogue, after which half the users hand over a perfect mask.
    features = encoded.select(rows)
    dialogue = _converse(model, features, _to_logit_size(masks_ntss[:, 0]), corrections)
    losses, ious = dialogue.losses, dialogue.ious
    if torch.rand(()) < _MASK_PROMPT_SHARE:
        selected = model.adopt_mask(features, masks_ntss[:, 0, None].float())
    else:
        selected = model.select_mask(dialogue.output, multimask=corrections == 0)

    stride = int(torch.randint(1, _FASTEST + 1, ()))
    memories: list[Tensor] = []
    pointers: list[Tensor] = []
    tracked: list[Tensor] = []
    for t in range(1, frames):
        logits = selected.logits_n1hw.clamp(min=-32.0)
        full = F.interpolate(logits, masks_ntss.shape[-2:], mode="bilinear", align_corners=False)
        memories.append(
            model.encode_memory(features.s16, full, selected.object_score_n1, binarize=t == 1)
        )
        pointers.append(selected.pointer_nc)

        features = encoded.select(rows + t)
        distances = torch.arange(t, 0, -1, device=device) * stride
        slots = (distances - 1).clamp(max=model.config.num_memories - 2)
        slots[0] = model.config.num_memories - 1  # the prompted frame
        s16 = model.condition_on_memory(
            features.s16,
            torch.stack(memories, dim=1),
            slots.expand(n, -1),
            torch.stack(pointers, dim=1),
            distances.expand(n, -1) / (model.config.max_pointers - 1),
        )
        output = model.decode_masks(s16, features.s8, features.s4, **nothing)
        targets = _to_logit_size(masks_ntss[:, t])
        everywhere = torch.ones(n, dtype=torch.bool, device=device)
        loss, iou = decoder_loss(output, targets, ambiguous_n=everywhere)
        losses.append(loss)
        tracked.append(iou[targets.flatten(1).amax(1) > 0.5])
        selected = model.select_mask(output, multimask=True)
    ious |= _means(tracked=torch.cat(tracked))
    return StepResult(torch.stack(losses).mean(), ious)


def _converse(
    model: Sam2Model, features: ImageFeatures, targets_n1hw: Tensor, corrections: int
) -> _Dialogue:
    """A first prompt for each object and clicks that correct the answers."""
    size = 4 * targets_n1hw.shape[-1]
    s16 = model.condition_on_nothing(features.s16)
    truth = (targets_n1hw[:, 0] > 0.5).float()
    points, labels = first_prompt(truth, size=size)
    previous: Tensor | None = None
    losses: list[Tensor] = []
    ious: dict[str, float] = {}
    turn = 0
    while True:
        output = model.decode_masks(
            s16,
            features.s8,
            features.s4,
            points_np2=points,
            labels_np=labels,
            mask_logits_n1hw=previous,
        )
        ambiguous = (labels != PAD).sum(1) == 1
        loss, iou = decoder_loss(output, targets_n1hw, ambiguous_n=ambiguous)
        losses.append(loss)
        if turn == 0:
            boxed = labels[:, 0] == BOX_START
            ious |= _means(click=iou[~boxed], box=iou[boxed])
        else:
            ious["corrected"] = float(iou.mean())
        if turn == corrections:
            return _Dialogue(output, losses, ious)
        previous = _chosen_logits(output, ambiguous).detach()
        click, label = corrective_click(truth, (previous[:, 0] > 0).float(), size=size)
        points, labels = torch.cat((points, click), 1), torch.cat((labels, label), 1)
        turn += 1


def _means(**ious: Tensor) -> dict[str, float]:
    """Means of what is not empty."""
    return {name: float(values.mean()) for name, values in ious.items() if len(values)}


def _to_logit_size(masks_nss: Tensor) -> Tensor:
    """(N, S, S) bool -> (N, 1, S/4, S/4) covered share of each cell."""
    return F.avg_pool2d(masks_nss[:, None].float(), 4)


def _chosen_logits(output: DecoderOutput, ambiguous_n: Tensor) -> Tensor:
    """What a user would see: the best-rated candidate of one click, else the single mask."""
    rows = torch.arange(len(ambiguous_n), device=ambiguous_n.device)
    best = 1 + output.ious_nm[:, 1:].argmax(dim=1)
    chosen = output.logits_nmhw[rows, torch.where(ambiguous_n, best, 0), None]
    return chosen.clamp(-32.0, 32.0)
