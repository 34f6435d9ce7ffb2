"""What people mix up is told in a sentence that says what to write instead."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_backend import (
    AutomaticMaskGenerator,
    ImagePredictor,
    SAM2MultiPersonSegmentation,
    VideoPredictor,
    load_model,
)
from sam2widget import Sam2Widget, SessionError, read_session
from sam2widget.annotation.session import Session
from sam2widget.batch.automatic import Everything, ProposalOutcome
from sam2widget.cli import demo
from sam2widget.samples import sample_clip
from tests.support.fakes import ChoosySegmenter, DiscSegmenter
from tests.support.films import write_film

FRAMES, HEIGHT, WIDTH = 6, 24, 40
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def widget(closing):
    widget = closing(Sam2Widget(CLIP, ChoosySegmenter(HEIGHT, WIDTH), autosave=False))
    widget.wait_until_loaded()
    return widget


@pytest.fixture(scope="module")
def model():
    return load_model("nano", "cpu")


def test_a_session_is_no_video_and_a_video_no_session(widget, tmp_path: Path) -> None:
    widget.save(tmp_path / "dog.sam2.zip")
    with pytest.raises(SessionError, match=r"is a session and no video.*Sam2Widget\.load\('"):
        Sam2Widget(tmp_path / "dog.sam2.zip", autosave=False)
    video = write_film(tmp_path / "dog.mp4", CLIP)
    with pytest.raises(SessionError, match=r"is a video and no session: write Sam2Widget\('"):
        Sam2Widget.load(video)


def test_a_number_is_no_model_and_is_refused_at_once() -> None:
    with pytest.raises(SessionError, match=r"a function that returns one of these.*got 3"):
        Sam2Widget(CLIP, model=3, autosave=False)


@pytest.mark.parametrize(
    "make", [ImagePredictor, AutomaticMaskGenerator, lambda name: VideoPredictor(name, CLIP)]
)
def test_a_name_is_no_loaded_model(make) -> None:
    with pytest.raises(ValueError, match=r"takes a loaded model.*\(load_model\('nano'\)\)"):
        make("nano")


def test_a_video_that_is_missing_is_said_to_be(model) -> None:
    with pytest.raises(ValueError, match=r"dog\.mp4"):
        VideoPredictor(model, "dog.mp4")


def test_arguments_that_predictors_do_not_have_are_told_with_those_that_they_have(model) -> None:
    with pytest.raises(TypeError, match=r"no argument point\. It takes points, labels, box"):
        ImagePredictor(model).predict(point=[[1, 1]])
    with pytest.raises(TypeError, match="given frame twice: frame_idx is the official"):
        VideoPredictor(model, CLIP).add_box(frame=0, frame_idx=0, obj_id=1, box=[0, 0, 5, 5])


def test_a_picture_that_is_missing_is_said_to_be() -> None:
    with pytest.raises(ValueError, match=r"There is no file team\.jpg\. Paths start at"):
        SAM2MultiPersonSegmentation().segment_auto("team.jpg")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda w: w.add_point(frame_idx=0, x=1, y=1),
            r"^add_point\(\) has no argument frame_idx\. "
            r"It takes frame, x, y, label, obj, window\.$",
        ),
        (lambda w: w.add_point(), r"^add_point\(\) cannot be called so: missing.*It takes frame"),
        (lambda w: w.load("x", mode=1), r"^load\(\) has no argument mode. It takes path, video, "),
    ],
)
def test_arguments_that_there_are_not_are_told_with_those_that_there_are(
    widget, call, sentence
) -> None:
    with pytest.raises(TypeError, match=sentence):
        call(widget)


def test_a_single_proposal_need_not_be_in_a_list(widget) -> None:
    first, second, *_ = widget.propose(0)
    assert widget.adopt(0, second) == [1]
    widget.dismiss(0, first.id)
    with pytest.raises(SessionError, match="There is no proposal 1 on frame 0"):
        widget.adopt(0, first.id)


@pytest.mark.parametrize("span", [(0, 100), (4, 2), (3, 3)])
def test_a_span_outside_the_video_is_not_accepted(widget, span) -> None:
    widget.add_point(0, 20, 12)
    for review in (widget.accept, widget.reject, widget.unreview, widget.reset):
        with pytest.raises(SessionError, match="are no range of this video, which has 6 frames"):
            review(*span)


def test_an_id_that_is_no_whole_number_is_not_rounded(widget) -> None:
    mask_hw = np.ones((HEIGHT, WIDTH), bool)
    with pytest.raises(SessionError, match=r"An object's id must be a whole number, got 1\.5"):
        widget.import_masks({1.5: mask_hw})
    with pytest.raises(SessionError, match=r"An object's id must be a whole number"):
        Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), masks={1.5: mask_hw}, autosave=False)
    assert widget.import_masks({2.0: mask_hw}) == [2]


@pytest.mark.parametrize(
    ("name", "near"), [("clean_mask", "clean_masks"), ("non_overlaping", "non_overlapping")]
)
def test_an_option_that_is_misspelt_warns_of_the_near_one(widget, name, near) -> None:
    with pytest.warns(UserWarning, match=f"A Sam2Widget has no {name}.*{near}?"):
        setattr(widget, name, False)


def test_what_is_one_s_own_is_kept_without_a_word(widget) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        widget.notes = ["mine"]
        widget.clean_masks = False
        widget.contrast = None
    assert widget.notes == ["mine"]


def test_points_outside_alone_are_told(widget) -> None:
    with pytest.warns(UserWarning, match=r"is empty on frame 0: it has only points where it is"):
        widget.add_point(0, 20, 12, label=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        widget.add_point(0, 30, 12)
        widget.add_point(3, 20, 12, label=0)  # a correction: here it is not


def test_what_a_cell_shows_last_is_short(widget, tmp_path: Path) -> None:
    widget.add_point(0, 20, 12)
    widget.save(tmp_path / "a.sam2.zip")
    saved = read_session(tmp_path / "a.sam2.zip")
    assert repr(saved) == "<SavedSession of frames in memory, 6 frames: 1 objects, 1 masks>"
    outcome = ProposalOutcome(0, 12, 0.9, 0.9, 1, "tracked")
    found = Everything(replace(saved, video_path="/far/dog.mp4"), (outcome,))
    assert repr(found) == str(found)
    assert "1 of 1 proposals kept." in repr(found)


class Stubborn(DiscSegmenter):
    """Says the same whatever the clicks."""

    def prompt(self, frame, obj, prompts):
        first = replace(prompts, points=prompts.points[:1])
        return super().prompt(frame, obj, first)


def test_the_demo_leaves_a_frame_where_a_click_gains_nothing(capsys) -> None:
    clip = sample_clip("meadow")
    frames, height, width = clip.frames_thw3.shape[:3]
    session = Session(frames, height, width)
    session.load(Stubborn(height, width))
    for obj, masks_thw in clip.masks.items():
        session.add_object(obj)
        session.add_point(0, *demo.deepest_point(masks_thw[0]), 1, obj)
    for _ in session.propagate():
        pass
    left = dict.fromkeys(clip.masks, 5)
    left_alone: set[tuple[int, int]] = set()
    j = demo.score_masks(session, clip.masks)
    while demo.correct_worst_frame(session, clip, j, left, left_alone):
        j = demo.score_masks(session, clip.masks)
    said = capsys.readouterr().out
    assert said.count("It gained next to nothing") == len(left_alone) > 0
    used = sum(5 - one for one in left.values())
    assert used == said.count("click at (") >= len(left_alone)
    assert len({line for line in said.splitlines() if " click at (" in line}) == used
