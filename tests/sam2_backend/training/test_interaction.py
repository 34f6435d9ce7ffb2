"""Simulated users click where a person would."""

from __future__ import annotations

import torch

from sam2_backend.network.prompt_encoder import BOX_END, BOX_START, NEGATIVE, PAD, POSITIVE
from sam2_backend.training.tasks.interaction import (
    draw_click,
    draw_corrective_click,
    draw_first_prompt,
)


def _square() -> torch.Tensor:
    mask = torch.zeros(32, 32)
    mask[8:20, 10:26] = 1
    return mask


def test_first_prompts_are_clicks_inside_or_boxes_around() -> None:
    torch.manual_seed(0)
    points, labels = draw_first_prompt(
        _square().expand(64, -1, -1), size=128, box_share=0.35, center_bias=4
    )
    is_box = labels[:, 0] == BOX_START
    assert 0 < is_box.sum() < 64
    assert (labels[is_box, 1] == BOX_END).all()
    assert (labels[~is_box] == torch.tensor([POSITIVE, PAD])).all()
    clicks = points[~is_box, 0]
    assert (clicks >= torch.tensor([40.0, 32.0])).all()
    assert (clicks < torch.tensor([104.0, 80.0])).all()
    corners = points[is_box].mean(dim=0)
    torch.testing.assert_close(
        corners, torch.tensor([[40.0, 32.0], [104.0, 80.0]]), atol=6.0, rtol=0.0
    )


def test_corrections_take_away_what_is_too_much_and_add_what_is_missing() -> None:
    truth = _square()[None]
    _, labels = draw_corrective_click(truth, torch.zeros_like(truth), size=128, center_bias=4)
    assert labels.tolist() == [[POSITIVE]]
    too_much = truth.clone()
    too_much[:, 22:30, 2:10] = 1
    points, labels = draw_corrective_click(truth, too_much, size=128, center_bias=4)
    assert labels.tolist() == [[NEGATIVE]]
    x, y = points[0, 0].tolist()
    assert 8 <= x < 40 and 88 <= y < 120


def test_a_perfect_mask_is_confirmed() -> None:
    truth = _square()[None]
    _, labels = draw_corrective_click(truth, truth, size=128, center_bias=4)
    assert labels.tolist() == [[POSITIVE]]


def test_an_empty_region_is_clicked_anywhere() -> None:
    points = draw_click(torch.zeros(4, 32, 32), size=128, center_bias=4)
    assert ((points >= 0) & (points <= 128)).all()


def test_clicks_can_prefer_the_inside_of_a_region() -> None:
    torch.manual_seed(0)
    masks = _square().expand(400, -1, -1)
    centre = torch.tensor([72.0, 56.0])
    anywhere, inside = (
        (draw_click(masks, size=128, center_bias=power) - centre).norm(dim=1).mean()
        for power in (0, 4)
    )
    assert inside < 0.8 * anywhere
