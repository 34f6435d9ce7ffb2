"""What one step teaches, on pictures and on clips."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend.kernels.runtime import Runtime
from sam2_backend.network.config import ModelConfig
from sam2_backend.network.prompt_encoder import BOX_END, BOX_START, NEGATIVE, PAD
from sam2_backend.network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from sam2_backend.network.transforms import normalize
from sam2_backend.predictors.video import VideoPredictor
from sam2_backend.training import FROM_SCRATCH, SAM2, Promptable, Stage, random_model
from sam2_backend.training.tasks.grouping import GroupingHead
from sam2_backend.training.tasks.interactive import (
    ClipMemory,
    draw_prompts,
    run_interactive_clip_step,
)
from sam2_backend.training.tasks.plans import (
    FirstFramePlan,
    ImagePlan,
    InteractivePlan,
    draw_interactive_plan,
)
from sam2_backend.training.tasks.promptable import reverse_clips
from sam2_backend.training.tasks.steps import run_clip_step, run_image_step
from sam2_backend.training.tasks.training_recipe import TrainingRecipe

from .conftest import SIZE, disc

MASKS = replace(SAM2, mask_share=1.0, reverse_share=0.0)
CLICKS = replace(SAM2, mask_share=0.0, box_share=0.0, reverse_share=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [FROM_SCRATCH, SAM2], ids=["scratch", "sam2"])
def test_twenty_steps_on_one_picture_lower_the_loss(
    config: ModelConfig, recipe: TrainingRecipe
) -> None:
    model = random_model(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    rgb, masks = disc(1)
    losses = []
    for _ in range(20):
        result = run_image_step(
            model, _encoded(model, rgb), masks[:, 0], plan=ImagePlan(1), recipe=recipe
        )
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        losses.append(float(result.loss.detach()))
    assert min(losses[-5:]) < 0.7 * losses[0]


@pytest.mark.parametrize("recipe", [FROM_SCRATCH, SAM2], ids=["scratch", "sam2"])
def test_every_part_of_the_network_learns_from_clips(
    config: ModelConfig, recipe: TrainingRecipe
) -> None:
    task = Promptable(random_model(config).train(), recipe)
    task.begin(Stage(1, SIZE, batch=1, targets=1, frames=3, corrections=1))
    rgb, masks = disc(3)
    for _ in range(8):  # the first prompt is a click, a box or a mask by chance
        task(rgb, masks).loss.backward()
    # One is in checkpoints and never read, the others wait for an object to disappear. The head
    # for people learns apart from the rest.
    unused = {"no_mem_pos_enc", "no_obj_ptr", "no_obj_embed_spatial"}
    parameters = task.network.named_parameters()
    unlearnt = {name for name, parameter in parameters if parameter.grad is None}
    assert {name for name in unlearnt if "person_head" not in name} <= unused


def test_measures_say_what_was_asked(config: ModelConfig) -> None:
    model = random_model(config).train()
    rgb, masks = disc(3)
    encoded = _encoded(model, rgb)
    plan = FirstFramePlan(1, from_mask=False, stride=1)
    first = run_clip_step(model, encoded, masks, plan=plan, recipe=FROM_SCRATCH).measures
    assert _said(first) - {"click", "box"} == {"corrected", "tracked"}
    assert len(_said(first) & {"click", "box"}) == 1  # there is one object
    mask = InteractivePlan(2, "mask", (0,), ())
    masked = run_interactive_clip_step(model, encoded, masks, plan=mask, recipe=MASKS).measures
    assert _said(masked) == {"tracked"}
    click = InteractivePlan(2, "click", (0,), (0,))
    clicked = run_interactive_clip_step(model, encoded, masks, plan=click, recipe=CLICKS).measures
    assert _said(clicked) == {"click", "corrected", "tracked"}


def _said(measures: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in measures.items() if not value.isnan()}


def test_training_remembers_as_the_predictor_does(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two frames prompted with masks, the others tracked: mask for mask the predictor's."""
    frames, prompted = 17, [0, 5]
    model = random_model(config).eval()
    with torch.no_grad():
        model.obj_ptr_tpos_proj.weight.mul_(20)  # so that a wrong time would be seen
        model.maskmem_tpos_enc.normal_()
    model.runtime = Runtime(torch.device("cpu"), torch.float32, memory_dtype=torch.float32)
    rng = np.random.default_rng(0)
    rgb = torch.from_numpy(rng.integers(0, 255, (1, frames, 3, SIZE, SIZE), dtype=np.uint8))
    masks = disc(frames)[1]

    logits: dict[int, torch.Tensor] = {}
    add = ClipMemory.add

    def record(memory: ClipMemory, t: int, selected: SelectedMask, *, conditioning: bool) -> None:
        logits[t] = selected.logits_n1hw
        add(memory, t, selected, conditioning=conditioning)

    monkeypatch.setattr(ClipMemory, "add", record)
    plan = InteractivePlan(0, "mask", tuple(prompted), ())
    with torch.no_grad():
        run_interactive_clip_step(model, _encoded(model, rgb), masks, plan=plan, recipe=MASKS)

    video = VideoPredictor(model, list(rgb[0].permute(0, 2, 3, 1).numpy()))
    for t in prompted:
        video.add_mask(t, 1, masks[0, t, 0].numpy())
    for result in video.propagate():
        expected = torch.from_numpy(result.logits[1])
        torch.testing.assert_close(logits[result.frame][0, 0], expected, rtol=1e-4, atol=1e-4)
    assert len(logits) == frames


