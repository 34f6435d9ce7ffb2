"""Painting, choosing, locking, reviewing, proposals: what a person does beside clicking."""

import numpy as np
import pytest

from sam2widget.annotation.session import Session
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import painting
from sam2widget.models.segmenter import PromptSet
from tests.support.fakes import ChoosySegmenter, DiscSegmenter, tracked_mask
from tests.support.sessions import everything, run, run_search, states

FRAMES, HEIGHT, WIDTH = 20, 12, 40


@pytest.fixture
def segmenter():
    return ChoosySegmenter(HEIGHT, WIDTH)


@pytest.fixture
def session(segmenter):
    return Session(FRAMES, HEIGHT, WIDTH, segmenter)


@pytest.fixture
def tracked(session):
    session.add_point(0, 10, 6)
    run(session.propagate())
    return session


def undone_and_redone(session, edit):
    before = everything(session)
    edit()
    after = everything(session)
    assert before != after
    session.undo()
    assert everything(session) == before
    session.redo()
    assert everything(session) == after


# Painting


def test_a_stroke_mends_the_mask_that_is_there(tracked):
    before = tracked.masks(1)[5]
    undone_and_redone(tracked, lambda: tracked.paint(5, [30, 6, 34, 6], 2))
    brush = painting.rasterize_brush([30, 6, 34, 6], 2, HEIGHT, WIDTH)
    assert np.array_equal(tracked.masks(1)[5], before | brush)
    assert tracked.result(5, 1).source == "edit" and tracked.is_anchor(5, 1)
    tracked.paint(5, [30, 6, 34, 6], 2, erase=True)
    assert np.array_equal(tracked.masks(1)[5], before & ~brush)
    assert tracked.last_edit.label == "erase"


def test_a_lasso_makes_an_object(session):
    session.paint(3, [2, 2, 12, 2, 12, 9], obj=4, shape="polygon")
    assert session.masks(4)[3].any() and [info.id for info in session.objects] == [4]


def test_a_stroke_without_effect_is_no_edit(tracked):
    tracked.paint(0, [39, 0, 39, 1], 0.1)
    assert tracked.last_edit.label == "propagate"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.paint(0, [1, 1], 0), "radius above 0, got 1 and 0"),
        (lambda s: s.paint(0, [1, 1, 2], 1), "two a place"),
        (lambda s: s.paint(0, [1, float("nan")], 1), "finite"),
        (lambda s: s.paint(0, [1, 1, 2, 2], shape="polygon"), "three corners, got 2"),
        (lambda s: s.paint(0, [1, 1], 1, shape="spray"), "got 'spray'"),
        (lambda s: s.paint(0, [1, 1], 1, obj=2, erase=True), "no mask on frame 0 to erase"),
        (lambda s: s.choose(3, 1, 1), "no candidate 1 of Object 1 on frame 3: it has 0"),
        (lambda s: s.choose(0, 1, 3), "no candidate 3"),
        (lambda s: s.move_point(0, 1, 2, 3, 3), "no point 2 of Object 1"),
        (lambda s: s.move_point(0, 1, 0, 99, 3), "outside the frame"),
        (lambda s: s.reject(2, 0), "no object 2"),
        (lambda s: s.reset(None, 3, 9), "No object has a mask there to reset"),
        (lambda s: s.reject(1, 3), "Object 1 has no mask there to reject"),
        (lambda s: s.adopt(0, [1]), "no proposal 1 on frame 0. Proposals there: none"),
        (lambda s: s.dismiss(0, []), "no proposal chosen"),
    ],
)
def test_misuse_gets_a_sentence_and_changes_nothing(session, call, sentence):
    session.add_point(0, 10, 6)
    before = everything(session)
    with pytest.raises(SessionError, match=sentence):
        call(session)
    assert everything(session) == before and session.last_edit.label == "point"


# Candidates and points


