"""Imports go down only. Read from the source, so that a lazy import counts too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FACES = {"widget", "panel", "cli", "training_commands", "__main__", "demo"}
PLAIN = {f"sam2_backend.{name}" for name in ("video", "mask_input", "mask_values", "run_lengths")}
"""Parts of the backend without torch."""
NOTEBOOK = {
    "IPython",
    "anywidget",
    "comm",
    "ipycanvas",
    "ipywidgets",
    "jupyter_client",
    "traitlets",
}


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, anywhere in it."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports_of(path)}


def backend_of(path: Path) -> set[str]:
    """What a module imports of torch and the backend, but for sources of frames and masks: those
    know neither torch nor a notebook."""
    return {
        imported
        for imported in imports_of(path)
        if imported.split(".")[0] in {"torch", "sam2_backend"}
        and ".".join(imported.split(".")[:2]) not in PLAIN
    }


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_reader_sees_relative_and_lazy_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    source = tmp_path / "pkg" / "room.py"
    source.parent.mkdir()
    source.write_text(
        "from .below import x\ndef f():\n    import torch.nn\n    from . import side\n"
    )
    found = set(imports_of(source))
    assert {"pkg.below", "pkg.below.x", "torch.nn", "pkg.side"} <= found


@pytest.mark.parametrize("path", modules("sam2_backend"), ids=name)
def test_the_backend_knows_nothing_of_notebooks(path):
    assert not tops(path) & (NOTEBOOK | {"sam2widget"})


@pytest.mark.parametrize("path", modules("sam2widget"), ids=name)
def test_torch_and_the_backend_are_reached_through_the_segmenter_and_training_alone(path):
    # A tensor may be given as a video, but is then known by its looks. Training is a wing of
    # its own.
    if path.name not in {"sam2_segmenter.py", "finetuning.py", "training_commands.py"}:
        assert not backend_of(path)


@pytest.mark.parametrize("path", modules("sam2widget"), ids=name)
def test_no_room_imports_a_face(path):
    faces = {f"sam2widget.{face}" for face in FACES - {"__main__"}}
    allowed = FACES | {"__init__"}
    if path.stem not in allowed:
        assert not faces & set(imports_of(path))


@pytest.mark.parametrize(
    "room",
    [
        *("session", "session_view", "history", "masks", "codecs", "protocol", "records", "plan"),
        *("session_edits", "session_prompts", "session_propagation", "session_proposals"),
        *("session_review", "painting", "review", "autosave"),
        *("archive", "saved_session", "session_document", "session_file", "training_data"),
    ],
)
def test_the_rooms_below_the_widget_are_plain_python(room):
    path = ROOT / "sam2widget" / f"{room}.py"
    assert not tops(path) & NOTEBOOK and not backend_of(path)


@pytest.mark.parametrize(
    "path",
    [
        *modules("sam2_backend/video"),
        *(path for path in modules("sam2_backend") if f"sam2_backend.{path.stem}" in PLAIN),
    ],
    ids=name,
)
def test_sources_of_frames_and_masks_know_neither_torch_nor_the_network(path):
    assert "torch" not in tops(path)
    assert all(
        ".".join(imported.split(".")[:2]) in PLAIN
        for imported in imports_of(path)
        if imported.startswith("sam2_backend")
    )


@pytest.mark.parametrize("path", [*modules("sam2widget"), *modules("sam2_backend")], ids=name)
def test_nothing_draws_through_global_state(path):
    assert not any(imported.startswith("matplotlib.pyplot") for imported in imports_of(path))


def test_importing_the_widget_does_not_import_torch():
    code = "import sys; from sam2widget import Sam2Widget; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
