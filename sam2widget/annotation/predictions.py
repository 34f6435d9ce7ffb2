"""What a model predicts, as a session keeps it."""

from __future__ import annotations

from dataclasses import replace

from ..core.masks import Mask
from ..core.masks.logits import MAX_SIDE, MaskLogits
from ..models.segmenter import Candidates, Prediction, PromptSet
from .records import Candidate, Result, Source

MIN_IOU_SHARE = 1 / 3
"""Candidates whose predicted IoU is a smaller share of the best one's are not offered."""


def prompted_result(
    prediction: Prediction, prompts: PromptSet, source: Source, corrected: Mask | None
) -> Result:
    """The result of a prompt set. A mask that is all of it is kept to the pixel.

    Parameters
    ----------
    corrected : the tracked mask that the prompts correct, if the frame was tracked.
    """
    mask = Mask.of(prediction.mask_hw)
    logits = pack_logits(prediction)
    if prompts.mask is not None and prompts == PromptSet(mask=prompts.mask):
        mask, logits = prompts.mask, None
    result = Result(
        *(mask, prediction.score, prediction.iou, source), corrected=corrected, logits=logits
    )
    found = prediction.candidates
    if found is None:
        return result
    candidates = _plausible(found)
    chosen = [n for n, candidate in enumerate(candidates) if candidate.index == found.chosen]
    return replace(result, candidates=candidates, chosen=chosen[0] if chosen else 0)


def tracked_result(prediction: Prediction) -> Result:
    """The result of tracking an object onto a frame."""
    mask, logits = Mask.of(prediction.mask_hw), pack_logits(prediction)
    return Result(mask, prediction.score, prediction.iou, "track", logits=logits)


def pack_logits(prediction: Prediction) -> MaskLogits | None:
    """The logits of a prediction, as they are kept.

    None where the model gives none, or on a grid larger than a session file may hold.
    """
    logits_hw = prediction.logits_hw
    if logits_hw is None or max(logits_hw.shape) > MAX_SIDE:
        return None
    return MaskLogits.pack(logits_hw)


def is_same_prediction(before: object, after: object) -> bool:
    """Whether two results differ only in what other objects have of them."""
    if not isinstance(before, Result) or not isinstance(after, Result):
        return False
    if before.state != after.state:  # soon seen, of thousands that were reviewed
        return False
    return before.holding(before.answer) == after.holding(after.answer)


def _plausible(found: Candidates) -> tuple[Candidate, ...]:
    """What is offered to choose from: the answer, and whatever may be meant as well.

    Nothing where that is the answer alone.
    """
    min_iou = MIN_IOU_SHARE * max(found.ious)
    offered = [n for n, iou in enumerate(found.ious) if iou >= min_iou or n == found.chosen]
    if len(offered) < 2:
        return ()
    return tuple(Candidate(Mask.of(found.masks_nhw[n]), found.ious[n], n) for n in offered)
