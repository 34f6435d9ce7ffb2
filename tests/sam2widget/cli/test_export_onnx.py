"""`sam2widget export-onnx`, as a person runs it."""

from __future__ import annotations

import json

import pytest

from sam2widget.cli.main import main


@pytest.mark.slow
def test_a_network_is_exported_by_its_name(tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    pytest.importorskip("torch", minversion="2.6")
    folder = tmp_path / "deep" / "er"
    assert main(["export-onnx", str(folder), "--model", "nano", "--image-size", "64"]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" MB  ") == 4 and str(folder / "model.json") in printed
    model = json.loads((folder / "model.json").read_text())
    assert (model["name"], model["image_size"]) == ("nano", 64)
    for one in model["files"].values():
        session = onnxruntime.InferenceSession(folder / one["file"])
        assert [value.name for value in session.get_inputs()] == list(one["inputs"])


def test_what_is_missing_is_said_without_a_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sam2_backend.onnx.export.find_spec", lambda name: None)
    assert main(["export-onnx", str(tmp_path)]) == 1
    assert 'pip install "sam2widget[onnx]"' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_model_that_there_is_not_is_refused(tmp_path, capsys):
    assert main(["export-onnx", str(tmp_path), "--model", "nona"]) == 1
    assert "nona" in capsys.readouterr().err
