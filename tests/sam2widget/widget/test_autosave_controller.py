"""Saving without a widget: where work goes, what it goes on from, and who keeps whom alive."""

from __future__ import annotations

import threading
import weakref

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget import SessionError, read_session
from sam2widget.storage import autosave
from sam2widget.widget.autosave_controller import AutosaveController
from sam2widget.widget.resuming import AutosavePlan, plan_autosave
from sam2widget.widget.session_setup import make_session
from tests.support.parts import FRAMES, HEIGHT, WIDTH, Parts
from tests.support.waiting import threads_ended, wait_until, wait_until_collected

CLIP = np.random.default_rng(5).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "sessions"))
    monkeypatch.setattr(autosave, "DELAY_S", 0.01)
    return tmp_path / "sessions"


@pytest.fixture
def begin():
    """Begins to work on a video, as a widget does; gives the parts and the one that saves."""
    begun = []

    def begin(option=None, video=CLIP):
        parts, video = Parts(), open_video(video)
        plan = plan_autosave(video, option, None)
        if plan.found is not None:
            parts.session.fill(plan.found.objects, plan.found.prompts, plan.found.results)
        saving = AutosaveController(
            *(parts.session, lambda: video, parts.controller, parts.traits, plan),
            origin=plan.found,
            model_source="nano",
            on_error=parts.errors.append,
        )
        begun.append((parts.load(), saving))
        return begun[-1]

    yield begin
    for parts, saving in begun:
        saving.close()
        parts.close()


def add_point(parts, frame=0, obj=1):
    parts.controller.edit(lambda: parts.session.add_point(frame, 10, 6, obj=obj))


def test_an_edit_is_written_where_the_videos_content_says_and_found_again(begin, folder):
    parts, saving = begin()
    add_point(parts)
    parts.traits.frame, parts.traits.selected = 3, 1
    saving.close()
    (path,) = folder.iterdir()
    saved = read_session(path)
    assert (saved.frame, saved.selected, saved.model, saved.model_source) == (
        3,
        1,
        "choosy",
        "nano",
    )
    plan = plan_autosave(open_video(CLIP), None, None)
    assert plan.found == saved and plan.target.path == path
    assert plan_autosave(open_video(255 - CLIP), None, None).found is None
    assert plan_autosave(open_video(CLIP), None, saved) == AutosavePlan(folder)
    assert plan_autosave(open_video(CLIP), False, None) == AutosavePlan()


def test_a_file_of_ones_own_is_written_and_another_videos_is_refused(begin, tmp_path, folder):
    path = tmp_path / "mine.sam2.zip"
    parts, saving = begin(path)
    add_point(parts)
    saving.close()
    assert read_session(path).objects and not folder.exists()
    with pytest.raises(SessionError, match="of another video, or cannot be read"):
        plan_autosave(open_video(255 - CLIP), path, None)


def test_nothing_is_written_where_nobody_wants_it(begin, folder, tmp_path):
    before = threading.enumerate()
    parts, saving = begin(False)
    add_point(parts)
    saving.mark_changed()
    saving.close()
    parts.close()
    wait_until(lambda: threads_ended(before))
    assert not folder.exists()
    saving.save(tmp_path / "by_hand.sam2.zip")
    assert read_session(tmp_path / "by_hand.sam2.zip").objects


def test_what_is_no_edit_is_saved_once_it_is_marked(begin, folder):
    parts, saving = begin()
    parts.traits.frame = 5
    saving.mark_changed()
    wait_until(lambda: folder.exists() and any(folder.glob("*.sam2.zip")))
    saving.close()
    assert read_session(next(folder.iterdir())).frame == 5


def test_saving_and_closing_do_not_wait_for_a_model_that_is_being_loaded(folder, tmp_path):
    parts, video, over = Parts(), open_video(CLIP), threading.Event()
    plan = plan_autosave(video, None, None)
    saving = AutosaveController(
        *(parts.session, lambda: video, parts.controller, parts.traits, plan)
    )
    parts.controller.load(lambda _: over.wait(60) and parts.segmenter)
    try:
        saving.mark_changed()
        saving.save(tmp_path / "a.sam2.zip")
        saving.close()
        assert not over.is_set() and read_session(tmp_path / "a.sam2.zip").model == ""
        assert read_session(next(folder.iterdir())).video.num_frames == FRAMES
    finally:
        over.set()
        parts.close()


def test_where_work_goes_on_and_what_looks_alike_is_said(begin, folder):
    parts, saving = begin()
    add_point(parts)
    saving.close()
    again, resumed = begin()
    resumed.show_origin()
    again.controller.wait_until_idle()
    assert "goes on from your last session" in again.controller.status.values["message"]
    twin = CLIP.copy()
    twin[:, 0, 0] ^= 1
    other, _ = begin(video=twin)
    wait_until(lambda: "looks like this one" in other.controller.status.values["message"])
    assert str(next(folder.iterdir())) in other.controller.status.values["message"]


def test_names_of_other_formats_are_refused(begin, tmp_path):
    _, saving = begin()
    with pytest.raises(SessionError, match=r"A session file is no \.npz: save it as a\.sam2\.zip"):
        saving.save(tmp_path / "a.npz")


def test_it_is_kept_until_all_is_written_and_then_its_thread_ends(folder):
    before = threading.enumerate()
    parts, video = Parts().load(), open_video(CLIP)
    plan = plan_autosave(video, None, None)
    saving = AutosaveController(
        *(parts.session, lambda: video, parts.controller, parts.traits, plan)
    )
    add_point(parts)
    gone = weakref.ref(saving)
    del saving
    wait_until_collected(gone)
    assert read_session(next(folder.iterdir())).objects
    parts.close()
    wait_until(lambda: threads_ended(before))


def test_a_session_begins_as_it_was_saved_with_what_is_said_now(begin, folder):
    parts, saving = begin()
    parts.session.set_cleaning(7)
    add_point(parts)
    saving.close()
    origin = plan_autosave(open_video(CLIP), None, None).found
    session, review = make_session(open_video(CLIP), origin, None, False, is_resumed=True)
    assert session.clean_masks == 7 and not session.non_overlapping
    assert session.all_prompts == origin.prompts and review.num_unreviewed() == 0
    with pytest.raises(SessionError, match="another video"):
        make_session(open_video(255 - CLIP), origin, None, None, is_resumed=False)


def test_whether_all_is_saved_is_known(begin, folder):
    parts, saving = begin()
    assert saving.describe().state == "saved"
    blocked = threading.Event()
    parts.controller.submit(blocked.wait)  # in whose thread it is read
    saving.mark_changed()
    assert saving.describe().state == "unsaved"
    blocked.set()
    wait_until(lambda: saving.describe().state == "saved")
    assert [path.suffix for path in folder.iterdir()] == [".zip"]
    assert begin(option=False)[1].describe().state == "off"
