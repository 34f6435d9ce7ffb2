"""`memory=` and `w.memory`: the policy that tracking follows, and what a session says of it."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from sam2_backend import MotionSettings, load_model
from sam2_backend.tracking.policies.motion import MotionPolicy
from sam2_backend.tracking.policies.tree import TreePolicy
from sam2widget import Sam2Widget, SessionError, propagate_many, read_session
from sam2widget.storage.session_file import write_session
from tests.support.fakes import DiscSegmenter
from tests.support.networks import random_nano

FRAMES, HEIGHT, WIDTH = 8, 48, 64
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return random_nano(64)


def policy_of(widget: Sam2Widget) -> object:
    return widget._session.segmenter.predictor.tracker.policy


def test_a_widget_follows_the_policy_that_it_is_given(model):
    with_settings = MotionSettings(min_iou=0.25)
    for memory, name in (
        (None, "plain"),
        ("tree", "tree"),
        (with_settings, "motion:min_iou=0.25"),
        ("motion:min_iou=0.25", "motion:min_iou=0.25"),
    ):
        with closing(Sam2Widget(CLIP, model, memory=memory, autosave=False)) as w:
            w.add_point(0, 20, 20)
            w.propagate()
            assert w.memory == name and w.status["memory"] == name
            assert w.timeline(1).tracked == [(1, FRAMES)]
            assert memory is None or str(memory) == name
            if name.startswith("motion"):
                assert policy_of(w).settings == with_settings


def test_a_model_that_was_loaded_with_a_policy_keeps_it():
    model = load_model("nano", "cpu", memory="tree:max_paths=2")
    with closing(Sam2Widget(CLIP, model, autosave=False)) as w:
        w.add_point(0, 20, 20)
        assert w.memory == "tree:max_paths=2"
        assert isinstance(policy_of(w), TreePolicy) and policy_of(w).settings.max_paths == 2
    with pytest.raises(ValueError, match="no memory policy 'nope': there are plain"):
        load_model("nano", "cpu", memory="nope")


def test_another_policy_makes_what_was_tracked_stale_and_answers_the_prompts(model):
    with closing(Sam2Widget(CLIP, model, autosave=False)) as w:
        w.add_point(0, 20, 20)
        w.propagate()
        w.accept(3, obj=1)
        w.memory = "motion"
        assert w.memory == "motion" and isinstance(policy_of(w), MotionPolicy)
        assert w.timeline(1).stale == [(1, 3), (4, FRAMES)]
        assert w.timeline(1).accepted == [(3, 4)] and w.timeline(1).prompted == [0]
        assert "follows the memory policy motion now" in w.status["message"]
        w.propagate()
        assert w.timeline(1).stale == []
        stale_before = w.timeline(1)
        w.memory = "motion"
        assert w.timeline(1) == stale_before, "the same one changes nothing"
        with pytest.raises(SessionError, match="There is no memory policy 'nope'"):
            w.memory = "nope"
        assert w.memory == "motion"
        w.set_model(model)
        assert w.memory == "motion", "it is that of models that come later, too"


def test_a_reopened_session_tracks_with_the_same_policy(model, tmp_path):
    path = tmp_path / "a.sam2.zip"
    with closing(Sam2Widget(CLIP, model, memory="distractor:spacing=3", autosave=False)) as w:
        w.add_point(0, 20, 20)
        w.save(path)
        assert "memory='distractor:spacing=3'" in w.to_python()
    assert read_session(path).memory == "distractor:spacing=3"
    with closing(Sam2Widget.load(path, CLIP, model)) as w:
        w.propagate()
        assert w.memory == "distractor:spacing=3"
        assert policy_of(w).settings.spacing == 3
    with closing(Sam2Widget.load(path, CLIP, model, memory="plain")) as w:
        w.propagate()
        assert w.memory == "plain"
        assert "memory" not in w.to_python()


def test_work_that_saves_itself_goes_on_with_the_policy_that_was_chosen_last(model, tmp_path):
    path = tmp_path / "own.sam2.zip"
    with closing(Sam2Widget(CLIP, model, autosave=path)) as w:
        w.add_point(0, 20, 20)
        w.memory = "tree"
    assert read_session(path).memory == "tree"
    with closing(Sam2Widget(CLIP, model, autosave=path)) as w:
        w.propagate()
        assert w.memory == "tree"
    (broken := tmp_path / "broken.pt").write_text("these are no weights")
    with closing(Sam2Widget(CLIP, broken, autosave=path)) as w:
        w.save(tmp_path / "copy.sam2.zip")
    assert read_session(tmp_path / "copy.sam2.zip").memory == "tree", "though none was loaded"


def test_a_policy_that_is_not_there_any_more_is_told_and_left_out(model, tmp_path):
    path = tmp_path / "a.sam2.zip"
    with closing(Sam2Widget(CLIP, model, autosave=False)) as w:
        w.add_point(0, 20, 20)
        w.save(path)
    write_session(path, replace(read_session(path), memory="gone"))
    with pytest.warns(UserWarning, match="There is no memory policy 'gone'"):
        w = Sam2Widget.load(path, CLIP, model)
    w.propagate()
    assert w.memory == "plain"
    w.close()


def test_a_session_file_with_what_is_no_name_is_refused(model, tmp_path):
    path, wrong = tmp_path / "a.sam2.zip", tmp_path / "b.sam2.zip"
    with closing(Sam2Widget(CLIP, model, memory="motion", autosave=False)) as w:
        w.add_point(0, 20, 20)
        w.save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wrong, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "session.json":
                document = json.loads(content)
                assert document["model"]["memory"] == "motion"
                document["model"]["memory"] = "motion:\n import os"
                content = json.dumps(document).encode()
            target.writestr(name, content)
    with pytest.raises(SessionError, match=r"model\.memory"):
        read_session(wrong)


def test_a_model_without_policies_is_refused_only_where_one_is_asked_for():
    disc = DiscSegmenter(HEIGHT, WIDTH)
    with closing(Sam2Widget(CLIP, disc, autosave=False)) as w:
        w.add_point(0, 20, 20)
        assert w.memory == ""
        with pytest.raises(SessionError, match="disc has no memory policies"):
            w.memory = "motion"
    with closing(Sam2Widget(CLIP, disc, memory="plain", autosave=False)) as w:
        w.add_point(0, 20, 20)
    with (
        closing(Sam2Widget(CLIP, disc, memory="motion", autosave=False)) as w,
        pytest.raises(SessionError, match="disc has no memory policies"),
    ):
        w.add_point(0, 20, 20)
    with pytest.raises(SessionError, match="There is no memory policy 'nope'"):
        Sam2Widget(CLIP, disc, memory="nope", autosave=False)


def test_a_batch_follows_what_it_is_told_or_else_what_each_session_says(tmp_path):
    from PIL import Image

    folder = tmp_path / "film"
    folder.mkdir()
    for n, rgb in enumerate(CLIP[:4]):
        Image.fromarray(rgb).save(folder / f"{n}.png")
    with closing(Sam2Widget(folder, "nano", memory="motion", autosave=False)) as w:
        w.add_point(0, 20, 20)
        w.save(tmp_path / "a.sam2.zip")
    sources = tmp_path / "a.sam2.zip"

    def run(out: str, **options: object):
        report = propagate_many(
            sources, tmp_path / out, device="cpu", on_status=lambda _: None, **options
        )
        assert not report.failed
        return report.outcomes[0].frames, read_session(tmp_path / out / "a.sam2.zip").memory

    assert run("same") == (3, "motion")
    assert run("same") == (0, "motion"), "done"
    assert run("same", memory="distractor") == (3, "distractor"), "not with this policy"
    assert run("other", memory=MotionSettings(min_iou=0.2)) == (3, "motion:min_iou=0.2")
    with pytest.raises(SessionError, match="memory is a name or settings here, got a MotionPolicy"):
        run("own", memory=MotionPolicy(load_model("nano", "cpu").config))
    with pytest.raises(SessionError, match="There is no memory policy 'nope'"):
        run("own", memory="nope")
