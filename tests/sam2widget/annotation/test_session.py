"""What DESIGN calls the heart: corrections survive, only their span goes stale, accepted frames
are barriers, and every edit can be undone."""

import numpy as np
import pytest

from sam2widget.annotation.session import Session
from sam2widget.core.errors import SessionError
from sam2widget.models.segmenter import PromptSet
from tests.support.fakes import DiscSegmenter, prompted_mask, tracked_mask
from tests.support.sessions import everything, run, states

FRAMES, HEIGHT, WIDTH = 20, 12, 40


@pytest.fixture
def segmenter() -> DiscSegmenter:
    return DiscSegmenter(HEIGHT, WIDTH)


@pytest.fixture
def session(segmenter) -> Session:
    return Session(FRAMES, HEIGHT, WIDTH, segmenter)


# Prompts


def test_a_click_makes_an_object_and_its_mask_at_once(session):
    session.add_point(3, 10, 6)
    assert [info.name for info in session.objects] == ["Object 1"]
    expected = prompted_mask(session.prompts(3, 1), HEIGHT, WIDTH)
    assert np.array_equal(session.masks(1)[3], expected) and expected.any()
    assert session.result(3, 1).source == "prompt"
    assert states(session) == "...p" + "." * 16


def test_a_second_click_refines_and_a_removed_one_is_as_if_it_had_not_been(session, segmenter):
    session.add_point(3, 10, 6)
    first = session.masks(1)[3]
    session.add_point(3, 11, 6, label=0)
    assert not np.array_equal(session.masks(1)[3], first)
    assert segmenter.asked("clear") == []
    session.remove_point(3, 1, 1)
    assert np.array_equal(session.masks(1)[3], first)
    assert segmenter.asked("clear") == [(3, 1)]


def test_several_clicks_are_one_edit(session, segmenter):
    session.add_points(3, [(10, 6), (11, 6)], [1, 0])
    assert [(point.x, point.label) for point in session.prompts(3, 1).points] == [(10, 1), (11, 0)]
    assert segmenter.asked("prompt") == [(3, 1)]
    assert session.undo() == "points" and session.objects == []
    with pytest.raises(SessionError, match=r"label is 1 .* got 2"):
        session.add_points(3, [(10, 6), (11, 6)], [1, 2])
    assert session.objects == []


def test_all_prompts_of_a_frame_or_an_object_are_taken_away_as_one_edit(session):
    for obj in 1, 2:
        session.add_point(0, 10 * obj, 6, obj=obj)
        session.add_point(5, 10 * obj, 6, obj=obj)
    session.update_object(2, locked=True)
    session.reset_prompts()
    assert sorted(session.all_prompts) == [(2, 0), (2, 5)]
    assert session.undo() == "reset prompts" and len(session.all_prompts) == 4
    session.reset_prompts(5, 1)
    assert sorted(session.all_prompts) == [(1, 0), (2, 0), (2, 5)]
    with pytest.raises(SessionError, match="no prompts on frame 5 to take away"):
        session.reset_prompts(5)
    with pytest.raises(SessionError, match="Object 2 is locked"):
        session.reset_prompts(obj=2)


def test_a_box_takes_the_place_of_another_and_clicks_stay(session):
    session.add_point(0, 30, 6)
    session.add_box(0, 2, 2, 8, 8)
    session.add_box(0, 1, 1, 6, 6)
    prompts = session.prompts(0, 1)
    assert prompts.box == (1, 1, 6, 6) and len(prompts.points) == 1
    session.remove_box(0, 1)
    assert session.prompts(0, 1).box is None


def test_a_box_that_sticks_out_is_cut_off_at_the_frame(session):
    session.add_box(0, -5, -5, 8, 99)
    assert session.prompts(0, 1).box == (0, 0, 8, HEIGHT)


def test_a_given_mask_is_kept_to_the_pixel_and_replaces_the_prompts(session):
    mask = np.random.default_rng(0).random((HEIGHT, WIDTH)) > 0.5
    session.add_point(4, 10, 6)
    session.add_mask(4, mask)
    assert np.array_equal(session.masks(1)[4], mask)
    assert session.prompts(4, 1).points == ()
    assert session.result(4, 1).source == "import"
    session.add_point(4, 30, 6)
    assert session.prompts(4, 1).mask is not None and session.result(4, 1).source == "prompt"


