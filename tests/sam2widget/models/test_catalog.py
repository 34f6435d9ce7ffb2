"""The models to choose from, and what each takes."""

from __future__ import annotations

import pytest

from sam2widget.models.catalog import SIZES_BYTES, list_models
from sam2widget.models.loading import label_of


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """The file of a model, as if the hub's cache had it; of no other."""
    cached = {}
    monkeypatch.setattr("sam2_backend.checkpoints.hub.cached_file", cached.get)

    def add(name, size):
        cached[name] = tmp_path / name
        cached[name].write_bytes(bytes(size))

    return add


def test_the_bundled_model_comes_first_and_the_official_ones_by_size(cache):
    found = list_models()
    assert [one.name for one in found] == ["nano", *SIZES_BYTES]
    assert [one.state for one in found] == ["bundled", *["download"] * 4]
    assert found[0].size_bytes > 1e6
    assert [one.label for one in found[1:3]] == ["SAM 2.1 tiny", "SAM 2.1 small"]


def test_what_is_on_this_machine_says_so_with_its_own_size(cache):
    cache("sam2.1-hiera-large", 1000)
    cache("sam2-hiera-tiny", 500)
    found = {one.name: one for one in list_models()}
    assert found["sam2.1-hiera-large"].state == "cached"
    assert found["sam2.1-hiera-large"].size_bytes == 1000
    assert found["sam2-hiera-tiny"].label == "SAM 2.0 tiny"


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("sam2.1-hiera-base-plus", "SAM 2.1 base+"),
        ("sam2-hiera-large", "SAM 2.0 large"),
        ("nano", "nano"),
        ("me/sam2-cells", "me/sam2-cells"),
        (object(), "the model"),
    ],
)
def test_names_are_read_as_a_person_reads_them(model, label):
    assert label_of(model) == label


def test_a_file_is_called_by_its_name(tmp_path):
    path = tmp_path / "cells.safetensors"
    path.touch()
    assert label_of(path) == "cells.safetensors"
