"""`sam2widget train`, `finetune` and `pretrain`, as a person runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend import load_model
from sam2_backend.training import PARTS
from sam2_backend.training.datasets import (
    DATASET_FORMATS,
    open_dataset,
    open_davis,
    open_youtube_vos,
)
from sam2widget.cli.commands import training_arguments
from sam2widget.cli.main import main
from tests.sam2_backend.training.test_datasets import write_davis, write_youtube
from tests.sam2widget.training.test_finetuning import session

QUICK = ["--steps", "2", "--batch", "1", "--image-size", "64", "--device", "cpu", "--workers", "0"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures with masks: a pale square each."""
    folder = tmp_path / "own"
    for name in "images", "masks":
        (folder / name).mkdir(parents=True)
    for n in range(4):
        mask = np.zeros((48, 64), np.uint8)
        mask[10 : 30 + n, 8 + 4 * n : 30 + 4 * n] = 255
        rgb = np.random.default_rng(n).integers(0, 90, (48, 64, 3), np.uint8)
        Image.fromarray(rgb + (mask > 0)[..., None] * np.uint8(120)).save(
            folder / f"images/{n}.png"
        )
        Image.fromarray(mask).save(folder / f"masks/{n}.png")
    return folder


@pytest.mark.slow
def test_sessions_are_fine_tuned_on(tmp_path: Path, capsys) -> None:
    paths = [str(session(tmp_path, name, (0, 3), seed=n)) for n, name in enumerate("ab")]
    out = tmp_path / "fine.safetensors"
    assert main(["finetune", *paths, "--out", str(out), *QUICK]) == 0
    printed = capsys.readouterr().out
    assert "nano, mask_decoder, 2 of 2 steps" in printed
    assert "tracked" in printed
    assert f"Weights: {out}" in printed
    assert load_model(out, "cpu").config.image_size == 64


def test_a_data_set_is_fine_tuned_on(pictures: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "fine.safetensors"
    parts = ["--parts", "memory", "mask_decoder"]
    assert main(["finetune", str(pictures), "--out", str(out), *QUICK, *parts]) == 0
    printed = capsys.readouterr().out
    assert "nano, memory + mask_decoder, 2 of 2 steps; mean IoU on 1 held-out objects" in printed
    assert "tracked" not in printed  # stills


def test_what_was_pre_trained_is_trained_and_loads(pictures: Path, tmp_path: Path, capsys) -> None:
    trunk, out = tmp_path / "trunk", tmp_path / "run"
    assert main(["pretrain", "nano", "--data", str(pictures), "--out", str(trunk), *QUICK]) == 0
    assert f"--from-scratch --trunk {trunk}" in capsys.readouterr().out

    begin = ["train", "nano", "--from-scratch", "--trunk", str(trunk), "--data", str(pictures)]
    frozen = ["--parts", "mask_decoder"]
    assert main([*begin, "--out", str(out), *QUICK, *frozen]) == 0
    assert f"Wrote {out / 'model.safetensors'}" in capsys.readouterr().out
    model = load_model(out / "model.safetensors", "cpu")
    learned = torch.load(trunk / "checkpoint.pt", weights_only=True)["ema"]
    assert model.config.image_size == 64
    for key, value in model.image_encoder.trunk.state_dict().items():
        assert torch.equal(value, learned[f"trunk.{key}"])


@pytest.mark.slow
def test_a_model_is_trained_on_in_two_processes(tmp_path: Path) -> None:
    data, out = write_davis(tmp_path / "DAVIS"), tmp_path / "run"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = ["-m", "sam2widget", "train", "nano", "--data", str(data), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, *launcher, *command, *QUICK, "--frames", "2", "--targets", "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Wrote") == 1
    before = load_model("nano", "cpu").state_dict()
    after = load_model(out / "model.safetensors", "cpu").state_dict()
    moved = [float((after[key] - value).abs().max()) for key, value in before.items()]
    assert 0 < max(moved) < 1e-2


@pytest.mark.slow
def test_a_finished_run_is_not_begun_again(pictures: Path, tmp_path: Path, capsys) -> None:
    command = ["train", "nano", "--data", str(pictures), "--out", str(tmp_path / "run"), *QUICK]
    assert main(command) == 0
    first = load_model(tmp_path / "run/model.safetensors", "cpu").state_dict()
    assert main(command) == 0
    assert "Resumed at stage 1" in capsys.readouterr().out
    again = load_model(tmp_path / "run/model.safetensors", "cpu").state_dict()
    assert all(torch.equal(again[key], value) for key, value in first.items())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["finetune", "none.sam2.zip"], "session file none.sam2.zip cannot be opened"),
        (["finetune", "no/folder"], "There is no folder no/folder"),
        (["finetune", "{own}", "{own}"], "of a data set, give one folder"),
        (["finetune", "{own}", "--held-out", "2"], "above 0 and below 1, got 2.0"),
        (["finetune", "{own}", "--model", "sam9"], "Unknown model 'sam9'"),
        (["finetune", "{own}", "--out", "fine.pt"], "written as .safetensors, got the file name"),
        (["finetune", "{own}", "--image-size", "50"], "must be a multiple of 32, got 50"),
        (["train", "nano", "--out", "{out}", "--data", "{own}/images"], "no data set of a known"),
        (
            ["train", "nano", "--out", "{out}", "--data", "{own}", "--format", "coco"],
            "need annotations",
        ),
        (["train", "nano", "--out", "{out}", "--data", "{own}", "--trunk", "x"], "--from-scratch"),
        (
            ["train", "a.pt", "--out", "{out}", "--data", "{own}", "--from-scratch"],
            "Unknown network 'a.pt'",
        ),
        (
            [
                *["train", "nano", "--out", "{out}", "--data", "{own}", "--from-scratch"],
                *["--trunk", "{own}"],
            ],
            "--trunk is what --out was",
        ),
        (
            ["pretrain", "nano", "--out", "{out}", "--data", "{own}/none"],
            "none is not there: expected a",
        ),
        (["pretrain", "sam9", "--out", "{out}", "--data", "{own}"], "Unknown network 'sam9'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments, sentence, pictures, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [argument.format(own=pictures, out=tmp_path / "out") for argument in arguments]
    assert main([*arguments, *([] if "--image-size" in arguments else QUICK)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("sam2widget: ")
    assert sentence in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["finetune"], "PATH"),
        (["finetune", "x", "--steps", "0"], "'0' is no whole number above 0"),
        (["finetune", "x", "--rate", "fast"], "'fast' is no rate above 0 and below 1"),
        (["finetune", "x", "--parts", "decoder"], "invalid choice: 'decoder'"),
        (["train", "nano", "--data", "x", "--out", "y", "--format", "zip"], "invalid choice"),
        (["pretrain", "nano", "--data", "x"], "--out"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, sentence, capsys) -> None:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_data_set_is_known_by_what_is_there(pictures: Path, tmp_path: Path) -> None:
    davis, youtube = write_davis(tmp_path / "a"), tmp_path / "b"
    assert open_dataset(davis).records == open_davis(davis).records
    youtube.mkdir()
    write_youtube(youtube)
    assert open_dataset(youtube).records == open_youtube_vos(youtube).records
    assert len(open_dataset(pictures)) == 4
    assert len(open_dataset(pictures, "folder", indexed=True)) == 4


def test_the_terminal_knows_the_same_formats_and_parts() -> None:
    assert (*DATASET_FORMATS, "sessions") == training_arguments.DATA_FORMATS
    assert set(training_arguments.PARTS) == set(PARTS)
