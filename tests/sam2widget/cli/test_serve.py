"""`sam2widget serve` refuses what cannot be served, before it serves anything."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from filelock import FileLock

from sam2widget.cli.main import main


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((3, 6, 8, 3), np.uint8))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "--workers must be at least 1, got 0."),
        (["--keep", "-1"], "--keep must be at least 0, got -1.0."),
        (["--keep", "nan"], "--keep must be at least 0, got nan."),
        (["--no-token", "--ip", "0.0.0.0"], "Without a token, whoever reaches 0.0.0.0 could"),
        (["missing.mp4"], "missing.mp4"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(video, arguments, sentence, tmp_path, capsys):
    sessions = ["--sessions", str(tmp_path / "sessions")]
    assert main(["serve", video, *arguments, *sessions]) == 1
    assert sentence in capsys.readouterr().err


def test_a_folder_that_another_server_uses_is_refused(video, tmp_path, capsys):
    with FileLock(tmp_path / ".serve.lock"):
        assert main(["serve", video, "--sessions", str(tmp_path)]) == 1
    assert "two servers would write one session file" in capsys.readouterr().err


def test_a_port_that_is_in_use_is_a_sentence(video, tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", video, "--sessions", str(tmp_path), "--port", port]) == 1
    assert "choose another with --port or --ip" in capsys.readouterr().err
