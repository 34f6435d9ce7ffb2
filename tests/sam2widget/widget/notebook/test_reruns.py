"""Running a cell again, `del` and `close()` let go of models, threads and videos."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sam2_backend import Sam2Model, VideoError
from sam2_backend.checkpoints.shared import load_shared
from sam2widget import Sam2Widget, SessionError, open_video, read_session
from tests.support.fakes import DiscSegmenter
from tests.support.waiting import threads_ended, wait_until, wait_until_collected

HEIGHT, WIDTH = 12, 40
CLIP = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8)

NOTEBOOK = """
import gc, sys, threading
from IPython.core.interactiveshell import InteractiveShell
from sam2_backend import Sam2Model
from sam2_backend.video.arrays.arrays import ArrayVideo
from sam2widget import Sam2Widget
shell = InteractiveShell.instance()
names = shell.user_ns
names["Sam2Widget"] = Sam2Widget

def run(source, cell_id=None):
    result = shell.run_cell(source, store_history=True, cell_id=cell_id)
    result.raise_error()

def alive():
    gc.collect()
    return sum(isinstance(one, Sam2Widget) and one.comm is not None for one in gc.get_objects())

def held():
    kinds = Sam2Model, ArrayVideo
    gc.collect()
    return [sum(isinstance(one, kind) for one in gc.get_objects()) for kind in kinds]

run("import numpy as np; film = np.full((3, 48, 64, 3), 90, np.uint8)")
run("def make(): return Sam2Widget(film, model='nano', autosave=False)")
"""


def in_a_notebook(code: str) -> None:
    """Run code with `run(source, cell_id)`, `alive()`, `held()` and the variables `names`."""
    end = "\nsys.stdout.flush(); import os; os._exit(0)"
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK + code + end], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]


@pytest.mark.slow
def test_a_cell_that_runs_again_closes_what_it_made_before():
    in_a_notebook("""
counts = []
for turn in range(4):
    # What is in the cell may change between two runs.
    run(f"w = make(); w.add_point(0, 20, 20); w  # {turn}", "a")
    counts.append((*held(), threading.active_count()))
assert counts[0] == counts[-1], counts
old = names["Out"][min(names["Out"])]
assert old is not names["w"] and old.masks[1][0].any() and "closed" in repr(old)
try:
    old.add_point(0, 1, 1)
except ValueError as error:
    assert "closed when its cell was run again" in str(error)
else:
    raise AssertionError
names["w"].add_point(0, 10, 10)
""")


@pytest.mark.slow
def test_without_ids_a_cell_is_known_by_its_text_where_it_sets_its_variable_again():
    in_a_notebook("""
for _ in range(3):
    run("w = make()\\nw")
assert alive() == 1
for _ in range(2):
    run("make()")  # perhaps two cells, each with its own
assert alive() == 3
""")


@pytest.mark.slow
def test_all_that_an_earlier_run_made_is_closed():
    in_a_notebook("""
expected = 0
for source, widgets in {
    "ws = [make() for _ in range(2)]": 2,
    "vs = []\\nfor _ in range(2):\\n    vs.append(make())": 2,
    "a, b = make(), make()": 2,
    "make()": 1,
    "%time w = make()": 1,
    "%%time\\nx = make()": 1,
    "def inner():\\n    return make()\\ny = inner()": 1,
}.items():
    expected += widgets
    for _ in range(3):
        run(source, source)
        assert alive() == expected, (source, alive())
""")


@pytest.mark.slow
def test_what_a_variable_of_another_cell_holds_stays():
    in_a_notebook("""
run("w = make()", "a")
run("kept, many, found = w, [], {}", "b")
run("w = make()", "a")
assert names["kept"].comm is not None and alive() == 2
for n in range(3):
    run("many.append(make())", "c")
assert alive() == 5
for n in range(3):
    run("found['x'] = make()", "d")
assert alive() == 7, alive()  # the one that it has, and one before it
run("before = w\\nw = make()", "a")
assert names["before"].comm is not None
""")


@pytest.mark.slow
def test_other_cells_and_threads_keep_theirs():
    in_a_notebook("""
