"""Losses prefer right masks, and do not fear empty ones."""

from __future__ import annotations

import pytest
import torch

from sam2_backend.network.mask_decoder import DecoderOutput
from sam2_backend.training import FROM_SCRATCH, SAM2, SHARP
from sam2_backend.training.tasks.losses import (
    balanced_bce,
    boundary_bce,
    compute_iou,
    decoder_loss,
    dice_loss,
    focal_loss,
)
from sam2_backend.training.tasks.training_recipe import Losses


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
    for loss in (balanced_bce, dice_loss, focal_loss):
        assert loss(right, target).max() < 0.01 < loss(torch.zeros_like(right), target).min()
        assert loss(wrong, target).min() > loss(torch.zeros_like(right), target).max()
    assert compute_iou(right, target).tolist() == [[1.0], [1.0]]


def test_a_small_object_weighs_as_much_as_its_background() -> None:
    target = _target()
    nothing, everything = torch.full_like(target, -4.0), torch.full_like(target, 4.0)
    torch.testing.assert_close(balanced_bce(nothing, target), balanced_bce(everything, target))


@pytest.mark.parametrize(
    "losses", [FROM_SCRATCH.losses, SAM2.losses, SHARP.losses], ids=lambda losses: losses.kind
)
def test_one_click_asks_only_one_candidate_to_be_right(losses: Losses) -> None:
    target = _target(1)
    logits = torch.cat([target, target, 1 - target, 1 - target], dim=1) * 20 - 10
    unsure = torch.tensor([True])
    loss, single = decoder_loss(_output(logits), target, ambiguous_n=unsure, losses=losses)
    worst, _ = decoder_loss(
        _output(10 - logits[:, [1, 1, 1, 1]] * 2), target, ambiguous_n=unsure, losses=losses
    )
    assert single.tolist() == [1.0]
    assert loss < worst / 3


@pytest.mark.parametrize(
    "losses", [FROM_SCRATCH.losses, SAM2.losses, SHARP.losses], ids=lambda losses: losses.kind
)
def test_an_absent_object_is_judged_by_its_score_alone(losses: Losses) -> None:
    target = torch.zeros(1, 1, 16, 16)
    certain = torch.tensor([False])
    seen, _ = decoder_loss(
        _output(torch.randn(1, 4, 16, 16), 5.0), target, ambiguous_n=certain, losses=losses
    )
    gone, _ = decoder_loss(
        _output(torch.randn(1, 4, 16, 16), -5.0), target, ambiguous_n=certain, losses=losses
    )
    assert gone < 0.01 < seen


def _gradients(ambiguous: bool) -> torch.Tensor:
    """Gradient of each mask's logits where the third candidate is the best: (4,) sizes."""
    target = _target(1)
    logits = torch.cat([1 - target, 1 - target, 1 - target, target], dim=1) * 4 - 2
    logits.requires_grad_()
    loss, _ = decoder_loss(
        _output(logits), target, ambiguous_n=torch.tensor([ambiguous]), losses=SAM2.losses
    )
    loss.backward()
    assert logits.grad is not None
    return logits.grad.abs().sum(dim=(0, 2, 3))


def test_sam2_teaches_the_best_candidate_of_an_ambiguous_prompt_else_the_single_mask() -> None:
    assert (_gradients(ambiguous=True) > 0).tolist() == [False, False, False, True]
    assert (_gradients(ambiguous=False) > 0).tolist() == [True, False, False, False]


def test_weights_of_sam2_are_20_to_1_to_1_to_1() -> None:
    target = _target(1)
    logits = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    output = _output(logits, score=-1.0)
    loss, _ = decoder_loss(output, target, ambiguous_n=torch.tensor([False]), losses=SAM2.losses)
    single = logits[:, :1]
    quality = (1 - compute_iou(logits, target)).mean()
    occlusion = torch.log1p(torch.tensor(1.0).exp())
    expected = 20 * focal_loss(single, target) + dice_loss(single, target) + quality + occlusion
    torch.testing.assert_close(loss, expected[0, 0])


def test_focal_loss_hardly_counts_what_is_right_already() -> None:
    target = _target(1)
    easy, hard = target * 6 - 3, 1 - target * 2
    ratio = focal_loss(hard, target) / focal_loss(easy, target)
    assert ratio > 10 * balanced_bce(hard, target) / balanced_bce(easy, target)


def test_sharp_answers_cost_less_than_unsure_ones() -> None:
    """Focal loss hardly tells them apart, which leaves logits near 0."""
    target = _target()
    unsure, sharp = target * 2 - 1, target * 12 - 6
    gain = {
        loss: float((loss(unsure, target) - loss(sharp, target)).mean())
        for loss in (focal_loss, lambda logits, truth: boundary_bce(logits, truth, boundary=0.0))
    }
    plain, focused = sorted(gain.values(), reverse=True)
    assert plain > 10 * focused


def test_pixels_at_the_outline_weigh_more() -> None:
    target = _target(1)
    inner, rim = (target * 8 - 4 for _ in range(2))
    inner[:, :, 6:8, 5:7] = -4  # as many wrong cells inside as on the rim
    rim[:, :, 4, 3:7] = -4
    even = [float(boundary_bce(x, target, boundary=0.0)) for x in (inner, rim)]
    weighted = [float(boundary_bce(x, target, boundary=3.0)) for x in (inner, rim)]
    assert even[0] == pytest.approx(even[1])
    assert weighted[1] > 2 * weighted[0]


@pytest.mark.parametrize("ambiguous", [True, False])
def test_sharp_teaches_the_predicted_iou_of_every_mask(ambiguous: bool) -> None:
    target = _target(1)
    logits = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    output = _output(logits)._replace(ious_nm=torch.full((1, 4), 0.9, requires_grad=True))
    unsure = torch.tensor([ambiguous])
    decoder_loss(output, target, ambiguous_n=unsure, losses=SHARP.losses)[0].backward()
    assert output.ious_nm.grad is not None
    assert (output.ious_nm.grad.abs() > 0).all()
