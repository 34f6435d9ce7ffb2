"""Whatever path or name a command is given, it ends with a sentence and says so in its status."""

from __future__ import annotations

import pytest

from sam2widget.cli.commands import COMMANDS
from sam2widget.cli.main import main

PATHS = {
    "demo": ["demo", "--video", "{path}", "--click", "0,1,1", "--out", "{out}"],
    "serve": ["serve", "{path}", "--port", "0", "--sessions", "{out}"],
    "propagate": ["propagate", "{path}", "--out", "{out}"],
    "export": ["export", "{path}", "{out}.npz"],
    "finetune": ["finetune", "{path}", "--out", "{out}.safetensors"],
    "train": ["train", "nano", "--data", "{path}", "--out", "{out}"],
    "pretrain": ["pretrain", "nano", "--data", "{path}", "--out", "{out}"],
}
"""Command lines with what is read."""
MODELS = {
    "demo": ["demo", "--model", "{model}", "--out", "{out}"],
    "serve": ["serve", "{film}", "--port", "0", "--sessions", "{out}", "--model", "{model}"],
    "propagate": ["propagate", "{film}", "--out", "{out}", "--model", "{model}"],
    "export-onnx": ["export-onnx", "{out}", "--model", "{model}"],
    "finetune": ["finetune", "{film}", "--out", "{out}.safetensors", "--model", "{model}"],
    "train": ["train", "{model}", "--data", "{film}", "--out", "{out}"],
    "pretrain": ["pretrain", "{model}", "--data", "{film}", "--out", "{out}"],
}
"""Command lines with a model."""
NAMES = ["missing.mp4", "missing.sam2.zip", "empty.mp4", "empty.sam2.zip", "empty.json", "folder"]
NAMES += ["text.sam2.zip", "text.txt", "missing/deep.mp4", "text.txt/below.mp4"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("empty.mp4", "empty.sam2.zip", "empty.json", "empty.pt", "empty.safetensors"):
        (tmp_path / name).touch()
    for name in ("text.sam2.zip", "text.txt"):
        (tmp_path / name).write_text("hello\n")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said_of(capsys, line: list[str], **given: str) -> str:
    """The one sentence that a command line ends with."""
    given = {"out": "out", "film": "film.mp4", **given}
    status = main([part.format(**given) for part in line])
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 1 and len(said) == 1, said
    sentence = said[0].removeprefix("sam2widget: ")
    assert sentence != said[0] and sentence.endswith((".", "?")), sentence
    assert "Errno" not in sentence and "Error:" not in sentence
    return sentence


def test_every_command_that_reads_or_loads_is_tried():
    assert {*PATHS, *MODELS, "versions"} == set(COMMANDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", PATHS)
def test_what_cannot_be_read_is_named(folder, capsys, command, name):
    assert name in said_of(capsys, PATHS[command], path=name)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("command", MODELS)
@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("nanno", "'nanno'"),
        ("", "''"),
        ("missing.pt", "missing.pt"),
        ("empty.pt", "empty.pt"),
        ("folder", "folder"),
    ],
)
def test_a_model_that_there_is_not_is_refused_at_the_start(
    folder, capsys, command, model, sentence
):
    said = said_of(capsys, MODELS[command], model=model)
    assert sentence in said and "film.mp4" not in said
    if model == "nanno":
        assert "Did you mean 'nano'?" in said or (command == "pretrain" and "nano, " in said)


@pytest.mark.parametrize("command", ["demo", "export-onnx"])
@pytest.mark.parametrize("model", ["text.txt", "empty.safetensors"])
def test_a_file_that_holds_no_weights_is_named(folder, capsys, command, model):
    assert model in said_of(capsys, MODELS[command], model=model)


@pytest.mark.parametrize("command", MODELS)
@pytest.mark.parametrize("out", ["text.txt", "text.txt/below"])
def test_a_file_where_a_folder_is_to_be_written_is_told_before_the_work(
    folder, capsys, command, out
):
    line = [part.replace("{out}.safetensors", "{out}/a.safetensors") for part in MODELS[command]]
    said = said_of(capsys, line, model="nano", out=out)
    assert "is a folder to write to, and " in said and "text.txt is a file" in said


@pytest.mark.parametrize("command", ["demo", "serve", "propagate"])
@pytest.mark.parametrize("option", ["--memory", "--device", "--devices"])
def test_a_policy_or_a_device_that_there_is_not_is_refused_at_the_start(
    folder, capsys, command, option
):
    if (command, option) in {("demo", "--memory"), ("demo", "--devices"), ("serve", "--device")}:
        pytest.skip("The command has no such option.")
    said = said_of(capsys, [*MODELS[command], option, "nope"], model="nano")
    assert "'nope'" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_is_for(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert COMMANDS[command].DESCRIPTION in text
