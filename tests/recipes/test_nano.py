"""The recipe of the bundled model runs from data sets to a card, on a CPU too."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from sam2_backend import load_model, save_model
from sam2_backend.training import Pack
from sam2_backend.training.datasets import DatasetError

if sys.version_info < (3, 11):
    pytest.skip("the recipe reads TOML, which Python has from 3.11 on", allow_module_level=True)

RECIPE = Path(__file__).parents[2] / "recipes" / "nano"
SIDE = 64


def write_pair(path: Path, seed: int, shift: int = 0) -> None:
    """A noisy picture of two discs, and its label map with a void pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for obj, centre in enumerate(rng.uniform(14, 50, (2, 2)), start=1):
        labels[(x - centre[0] - shift) ** 2 + (y - centre[1]) ** 2 < 130] = obj
    picture = rng.normal(90, 10, (SIDE, SIDE, 3)) + np.array([0, 60, -60])[labels][..., None]
    labels[0, 0] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=90)
    Image.fromarray(labels).save(path.with_suffix(".png"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stills of a set of which some are held back, and two videos."""
    folder = tmp_path_factory.mktemp("data")
    for i in range(30):
        write_pair(folder / "coco_small" / f"{i:05d}.jpg", i)
    for name in ("bear", "boat"):
        for t in range(6):
            write_pair(folder / "davis2016_train" / name / f"{t:05d}.jpg", len(name), t)
    return folder


@pytest.fixture(scope="module")
def packed(data: Path) -> Path:
    out = data.parent / "pack"
    module("pack").pack(data, out, side=448, quality=70, sources=module("sources").read_sources())
    return out


def module(name: str) -> Any:
    """A part of the recipe, as its programs import it."""
    sys.path.insert(0, str(RECIPE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(RECIPE))


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(RECIPE / script), *map(str, arguments)]


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(RECIPE.parents[1])}


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        command(script, *arguments), capture_output=True, text=True, env=ENVIRONMENT, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_packs_hold_every_set_that_is_there(packed: Path) -> None:
    stills, clips = (Pack.open(packed / f"{name}.npz") for name in ("stills", "clips"))
    assert len(stills) == 30
    assert [(r.name, len(r)) for r in sorted(clips.records, key=lambda r: r.name)] == [
        ("davis2016_train/bear", 6),
        ("davis2016_train/boat", 6),
    ]
    ((_, masks),) = stills.records[0].read([0])
    assert masks.keys() <= {1, 2}  # 255 is nothing


def test_what_is_measured_on_is_never_packed(tmp_path: Path) -> None:
    for t in range(4):
        write_pair(tmp_path / "data" / "davis2016_train" / "camel" / f"{t:05d}.jpg", 0, t)
    sources = module("sources").read_sources()
    with pytest.raises(DatasetError, match="davis2016_train/camel: validation sequences"):
        module("pack").pack(
            tmp_path / "data", tmp_path / "pack", side=448, quality=70, sources=sources
        )
    assert not (tmp_path / "pack").exists()


@pytest.mark.slow
def test_one_command_trains_stops_and_goes_on_to_weights_and_a_card(
    packed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = "--minutes 0.15 --device cpu --size 128 --scale 0.012 --kept-side 64 --no-teacher"
    train = (packed, out, *options.split(), "--log-every", 1)
    first = subprocess.Popen(
        command("train.py", *train), stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert first.stdout is not None
    for line in first.stdout:
        if '"step": 1' in line:
            first.send_signal(signal.SIGTERM)
            break
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 0 and "the same command goes on" in said

    assert "Resumed at stage" in run("train.py", *train)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [record["stage"] for record in log] == sorted(record["stage"] for record in log)
    assert {record["stage"] for record in log} == {0, 1, 2, 3, 4}
    assert {record["size"] for record in log} == {64, 128}
    assert (out / "curve.png").stat().st_size > 1000
    model = load_model(out / "model.safetensors", "cpu")
    assert model.config.image_size == 128

    held = tmp_path / "held.json"
    said = run("evaluate.py", packed, out / "model.safetensors", "--pictures", 1, "--json", held)
    row = json.loads(held.read_text())["coco_small"]
    assert row["pictures"] == 1 and "coco_small" in said
    assert {"1 click", "box", "predicted IoU: correlation", "recall at IoU 0.5"} <= row.keys()

    card = tmp_path / "nano.md"
    frames = tmp_path / "frames.json"
    frames.write_text(json.dumps({"mean": {"1 click": 0.6, "frames/s": 5.0}}))
    run("card.py", packed, out, frames, held, card, "--curve", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
    text = card.read_text()
    assert "The photographs are other people's, from Flickr" in text
    assert "| coco_small | 30 |" in text and "| davis2016_train | 2 |" in text
    assert "coco_person" not in text


def test_every_source_says_what_it_is_and_what_its_licence_says(tmp_path: Path) -> None:
    sources = module("sources").read_sources()
    assert len(sources) == 24
    for source in sources.values():
        assert source.origin and source.licence and source.words and source.note
        assert (source.weight > 0 and source.photographs) or "coco" not in source.name
    with pytest.raises(ValueError, match=r"put it at .*rf_street by hand, as label-maps"):
        module("fetch").fetch(sources["rf_street"], tmp_path)


def test_an_archive_is_fetched_once_and_whole(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("DAVIS/ImageSets/2017/train.txt", "bear\n")
    sources = module("sources").read_sources()
    url = (tmp_path / "some.zip").as_uri()
    source = dataclasses.replace(sources["davis2017"], archives=(url,))
    module("fetch").fetch(source, tmp_path)
    (tmp_path / "some.zip").unlink()
    module("fetch").fetch(source, tmp_path)  # it is there
    assert sorted(p.name for p in tmp_path.iterdir()) == ["davis2017"]
    assert (tmp_path / "davis2017" / "DAVIS" / "ImageSets" / "2017" / "train.txt").is_file()


@pytest.mark.slow
def test_the_person_head_is_trained_again_by_one_command(tmp_path: Path) -> None:
    for name in ("coco_person", "rf_animals"):
        for i in range(6):
            write_pair(tmp_path / "data" / name / f"{i:05d}.jpg", i)
    pack, model = module("pack"), load_model("nano", "cpu")
    sources = module("sources").read_sources()
    pack.pack(tmp_path / "data", tmp_path / "pack", side=448, quality=70, sources=sources)
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    save_model(model.config, model.state_dict(), before)
    said = run("person_head.py", tmp_path / "pack", before, after, "--pictures", 4)
    assert "Wrote" in said
    old, new = load_file(before), load_file(after)
    changed = {key for key in old if not torch.equal(old[key].half(), new[key])}
    assert changed and all("person_head" in key for key in changed)
    with pytest.raises(ValueError, match=r"has \d pictures of one person and 0 without"):
        only = {name: one for name, one in sources.items() if name != "rf_animals"}
        module("person_head").choose_records(tmp_path / "pack", only, 0)
