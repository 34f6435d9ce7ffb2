"""What a notebook keeps of a widget: a line of text, a picture, and one output, renewed."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from sam2_backend.video import open_video
from sam2widget import Sam2Widget
from sam2widget.annotation.session import Session
from sam2widget.core.masks import Mask
from sam2widget.widget.notebook.summary import (
    MARK,
    MAX_BYTES,
    MAX_SIDE,
    describe_counts,
    draw_picture,
)
from tests.support.fakes import DiscSegmenter

HEIGHT, WIDTH = 12, 40
CLIP = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8)
ROOT = Path(__file__).parents[4]
CSS = ROOT / "js" / "src" / "styles" / "saved.css"


@pytest.fixture
def widget(tmp_path):
    path = tmp_path / "dog.npy"
    np.save(path, CLIP)
    widget = Sam2Widget(str(path), DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    yield widget
    widget.close()


def test_a_widget_says_what_it_is_of_and_how_far_it_is(widget):
    assert repr(widget) == "Sam2Widget('dog.npy', 4 frames, 0 objects)"
    widget.add_point(0, 10, 6)
    assert repr(widget) == "Sam2Widget('dog.npy', 4 frames, 1 object, 25 % tracked)"
    widget.add_point(0, 30, 6, obj=2)
    widget.propagate()
    assert repr(widget) == "Sam2Widget('dog.npy', 4 frames, 2 objects, 100 % tracked)"
    widget.close()
    assert repr(widget) == "Sam2Widget('dog.npy', 4 frames, 2 objects, 100 % tracked, closed)"


def test_no_share_is_rounded_to_nothing_or_to_all():
    def percent(done, frames):
        session = Session(frames, HEIGHT, WIDTH)
        mask = Mask.from_array(np.ones((HEIGHT, WIDTH), bool))
        session.import_masks({(1, frame): mask for frame in range(done)})
        return describe_counts(open_video([CLIP[0]] * frames, kind="video"), session)

    assert percent(1, 400).endswith(", 1 % tracked")
    assert percent(399, 400).endswith(", 99 % tracked")


def test_its_bundle_has_text_view_and_picture(widget):
    widget.add_point(0, 10, 6)
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == repr(widget)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    image = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    assert image.format == "JPEG"


def test_the_picture_is_of_the_frame_with_masks_in_their_colours_and_is_small():
    noise = np.random.default_rng(0).integers(0, 256, (1, 1080, 1920, 3), dtype=np.uint8)
    session = Session(1, 1080, 1920)
    mask_hw = np.zeros((1080, 1920), bool)
    mask_hw[200:800, 300:900] = True
    session.import_masks({(1, 0): Mask.from_array(mask_hw)}, {1: "Dog"})
    session.update_object(1, color="#ff0000")
    jpeg = draw_picture(open_video(noise, kind="video"), session, 0, "noise")
    assert len(jpeg) <= MAX_BYTES
    image = np.asarray(Image.open(io.BytesIO(jpeg)), int)
    assert image.shape[1] == MAX_SIDE
    inside, outside = image[100:240, 120:280].mean((0, 1)), image[10:50, 10:80].mean((0, 1))
    assert inside[0] > outside[0] + 40 and inside[2] < outside[2] - 40
    session.update_object(1, visible=False)
    hidden = draw_picture(open_video(noise, kind="video"), session, 0, "noise")
    plain = np.asarray(Image.open(io.BytesIO(hidden)), int)[100:240, 120:280].mean((0, 1))
    assert np.abs(plain - outside).max() < 12


def test_a_page_tells_the_picture_by_its_first_bytes():
    session = Session(4, HEIGHT, WIDTH)
    encoded = base64.b64encode(draw_picture(open_video(CLIP), session, 0, "clip")).decode()
    prefix = encoded[: 4 * ((24 + len(MARK)) // 3)]
    assert f'img[src^="data:image/jpeg;base64,{prefix}"]' in CSS.read_text(encoding="utf-8")


NOTEBOOK = [
    "import numpy as np\nfrom sam2widget import Sam2Widget\n"
    "film = np.full((6, 48, 64, 3), 90, np.uint8); film[:, 10:30, 10:30] = 200\n"
    "w = Sam2Widget(film, model='nano', autosave=False)\nw",
    "w.add_box(0, 9, 9, 31, 31)",
    "w.propagate()",
    "w.accept(0)",
    "print(w._output._saved.num_published)",
]


@pytest.mark.slow
def test_a_notebook_that_is_run_keeps_one_picture_of_the_newest_state(tmp_path, monkeypatch):
    paths = str(ROOT), os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    cells = [nbformat.v4.new_code_cell(source) for source in NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    view, picture = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in view.data
    assert view.data["text/plain"] == "Sam2Widget('array', 6 frames)"
    assert int(notebook.cells[-1].outputs[0].text) >= 3
    assert picture.data["text/plain"] == "Sam2Widget('array', 6 frames, 1 object, 100 % tracked)"
    jpeg = base64.b64decode(picture.data["image/jpeg"])
    assert Image.open(io.BytesIO(jpeg)).size[1] > 48
    # Where a program keeps the widget's state too, the picture is shown all the same.
    for metadata in (notebook.metadata, {}):
        notebook.metadata = metadata
        page, _ = HTMLExporter().from_notebook_node(notebook)
        assert page.count(f"data:image/jpeg;base64,{picture.data['image/jpeg'][:60]}") == 1
