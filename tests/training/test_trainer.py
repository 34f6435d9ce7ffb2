"""The loop learns, and a run that was interrupted ends as one that was not."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sam2_backend.config import CONFIGS, ModelConfig
from sam2_backend.model import Sam2Model
from sam2_backend.training import Stage, Trainer
from sam2_backend.training.curve import draw_curve
from sam2_backend.training.steps import clip_step, image_step
from sam2_backend.training.trainer import initialise

SIZE = 64


@pytest.fixture
def config() -> ModelConfig:
    return replace(
        CONFIGS["nano"],
        embed_dim=16,
        stages=(1, 1, 2, 1),
        global_blocks=(3,),
        hidden_dim=32,
        decoder_mlp_dim=64,
        memory_dim=16,
        memory_mlp_dim=64,
        image_size=SIZE,
    )


def _disc(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright disc that moves right: (1, T, 3, S, S) uint8, (1, T, 1, S, S) bool."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    masks = torch.stack([(x - 24 - 4 * t) ** 2 + (y - 32) ** 2 < 200 for t in range(frames)])
    rgb = torch.where(masks[:, None], 220, 40).expand(-1, 3, -1, -1).to(torch.uint8)
    return rgb[None], masks[None, :, None]


def test_twenty_steps_on_one_picture_lower_the_loss(config: ModelConfig) -> None:
    torch.manual_seed(0)
    model = Sam2Model(config).train()
    initialise(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    rgb, masks = _disc(1)
    losses = []
    for _ in range(20):
        result = image_step(model, rgb[:, 0], masks[:, 0], corrections=1)
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        losses.append(float(result.loss.detach()))
    assert min(losses[-5:]) < 0.7 * losses[0]


def test_every_part_of_the_network_learns_from_clips(config: ModelConfig) -> None:
    torch.manual_seed(0)
    model = Sam2Model(config).train()
    initialise(model)
    rgb, masks = _disc(3)
    for _ in range(4):  # the first prompt is a click, a box or a mask by chance
        clip_step(model, rgb, masks, corrections=1).loss.backward()
    # One is in checkpoints and never read, the others wait for an object to disappear.
    unused = {"no_mem_pos_enc", "no_obj_ptr", "no_obj_embed_spatial"}
    silent = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert silent <= unused


STAGES = (
    Stage(steps=3, image_size=SIZE, batch=2, targets=2, corrections=1, warm_up=2),
    Stage(steps=2, image_size=SIZE, batch=1, targets=1, corrections=1, frames=3, warm_up=2),
)


def test_an_interrupted_run_ends_with_the_same_weights(
    config: ModelConfig, assets_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trainer(config, STAGES, assets=assets_folder, out=tmp_path / "whole", workers=0)
    whole.run()

    first = Trainer(config, STAGES, assets=assets_folder, out=tmp_path / "parts", workers=0)
    average = Trainer._average

    def stop_after_two(trainer: Trainer) -> None:
        average(trainer)
        trainer._stopping = trainer.step == 1

    monkeypatch.setattr(Trainer, "_average", stop_after_two)
    handler = signal.getsignal(signal.SIGINT)
    first.run()
    assert signal.getsignal(signal.SIGINT) is handler
    assert (first.stage, first.step) == (0, 2)
    monkeypatch.setattr(Trainer, "_average", average)
    second = Trainer(config, STAGES, assets=assets_folder, out=tmp_path / "parts", workers=0)
    assert (second.stage, second.step) == (0, 2)
    second.run()

    assert (second.stage, second.step) == (2, 0)
    for key, value in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[key], value, rtol=0, atol=0)
        torch.testing.assert_close(second.ema[key], whole.ema[key], rtol=0, atol=0)


def test_progress_is_logged_and_drawn(
    config: ModelConfig, assets_folder: Path, tmp_path: Path
) -> None:
    Trainer(config, STAGES[:1], assets=assets_folder, out=tmp_path, log_every=1, workers=0).run()
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3]
    assert all(record["loss"] > 0 for record in records)
    draw_curve(tmp_path / "log.jsonl", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