def test_without_its_last_prompt_an_untracked_frame_has_no_mask(session):
    session.add_point(3, 10, 6)
    session.clear_prompts(3, 1)
    assert states(session) == "." * FRAMES and not session.masks(1)[3].any()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.add_point(0, 41, 5), r"point \(41, 5\) lies outside the frame, which is 40 x"),
        (lambda s: s.add_point(0, 5, -1), "outside the frame"),
        (lambda s: s.add_point(0, float("nan"), 5), "x must be a finite number, got nan"),
        (lambda s: s.add_point(20, 5, 5), "no frame 20: the video has frames 0 to 19"),
        (lambda s: s.add_point(-1, 5, 5), "no frame -1"),
        (lambda s: s.add_point(1.5, 5, 5), "whole number, got 1.5"),
        (lambda s: s.add_point(0, 5, 5, label=2), "label is 1 .* got 2"),
        (lambda s: s.add_point(0, 5, 5, obj=0), "1 or larger, got 0"),
        (lambda s: s.add_box(0, 50, 2, 60, 9), "box .* lies outside the frame"),
        (lambda s: s.add_box(0, 9, 9, 9, 10), "x0 < x1"),
        (lambda s: s.add_box(0, float("inf"), 0, 1, 1), "x0 of a box must be a finite number"),
        (lambda s: s.add_mask(0, np.zeros((3, 3))), r"shape \(H, W\) = \(12, 40\), got \(3, 3\)"),
        (lambda s: s.remove_object(7), "no object 7. Objects: 1"),
        (lambda s: s.remove_point(0, 1, 3), "no point 3 of Object 1 on frame 0: it has 1"),
        (lambda s: s.remove_box(0, 1), "Object 1 has no box on frame 0"),
        (lambda s: s.clear_prompts(5, 1), "no prompts on frame 5 to clear"),
        (lambda s: s.add_object(1), "object 1 already"),
        (lambda s: s.update_object(1, name="  "), "cannot be empty"),
        (lambda s: s.update_object(1, color="red"), "written like '#2f7ff5', got 'red'"),
        (lambda s: s.accept(1, 5), "no mask there to accept"),
        (lambda s: s.redo(), "nothing to redo"),
        (lambda s: s.propagate(direction="up"), "'both', 'forward' or 'backward', got 'up'"),
        (lambda s: s.propagate(start=5, stop=5), "start must be below stop"),
        (lambda s: s.propagate(stop=21), "no range of this video"),
        (lambda s: s.propagate(objects=[3]), "no object 3"),
    ],
)
def test_misuse_gets_a_sentence_and_changes_nothing(session, call, sentence):
    session.add_point(0, 5, 5)
    before = everything(session)
    with pytest.raises(SessionError, match=sentence):
        call(session)
    assert everything(session) == before
    assert session.last_edit.label == "point"


def test_there_is_nothing_to_propagate_or_undo_at_first(session):
    with pytest.raises(SessionError, match="nothing to undo"):
        session.undo()
    with pytest.raises(SessionError, match="nothing to propagate: click an object"):
        session.propagate()


def test_without_a_model_prompts_say_so():
    with pytest.raises(SessionError, match="not loaded"):
        Session(3, 4, 4).add_point(0, 1, 1)


def test_what_fails_in_the_model_leaves_no_trace(session, segmenter):
    session.add_point(3, 10, 6)
    before = everything(session)
    segmenter.fail_on = {"prompt"}
    with pytest.raises(RuntimeError, match="failed to prompt"):
        session.add_point(3, 20, 6)
    with pytest.raises(RuntimeError):
        session.add_point(3, 20, 6, obj=2)
    assert everything(session) == before
    segmenter.fail_on = set()
    session.add_point(3, 20, 6)
    expected = prompted_mask(session.prompts(3, 1), HEIGHT, WIDTH)
    assert np.array_equal(session.masks(1)[3], expected)


# Propagation


