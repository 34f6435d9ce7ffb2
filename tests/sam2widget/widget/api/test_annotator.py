"""All that code does with a video, without a notebook: no traits, no comm, no browser."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget import Sam2Widget, SessionError
from sam2widget.runtime.finder import Finder
from sam2widget.widget.api.annotator import Annotator
from sam2widget.widget.api.prompt_annotator import PromptAnnotator
from sam2widget.widget.api.proposal_annotator import ProposalAnnotator
from tests.support.parts import FRAMES, HEIGHT, WIDTH, Parts

CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def parts():
    parts = Parts().load()
    yield parts
    parts.close()


@pytest.fixture
def annotator(parts):
    video = open_video(CLIP)
    return Annotator(
        *(parts.session, parts.controller, parts.review, parts.callbacks, parts.traits),
        lambda: video,
        Finder(parts.session, parts.controller, lambda: video, None, None),
    )


def test_the_main_job(annotator, tmp_path):
    annotator.add_point(0, 10, 6)
    annotator.propagate()
    annotator.add_point(5, 30, 6)
    annotator.propagate()
    assert np.asarray(annotator.masks[1]).any((1, 2)).all()
    assert annotator.statistics.masks == FRAMES
    path = annotator.export(tmp_path / "masks.npz")
    assert np.array_equal(np.load(path)["1"], annotator.masks[1])


def test_what_it_has_and_a_widget_has_are_the_same():
    own = [name for name in dir(Annotator) if not name.startswith("_")]
    assert all(getattr(Sam2Widget, name) is getattr(Annotator, name) for name in own)


# Several points


def test_several_points_are_one_edit_and_one_answer(annotator, parts):
    annotator.add_points(2, [(10, 6), (14, 6), (30, 6)], [1, 1, 0])
    points = annotator.prompts(2).points
    assert [(p.x, p.y, p.label) for p in points] == [(10, 6, 1), (14, 6, 1), (30, 6, 0)]
    assert parts.segmenter.asked("prompt") == [(2, 1)]
    annotator.undo()
    assert not annotator.prompts(2).points and not annotator.masks


def test_points_come_as_arrays_and_add_to_those_that_there_are(annotator):
    annotator.add_point(0, 10, 6)
    annotator.add_points(0, np.array([[12, 6], [14, 6]]), np.array([1, 0]))
    annotator.add_points(0, (16, 6))
    annotator.add_points(0, [[5, 5]], obj=2)
    assert [p.label for p in annotator.prompts(0).points] == [1, 1, 0, 1]
    assert len(annotator.prompts(0, 2).points) == 1


@pytest.mark.parametrize(
    ("points", "labels", "sentence"),
    [
        ([], None, r"Points are \(P, 2\) numbers"),
        ([1, 2, 3], None, r"Points are \(P, 2\) numbers"),
        ([[1, 2], [3, 4]], [1], "2 points and 1 labels"),
        ([[1, 2]], [2], "label is 1 .* or 0"),
        ([[1, 2], [99, 4]], [1, 1], "lies outside the frame"),
        ([[1, float("nan")]], None, "must be a finite number"),
    ],
)
def test_points_that_are_none_add_nothing(annotator, points, labels, sentence):
    with pytest.raises(SessionError, match=sentence):
        annotator.add_points(0, points, labels)
    assert not annotator.masks


# Prompts taken away


def test_a_box_is_taken_away_and_its_clicks_stay(annotator):
    annotator.add_box(0, 5, 2, 15, 9)
    annotator.add_point(0, 10, 6)
    annotator.remove_box(0)
    assert annotator.prompts(0).box is None and len(annotator.prompts(0).points) == 1
    with pytest.raises(SessionError, match="has no box on frame 0"):
        annotator.remove_box(0)


def test_prompts_are_reset_in_one_edit(annotator):
    annotator.add_point(0, 10, 6)
    annotator.add_point(0, 30, 6, obj=2)
    annotator.propagate()
    annotator.add_point(7, 12, 6)
    annotator.reset_prompts(frame=7)
    assert annotator.timeline().prompted == [0]
    annotator.undo()
    annotator.reset_prompts(obj=1)
    assert annotator.timeline().prompted == [] and annotator.timeline(2).prompted == [0]
    assert 7 in {t for a, b in annotator.timeline().stale for t in range(a, b)}, "it was tracked"
    annotator.undo()
    assert annotator.timeline().prompted == [0, 7]
    annotator.update_object(2, locked=True)
    annotator.reset_prompts()
    assert annotator.timeline().prompted == [] and annotator.timeline(2).prompted == [0]
    with pytest.raises(SessionError, match=r"There are no prompts to take away\."):
        annotator.reset_prompts()
    with pytest.raises(SessionError, match="There are no prompts on frame 3 to take away"):
        annotator.reset_prompts(3)


# Arguments


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda a: a.add_point(0, 10, 6, 0, 2), "label=0, obj=2"),
        (lambda a: a.add_box(0, 1, 2, 9, 9, 2), "obj=2"),
        (lambda a: a.paint(0, [(10, 6)], 3, 2), "obj=2"),
        (lambda a: a.choose(0, 1, 1), "obj=1"),
        (lambda a: a.move_point(0, 0, 12, 6, 1), "obj=1"),
        (lambda a: a.remove_point(0, 0, 1), "obj=1"),
        (lambda a: a.accept(0, 1, 1), "obj=1"),
        (lambda a: a.reject(0, 1, 1), "obj=1"),
        (lambda a: a.unreview(0, 1, 1), "obj=1"),
        (lambda a: a.reset(0, 1, 1), "obj=1"),
        (lambda a: a.adopt(0, [one.id for one in a.propose(0)[:2]], True, 1), "merge=True, obj=1"),
    ],
)
def test_numbers_that_look_alike_are_still_taken_by_position_with_a_warning(annotator, old, new):
    annotator.add_point(0, 10, 6)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        old(annotator)
    (text,) = [str(one.message) for one in told if one.category is DeprecationWarning]
    assert f"by keyword alone: write {new}. By position it goes" in text
    assert {one.filename for one in told} == {__file__}


def test_what_is_given_twice_or_too_much_is_refused_by_name(annotator):
    with pytest.raises(TypeError, match=r"add_point\(\) cannot be called so"):
        annotator.add_point(0, 10, 6, 1, label=1)
    with pytest.raises(TypeError, match=r"It takes start, stop, obj\."):
        annotator.accept(0, 1, 1, 1)


def test_frame_comes_first_and_an_object_is_obj_everywhere():
    own = {**vars(PromptAnnotator), **vars(ProposalAnnotator), **vars(Annotator)}
    for name, method in own.items():
        if name.startswith("_") or not callable(method):
            continue
        parameters = list(inspect.signature(method).parameters.values())[1:]
        taken = [one.name for one in parameters]
        ordered = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
        assert "frame" not in ordered or ordered[0] == "frame", name
        assert not {"object", "obj_id", "object_id"} & set(taken), name