run("u = make()", "a")
run("v = make()", "b")
assert alive() == 2
run("import threading\\nmade = []\\ndef go(): made.append(make())", "c")
for _ in range(2):
    run("one = threading.Thread(target=go); one.start(); one.join()", "d")
assert alive() == 4
""")


@pytest.mark.slow
def test_the_work_of_the_earlier_run_is_saved_and_gone_on_with():
    in_a_notebook("""
import tempfile, pathlib
names["place"] = pathlib.Path(tempfile.mkdtemp()) / "work.sam2.zip"
cell = "w = Sam2Widget(film, model='nano', autosave=place)"
run(cell, "a")
names["w"].add_point(0, 20, 20)
before = names["w"].masks[1][0]
run(cell, "a")
assert (names["w"].masks[1][0] == before).all() and before.any()
""")


# Without a notebook


def test_what_nobody_holds_goes_with_its_threads_and_model():
    before = threading.enumerate()
    video = open_video(CLIP)
    widget = Sam2Widget(video, "nano", autosave=False)
    widget.add_point(0, 10, 6)
    model, frames = weakref.ref(load_shared("nano")), weakref.ref(video)
    del widget, video
    gc.collect()
    wait_until(lambda: threads_ended(before))
    assert model() is None and frames() is None


@pytest.mark.slow
def test_work_that_is_not_saved_yet_is_saved_before_the_widget_goes(tmp_path):
    place = tmp_path / "work.sam2.zip"
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=place)
    widget.add_point(0, 10, 6)
    gone = weakref.ref(widget)
    del widget
    wait_until_collected(gone)
    assert read_session(place).objects


def test_a_widget_that_a_page_shows_lives_on():
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    widget._repr_mimebundle_()
    shown = weakref.ref(widget)
    del widget
    gc.collect()
    found = shown()
    assert found is not None
    found.add_point(0, 10, 6)
    found.close()
    del found
    gc.collect()
    assert shown() is None


def test_a_closed_widget_holds_neither_model_nor_video_and_its_masks_can_be_read(tmp_path):
    video = open_video(CLIP)
    widget = Sam2Widget(video, "nano", autosave=False)
    widget.add_point(0, 10, 6)
    mask = widget.masks[1][0]
    model, frames = weakref.ref(load_shared("nano")), weakref.ref(video)
    del video
    gc.disable()
    try:
        widget.close()
        # At once, without the collector.
        assert model() is None and frames() is None
    finally:
        gc.enable()
    assert np.array_equal(widget.masks[1][0], mask) and np.isfinite(widget.scores[1][0])
    assert widget.statistics.masks == 1
    widget.export(tmp_path / "masks.npz")
    assert np.load(tmp_path / "masks.npz")["1"].shape == (4, HEIGHT, WIDTH)
    for refused in (
        lambda: widget.add_point(0, 1, 1),
        lambda: widget.propagate(),
        lambda: widget.undo(),
    ):
        with pytest.raises(SessionError, match="has been closed: make a new one"):
            refused()
    with pytest.raises(VideoError, match=r"Frame 0 cannot be read any more.*closed"):
        widget.export(tmp_path / "film.mp4")


def models_alive():
    gc.collect()
    return [one for one in gc.get_objects() if type(one) is Sam2Model]


def test_widgets_of_one_model_and_device_share_it_and_two_threads_load_it_once(tmp_path):
    before = {id(one) for one in models_alive()}
    widgets = [Sam2Widget(CLIP, "nano", autosave=False) for _ in range(2)]
    for widget in widgets:
        widget.wait_until_loaded()
    assert len([one for one in models_alive() if id(one) not in before]) == 1
    for widget in widgets:
        widget.close()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: load_shared("nano", "cpu"), range(8)))
    assert len({id(model) for model in found}) == 1


@pytest.mark.slow
def test_widgets_that_share_a_model_give_what_each_gives_alone():
    films = [np.roll(CLIP, n, 2).repeat(4, 1).repeat(4, 2) for n in range(3)]

    def masks_of(film):
        widget = Sam2Widget(film, "nano", autosave=False)
        try:
            widget.add_point(0, 40, 24)
            widget.propagate()
            return np.asarray(widget.masks[1])
        finally:
            widget.close()

    alone = [masks_of(film) for film in films]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(masks_of, films))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