def _encoded(model: Sam2Model, rgb_bt3ss: torch.Tensor) -> ImageFeatures:
    return model.encode_image(normalize(rgb_bt3ss.flatten(0, 1).float() / 255))


def test_plans_prompt_the_first_frame_and_leave_one_to_track() -> None:
    rng = random.Random(0)
    plans = [
        draw_interactive_plan(rng, SAM2, frames=frames, corrections=2)
        for frames in (2, 3, 8)
        for _ in range(100)
    ]
    assert all(plan.prompted[0] == 0 and len(plan.prompted) <= 2 for plan in plans)
    assert all(len(plan.corrected) == 0 for plan in plans if plan.prompt == "mask")
    assert all(set(p.prompted) <= set(p.corrected) for p in plans if p.prompt != "mask")
    assert {len(plan.prompted) for plan in plans[:100]} == {1}
    assert {len(plan.prompted) for plan in plans[200:]} == {1, 2}
    # A tracked frame is corrected, sometimes.
    assert any(set(plan.corrected) - set(plan.prompted) for plan in plans if plan.corrected)
    kinds = [plan.prompt for plan in plans]
    assert 110 < kinds.count("mask") < 190
    assert 45 < kinds.count("click") < 105 and 45 < kinds.count("box") < 105


def test_a_corrected_frame_conditions_the_ones_after_it(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model(config).train()
    seen: list[tuple[int, bool]] = []
    add = ClipMemory.add

    def record(memory: ClipMemory, t: int, selected: SelectedMask, *, conditioning: bool) -> None:
        seen.append((t, conditioning))
        add(memory, t, selected, conditioning=conditioning)

    monkeypatch.setattr(ClipMemory, "add", record)
    plan = InteractivePlan(2, "click", (0, 3), (0, 2, 3))
    rgb, masks = disc(4)
    encoded = _encoded(model, rgb)
    run_interactive_clip_step(model, encoded, masks, plan=plan, recipe=CLICKS).loss.backward()
    assert seen == [(0, True), (3, True), (1, False), (2, True)]


def test_an_absent_object_gets_a_negative_click() -> None:
    targets = torch.zeros(2, 1, 16, 16)
    targets[0, :, 4:8, 4:8] = 1
    _, labels = draw_prompts(targets, "box", SAM2)
    assert labels.tolist() == [[BOX_START, BOX_END], [NEGATIVE, PAD]]
    points, labels = draw_prompts(targets, "click", SAM2)
    assert points.shape == (2, 1, 2)
    assert labels[1].tolist() == [NEGATIVE]


def test_a_clip_whose_object_disappears_trains_its_score(config: ModelConfig) -> None:
    model = random_model(config).train()
    rgb, masks = disc(2)
    masks[:, 1:] = False
    encoded = _encoded(model, rgb)
    plan = InteractivePlan(1, "mask", (0,), ())
    result = run_interactive_clip_step(model, encoded, masks, plan=plan, recipe=MASKS)
    assert result.loss.isfinite()
    assert result.measures["tracked"].isnan()
    result.loss.backward()
    head = model.sam_mask_decoder.pred_obj_score_head.layers[-1]
    assert head.get_parameter("bias").grad.abs() > 0
    for mlp in model.sam_mask_decoder.output_hypernetworks_mlps:
        gradients = [p.grad for p in mlp.parameters()]
        assert all(g is None or not g.any() for g in gradients)


def test_time_runs_backward_where_objects_are_there_at_the_end() -> None:
    rgb, masks = (torch.cat([t, t]) for t in disc(4))
    masks[1, -1] = False
    turned_rgb, turned = reverse_clips(rgb, masks, share=1.0)
    assert (turned[0] == masks[0].flip(0)).all() and (turned_rgb[0] == rgb[0].flip(0)).all()
    assert (turned[1] == masks[1]).all() and (turned_rgb[1] == rgb[1]).all()
    same, _ = reverse_clips(rgb, masks, share=0.0)
    assert (same == rgb).all()


def test_grouping_trains_the_encoder_alone(
    config: ModelConfig,
) -> None:
    torch.manual_seed(0)
    model, grouping = random_model(config).train(), GroupingHead(config.hidden_dim)
    optimizer = torch.optim.AdamW([*model.parameters(), *grouping.parameters()], lr=2e-3)
    rgb, masks = disc(1)
    losses = []
    for _ in range(20):
        aux_loss = grouping(_encoded(model, rgb), masks[:, 0])
        optimizer.zero_grad()
        aux_loss.backward()
        optimizer.step()
        losses.append(float(aux_loss.detach()))
    assert min(losses[-5:]) < 0.5 * losses[0]
    assert all(p.grad is None for p in model.sam_mask_decoder.transformer.parameters())


def test_grouping_leaves_out_pixels_that_may_be_anything(config: ModelConfig) -> None:
    model, grouping = random_model(config), GroupingHead(config.hidden_dim)
    rgb, masks = disc(1)
    assert float(grouping(_encoded(model, rgb), torch.zeros_like(masks[:, 0])).detach()) == 0
