"""Clips on which users prompt and correct several frames (SAM 2, appendix D.2).

What a frame remembers is kept by the predictors' own `MemoryBank`: a row of the batch is an
object, and all rows share one history. The clip counts as an excerpt of a longer video.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..memory_bank import MemoryBank, MemoryEntry
from ..model import ImageFeatures, Sam2Model, SelectedMask
from ..prompt_encoder import NEGATIVE, PAD
from .interaction import click_in, corrective_click, first_prompt
from .losses import decoder_loss
from .practice import Practice
from .steps import (
    Dialogue,
    converse,
    decode_unprompted,
    encode_memory,
    means,
    shown_logits,
    to_logit_size,
)
from .task import StepResult


@dataclass(frozen=True)
class Plan:
    """Who does what on which frame; the same for all clips of a batch."""

    prompt: Literal["mask", "click", "box"]
    prompted: list[int]
    """Frames that are prompted before tracking begins; the first is always one of them."""
    corrected: list[int]
    """Frames with corrective clicks: none after masks, else these and maybe tracked ones."""

    @classmethod
    def draw(cls, frames: int, practice: Practice) -> Plan:
        """At random, as `practice` says; at least one frame is left to be tracked."""
        others = [1 + int(t) for t in torch.randperm(frames - 1)]
        most = min(practice.prompted_frames, frames - 1)
        prompts = int(torch.randint(1, most + 1, ()))
        corrections = int(torch.randint(prompts, most + 1, ()))
        kind, box = torch.rand(2).tolist()
        prompted = [0, *others[: prompts - 1]]
        if kind < practice.mask_share:
            return cls("mask", prompted, [])
        corrected = [0, *others[: corrections - 1]]
        return cls("box" if box < practice.box_share else "click", prompted, corrected)


class ClipMemory:
    """Features of a batch of clips, and what is remembered of the N objects in them.

    Parameters
    ----------
    model : in training mode.
    encoded : features of B clips of T frames, one after the other.
    rows_n : (N,) where the clip of each object begins in them.
    frames : T.
    """

    def __init__(
        self, model: Sam2Model, encoded: ImageFeatures, rows_n: Tensor, frames: int
    ) -> None:
        self.model, self._encoded, self._rows = model, encoded, rows_n
        config = model.config
        self._reach = config.max_pointers - 1
        length = max(frames, config.max_pointers)
        self._bank = MemoryBank(
            length, config.num_memories, config.max_pointers, config.tracked_memories
        )

    def features(self, t: int) -> ImageFeatures:
        """Features of frame t, one row an object."""
        return self._encoded.select(self._rows + t)

    def condition(self, t: int) -> Tensor:
        """Lowest level of frame t, conditioned as tracking forward does: (N, C, h, w)."""
        n, device = len(self._rows), self._rows.device
        recall = self._bank.recall(t, reverse=False)
        memories = [entry.memory for _, entry in recall.memories if entry.memory is not None]
        pointers = [entry.pointer for _, entry in recall.pointers]
        slots = torch.tensor([slot for slot, _ in recall.memories], device=device)
        distances = torch.tensor([float(d) for d, _ in recall.pointers], device=device)
        return self.model.condition_on_memory(
            self.features(t).s16,
            torch.stack(memories, dim=1),
            slots.expand(n, -1),
            torch.stack(pointers, dim=1),
            (distances / self._reach).expand(n, -1),
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
    corrections: int,
    practice: Practice,
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
    corrections : corrective clicks a corrected frame.
    practice : how prompts are drawn and answers judged.

    Returns
    -------
    StepResult
        Its measures are mean IoUs of the single mask where the object is there: after the first
        "click" or "box", after all clicks ("corrected"), and where it was "tracked".
    """
    b, frames, k = masks_btkss.shape[:3]
    device = masks_btkss.device
    rows = torch.arange(b, device=device).repeat_interleave(k) * frames
    masks_ntss = masks_btkss.transpose(1, 2).flatten(0, 1)
    memory = ClipMemory(model, encoded, rows, frames)
    plan = Plan.draw(frames, practice)
    everywhere = torch.ones(b * k, dtype=torch.bool, device=device)

    losses: list[Tensor] = []
    ious: dict[str, list[Tensor]] = {plan.prompt: [], "corrected": [], "tracked": []}
    tracked = [t for t in range(frames) if t not in plan.prompted]
    for t in (*plan.prompted, *tracked):
        features = memory.features(t)
        targets = to_logit_size(masks_ntss[:, t])
        present = targets.flatten(1).amax(1) > 0.5
        clicks = corrections if t in plan.corrected else 0
        dialogue: Dialogue | None = None
        if t in plan.prompted:
            if plan.prompt == "mask":
                selected = model.adopt_mask(features, masks_ntss[:, t, None].float())
            else:
                s16 = model.condition_on_nothing(features.s16)
                prompt = _prompt(targets, plan.prompt, practice)
                dialogue = converse(
                    model, features, s16, targets, prompt, corrections=clicks, practice=practice
                )
                ious[plan.prompt].append(dialogue.ious[0][present])
                multimask = clicks == 0 and prompt[1].shape[1] == 1
                selected = model.select_mask(dialogue.output, multimask=multimask)
        else:
            s16 = memory.condition(t)
            output = decode_unprompted(model, features, s16)
            loss, iou = decoder_loss(
                output, targets, ambiguous_n=everywhere, losses=practice.losses
            )
            losses.append(loss)
            ious["tracked"].append(iou[present])
            selected = model.select_mask(output, multimask=True)
            if clicks:
                shown = shown_logits(output, everywhere)
                click = corrective_click(
                    (targets[:, 0] > 0.5).float(),
                    (shown[:, 0] > 0).float(),
                    size=model.config.image_size,
                    inside=practice.inside,
                )
                dialogue = converse(
                    model,
                    features,
                    s16,
                    targets,
                    click,
                    corrections=clicks - 1,
                    practice=practice,
                    previous_n1hw=shown,
                )
                selected = model.select_mask(dialogue.output, multimask=clicks == 1)
        if dialogue is not None:
            losses += dialogue.losses
            if clicks:
                ious["corrected"].append(dialogue.ious[-1][present])
        memory.remember(t, selected, conditioning=t in plan.prompted or clicks > 0)
    measures = means(**{name: torch.cat(values) for name, values in ious.items() if values})
    return StepResult(torch.stack(losses).mean(), measures)


def _prompt(
    targets_n1hw: Tensor, kind: Literal["click", "box"], practice: Practice
) -> tuple[Tensor, Tensor]:
    """A click or a box for each object; where it is absent, a click that says so."""
    size = 4 * targets_n1hw.shape[-1]
    truth = (targets_n1hw[:, 0] > 0.5).float()
    share = 1.0 if kind == "box" else 0.0
    points, labels = first_prompt(truth, size=size, box_share=share, inside=practice.inside)
    absent = truth.flatten(1).sum(1) == 0
    anywhere = torch.stack((click_in(1 - truth, size=size, inside=0),) * 2, dim=1)
    points = torch.where(absent[:, None, None], anywhere, points)
    labels = torch.where(absent[:, None], labels.new_tensor([NEGATIVE, PAD]), labels)
    # Padding changes answers a little; predictors send a lone click without it.
    return (points, labels) if kind == "box" else (points[:, :1], labels[:, :1])
