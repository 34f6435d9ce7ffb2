"""Run the notebooks of the gallery, and keep the pictures that they draw.

python -m tools.gallery docs/gallery         # all of them
python -m tools.gallery docs/gallery slide   # one

A cell that is tagged "picture" gives a picture of the notebook's page: `slide.webp`, and of further
cells `slide-2.webp`…
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).parents[1] / "examples" / "gallery"
TAG = "picture"
WIDTH = 960
"""In pixels; of a picture at most."""


def run_notebook(path: Path, folder: Path, *, timeout_s: int = 300) -> Any:
    """Run a notebook from top to bottom in a folder, and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=timeout_s, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def find_pictures(notebook: Any) -> Iterator[Image.Image]:
    """Yield what the tagged cells of a notebook that was run have drawn."""
    for cell in notebook.cells:
        if TAG in cell.metadata.get("tags", ()):
            (png,) = (one.data["image/png"] for one in cell.outputs if "image/png" in one.data)
            yield Image.open(io.BytesIO(base64.b64decode(png)))


def picture_name(stem: str, number: int) -> str:
    """Return the file name of a notebook's picture, which are counted from 1."""
    return f"{stem}.webp" if number == 1 else f"{stem}-{number}.webp"


def take(target: Path, names: list[str]) -> None:
    """Run notebooks, and write their pictures into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(path, Path(folder))
        print(f"{path.name}: {time.monotonic() - began:.0f} s")
        for number, picture in enumerate(find_pictures(notebook), 1):
            picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
            file = target / picture_name(path.stem, number)
            picture.convert("RGB").save(file, quality=80, method=6)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    take(arguments.folder, arguments.names)