def test_propagation_tracks_from_the_nearest_prompted_frame(session):
    session.add_point(4, 10, 6)
    session.add_point(14, 20, 6)
    frames = run(session.propagate())
    assert frames == [*range(5, 10), *range(15, 20), *range(13, 9, -1), *range(3, -1, -1)]
    anchors = {t: prompted_mask(session.prompts(t, 1), HEIGHT, WIDTH) for t in (4, 14)}
    for frame in range(FRAMES):
        anchor = 4 if frame < 10 else 14
        expected = tracked_mask(anchors[anchor], frame - anchor)
        assert np.array_equal(session.masks(1)[frame], expected), frame
    assert states(session) == "ffffpfffffffffpfffff"


def test_propagating_again_does_nothing_new(session):
    session.add_point(4, 10, 6)
    run(session.propagate())
    assert run(session.propagate()) == []


def test_a_range_and_a_direction_limit_what_is_tracked(session):
    session.add_point(10, 10, 6)
    assert run(session.propagate(start=8, stop=13)) == [11, 12, 9, 8]
    assert run(session.propagate(direction="backward", start=5)) == [7, 6, 5]
    assert run(session.propagate(direction="forward")) == list(range(13, 20))


def test_a_resumed_run_is_given_back_the_frames_before_it(session, segmenter):
    session.add_point(0, 10, 6)
    run(session.propagate(stop=10))
    segmenter.calls.clear()
    run(session.propagate(stop=12))
    assert segmenter.asked("restore") == [(t, 1) for t in range(4, 10)]
    assert segmenter.asked("track") == [(10, (1,), False), (11, (1,), False)]


