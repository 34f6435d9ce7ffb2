"""What is done is there again after the kernel is gone."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2widget import Sam2Widget, SessionError, open_video, read_session
from sam2widget.storage import autosave
from tests.support.browser import Browser
from tests.support.data import ROOT
from tests.support.fakes import DiscSegmenter
from tests.support.waiting import wait_until

FRAMES, HEIGHT, WIDTH = 6, 12, 40
CLIP = np.random.default_rng(1).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def widgets(closing):
    """Makes widgets and closes them."""

    def make(clip=CLIP, **kwargs):
        return closing(Sam2Widget(clip, DiscSegmenter(HEIGHT, WIDTH), **kwargs))

    return make


def looked_at(widget):
    """A page that shows the widget."""
    browser = Browser(widget)
    browser.say("hello")
    return browser


def prompted(widget):
    """By object the frames that have prompts."""
    return {obj: widget.timeline(obj).prompted for obj in widget.masks}


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
    assert again.timeline(1) == first.timeline(1)
    assert "w.start_anew() begins anew" in again.status["message"]
    again.add_point(2, 12, 6)
    assert again.status["message"] == ""
    again.clear()
    again.close()
    assert widgets().objects == []


def test_masks_that_are_not_taken_since_saved_work_goes_on_are_told_of(
    widgets, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    first = widgets()
    first.add_point(2, 10, 6)
    first.close()
    with pytest.warns(UserWarning, match="masks= were not taken"):
        again = widgets(masks=np.ones((HEIGHT, WIDTH), bool))
    assert np.array_equal(np.asarray(again.masks[1]), np.asarray(first.masks[1]))


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


def test_two_widgets_on_one_video_say_where_each_keeps_its_work(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    both = [widgets(), widgets()]
    browsers = [looked_at(widget) for widget in both]
    for n, widget in enumerate(both):
        widget.add_point(n, 10, 6)
        wait_until(lambda n=n: len(list(tmp_path.glob("*.zip"))) == n + 1)
    for _ in range(3):  # by turns, each into its own file
        for n, widget in enumerate(both):
            widget.add_point(n, 12, 6)
    for widget in both:
        widget.close()
    (first, _), (second, _) = sorted(objects_in(tmp_path), key=lambda found: len(found[0].name))
    assert [sorted(read_session(path).prompts) for path in (first, second)] == [[(1, 0)], [(1, 1)]]
    (said,) = [text for browser in browsers for text in browser.errors]
    assert f"in {first}, which stays" in said and second.name in said
    third = widgets()
    third.wait_until_loaded()
    assert prompted(third) == {1: [1]}
    assert (
        f"Another widget has worked on it too: what it did is in {first}."
        in (third.status["message"])
    )
    again = Sam2Widget.load(first, video=CLIP, model=DiscSegmenter(HEIGHT, WIDTH))
    assert prompted(again) == {1: [0]}
    again.close()


def test_who_began_first_takes_a_new_file_once_another_went_on_in_its_own(widgets, tmp_path):
    path = tmp_path / "a.sam2.zip"
    first = widgets(autosave=path)
    first.add_point(0, 10, 6)
    first.save(path)  # by hand, into the same file
    second = widgets(autosave=path)
    second.add_point(0, 30, 6, obj=2)
    second.close()
    browser = looked_at(first)
    first.add_point(1, 10, 6)
    first.close()
    other = tmp_path / "a-2.sam2.zip"
    assert objects_in(tmp_path) == [(path, 2), (other, 1)]
    (said,) = browser.errors
    assert f"another widget in {path}" in said and "a-2.sam2.zip" in said


def test_a_file_that_a_program_has_copied_or_touched_is_still_the_widgets_own(widgets, tmp_path):
    path = tmp_path / "a.sam2.zip"
    widget = widgets(autosave=path)
    widget.add_point(0, 10, 6)
    widget.close()
    again = widgets(autosave=path)
    # As programs do that synchronise a folder with another machine.
    copy = tmp_path / "copy"
    shutil.copyfile(path, copy)
    os.utime(copy, (10**9, 10**9))
    copy.replace(path)
    browser = looked_at(again)
    again.add_point(0, 30, 6, obj=2)
    again.close()
    assert objects_in(tmp_path) == [(path, 2)]
    assert browser.errors == []


def test_earlier_work_that_cannot_be_read_is_told_of(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    first = widgets()
    first.add_point(2, 10, 6)
    first.close()
    (path,) = tmp_path.glob("*.sam2.zip")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.warns(UserWarning, match="Earlier work on this video is left out: .*its end"):
        begun = widgets()
    assert not begun.objects
    begun.add_point(2, 10, 6)
    begun.close()
    assert len(list(tmp_path.glob("*.sam2.zip"))) == 2


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


def test_a_place_that_cannot_be_written_is_said_once(widgets, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("")
    widget = widgets(autosave=tmp_path / "file" / "a.sam2.zip")
    browser = looked_at(widget)
    widget.add_point(0, 10, 6)
    with pytest.warns(UserWarning, match="could not be saved"):
        widget.close()
    (said,) = browser.errors
    assert "not saved by itself" in said


@pytest.fixture
def read_only(tmp_path):
    """A folder in which nobody may write: of the system where all may be written by its user."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    folder.chmod(0o500)
    if not os.access(folder, os.W_OK):
        yield folder
    elif Path("/sys/kernel").is_dir():
        yield Path("/sys/kernel")
    else:
        pytest.skip("This user may write everywhere")
    folder.chmod(0o700)


