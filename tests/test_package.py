"""What is released: one version, small and quick to import, of licences that go together."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.conftest import find_missing
from tools import licences, lowest, release

ROOT = Path(__file__).parent.parent


def test_all_versions_are_one():
    assert release.version().count(".") == 2


@pytest.mark.parametrize("statement", ["import sam2widget", "from sam2widget import Sam2Widget"])
def test_heavy_libraries_are_imported_when_they_are_needed(statement):
    heavy = (
        *("torch", "scipy", "av", "ipycanvas", "matplotlib", "huggingface_hub", "pycocotools"),
        *("ray", "transformers"),
    )
    code = f"import sys; {statement}; print(*set({heavy}) & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("package", ["sam2widget", "sam2_backend"])
def test_what_is_imported_late_is_listed(package):
    late = "{*it.__all__} - {*dir(it)}"
    code = f"import sys, {package} as it; print({late}, 'torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set() False"


def test_the_front_end_is_small():
    static = ROOT / "sam2widget" / "static"
    sizes = {path.name: path.stat().st_size for path in static.iterdir()}
    assert sizes.keys() == {"widget.js", "widget.css"}
    assert sizes["widget.js"] < 140_000 and sizes["widget.css"] < 50_000


def test_every_licence_goes_with_ours():
    found = licences.licences()
    assert {"torch", "numpy", "anywidget", "ipycanvas", "av"} <= set(found)
    unknown = {name: one for name, one in found.items() if not licences.FREE.search(one[1])}
    assert not unknown


def test_the_lowest_versions_are_those_that_are_asked_for():
    assert lowest.TARGET.read_text(encoding="utf-8") == lowest.text(), "run python -m tools.lowest"


CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch"}


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    recipe = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(recipe)["requirements"]["run"][1:]
    asked = map(Requirement, lowest.read_project()["dependencies"])
    assert listed == [f"{CONDA_NAMES.get(one.name, one.name)} {one.specifier}" for one in asked]
    assert f"version: {release.version()}\n" in recipe


def test_what_tests_are_skipped_without_is_found(tmp_path, monkeypatch):
    installed = metadata.version

    def version(name):
        if name == "geff":
            raise metadata.PackageNotFoundError(name)
        return "1.0" if name == "roifile" else installed(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(release, "DECODER", tmp_path)
    found = set(find_missing())
    assert {
        "geff>=1.3.0.1.2",
        "roifile>=2023.8.30 (there is 1.0)",
        "js/decoder/sam2widget_decoder/static/decoder.js",
    } <= found
    assert not any(one.startswith(("numpy", "h5py", "pytest")) for one in found)


def test_a_complete_run_is_refused_where_a_library_is_missing():
    code = (
        "import sys, pytest; from importlib import metadata; real = metadata.version\n"
        "def version(name):\n"
        "    if name == 'geff': raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
        "sys.exit(pytest.main(['-n0', '--complete', '--collect-only', 'tests/test_words.py']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Tests would be skipped, since this is missing: geff>=" in ran.stderr


@pytest.mark.parametrize("absent", [None, *release.DECODER_LICENCES])
def test_a_wheel_without_a_licence_is_not_released(tmp_path, absent):
    code = {"sam2widget_decoder/__init__.py", *release.DECODER_NEEDED}
    licences = [name for name in release.DECODER_LICENCES if name != absent]
    wheel, sdist = tmp_path / "a.whl", tmp_path / "a.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in code | {f"a.dist-info/licenses/{name}" for name in licences}:
            archive.writestr(name, "")
    (tmp_path / "empty").touch()
    with tarfile.open(sdist, "w:gz") as archive:
        for name in {*code, *release.DECODER_LICENCES, "pyproject.toml", "README.md"}:
            archive.add(tmp_path / "empty", f"a/{name}")
    about = wheel, sdist, release.DECODER, ["sam2widget_decoder"], release.DECODER_NEEDED
    if absent is None:
        release.check_contents(*about, release.DECODER_LICENCES)
        return
    with pytest.raises(SystemExit, match=f"a.whl lacks .'{absent}'. in its .dist-info/licenses"):
        release.check_contents(*about, release.DECODER_LICENCES)


def test_the_licences_that_are_checked_are_those_that_are_declared():
    with (release.DECODER / "pyproject.toml").open("rb") as file:
        declared = lowest.tomllib.load(file)["project"]["license-files"]
    assert declared == list(release.DECODER_LICENCES)
