"""The loop learns, and a run that was interrupted ends as one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.training import CASES, StepCounter, count
from sam2_backend import training
from sam2_backend.checkpoints.loading import load_model
from sam2_backend.network.config import ModelConfig
from sam2_backend.network.sam2 import Sam2Model
from sam2_backend.training import (
    FROM_SCRATCH,
    SAM2,
    Assets,
    Clip,
    EfficientNetLite,
    Losses,
    Mixture,
    OptimizerConfig,
    Promptable,
    Stage,
    StepResult,
    SyntheticClips,
    Trainer,
    TrainingRecipe,
    random_model,
)
from sam2_backend.training.data.batches import load_batches
from sam2_backend.training.loop.curve import draw_curve
from sam2_backend.training.loop.optimizer import PARTS, build_optimizer
from sam2_backend.training.tasks.plans import ImagePlan

from .conftest import SIZE, disc

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


@pytest.mark.slow
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
        *("model", "ema", "optimizer", "aux_head", "stage", "step", "spent_s"),
        *("stages", "settings"),
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
    capfd: pytest.CaptureFixture[str],
) -> None:
    task = Promptable(random_model(config), FROM_SCRATCH)
    options: dict[str, Any] = {"log_every": 1, "workers": 0, "progress_bar": True}
    Trainer(task, STAGES[:1], source=source, out=tmp_path, **options).run()
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_budget_of_minutes_is_shared_by_the_stages_and_survives_an_interruption(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    stages = tuple(
        replace(STAGES[0], steps=0, share=share, batch=1, final_rate=0.0, warm_up=1)
        for share in (1.0, 3.0)
    )

    def trainer() -> Trainer:
        return Trainer(
            Promptable(random_model(config), FROM_SCRATCH),
            stages,
            source=source,
            out=tmp_path,
            log_every=1,
            workers=0,
            minutes=8 / 60,
        )

    first = trainer()
    assert (first.budget_s(0), first.budget_s(1)) == (2.0, 8.0)  # nothing is spent yet
    first.run(after_step=lambda: first.stage == 0 or first.step < 2)
    assert first.stage == 1 and first.step == 2
    spent = first.spent_s[0]
    assert spent >= 2
    second = trainer()
    assert (second.stage, second.step) == (1, 2)
    assert second.spent_s == first.spent_s
    # What the first stage took too long, the second has less.
    assert second.budget_s(1) == pytest.approx(8 - spent)
    second.run()
    assert second.stage == 2
    assert sum(second.spent_s) == pytest.approx(8, abs=3)  # one step longer at most
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    rates = [record["lr"] for record in records if record["stage"] == 1]
    assert rates[0] > 10 * rates[-1] and rates == sorted(rates, reverse=True)
    with pytest.raises(ValueError, match="minutes must be above 0"):
        Trainer(first.task, stages, source=source, out=tmp_path / "none", minutes=0)


def test_a_stage_and_a_recipe_that_cannot_be_are_refused() -> None:
    size = {"steps": 2, "image_size": 32, "batch": 2, "targets": 1}
    with pytest.raises(ValueError, match="accumulate must be a whole number from 1 up, got 0"):
        Stage(**size, accumulate=0)
    with pytest.raises(ValueError, match=r"share must be above 0, got -1\."):
        Stage(**size, share=-1)
    with pytest.raises(ValueError, match="prompted_frames must be a whole number from 1 up, got 0"):
        replace(training.SAM2, prompted_frames=0)


def test_a_batch_in_parts_gives_the_same_gradients(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    class Plain(Promptable):
        """Without chance: the same prompt whatever the batch."""

        def forward(self, rgb: Any, masks: Any, plan: Any = None) -> StepResult:
            encoded = self.model.encode_image(rgb.flatten(0, 1).float() / 255)
            loss = sum(level.square().mean() for level in encoded)
            return StepResult(loss, {"loud": encoded.s16.detach().mean()})

    weights = []
    for parts in (1, 3):
        stage = Stage(steps=2, image_size=SIZE, batch=4, targets=1, accumulate=parts)
        model = random_model(config)
        out = tmp_path / str(parts)
        Trainer(Plain(model), (stage,), source=source, out=out, workers=0).run()
        weights.append(model.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-3, atol=2e-4)


def test_a_batch_that_does_not_fit_is_computed_in_parts(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    class Small(Promptable):
        """As on a device whose memory suffices for two pictures."""

        def forward(self, rgb: Any, masks: Any, plan: Any = None) -> StepResult:
            if len(rgb) > 2:
                raise torch.cuda.OutOfMemoryError("out of memory")
            return super().forward(rgb, masks, plan)

    stage = Stage(steps=2, image_size=SIZE, batch=4, targets=1, corrections=(0, 1))
    task = Small(random_model(config), FROM_SCRATCH)
    trainer = Trainer(task, (stage,), source=source, out=tmp_path, workers=0, log_every=1)
    trainer.run()
    assert trainer.stage == 1 and trainer.num_micro_batches == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_no_step_waits_for_the_device(case: str, tmp_path: Path) -> None:
    counter, outside = count(case, tmp_path)
    assert not counter.waits
    # What is left to launch where a graph replays the rest.
    assert outside < 0.15 * counter.operations.total() or outside < 700


def test_the_counter_of_waits_sees_them() -> None:
    x = torch.rand(4)
    with StepCounter() as counter:
        float(x.sum())
        x[x > 0.5]
        torch.tensor([1.0])
        torch.multinomial(x, 1)
        x[torch.arange(2)]
    assert counter.waits.total() == 4
    assert counter.operations["sum"] == 1


def test_a_gradient_that_is_no_number_changes_nothing(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    class Overflowing(Promptable):
        def forward(self, rgb: Any, masks: Any, plan: Any = None) -> StepResult:
            result = super().forward(rgb, masks, plan)
            return StepResult(result.loss * float("inf"), result.measures)

    model = random_model(config)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    stage = replace(STAGES[0], steps=1)
    Trainer(Overflowing(model), (stage,), source=source, out=tmp_path, workers=0).run()
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())


def test_checkpoints_of_earlier_versions_go_on_and_others_are_refused(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path
) -> None:
    stages = (replace(STAGES[0], steps=2),)
    options: dict[str, Any] = {"source": source, "out": tmp_path, "workers": 0}
    trainer = Trainer(Promptable(random_model(config), FROM_SCRATCH), stages, **options)
    trainer.run(after_step=lambda: False)
    path = tmp_path / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    state["scaffold"] = state.pop("aux_head")
    del state["spent_s"], state["settings"]
    torch.save(state, path)
    resumed = Trainer(Promptable(random_model(config), FROM_SCRATCH), stages, **options)
    assert (resumed.stage, resumed.step) == (0, 1)
    resumed.run()

    wider = replace(config, hidden_dim=64)
    with pytest.raises(ValueError, match="run of another network, recipe or choice of parts"):
        Trainer(Promptable(random_model(wider), FROM_SCRATCH), stages, **options)
    with pytest.raises(ValueError, match="number of stages was 1, now 0"):
        Trainer(Promptable(random_model(config), FROM_SCRATCH), (), **options)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"recipe": SAM2}, r"recipe\.clip_protocol was 'first-frame', now 'interactive'"),
        ({"stages": (replace(STAGES[0], batch=4),)}, r"\(stages\[0\]\.batch was 2, now 4\)"),
        ({"stages": STAGES}, r"\(number of stages was 1, now 2\)"),
        ({"seed": 5}, r"\(seed was 0, now 5\)"),
        ({"ema": 0.9}, r"\(ema was 0\.999, now 0\.9\)"),
        ({"minutes": 1.0}, r"\(minutes was None, now 1\.0\)"),
        (
            {"optimizer_config": OptimizerConfig(parts=("memory",))},
            r"\(optimizer\.parts was \[\], now \['memory'\]\)",
        ),
    ],
)
def test_a_run_goes_on_with_its_own_settings_alone(
    config: ModelConfig,
    source: SyntheticClips,
    tmp_path: Path,
    changes: dict[str, Any],
    difference: str,
) -> None:
    def trainer(
        recipe: TrainingRecipe = FROM_SCRATCH,
        stages: tuple[Stage, ...] = STAGES[:1],
        model: Sam2Model | None = None,
        **options: Any,
    ) -> Trainer:
        task = Promptable(model or random_model(config), recipe)
        return Trainer(task, stages, source=source, out=tmp_path, workers=0, **options)

    trainer().save()
    model = random_model(config, seed=1)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=difference) as caught:
        trainer(model=model, **changes)
    assert "checkpoint.pt is of a run of other settings" in str(caught.value)
    assert "give another folder to start anew" in str(caught.value)
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())
    # What decides about memory and speed alone may change.
    sparing = (replace(STAGES[0], accumulate=2),)
    assert trainer(stages=sparing, recompute=True, log_every=7).stage == 0


def test_names_of_earlier_versions_are_taken_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="Practice is now called TrainingRecipe"):
        old = training.Practice
    assert old is TrainingRecipe
    with pytest.warns(DeprecationWarning, match="clips= is now called clip_protocol="):
        recipe = old(Losses("focal"), clips="interactive", center_bias=3)
    assert recipe == TrainingRecipe(Losses("focal"), "interactive", center_bias=3)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = training.Nothing


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_encoder_learns_to_predict_what_a_teacher_sees(config: ModelConfig) -> None:
    torch.manual_seed(0)
    task = Promptable(random_model(config), SAM2, teacher=EfficientNetLite())
    task.begin(STAGES[0])
    assert task.teacher is not None and not task.teacher.training
    rgb, masks = disc(1)
    at_16, at_32 = task.teacher(rgb[:, 0].float() / 255)
    assert at_16.shape == (1, 112, SIZE // 16, SIZE // 16)
    assert at_32.shape == (1, 320, SIZE // 32, SIZE // 32)
    optimizer, _ = build_optimizer(task.network, OptimizerConfig(), task.aux_head)
    taught = []
    for _ in range(12):
        result = task(rgb, masks, ImagePlan(0))
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        taught.append(float(result.measures["teacher"]))
    assert taught[-1] < 0.8 * taught[0]
    assert all(p.grad is None and not p.requires_grad for p in task.teacher.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="graphs are recorded on a GPU")
@pytest.mark.parametrize("stage", STAGES, ids=["picture", "clip"])
def test_graphs_train_as_steps_without_them_do(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path, stage: Stage
) -> None:
    weights = []
    for graphs in (True, False):
        model = random_model(config)
        trainer = Trainer(
            Promptable(model, FROM_SCRATCH),
            (replace(stage, steps=12),),
            source=source,
            out=tmp_path / str(graphs),
            device="cuda",
            precision=torch.float32,
            graphs=graphs,
            workers=0,
        )
        recorded: list[int] = []

        def after_step(trainer: Trainer = trainer, recorded: list[int] = recorded) -> bool:
            recorded.append(trainer.num_graphs)
            return True

        trainer.run(after_step=after_step)
        assert (recorded[-1] > 0) == graphs
        weights.append(model.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-2, atol=1e-3)