def test_work_beside_a_video_in_a_folder_that_may_only_be_read_is_kept_elsewhere(
    widgets, read_only, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    monkeypatch.setattr(autosave, "RETRY_S", 0.01)
    both = [widgets(autosave=read_only / "film.sam2.zip") for _ in range(2)]
    browsers = [looked_at(widget) for widget in both]
    for n, (widget, browser) in enumerate(zip(both, browsers, strict=True)):
        widget.add_point(n, 10, 6)
        wait_until(lambda browser=browser: browser.errors)
        assert "not saved by itself" in browser.errors[0]
        assert "may be written to" in browser.errors[0]
    for widget in both:
        with pytest.warns(UserWarning, match="could not be saved by itself.*It is kept in"):
            widget.close()
    kept = [sorted(read_session(path).prompts) for path in tmp_path.glob("sam2widget-*/*")]
    assert sorted(kept) == [[(1, 0)], [(1, 1)]]
    assert [len(browser.errors) for browser in browsers] == [1, 1]


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


@pytest.mark.slow
def test_a_killed_process_loses_nothing(widgets, tmp_path):
    code = """
        import sys, time
        import numpy as np
        from sam2widget import Sam2Widget
        from tests.support.fakes import DiscSegmenter
        from tests.sam2widget.storage.test_autosave import CLIP, HEIGHT, WIDTH
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


# Whose session it is


def insects(seed):
    """A fixed camera, something of 3 pixels at another place."""
    film = np.repeat(CLIP[:1], FRAMES, axis=0)
    film[:, 2 + seed : 5 + seed, 20 + seed : 23 + seed] ^= 4
    return film


def as_folder(film, folder):
    folder.mkdir()
    for n, rgb in enumerate(film):
        Image.fromarray(rgb).save(folder / f"{n}.png")
    return folder


@pytest.mark.parametrize("way", ["array", "folder"])
def test_a_film_that_looks_alike_begins_empty_and_says_where_the_other_is(
    widgets, tmp_path, monkeypatch, way
):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "sessions"))
    films = [insects(0), insects(3)]
    if way == "folder":
        films = [as_folder(film, tmp_path / f"film{n}") for n, film in enumerate(films)]
    first = widgets(films[0])
    first.add_point(0, 10, 6)
    first.close()
    ((path, _),) = objects_in(tmp_path / "sessions")
    second = widgets(films[1])
    second.wait_until_loaded()
    assert second.objects == []
    wait_until(lambda: str(path) in second.status["message"])
    assert "same_video=True" in second.status["message"]
    before = path.read_bytes()
    second.add_point(1, 30, 6)
    second.add_point(1, 12, 6, obj=2)
    second.close()
    assert path.read_bytes() == before
    assert [found for _, found in objects_in(tmp_path / "sessions")] == [1, 2]
    assert len(widgets(films[0]).objects) == 1 and len(widgets(films[1]).objects) == 2
    # The way that the notice shows.
    again = Sam2Widget.load(
        path, video=films[1], model=DiscSegmenter(HEIGHT, WIDTH), same_video=True
    )
    assert len(again.objects) == 1
    again.close()


def test_a_renamed_folder_is_still_itself(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "sessions"))
    first = widgets(as_folder(CLIP, tmp_path / "film"))
    first.add_point(0, 10, 6)
    first.close()
    moved = (tmp_path / "film").rename(tmp_path / "other")
    for path in moved.iterdir():
        path.rename(moved / f"frame{path.name}")
    assert len(widgets(moved).objects) == 1


def without_identity(path):
    """Make a session file what earlier versions wrote."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(members["session.json"])
    del document["video"]["identity"]
    members["session.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_session_of_an_earlier_version_is_told_of_and_opened_with_a_word(
    widgets, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path))
    first = widgets()
    first.add_point(0, 10, 6)
    first.close()
    ((path, _),) = objects_in(tmp_path)
    without_identity(path)
    before = path.read_bytes()
    second = widgets()
    second.wait_until_loaded()
    wait_until(lambda: str(path) in second.status["message"])
    second.add_point(0, 10, 6)
    second.close()
    assert path.read_bytes() == before
    with pytest.warns(UserWarning, match="told by its length, its size and the looks of 5"):
        loaded = Sam2Widget.load(path, video=CLIP, model=DiscSegmenter(HEIGHT, WIDTH))
    loaded.save(path)
    loaded.close()
    assert read_session(path).video.identity == open_video(CLIP).identity()


