"""Imports go down only, as the contracts in pyproject.toml say; lazy imports count too."""

from __future__ import annotations

import subprocess
import sys

from tests.support.data import ROOT


def test_every_contract_is_kept():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_importing_the_widget_does_not_import_torch():
    code = "import sys; from sam2widget import Sam2Widget; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


IMPORT_ALL = """
import importlib, pkgutil, sys
package, *left_out = sys.argv[1:]
folders = importlib.import_module(package).__path__
for module in pkgutil.walk_packages(folders, package + "."):
    if module.name not in left_out:
        importlib.import_module(module.name)
print(*{name.partition(".")[0] for name in sys.modules})
"""
NOTEBOOK = {"IPython", "anywidget", "comm", "ipycanvas", "ipykernel", "ipywidgets", "traitlets"}
LATE = {"ipycanvas", "matplotlib", "pycocotools"}
"""What a single feature needs."""
WITH_LATE = ["__main__", "plots", "export.plots", "widget.panel"]
"""Modules that are those features, which nothing imports before they are asked for."""


def imported_by(package: str, *left_out: str) -> set[str]:
    """Top-level packages that a process has, once it has imported all modules of a package."""
    code = [sys.executable, "-c", IMPORT_ALL, package, *left_out]
    return set(subprocess.check_output(code, cwd=ROOT, text=True).split())


def test_no_module_of_the_backend_brings_a_notebook():
    packages = imported_by("sam2_backend")
    assert "torch" in packages
    assert not packages & {"sam2widget", *NOTEBOOK, *LATE}


def test_libraries_of_one_feature_wait_until_it_is_used():
    packages = imported_by("sam2widget", *(f"sam2widget.{module}" for module in WITH_LATE))
    assert "anywidget" in packages
    assert not packages & LATE
