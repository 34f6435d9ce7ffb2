"""What is done is there again after the kernel is gone."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from sam2widget import Sam2Widget, SessionError, autosave, read_session
from tests.waiting import wait_until

from .fakes import DiscSegmenter

FRAMES, HEIGHT, WIDTH = 6, 12, 40
CLIP = np.random.default_rng(1).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def widgets():
    """Makes widgets and closes them."""
    made = []

    def make(clip=CLIP, **kwargs):
        made.append(Sam2Widget(clip, DiscSegmenter(HEIGHT, WIDTH), **kwargs))
        return made[-1]

    yield make
    for widget in made:
        widget.close()


def test_a_new_widget_goes_on_where_the_last_one_was(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "sessions"))
    first = widgets()
    first.wait_until_loaded()
    assert first.status["message"] == ""
    first.add_point(2, 10, 6)
    first.propagate()
    first.accept(3)
    first.close()
    (path,) = (tmp_path / "sessions").iterdir()
    assert path.name.startswith("6x40x12-") and path.name.endswith(".sam2.zip")
    again = widgets()
    again.wait_until_loaded()
    assert np.array_equal(np.asarray(again.masks[1]), np.asarray(first.masks[1]))
    assert again._session.timeline(1) == first._session.timeline(1)
    assert "w.clear() begins anew" in again.status["message"]
    again.add_point(2, 12, 6)
    assert again.status["message"] == ""
    again.clear()
    again.close()
    assert widgets().objects == []


def test_another_video_begins_anew(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    first = widgets()
    first.add_point(2, 10, 6)
    first.close()
    assert widgets(255 - CLIP).objects == [] and widgets(CLIP[:3]).objects == []
    assert len(widgets().objects) == 1


def objects_in(folder):
    """How many objects each session in a folder has, the oldest file first."""
    paths = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [(path, len(read_session(path).objects)) for path in paths]


def test_two_widgets_on_one_video_do_not_write_over_each_other(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    first, second = widgets(), widgets()
    first.add_point(0, 10, 6)
    first.close()
    second.add_point(0, 10, 6)
    second.add_point(0, 30, 6, obj=2)
    second.close()
    assert [found for _, found in objects_in(tmp_path)] == [1, 2]
    # A new one goes on from the newest, and in its file.
    third = widgets()
    assert len(third.objects) == 2
    third.add_point(0, 20, 6, obj=3)
    third.close()
    assert [found for _, found in objects_in(tmp_path)] == [1, 3]


def test_who_began_first_takes_a_new_file_once_another_went_on_in_its_own(widgets, tmp_path):
    path = tmp_path / "a.sam2.zip"
    first = widgets(autosave=path)
    first.add_point(0, 10, 6)
    first.save(path)  # by hand, into the same file
    second = widgets(autosave=path)
    second.add_point(0, 30, 6, obj=2)
    second.close()
    said = []
    first._feed.refuse = lambda _, text: said.append(text)
    first.add_point(1, 10, 6)
    first.close()
    other = tmp_path / "a-2.sam2.zip"
    assert objects_in(tmp_path) == [(path, 2), (other, 1)]
    assert len(said) == 1 and f"written {path}" in said[0] and "a-2.sam2.zip" in said[0]


def test_a_session_given_does_not_replace_the_one_autosaved(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "autosaved"))
    first = widgets()
    first.add_point(0, 10, 6)
    first.save(tmp_path / "early.sam2.zip")
    first.add_point(0, 30, 6, obj=2)
    first.close()
    loaded = widgets(saved=read_session(tmp_path / "early.sam2.zip"))
    loaded.add_point(0, 12, 6)
    loaded.close()
    assert [found for _, found in objects_in(tmp_path / "autosaved")] == [2, 1]


def test_a_path_of_ones_own_and_none_at_all(widgets, tmp_path, monkeypatch):
    path = tmp_path / "mine.sam2.zip"
    first = widgets(autosave=path)
    first.add_point(0, 10, 6)
    first.close()
    assert read_session(path).objects[0].id == 1
    assert len(widgets(autosave=path).objects) == 1
    with pytest.raises(SessionError, match="of another video, or cannot be read"):
        widgets(255 - CLIP, autosave=path)
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "never"))
    off = widgets(autosave=False)
    off.add_point(0, 10, 6)
    off.close()
    assert not (tmp_path / "never").exists()


def test_an_edit_is_written_soon_without_being_asked(widgets, tmp_path, monkeypatch):
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    written = threading.Event()
    write = autosave.write_session

    def noted(path, saved):
        write(path, saved)
        written.set()

    monkeypatch.setattr(autosave, "write_session", noted)
    widget = widgets(autosave=tmp_path / "a.sam2.zip")
    widget.add_point(0, 10, 6)
    assert written.wait(20) and len(read_session(tmp_path / "a.sam2.zip").objects) == 1


def test_writing_never_holds_up_an_edit(widgets, tmp_path, monkeypatch):
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    writing, go_on = threading.Event(), threading.Event()

    def slow(path, saved):
        writing.set()
        assert go_on.wait(20)

    monkeypatch.setattr(autosave, "write_session", slow)
    widget = widgets(autosave=tmp_path / "a.sam2.zip")
    widget.add_point(0, 10, 6)
    assert writing.wait(20)
    widget.add_point(0, 12, 6)
    go_on.set()


def test_a_place_that_cannot_be_written_is_said_once(widgets, tmp_path):
    (tmp_path / "file").write_text("")
    widget = widgets(autosave=tmp_path / "file" / "a.sam2.zip")
    said = []
    widget._feed.refuse = lambda _, text: said.append(text)
    widget.add_point(0, 10, 6)
    widget.close()
    assert len(said) == 1 and "not saved by itself" in said[0]


def test_pictures_of_several_sizes_are_saved_too(widgets, tmp_path):
    pictures = [CLIP[0], np.ascontiguousarray(CLIP[1][:10, :30])]

    class AnySize(DiscSegmenter):
        def prompt(self, frame, obj, prompts):
            self.height, self.width = pictures[frame].shape[:2]
            return super().prompt(frame, obj, prompts)

    path = tmp_path / "a.sam2.zip"
    first = Sam2Widget(pictures, AnySize(1, 1), kind="images", autosave=path)
    first.add_point(1, 10, 6)
    first.add_point(0, 35, 6)
    first.close()
    again = widgets(pictures, kind="images", autosave=path)
    assert np.array_equal(again.masks[1][1], first.masks[1][1]) and again.masks[1][0].any()
    assert again.masks[1][1].shape == (10, 30)


def test_a_killed_process_loses_nothing(widgets, tmp_path):
    code = """
        import sys, time
        import numpy as np
        from sam2widget import Sam2Widget
        from tests.widget.fakes import DiscSegmenter
        from tests.widget.test_autosave import CLIP, HEIGHT, WIDTH
        widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=sys.argv[1])
        widget.add_point(0, 10, 6)
        print("clicked", flush=True)
        time.sleep(600)  # until it is killed
    """
    path = tmp_path / "a.sam2.zip"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None and process.stdout.readline() == b"clicked\n"
    wait_until(path.exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert widgets(autosave=path).masks[1][0].any()
