"""The loop learns, and a run that was interrupted ends as one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend.checkpoint import load_model
from sam2_backend.config import ModelConfig
from sam2_backend.training import (
    FROM_SCRATCH,
    SAM2,
    Assets,
    Clip,
    Mixture,
    OptimizerConfig,
    Promptable,
    Stage,
    SyntheticClips,
    Trainer,
    random_model,
)
from sam2_backend.training.batches import load_batches
from sam2_backend.training.curve import draw_curve
from sam2_backend.training.optimizer import PARTS, build_optimizer

from .conftest import SIZE

STAGES = (
    Stage(steps=3, image_size=SIZE, batch=2, targets=2, corrections=1, warm_up=2),
    Stage(steps=2, image_size=SIZE, batch=1, targets=1, corrections=1, frames=3, warm_up=2),
)


class _Interrupting:
    """Clips of another source; drawing one of them is like pressing Ctrl-C."""

    def __init__(self, source: SyntheticClips, *, at: int) -> None:
        self.source, self.left = source, at

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        self.left -= 1
        return self.source.draw(rng, size=size, frames=frames, targets=targets)


def test_an_interrupted_run_ends_with_the_same_weights(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    whole = Trainer(
        Promptable(random_model(config), FROM_SCRATCH),
        STAGES,
        source=source,
        out=tmp_path / "whole",
        workers=0,
    )
    whole.run()

    handler = signal.getsignal(signal.SIGINT)
    first = Trainer(
        Promptable(random_model(config), FROM_SCRATCH),
        STAGES,
        source=_Interrupting(source, at=3),  # two clips a step
        out=tmp_path / "parts",
        workers=0,
    )
    first.run()
    assert signal.getsignal(signal.SIGINT) is handler
    assert (first.stage, first.step) == (0, 2)
    second = Trainer(
        Promptable(random_model(config, seed=1), FROM_SCRATCH),
        STAGES,
        source=source,
        out=tmp_path / "parts",
        workers=2,  # nor does it matter who draws
    )
    assert (second.stage, second.step) == (0, 2)
    second.run()

    assert (second.stage, second.step) == (2, 0)
    for key, value in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[key], value, rtol=0, atol=0)
        torch.testing.assert_close(second.ema[key], whole.ema[key], rtol=0, atol=0)


def test_a_checkpoint_has_what_exports_read(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    model = random_model(config)
    Trainer(Promptable(model, SAM2), STAGES[1:], source=source, out=tmp_path, workers=0).run()
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state.keys() == {
        *("model", "ema", "optimizer", "aux_head", "stage", "step", "spent_s", "stages")
    }
    assert state["ema"].keys() == state["model"].keys() == model.state_dict().keys()
    # Two groups, as ever: weights that decay and others.
    assert [group["weight_decay"] for group in state["optimizer"]["param_groups"]] == [0.02, 0.0]


def test_progress_is_logged_and_drawn(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    task = Promptable(random_model(config), FROM_SCRATCH)
    Trainer(task, STAGES[:1], source=source, out=tmp_path, log_every=1, workers=0).run()
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3]
    assert all(record["loss"] > 0 for record in records)
    draw_curve(tmp_path / "log.jsonl", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_a_bar_takes_the_place_of_log_lines(
    config: ModelConfig,
    source: SyntheticClips,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Trainer, "_shows_bar", lambda _: True)
    task = Promptable(random_model(config), FROM_SCRATCH)
    Trainer(task, STAGES[:1], source=source, out=tmp_path, log_every=1, workers=0).run()
    out, bar = capfd.readouterr()
    assert out == ""
    assert "Stage 0" in bar and "3/3" in bar and "loss=" in bar
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


def test_a_loaded_model_is_trained_on(source: SyntheticClips, tmp_path: Path) -> None:
    model = load_model("nano", "cpu")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    stage = replace(STAGES[1], steps=1, learning_rate=1e-5)
    Trainer(Promptable(model), (stage,), source=source, out=tmp_path, workers=0).run()
    after = model.state_dict()
    moved = {key: float((after[key] - value).abs().max()) for key, value in before.items()}
    assert 0 < max(moved.values()) < 1e-4  # it began from what was loaded
    assert model.config.image_size == SIZE


def test_pictures_take_their_share_of_the_steps(source: SyntheticClips) -> None:
    stage = Stage(steps=60, image_size=32, batch=1, targets=1, frames=2, picture_share=0.5)
    lengths = [
        [
            rgb.shape[1]
            for rgb, _ in load_batches(
                source,
                stage,
                seed=0,
                rank=rank,
                start=0,
                workers=0,
                device=torch.device("cpu"),
            )
        ]
        for rank in (0, 1)
    ]
    assert lengths[0] == lengths[1]
    assert 15 < lengths[0].count(1) < 45


@pytest.mark.parametrize("part", PARTS)
def test_only_the_parts_that_are_named_change(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path, part: str
) -> None:
    model = random_model(config)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    Trainer(
        Promptable(model, FROM_SCRATCH),
        (replace(STAGES[1], steps=1),),
        source=source,
        out=tmp_path,
        optimizer_config=OptimizerConfig(parts=(part,)),
        workers=0,
    ).run()
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert changed
    assert all(key.startswith(PARTS[part]) for key in changed)


def test_every_parameter_belongs_to_one_part(config: ModelConfig) -> None:
    names = [name for name, _ in random_model(config).named_parameters()]
    owners = [[part for part, begin in PARTS.items() if name.startswith(begin)] for name in names]
    assert all(len(parts) == 1 for parts in owners)
    with pytest.raises(ValueError, match=r"Unknown parts \['decoder'\]: choose from"):
        OptimizerConfig(parts=("decoder",))


def test_early_layers_of_the_encoder_learn_slowest(config: ModelConfig) -> None:
    model = random_model(config)
    optimizer, shares = build_optimizer(model, OptimizerConfig(encoder_rate=0.5, layer_decay=0.9))
    of = {
        id(parameter): share
        for group, share in zip(optimizer.param_groups, shares, strict=True)
        for parameter in group["params"]
    }
    trunk = model.image_encoder.trunk
    assert len(of) == len(list(model.parameters()))
    assert of[id(model.no_obj_ptr)] == 1.0
    assert of[id(model.image_encoder.neck.convs[0].get_parameter("conv.bias"))] == 0.5
    assert of[id(trunk.blocks[4].get_parameter("norm1.bias"))] == pytest.approx(0.5 * 0.9)
    assert of[id(trunk.blocks[0].get_parameter("norm1.bias"))] == pytest.approx(0.5 * 0.9**5)
    assert of[id(trunk.pos_embed)] == pytest.approx(0.5 * 0.9**6)


def test_recomputing_activations_changes_nothing_but_memory(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    plain, sparing = (
        Trainer(
            Promptable(random_model(config), FROM_SCRATCH),
            STAGES[1:],
            source=source,
            out=tmp_path / str(recompute),
            recompute=recompute,
            workers=0,
        )
        for recompute in (False, True)
    )
    plain.run()
    sparing.run()
    assert not any("forward" in vars(module) for module in sparing.network.modules())
    for key, value in plain.network.state_dict().items():
        torch.testing.assert_close(sparing.network.state_dict()[key], value)


@pytest.mark.parametrize("stage", STAGES, ids=["picture", "clip"])
def test_bfloat16_keeps_weights_and_losses_in_float32(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path, stage: Stage
) -> None:
    for recipe in (FROM_SCRATCH, SAM2):
        trainer = Trainer(
            Promptable(random_model(config), recipe),
            (stage,),
            source=source,
            out=tmp_path / recipe.clip_protocol,
            precision=torch.bfloat16,
            recompute=True,
            workers=0,
        )
        trainer.run()
        assert {value.dtype for value in trainer.network.state_dict().values()} == {torch.float32}
        assert all(value.isfinite().all() for value in trainer.ema.values())


def test_a_mixture_draws_by_weight() -> None:
    class Plain:
        def __init__(self, value: int) -> None:
            self.value = value

        def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
            shape = (frames, targets, size, size)
            return Clip(
                np.full((frames, 3, size, size), self.value, np.uint8), np.ones(shape, bool)
            )

    mixture = Mixture([(Plain(0), 1.0), (Plain(1), 3.0)])
    rng = np.random.default_rng(0)
    drawn = [mixture.draw(rng, size=4, frames=1, targets=1).rgb_t3ss.mean() for _ in range(400)]
    assert 0.68 < np.mean(drawn) < 0.82
    with pytest.raises(ValueError, match="weights above 0"):
        Mixture([])


_RUN = """
import sys
from pathlib import Path
import torch
from sam2_backend.training import *
out = Path(sys.argv[2])
config = torch.load(out / "config.pt", weights_only=False)
steps, workers = int(sys.argv[3]), int(sys.argv[4])
stage = Stage(steps=steps, image_size=64, batch=1, targets=1, frames=3, warm_up=2, corrections=1)
trainer = Trainer(
    Promptable(random_model(config), SAM2), (stage,),
    source=SyntheticClips(Assets(Path(sys.argv[1]))), out=out, log_every=1, workers=workers,
    device="cpu", recompute=True,
)
trainer.run()
torch.save(trainer.network.state_dict(), out / f"{trainer.context.rank}.pt")
"""


_ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def _command(
    config: ModelConfig, assets: Path, out: Path, *, steps: int, workers: int
) -> list[str]:
    torch.save(config, out / "config.pt")
    (out / "run.py").write_text(_RUN)
    return [sys.executable, *map(str, (out / "run.py", assets, out, steps, workers))]


def test_a_signal_to_the_whole_group_saves_first(
    config: ModelConfig, assets_folder: Path, tmp_path: Path
) -> None:
    run = subprocess.Popen(
        _command(config, assets_folder, tmp_path, steps=100_000, workers=2),
        env=_ONE_THREAD,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert b'"step": 1' in run.stdout.readline()
    os.killpg(run.pid, signal.SIGTERM)
    run.communicate(timeout=120)
    assert run.returncode == 0
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["stage"] == 0 and state["step"] >= 1


def test_two_processes_train_one_network_on_clips_of_their_own(
    config: ModelConfig, assets_folder: Path, tmp_path: Path
) -> None:
    command = _command(config, assets_folder, tmp_path, steps=2, workers=0)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [command[0], *launcher, *command[1:]],
        env=_ONE_THREAD,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["model"]
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=0, atol=0)
        torch.testing.assert_close(saved[key], value, rtol=0, atol=0)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2

    alone = Trainer(
        Promptable(random_model(config), SAM2),
        STAGES[1:],
        source=SyntheticClips(Assets(assets_folder)),
        out=tmp_path / "alone",
        workers=0,
    )
    alone.run()
    assert any(not first[k].equal(v) for k, v in alone.network.state_dict().items())
