"""Losses prefer right masks, and do not fear empty ones."""

from __future__ import annotations

import torch

from sam2_backend.mask_decoder import DecoderOutput
from sam2_backend.training.losses import balanced_bce, decoder_loss, dice, iou


def _target(n: int = 2) -> torch.Tensor:
    target = torch.zeros(n, 1, 16, 16)
    target[:, :, 4:10, 3:9] = 1
    return target


def _output(logits_nmhw: torch.Tensor, score: float = 5.0) -> DecoderOutput:
    n = len(logits_nmhw)
    return DecoderOutput(
        logits_nmhw=logits_nmhw,
        ious_nm=torch.ones(n, 4),
        object_score_n1=torch.full((n, 1), score),
        tokens_nmc=torch.zeros(n, 4, 8),
    )


def test_the_right_mask_costs_least() -> None:
    target = _target()
    right, wrong = target * 20 - 10, 10 - target * 20
    for loss in (balanced_bce, dice):
        assert loss(right, target).max() < 0.01 < loss(torch.zeros_like(right), target).min()
        assert loss(wrong, target).min() > loss(torch.zeros_like(right), target).max()
    assert iou(right, target).tolist() == [[1.0], [1.0]]


def test_a_small_object_weighs_as_much_as_its_background() -> None:
    target = _target()
    nothing, everything = torch.full_like(target, -4.0), torch.full_like(target, 4.0)
    torch.testing.assert_close(balanced_bce(nothing, target), balanced_bce(everything, target))


def test_one_click_asks_only_one_candidate_to_be_right() -> None:
    target = _target(1)
    logits = torch.cat([target, target, 1 - target, 1 - target], dim=1) * 20 - 10
    unsure = torch.tensor([True])
    loss, single = decoder_loss(_output(logits), target, ambiguous_n=unsure)
    worst, _ = decoder_loss(_output(10 - logits[:, [1, 1, 1, 1]] * 2), target, ambiguous_n=unsure)
    assert single.tolist() == [1.0]
    assert loss < worst / 3


def test_an_absent_object_is_judged_by_its_score_alone() -> None:
    target = torch.zeros(1, 1, 16, 16)
    certain = torch.tensor([False])
    seen, _ = decoder_loss(_output(torch.randn(1, 4, 16, 16), 5.0), target, ambiguous_n=certain)
    gone, _ = decoder_loss(_output(torch.randn(1, 4, 16, 16), -5.0), target, ambiguous_n=certain)
    assert gone < 0.01 < seen
