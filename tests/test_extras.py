"""Where an optional library is missing, the sentence names an extra that brings it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from sam2_backend import export_onnx, load_model, open_video
from sam2_backend.extras import EXTRAS, install_command
from sam2_backend.training.tasks.teacher import EfficientNetLite
from sam2_backend.video import LiveVideo
from sam2widget.batch.ray import run_on_ray
from sam2widget.bridge.decoder_server import read_decoder_files
from sam2widget.cli.main import main
from sam2widget.models.hugging_face.hub import require_transformers
from tests.support.films import write_film
from tests.support.missing_library import hide_library
from tools.lowest import read_project

ROOT = Path(__file__).parent.parent
PACKAGES = ("sam2widget", "sam2_backend")
DISTRIBUTIONS = {"cv2": "opencv-python-headless"}
"""Packages whose modules are not called as they are."""
NEEDED = {
    "huggingface_hub",
    *("IPython", "PIL", "anywidget", "av", "contourpy", "ipycanvas", "ipywidgets"),
    *("matplotlib", "msgspec", "numpy", "pycocotools", "safetensors", "scipy", "tifffile"),
    *("torch", "tqdm", "traitlets", "typing_extensions", "yaml"),
}
"""Modules that are always there, IPython and typing_extensions through ipywidgets and torch."""
WITH_VOILA = {"filelock", "jinja2", "jupyter_client", "jupyter_server", "nbformat", "tornado"}
"""Imported by `serve` alone, whose command names its extra for each."""
HOSTS = {"marimo"}
"""Imported only where they run already."""
WITHOUT_EXTRA = {"fiftyone"}
"""Handed over to, but so large that no extra brings them."""


def imported(path: Path) -> Iterator[str]:
    """Names of the packages that a source imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (one.name.partition(".")[0] for one in names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.partition(".")[0]
            case ast.Call(func=called, args=[ast.Constant(value=str(module)), *_]):
                name = getattr(called, "id", getattr(called, "attr", ""))
                if name in ("import_module", "import_library", "import_extra"):
                    yield module.partition(".")[0]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_library_comes_with_the_extra_that_is_named():
    extras = read_project()["optional-dependencies"]
    for module, extra in EXTRAS.items():
        brought = {normalized(Requirement(one).name) for one in extras[extra]}
        assert normalized(DISTRIBUTIONS.get(module, module)) in brought, module
        assert install_command(f"{module}.part") == f'pip install "sam2widget[{extra}]"'


def test_every_library_that_is_imported_is_needed_or_has_an_extra():
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {name for path in sources for name in imported(path)} - sys.stdlib_module_names
    others = NEEDED | WITH_VOILA | HOSTS | WITHOUT_EXTRA | set(PACKAGES)
    assert found - others <= EXTRAS.keys()


def test_extras_are_named_by_one_function():
    """A sentence that writes one by itself could name an extra that there is not."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_sentence = re.search(r"pip install .?sam2widget\[", node.value)
                assert not is_sentence or path.name == "extras.py", path


def open_heic(folder: Path) -> None:
    (folder / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    open_video(folder / "a.heic")


def open_hdf5(folder: Path) -> None:
    (folder / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    open_video(folder / "a.h5")


def open_film(folder: Path) -> None:
    write_film(folder / "a.mp4", [np.zeros((32, 32, 3), np.uint8)])
    open_video(folder / "a.mp4", decoder="torchcodec")


TRIALS = {
    "cv2": lambda folder: LiveVideo(0),
    "fsspec": lambda folder: open_video("https://127.0.0.1:9/film.mp4"),
    "efficientnet_lite_pytorch": lambda folder: EfficientNetLite(),
    "h5py": open_hdf5,
    "onnx": lambda folder: export_onnx(load_model("nano", "cpu"), folder),
    "pillow_heif": open_heic,
    "ray": lambda folder: next(
        run_on_ray(
            [], device=None, workers=None, ship_videos=False, retries=0, on_frames=lambda n: None
        )
    ),
    "sam2widget_decoder": lambda folder: read_decoder_files(),
    "torchcodec": open_film,
    "transformers": lambda folder: require_transformers("That"),
}
"""What asks for the libraries that no other test is about."""


@pytest.mark.parametrize("module", TRIALS)
def test_a_library_that_is_missing_is_told_with_its_extra(module, tmp_path, monkeypatch):
    hide_library(monkeypatch, module)
    with pytest.raises((ValueError, ImportError)) as error:
        TRIALS[module](tmp_path)
    assert f'pip install "sam2widget[{EXTRAS[module]}]"' in str(error.value)


def test_serve_names_its_extra(monkeypatch, capsys, tmp_path):
    film = tmp_path / "a.mp4"
    film.write_bytes(bytes(9))
    hide_library(monkeypatch, "voila", "sam2widget.serve.server")
    assert main(["serve", str(film)]) == 1
    assert 'pip install "sam2widget[serve]"' in capsys.readouterr().err