# Writes that fail


def failing(times, error):
    """A `write_session` that fails a few times; and the attempts."""
    write, attempts = autosave.write_session, []

    def attempt(path, saved):
        attempts.append(path)
        if len(attempts) <= times:
            raise error
        write(path, saved)

    return attempt, attempts


FAULTS = [
    OSError(errno.ENOSPC, "No space left on device"),
    SessionError("The session could not be written."),
    RuntimeError("dictionary changed size during iteration"),
    MemoryError(),
    SystemExit(1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_write_that_failed_is_made_again_without_another_edit(
    widgets, tmp_path, monkeypatch, fault
):
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    monkeypatch.setattr(autosave, "RETRY_S", 0.01)
    attempt, attempts = failing(3, fault)
    monkeypatch.setattr(autosave, "write_session", attempt)
    path = tmp_path / "a.sam2.zip"
    widget = widgets(autosave=path)
    browser = looked_at(widget)
    widget.add_point(0, 10, 6)
    wait_until(path.exists)
    assert len(attempts) == 4 and len(read_session(path).objects) == 1
    (said,) = browser.errors
    assert "not saved by itself" in said and "tried again" in said


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_closing_writes_what_could_not_be_written(widgets, tmp_path, monkeypatch, fault):
    attempt, attempts = failing(1, fault)
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    monkeypatch.setattr(autosave, "write_session", attempt)
    path = tmp_path / "a.sam2.zip"
    widget = widgets(autosave=path)
    widget.add_point(0, 10, 6)
    wait_until(lambda: len(attempts) == 1)
    widget.close()
    assert len(read_session(path).objects) == 1


def test_a_folder_that_was_removed_is_made_again(widgets, tmp_path):
    path = tmp_path / "gone" / "a.sam2.zip"
    widget = widgets(autosave=path)
    widget.add_point(0, 10, 6)
    widget.save(path)
    shutil.rmtree(path.parent)
    widget.add_point(0, 30, 6, obj=2)
    widget.close()
    assert len(read_session(path).objects) == 2


def test_a_video_that_is_gone_does_not_keep_work_from_being_saved(widgets, tmp_path):
    folder, path = as_folder(CLIP, tmp_path / "film"), tmp_path / "a.sam2.zip"
    widget = widgets(folder, autosave=path)
    shutil.rmtree(folder)
    widget.add_point(0, 10, 6)
    widget.close()
    assert len(read_session(path).objects) == 1


@pytest.mark.parametrize(
    ("system", "variables", "folder"),
    [
        ("linux", {}, "~/.local/share/sam2widget/sessions"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/sam2widget/sessions"),
        ("darwin", {}, "~/Library/Application Support/sam2widget/sessions"),
        (
            "darwin",
            {"XDG_DATA_HOME": "/data"},
            "~/Library/Application Support/sam2widget/sessions",
        ),
        ("win32", {}, "~/AppData/Local/sam2widget/sessions"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/sam2widget/sessions"),
        ("linux", {"SAM2WIDGET_AUTOSAVE": "~/work"}, "~/work"),
    ],
)
def test_autosaves_stay_where_they_have_always_been(monkeypatch, system, variables, folder):
    monkeypatch.setattr(sys, "platform", system)
    for name in "SAM2WIDGET_AUTOSAVE", "XDG_DATA_HOME", "LOCALAPPDATA":
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert autosave.default_folder() == Path(folder).expanduser()


def test_autosaves_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", "OFF")
    assert autosave.default_folder() is None


def test_what_cannot_be_saved_at_closing_is_kept_elsewhere(widgets, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("")
    widget = widgets(autosave=tmp_path / "file" / "a.sam2.zip")
    widget.add_point(0, 10, 6)
    with pytest.warns(UserWarning, match="could not be saved by itself.*It is kept in") as said:
        widget.close()
    (kept,) = tmp_path.glob("sam2widget-*/*")
    assert str(kept) in str(said[0].message) and len(read_session(kept).objects) == 1


def test_what_can_be_kept_nowhere_can_still_be_saved_by_hand(widgets, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    widget = widgets(autosave=tmp_path / "file" / "a.sam2.zip")
    widget.add_point(0, 10, 6)
    with pytest.warns(UserWarning, match=r"Nor in the temporary folder.*w\.save\(path\)"):
        widget.close()
    widget.save(tmp_path / "b.sam2.zip")
    assert len(read_session(tmp_path / "b.sam2.zip").objects) == 1


def test_closing_in_the_models_thread_saves_too(widgets, tmp_path):
    path = tmp_path / "a.sam2.zip"
    widget = widgets(autosave=path)
    widget.add_point(0, 10, 6)
    widget.observe(lambda _: widget.close(), "objects")
    widget.add_point(0, 30, 6, obj=2)
    wait_until(lambda: path.exists() and len(read_session(path).objects) == 2)
