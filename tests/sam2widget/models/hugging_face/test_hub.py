"""Whatever keeps a model of transformers from being loaded, a sentence says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from sam2widget import Sam2Widget, SessionError
from sam2widget.models.hugging_face.hub import load_from_hub
from sam2widget.models.registry import load_by_family
from tests.support.hugging_face import need_transformers


@pytest.fixture(autouse=True)
def transformers(monkeypatch, tmp_path):
    need_transformers()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def refusal(model: str, video) -> str:
    with pytest.raises(SessionError) as error:
        load_by_family(f"hf:{model}", "cpu", video, lambda text: None)
    return str(error.value)


def test_a_folder_that_is_none(video, tmp_path):
    assert "There is no folder" in refusal(f"{tmp_path}/missing", video)
    assert "save_pretrained()" in refusal("./missing", video)
    assert "has no config.json" in refusal(str(tmp_path), video)


def test_a_model_that_does_not_track(video, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    sentence = refusal(str(tmp_path), video)
    assert "'vit'" in sentence and "Sam2VideoModel" in sentence
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no such thing"}))
    assert "no such thing" in refusal(str(tmp_path), video)
    (tmp_path / "config.json").write_text("{")
    assert str(tmp_path) in refusal(str(tmp_path), video)


def test_weights_that_are_missing(folders, video, tmp_path):
    (tmp_path / "config.json").write_bytes((folders["sam2_video"] / "config.json").read_bytes())
    assert "model.safetensors" in refusal(str(tmp_path), video)


def test_no_network(video, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    sentence = refusal("facebook/sam2.1-hiera-tiny", video)
    assert "HF_HUB_OFFLINE" in sentence and "a copy" in sentence
    assert "neither a folder nor an id" in refusal("two spaces/are too many", video)


def test_a_hub_that_does_not_answer(video, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    sentence = refusal("facebook/sam2.1-hiera-tiny", video)
    assert "does not answer" in sentence and "127.0.0.1:9" in sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [("GatedRepoError", "Ask for access"), ("RepositoryNotFoundError", "The hub has no")],
)
def test_models_that_the_hub_refuses(name, words, monkeypatch):
    # Of the version that transformers needs.
    error = getattr(import_module("huggingface_hub.errors"), name)
    response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))

    class Refused:
        @staticmethod
        def from_pretrained(source: str) -> None:
            try:
                raise error("no", response=response)
            except error as cause:
                # As transformers does.
                raise OSError(f"{source} cannot be had") from cause

    monkeypatch.setattr("transformers.Sam3Model", Refused)
    with pytest.raises(SessionError, match=words) as refused:
        load_from_hub("facebook/sam3", "Sam3Model")
    assert "https://huggingface.co/facebook/sam3" in str(refused.value)
    assert "hf auth login" in str(refused.value)


WITHOUT = """
import sys
sys.modules["transformers"] = None
import numpy as np
from sam2widget import Sam2Widget, SessionError
w = Sam2Widget(np.zeros((2, 32, 32, 3), np.uint8), "hf:facebook/sam2.1-hiera-tiny", autosave=False)
try:
    w.add_point(0, 5, 5)
except SessionError as error:
    print(error)
"""


def test_without_transformers_it_says_what_to_install():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    assert 'pip install "sam2widget[transformers]"' in ran.stdout


def test_a_widget_shows_the_sentence(clip, tmp_path):
    w = Sam2Widget(clip, f"hf:{tmp_path}/missing", autosave=False)
    try:
        with pytest.raises(SessionError, match="There is no folder"):
            w.add_point(0, 5, 5)
    finally:
        w.close()