def test_progress_counts_what_is_done_of_all(session):
    session.add_point(0, 10, 6)
    steps = list(session.propagate(stop=5))
    assert [(s.done, s.total) for s in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not any(s.reverse for s in steps)


def test_a_stopped_propagation_loses_nothing_and_goes_on_where_it_was(session):
    session.add_point(0, 10, 6)
    steps = session.propagate()
    for _ in range(5):
        next(steps)
    steps.close()
    assert states(session) == "pfffff" + "." * 14
    assert run(session.propagate()) == list(range(6, 20))


def test_a_step_that_fails_loses_only_itself(session, segmenter):
    session.add_point(0, 10, 6)
    steps = session.propagate()
    next(steps)
    segmenter.fail_on = {"track"}
    with pytest.raises(RuntimeError, match="failed to track"):
        next(steps)
    assert states(session) == "pf" + "." * 18
    segmenter.fail_on = set()
    assert run(session.propagate()) == list(range(2, 20))


# Corrections


def test_a_correction_survives_every_later_propagation(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.add_point(8, 30, 6)
    corrected = session.masks(1)[8]
    for _ in range(3):
        run(session.propagate())
        session.add_point(19, 5, 6)
        assert np.array_equal(session.masks(1)[8], corrected)


def test_a_correction_makes_only_its_span_stale(session):
    session.add_point(0, 10, 6)
    session.add_point(12, 20, 6)
    run(session.propagate())
    session.add_point(6, 15, 6)
    assert states(session) == "psssss" + "p" + "sssss" + "p" + "f" * 7
    assert set(run(session.propagate())) == {*range(1, 6), *range(7, 12)}
    assert states(session) == "pfffffpfffffpfffffff"


def test_accepted_frames_bound_a_span_and_are_never_overwritten(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.accept(1, 10)
    accepted = session.masks(1)[10]
    session.add_point(5, 30, 6)
    assert states(session) == "pssss" + "p" + "ssss" + "a" + "f" * 9
    run(session.propagate())
    assert np.array_equal(session.masks(1)[10], accepted)


def test_accepted_frames_condition_tracking(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.accept(1, 10)
    accepted = session.masks(1)[10]
    session.add_point(0, 30, 2)
    run(session.propagate())
    assert np.array_equal(session.masks(1)[9], tracked_mask(accepted, -1))
    assert np.array_equal(session.masks(1)[11], tracked_mask(accepted, 1))


def test_a_span_can_be_accepted_and_taken_back(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.accept(1, 5, 15)
    assert states(session) == "pffff" + "a" * 10 + "fffff"
    assert session.timeline(1).accepted == [(5, 15)]
    session.unreview(1, 6, 14)
    assert states(session) == "pffff" + "a" + "f" * 8 + "a" + "fffff"


def test_a_click_on_an_accepted_frame_reopens_it(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.accept(1, 10)
    session.add_point(10, 30, 6)
    assert session.result(10, 1).state == "fresh" and 10 in session.timeline(1).prompted


def test_taking_a_correction_back_shows_the_tracked_mask_again_as_stale(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    tracked = session.masks(1)[8]
    session.add_point(8, 30, 6)
    session.remove_point(8, 1, 0)
    assert np.array_equal(session.masks(1)[8], tracked)
    assert states(session) == "p" + "s" * 19
    run(session.propagate())
    assert np.array_equal(session.masks(1)[8], tracked)


def test_a_correction_starts_from_what_was_tracked(session, segmenter):
    session.add_point(0, 10, 6)
    run(session.propagate())
    segmenter.calls.clear()
    session.add_point(8, 30, 6)
    assert segmenter.calls == [("restore", 8, 1), ("prompt", 8, 1)]


def test_stale_only_leaves_untracked_frames_alone(session):
    session.add_point(0, 10, 6)
    run(session.propagate(stop=10))
    session.add_point(5, 30, 6)
    assert session.has_stale
    assert set(run(session.propagate(stale_only=True))) == {*range(1, 5), *range(6, 10)}
    assert not session.has_stale
    assert states(session) == "pffffpffff" + "." * 10


def test_a_click_between_two_steps_is_taken_into_account(session):
    session.add_point(0, 10, 6)
    steps = session.propagate()
    for _ in range(10):
        next(steps)
    session.add_point(5, 30, 6)
    rest = run(steps)
    assert states(session) == "pffffp" + "f" * 14
    assert set(rest) == {*range(1, 5), *range(6, 20)}
    expected = tracked_mask(prompted_mask(session.prompts(5, 1), HEIGHT, WIDTH), 14)
    assert np.array_equal(session.masks(1)[19], expected)


# Objects


def test_adding_an_object_never_disturbs_the_others(session, segmenter):
    session.add_point(0, 10, 6)
    run(session.propagate())
    before = session.results(1)
    session.add_box(5, 2, 2, 8, 8, obj=2)
    segmenter.calls.clear()
    run(session.propagate())
    assert session.results(1) == before
    assert {objs for _, objs, _ in segmenter.asked("track")} == {(2,)}


def test_objects_are_tracked_together(session, segmenter):
    for obj in 1, 2, 3:
        session.add_point(0, 10 * obj, 6, obj=obj)
    run(session.propagate())
    assert segmenter.asked("track") == [(t, (1, 2, 3), False) for t in range(1, 20)]


def test_an_object_can_be_added_and_removed_during_a_propagation(session):
    session.add_point(0, 10, 6)
    session.add_point(0, 20, 6, obj=2)
    steps = session.propagate()
    for _ in range(5):
        next(steps)
    session.remove_object(1)
    session.add_point(10, 30, 6, obj=5)
    run(steps)
    assert [info.id for info in session.objects] == [2, 5]
    assert states(session, 2) == "p" + "f" * 19
    assert states(session, 5) == "f" * 10 + "p" + "f" * 9


def test_some_objects_can_be_propagated_alone(session):
    session.add_point(0, 10, 6)
    session.add_point(0, 20, 6, obj=2)
    run(session.propagate(objects=[2]))
    assert states(session, 1) == "p" + "." * 19 and states(session, 2) == "p" + "f" * 19


def test_objects_are_numbered_named_and_coloured(session):
    assert session.add_object() == 1 and session.add_object() == 2
    first, second = session.objects
    assert first.color != second.color
    session.update_object(2, name=" dog ", color="#ABCDEF", visible=False)
    assert session.objects[1].name == "dog" and session.objects[1].color == "#abcdef"
    assert not session.objects[1].visible
    session.remove_object(1)
    assert session.add_object() == 3


def test_removing_an_object_takes_all_of_it_away_from_the_model_too(session, segmenter):
    session.add_point(0, 10, 6)
    session.remove_object(1)
    assert session.objects == [] and segmenter.conditioning == {}
    with pytest.raises(SessionError, match=r"no object 1\. Objects: none yet"):
        session.masks(1)


# Undo


def test_every_edit_is_undone_and_redone_exactly(session):
    edits = [
        lambda: session.add_point(0, 10, 6),
        lambda: session.add_point(0, 13, 6, label=0),
        lambda: session.add_box(3, 2, 2, 8, 8, obj=2),
        lambda: run(session.propagate()),
        lambda: session.add_point(10, 20, 6),
        lambda: run(session.propagate()),
        lambda: session.accept(1, 12, 15),
        lambda: session.update_object(2, name="cat"),
        lambda: session.remove_point(0, 1, 0),
        lambda: session.add_mask(7, np.ones((HEIGHT, WIDTH)), obj=2),
        lambda: run(session.propagate(objects=[2])),
        lambda: session.unreview(1, 12, 13),
        lambda: session.remove_object(1),
        lambda: session.clear_prompts(3, 2),
        lambda: session.add_object(),
    ]
    seen = [everything(session)]
    for edit in edits:
        edit()
        seen.append(everything(session))
    for expected in reversed(seen[:-1]):
        session.undo()
        assert everything(session) == expected
    for expected in seen[1:]:
        session.redo()
        assert everything(session) == expected


def test_the_retracked_span_is_undone_with_its_correction(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    before = everything(session)
    session.add_point(10, 20, 6)
    session.add_point(10, 21, 6)
    run(session.propagate(stale_only=True))
    session.undo()
    session.undo()
    assert everything(session) == before


def test_an_edit_after_undo_ends_redo(session):
    session.add_point(0, 10, 6)
    session.undo()
    session.add_point(1, 10, 6)
    with pytest.raises(SessionError, match="nothing to redo"):
        session.redo()


def test_after_undo_the_model_is_told_again_what_counts(session, segmenter):
    session.add_point(0, 10, 6)
    run(session.propagate())
    session.add_point(10, 20, 6)
    run(session.propagate())
    for _ in range(4):
        session.undo()
    for _ in range(2):
        session.redo()
    session.add_point(15, 30, 6)
    run(session.propagate())
    anchors = {t: prompted_mask(session.prompts(t, 1), HEIGHT, WIDTH) for t in (0, 15)}
    assert np.array_equal(session.masks(1)[7], tracked_mask(anchors[0], 7))
    assert np.array_equal(session.masks(1)[8], tracked_mask(anchors[15], -7))


def test_undo_says_what_it_took_back(session):
    session.add_box(0, 1, 1, 5, 5)
    assert session.undo() == "box" and session.redo() == "box"


# Reading


def test_scores_are_by_frame_and_nan_where_there_is_no_mask(session):
    session.add_point(2, 10, 6)
    scores = session.scores(1)
    assert scores.shape == (FRAMES,) and scores[2] == 5 and np.isnan(np.delete(scores, 2)).all()
    assert session.ious(1)[2] == np.float32(0.9)


def test_a_label_map_shows_the_larger_id_where_objects_overlap(session):
    session.add_box(0, 0, 0, 10, 10, obj=1)
    session.add_box(0, 5, 0, 15, 10, obj=3)
    labels = session.label_map(0)
    assert labels.shape == (HEIGHT, WIDTH)
    assert labels[5, [2, 7, 12, 20]].tolist() == [1, 3, 3, 0]
    assert not session.label_map(1).any()


def test_masks_follow_the_session(session):
    session.add_point(0, 10, 6)
    masks = session.masks(1)
    assert masks.shape == (FRAMES, HEIGHT, WIDTH) and not masks[5].any()
    run(session.propagate())
    assert masks[5].any()


def test_listeners_hear_what_changed(session):
    heard = []
    session.listen(heard.append)
    session.add_point(0, 10, 6)
    assert heard[-1].objects and heard[-1].prompts == {(1, 0)} and heard[-1].results == {(1, 0)}
    run(session.propagate(stop=2))
    assert heard[-1].results == {(1, 1)} and not heard[-1].objects
    session.undo()
    assert heard[-1].results == {(1, 1)}


def test_an_empty_prompt_set_is_false_and_extending_is_appending():
    from sam2widget.models.segmenter import Point

    one = PromptSet().with_point(Point(1, 2, 1))
    two = one.with_point(Point(3, 4, 0))
    assert not PromptSet() and one and two.extends(one) and not one.extends(two)
    assert two.without_point(0).points == (Point(3, 4, 0),)
    assert not two.with_box((0, 0, 1, 1)).extends(one)
