"""Fine-tuning gains on what it did not learn from, leaves the rest alone, and says what it did."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam2_backend import CheckpointError, load_model, save_model
from sam2_backend.network.sam2 import Sam2Model
from sam2_backend.training import (
    PARTS,
    SAM2,
    Clip,
    DeviceSource,
    EvalSet,
    FinetuneReport,
    Metrics,
    evaluate,
    finetune_model,
)
from sam2_backend.training.datasets import VideoRecords
from sam2_backend.training.evaluation import compute_box, compute_iou, simulate_click

SIZE, SEQUENCE = 64, 4


class Rings:
    """A video of pale, grainy rings; which of them there are follows from the seed."""

    def __init__(self, seed: int) -> None:
        self.name = f"rings {seed}"
        self.seed = seed
        self.reads = 0

    def __len__(self) -> int:
        return SEQUENCE

    def read(self, positions: Sequence[int]) -> list[tuple[np.ndarray, dict[int, np.ndarray]]]:
        self.reads += 1
        return [self._frame(t) for t in positions]

    def _frame(self, t: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        rng = np.random.default_rng(self.seed)
        y, x = np.mgrid[:SIZE, :SIZE]
        picture = rng.normal(110, 12, (SIZE, SIZE, 3))
        masks = {}
        for obj, (cx, cy) in enumerate(((18, 18), (46, 20), (30, 46)), start=1):
            dx, dy = rng.uniform(-4, 4, 2)
            radius = rng.uniform(9, 12)
            distance = np.hypot(x - cx - dx - t, y - cy - dy)
            masks[obj] = distance < radius
            picture[np.abs(distance - radius) < 1.5] += 40
        return picture.clip(0, 255).astype(np.uint8), masks


def rings(*seeds: int, augment: bool = True) -> VideoRecords:
    return VideoRecords([Rings(seed) for seed in seeds], augment=augment, max_stride=1)


def nano() -> Sam2Model:
    return load_model("nano", "cpu", image_size=SIZE)


def tune(model: Sam2Model, out: Path, **options: Any) -> FinetuneReport:
    """A short one, of what differs from it."""
    quick: dict[str, Any] = {
        "held_out": rings(100, 101, augment=False),
        "steps": 4,
        "frames": 1,
        "evaluations": 2,
        "eval_clips": 3,
        "on_status": lambda _: None,
    }
    source = options.pop("source", rings(0, 1, 2))
    return finetune_model(model, source, out=out, **{**quick, **options})


def weights_of(model: Sam2Model) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.slow
def test_a_model_gains_on_clips_that_it_never_saw(tmp_path: Path) -> None:
    model = nano()
    held_out = rings(100, 101, augment=False)
    report = tune(
        model, tmp_path / "fine.safetensors", held_out=held_out, steps=30, learning_rate=1e-3
    )
    assert report.improved
    assert report.after.click > report.before.click + 0.1
    assert report.after.mean > report.before.mean + 0.1

    # Both are what anybody measures on the held-out clips, before and after.
    examples = EvalSet(held_out, clips=3)
    assert evaluate(nano(), examples) == report.before
    loaded = load_model(report.weights, "cpu")
    assert evaluate(loaded, examples) == evaluate(model, examples) == report.after
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert loaded.config == model.config
    assert not list(tmp_path.glob("*.run"))


@pytest.mark.slow
def test_a_source_on_the_device_trains_too(tmp_path: Path) -> None:
    records = [Rings(seed) for seed in range(6)]
    report = tune(
        nano(),
        tmp_path / "fine.safetensors",
        source=DeviceSource(records, side=SIZE, device="cpu", workers=1),
        steps=40,
        batch=6,
        learning_rate=1e-3,
    )
    assert report.after.mean > report.before.mean + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("parts", [("mask_decoder",), ("memory",)])
def test_what_does_not_learn_stays_to_the_bit(tmp_path: Path, parts: tuple[str, ...]) -> None:
    before = weights_of(nano())
    report = tune(
        nano(), tmp_path / "a.safetensors", parts=parts, learning_rate=1e-3, frames=3, steps=6
    )
    after = load_model(report.weights, "cpu").state_dict()
    learning = tuple(beginning for part in parts for beginning in PARTS[part])
    frozen = [key for key in before if not key.startswith(learning)]
    assert len(frozen) > 50
    assert all(torch.equal(after[key], before[key]) for key in frozen)
    assert report.before.tracked is not None and 0 <= report.before.tracked <= 1
    learnt = [key for key in before if key.startswith(learning)]
    changed = any(not torch.equal(after[key], before[key]) for key in learnt)
    assert changed == (report.best_step > 0), "the file has the best weights, new or not"


@pytest.mark.slow
def test_nothing_is_measured_on_what_is_learnt_from(tmp_path: Path) -> None:
    source, held_out = rings(0), rings(100, augment=False)
    drawn: list[tuple[str, bool]] = []

    class Watched:
        def __init__(self, name: str, inner: VideoRecords) -> None:
            self.name, self.inner = name, inner

        def draw(self, rng: np.random.Generator, **size: int) -> Clip:
            drawn.append((self.name, torch.is_grad_enabled()))
            return self.inner.draw(rng, **size)

    tune(
        nano(),
        tmp_path / "a.safetensors",
        source=Watched("learn", source),
        held_out=Watched("measure", held_out),
    )
    names = [name for name, _ in drawn]
    assert names.count("learn") == 4 * 2
    assert names.count("measure") == 3 * 3  # before, and twice on the way


@pytest.mark.slow
def test_a_model_that_is_not_helped_comes_back_as_it_was(tmp_path: Path) -> None:
    model = nano()
    before = weights_of(model)

    class Wrong:
        """Everything but the object."""

        def draw(self, rng: np.random.Generator, **size: int) -> Clip:
            clip = rings(0).draw(rng, **size)
            return Clip(clip.rgb_t3ss, ~clip.masks_tkss)

    report = tune(model, tmp_path / "a.safetensors", source=Wrong(), learning_rate=3e-3, steps=12)
    assert not report.improved
    assert report.best_step == 0
    assert report.after == report.before
    assert "No step made it better: the weights are those it began with." in str(report)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    loaded = load_model(report.weights, "cpu").state_dict()
    assert all(torch.equal(loaded[key], before[key]) for key in before)


@pytest.mark.slow
def test_it_stops_when_nothing_is_gained_any_more(tmp_path: Path) -> None:
    report = tune(
        nano(),
        tmp_path / "a.safetensors",
        steps=100,
        evaluations=100,
        patience=2,
        learning_rate=1e-12,
    )
    assert report.steps <= 4
    assert not report.interrupted
    assert f"{report.steps} of 100 steps" in str(report)


class Interrupting:
    """Drawing a clip of another source is, once, like pressing Ctrl-C."""

    def __init__(self, source: VideoRecords, *, at: int) -> None:
        self.source, self.left = source, at

    def draw(self, rng: np.random.Generator, **size: int) -> Clip:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        self.left -= 1
        return self.source.draw(rng, **size)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = tune(nano(), tmp_path / "whole.safetensors")

    out = tmp_path / "parts.safetensors"
    first = tune(nano(), out, source=Interrupting(rings(0, 1, 2), at=4))  # two clips a step
    assert first.interrupted
    assert first.steps == 3
    assert "the same call goes on" in str(first)
    assert (tmp_path / "parts.run").is_dir()

    second = tune(nano(), out)
    assert not (tmp_path / "parts.run").exists()
    assert dataclasses.replace(second, weights=whole.weights) == whole
    expected = load_model(whole.weights, "cpu").state_dict()
    for key, value in load_model(out, "cpu").state_dict().items():
        assert torch.equal(value, expected[key])


@pytest.mark.slow
def test_an_unfinished_run_of_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    tune(nano(), out, source=Interrupting(rings(0), at=2))
    with pytest.raises(ValueError, match=r"a\.run holds an unfinished run.*steps was 4, now 5"):
        tune(nano(), out, steps=5)
    with pytest.raises(ValueError, match=r"recipe\.box_share was 0\.5, now 0\.9"):
        tune(nano(), out, recipe=dataclasses.replace(SAM2, box_share=0.9))
    with pytest.raises(ValueError, match="what it is measured on, is another"):
        tune(nano(), out, held_out=rings(102, augment=False))


@pytest.mark.slow
def test_arguments_of_earlier_versions_are_taken_with_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.warns(DeprecationWarning) as warned:
        finetune_model(
            nano(),
            rings(0),
            held_out=rings(100, augment=False),
            out=tmp_path / "a.safetensors",
            steps=1,
            frames=1,
            evaluations=1,
            examples=1,
            say=said.append,
        )
    assert {str(one.message).split(";")[0] for one in warned} == {
        "examples= is now called eval_clips=",
        "say= is now called on_status=",
    }
    assert said[0].startswith("Before: ")
    with pytest.raises(TypeError, match="say= is the old name of on_status="):
        finetune_model(nano(), rings(0), held_out=rings(1), out="a", say=print, on_status=print)


def test_the_report_is_a_table_that_names_what_fell() -> None:
    before = Metrics(0.2, 0.5, 0.6, 0.7, None, 12)
    after = Metrics(0.6, 0.7, 0.8, 0.65, None, 12)
    report = FinetuneReport(
        "nano", ("mask_decoder",), Path("a.safetensors"), ((0, before), (50, after)), 60, 60
    )
    assert str(report) == "\n".join(
        [
            "nano, mask_decoder, 60 of 60 steps; mean IoU on 12 held-out objects:",
            "            before   after  change",
            "1 click      0.200   0.600  +0.400",
            "3 clicks     0.500   0.700  +0.200",
            "5 clicks     0.600   0.800  +0.200",
            "box          0.700   0.650  -0.050",
            "The weights are those of step 50, the best measured.",
            "Worse than before: box.",
            "Weights: a.safetensors",
        ]
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, "steps must be a whole number from 1 up, got 0"),
        ({"patience": "a"}, "patience must be a whole number from 1 up, got 'a'"),
        ({"evaluations": 0}, "evaluations must be a whole number from 1 up, got 0"),
        ({"parts": ("decoder",)}, r"Unknown parts \['decoder'\]: choose from"),
        ({"held_out": 0.25}, "held_out must be a source of clips, got 0.25"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_done(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        tune(nano(), tmp_path / "a.safetensors", **options)
    assert not list(tmp_path.iterdir())


def test_the_file_must_be_safetensors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"written as \.safetensors, got .*a\.pt"):
        tune(nano(), tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


def test_saved_weights_remember_the_size_they_were_trained_at(tmp_path: Path) -> None:
    model = nano()
    save_model(model.config, model.state_dict(), tmp_path / "a.safetensors")
    assert load_model(tmp_path / "a.safetensors", "cpu").config == model.config
    larger = load_model(tmp_path / "a.safetensors", "cpu", image_size=128)
    assert larger.config.image_size == 128


def test_an_object_that_is_drawn_twice_is_measured_once() -> None:
    quality = evaluate(nano(), EvalSet(rings(100, augment=False), clips=30, targets=3))
    assert quality.objects == 3 * SEQUENCE
    assert quality.tracked is None
    assert set(quality.figures) == {"1 click", "3 clicks", "5 clicks", "box"}


def test_each_click_goes_to_the_centre_of_the_largest_error() -> None:
    truth = np.zeros((20, 30), bool)
    truth[5:14, 4:25] = True
    nothing = np.zeros_like(truth)
    (_, y), label = simulate_click(nothing, truth)
    assert (y, label) == (9.5, 1)
    spilt = truth.copy()
    spilt[14:19, 6:17] = True
    point, label = simulate_click(spilt, truth)
    assert (point[1], label) == (16.5, 0)
    assert simulate_click(truth, truth)[1] == 1
    assert compute_box(truth) == (4, 5, 25, 14)
    assert compute_iou(nothing, nothing) == 1
    assert compute_iou(truth, nothing) == 0
