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