def test_a_chosen_mask_stays_chosen(session):
    session.add_point(3, 10, 6)
    disc = session.masks(1)[3]
    assert len(session.result(3, 1).candidates) == 3 and session.result(3, 1).chosen == 0
    undone_and_redone(session, lambda: session.choose(3, 1, 2))
    right = session.masks(1)[3]
    assert right[:, WIDTH // 2 :].all() and not np.array_equal(disc, right)
    assert session.prompts(3, 1).candidate == 2
    run(session.propagate())
    assert np.array_equal(session.masks(1)[5], tracked_mask(right, 2))
    session.add_point(3, 30, 6)
    assert session.result(3, 1).candidates == () and session.prompts(3, 1).candidate == 2
    session.remove_point(3, 1, 1)
    assert np.array_equal(session.masks(1)[3], right)
    session.move_point(3, 1, 0, 12, 6)
    assert session.prompts(3, 1).candidate is None and session.result(3, 1).chosen == 0


def test_a_moved_point_is_as_if_it_had_been_there_all_along(session):
    session.add_point(3, 10, 6)
    undone_and_redone(session, lambda: session.move_point(3, 1, 0, 20, 6))
    other = Session(FRAMES, HEIGHT, WIDTH, ChoosySegmenter(HEIGHT, WIDTH))
    other.add_point(3, 20, 6)
    assert session.result(3, 1) == other.result(3, 1)


# Locks


def test_nothing_changes_a_locked_object(tracked):
    tracked.add_point(0, 30, 6, obj=2)
    tracked.update_object(1, locked=True)
    before = tracked.results(1)
    for change in [
        lambda: tracked.add_point(5, 10, 6),
        lambda: tracked.add_box(5, 1, 1, 5, 5),
        lambda: tracked.paint(5, [1, 1], 2),
        lambda: tracked.clear_prompts(0, 1),
        lambda: tracked.reset(1, 0),
        lambda: tracked.reject(1, 0),
        lambda: tracked.remove_object(1),
        lambda: tracked.propagate(objects=[1]),
    ]:
        with pytest.raises(SessionError, match="Object 1 is locked"):
            change()
    tracked.reset(None, 0, FRAMES)
    assert tracked.results(1) == before and tracked.results(2) == {}
    with pytest.raises(SessionError, match="nothing to propagate"):
        tracked.propagate()
    tracked.update_object(1, locked=False)
    tracked.add_point(5, 10, 6)


# Review


def test_rejected_masks_are_no_results_and_tracking_leaves_them_alone(tracked):
    rejected = tracked.masks(1)[5]
    undone_and_redone(tracked, lambda: tracked.reject(1, 5, 8))
    assert states(tracked) == "pffffrrr" + "f" * 12
    assert tracked.timeline(1).rejected == [(5, 8)] and tracked.timeline(1).tracked[0] == (1, 5)
    assert rejected.any() and not tracked.masks(1)[5].any() and not tracked.label_map(5).any()
    assert np.isnan(tracked.scores(1)[5:8]).all() and np.isnan(tracked.ious(1)[5:8]).all()
    tracked.add_point(0, 13, 6)
    assert set(run(tracked.propagate())) == {*range(1, 5), *range(8, FRAMES)}
    assert states(tracked)[5:8] == "rrr"
    tracked.add_point(6, 20, 6)
    assert tracked.result(6, 1).state == "fresh" and tracked.result(6, 1).corrected is None
    tracked.unreview(None, 0, FRAMES)
    assert states(tracked)[5:8] == "sps" and tracked.timeline(1).rejected == []


def test_nothing_is_tracked_from_a_rejected_prompt(session):
    session.add_point(0, 10, 6)
    session.add_point(10, 30, 6)
    run(session.propagate())
    session.reject(1, 10)
    assert session.anchors(1) == [(0, 1)] and session.last_edit.corrects
    run(session.propagate())
    disc = session.masks(1)[0]
    assert np.array_equal(session.masks(1)[15], tracked_mask(disc, 15))
    session.unreview(1, 10)
    assert session.anchors(1) == [(0, 1), (10, 11)] and session.result(12, 1).state == "stale"


def test_accepting_a_span_leaves_what_was_rejected_in_it(tracked):
    tracked.reject(1, 4)
    tracked.accept(None, 2, 7)
    assert states(tracked)[:8] == "pfaaraaf"
    with pytest.raises(SessionError, match="take a rejection back"):
        tracked.accept(1, 4)


def test_a_reset_takes_everything_there_away(tracked):
    tracked.add_point(10, 30, 6)
    tracked.accept(1, 12)
    undone_and_redone(tracked, lambda: tracked.reset(1, 10, 14))
    assert states(tracked) == "p" + "s" * 9 + "...." + "s" * 6
    run(tracked.propagate())
    assert states(tracked) == "p" + "f" * 19


def test_everything_can_be_cleared_and_brought_back(tracked):
    tracked.update_object(1, locked=True)
    run_search(tracked.propose(3))
    undone_and_redone(tracked, tracked.clear)
    assert tracked.objects == [] and tracked.proposals(3) == ()


# Proposals


def test_proposals_become_objects(session):
    run_search(session.propose(4))
    assert [one.id for one in session.proposals(4)] == [1, 2, 3, 4]
    assert session.adopt(4, [2, 3]) == [1, 2]
    assert [one.id for one in session.proposals(4)] == [1, 4]
    assert session.result(4, 1).source == "proposal" and session.is_anchor(4, 2)
    session.undo()
    assert session.objects == [] and len(session.proposals(4)) == 4
    assert session.adopt(4, [1, 2], merge=True) == [1]
    assert session.masks(1)[4][: HEIGHT // 2].all() and session.masks(1)[4].mean() == 0.5
    assert session.adopt(4, [3], merge=True, obj=1) == [1]
    assert session.masks(1)[4].mean() == 0.75
    session.dismiss(4, [4])
    assert session.proposals(4) == ()
    session.undo()
    assert [one.id for one in session.proposals(4)] == [4]
    with pytest.raises(SessionError, match="merge the proposals"):
        session.adopt(4, [4], obj=1)


def test_a_failure_while_adopting_leaves_nothing_behind(session, segmenter):
    run_search(session.propose(4))
    segmenter.fail_on = {"prompt"}
    with pytest.raises(RuntimeError):
        session.adopt(4, [1, 2])
    assert session.objects == [] and segmenter.conditioning == {}


def test_a_model_without_it_says_so():
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    with pytest.raises(SessionError, match="The model disc cannot propose masks"):
        session.propose(0)
    with pytest.raises(SessionError, match="The model disc cannot preview"):
        session.preview(0, 3, 3)
    assert not session.can_preview
    session.add_point(0, 10, 6)
    assert session.result(0, 1).candidates == ()


# Pictures


def test_pictures_are_each_on_their_own_and_of_their_own_size():
    sizes = [(12, 40), (20, 10), (12, 40)]

    class AnySize(DiscSegmenter):
        def prompt(self, frame, obj, prompts):
            self.height, self.width = sizes[frame]
            return super().prompt(frame, obj, prompts)

    segmenter = AnySize(12, 40)
    session = Session(3, 12, 40, segmenter, kind="images", sizes_hw=sizes)
    session.add_point(1, 5, 19)
    session.add_point(0, 30, 6)
    assert segmenter.asked("prompt") == [(1, 1), (0, 1)]
    masks = session.masks(1)
    assert [masks[i].shape for i in range(3)] == sizes and masks[1].any() and not masks[2].any()
    assert session.label_map(1).shape == (20, 10)
    assert masks[[0, 2]].shape == (2, 12, 40)
    with pytest.raises(ValueError, match="several sizes, so their masks do not fit into one"):
        np.asarray(masks)
    with pytest.raises(SessionError, match=r"point \(30, 6\) lies outside the frame, which is 10"):
        session.add_point(1, 30, 6)
    with pytest.raises(SessionError, match="pictures, each on its own"):
        session.propagate()
    assert PromptSet() == session.prompts(2, 1) and not session.has_pending
