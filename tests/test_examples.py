"""Every notebook of examples/ runs from top to bottom, without a browser."""

from __future__ import annotations

import runpy
from pathlib import Path

import nbformat
import pytest

from tests.support.hugging_face import need_transformers
from tools.gallery import NOTEBOOKS, find_pictures, picture_name, run_notebook

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").rglob("*.ipynb"))
REAL_RUNS = {"finetune.ipynb"}
"""Committed with what came out of a real run, which takes minutes; here they run quickly."""


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_MODEL", "nano")
    monkeypatch.setenv("SAM2WIDGET_QUICKLY", "1")
    monkeypatch.delenv("SAM2WIDGET_VIDEO", raising=False)
    notebook = run_notebook(path, tmp_path)
    drawn = [picture_name(path.stem, n) for n, _ in enumerate(find_pictures(notebook), 1)]
    kept = [file.name for file in (ROOT / "docs" / "gallery").glob(f"{path.stem}*.webp")]
    assert sorted(drawn) == sorted(kept if path.parent == NOTEBOOKS else [])


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_notebook_is_committed_without_outputs_unless_they_are_its_point(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    if path.name in REAL_RUNS:
        assert all(cell.execution_count for cell in cells)
        assert any("image/jpeg" in output.get("data", {}) for c in cells for output in c.outputs)
    else:
        assert not [cell.id for cell in cells if cell.outputs or cell.execution_count]


@pytest.mark.slow
def test_things_are_found_by_words(monkeypatch, capsys):
    need_transformers()
    monkeypatch.setenv("SAM2WIDGET_MODEL", "nano")
    runpy.run_path(str(ROOT / "examples" / "words.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "orange things" in said and "'orange thing': " in said and "'blue thing': " in said
    assert "proposal 1, zebra: " in said
