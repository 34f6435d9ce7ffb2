"""Another model in the middle of the work: what it changes, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sam2widget.annotation.session import Session
from tests.support.fakes import DiscSegmenter, prompted_mask
from tests.support.sessions import run, states

FRAMES, HEIGHT, WIDTH = 20, 24, 60


class WideSegmenter(DiscSegmenter):
    """One whose masks are a pixel wider."""

    name = "wide"

    def prompt(self, frame, obj, prompts):
        prediction = super().prompt(frame, obj, prompts)
        wide_hw = np.asarray(ndimage.binary_dilation(prediction.mask_hw), np.bool_)
        self.conditioning[obj, frame] = wide_hw
        return self._prediction(wide_hw)


@pytest.fixture
def session() -> Session:
    """Two objects tracked to the end; object 1 corrected on frame 10, frames 15 to 16 accepted."""
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    session.add_point(0, 10, 6)
    session.add_box(0, 30, 15, 36, 20, obj=2)
    run(session.propagate())
    session.add_point(10, 30, 6)
    run(session.propagate())
    session.accept(1, 15, 17)
    session.reject(1, 18)
    return session


def test_what_was_tracked_is_stale_and_what_a_person_has_done_stays(session):
    assert states(session) == "p" + "f" * 9 + "p" + "f" * 4 + "aa" + "frf"
    prompts, accepted = session.all_prompts, session.result(15, 1)
    num_stale = session.switch(WideSegmenter(HEIGHT, WIDTH))
    assert states(session) == "p" + "s" * 9 + "p" + "s" * 4 + "aa" + "srs"
    assert states(session, 2) == "p" + "s" * 19
    assert num_stale == 15 + 19
    assert session.all_prompts == prompts and session.result(15, 1) is accepted


def test_prompts_are_answered_anew_from_the_shown_frame_outwards(session):
    other = WideSegmenter(HEIGHT, WIDTH)
    session.switch(other)
    steps = session.answer_again(10)
    next(steps)
    assert other.asked("prompt")[-1] == (10, 1)
    assert sum(1 for _ in steps) == 2
    for obj, frame in [(1, 10), (1, 0), (2, 0)]:
        narrow_hw = prompted_mask(session.prompts(frame, obj), HEIGHT, WIDTH)
        wide_hw = ndimage.binary_dilation(narrow_hw)
        np.testing.assert_array_equal(session.masks(obj)[frame], wide_hw)


def test_propagation_tracks_it_all_again_but_for_accepted_masks(session):
    accepted_hw = session.masks(1)[15].copy()
    session.switch(WideSegmenter(HEIGHT, WIDTH))
    assert sum(1 for _ in session.answer_again()) == 3
    run(session.propagate())
    assert "s" not in states(session) + states(session, 2)
    assert session.masks(2)[5].sum() > 40
    np.testing.assert_array_equal(session.masks(1)[15], accepted_hw)


def test_locked_objects_and_masks_of_a_person_stay(session):
    session.update_object(2, locked=True)
    painted_hw = np.zeros((HEIGHT, WIDTH), bool)
    painted_hw[2:5, 2:5] = True
    session.add_mask(12, painted_hw)
    run(session.propagate())
    before = session.results(2)
    session.switch(WideSegmenter(HEIGHT, WIDTH))
    assert sum(1 for _ in session.answer_again()) == 2  # of object 1 on frames 0 and 10
    assert session.results(2) == before
    np.testing.assert_array_equal(session.masks(1)[12], painted_hw)


def test_it_is_one_step_of_undo_which_leaves_the_model(session):
    before = {obj: session.results(obj) for obj in (1, 2)}
    other = WideSegmenter(HEIGHT, WIDTH)
    session.switch(other)
    run_all = [1 for _ in session.answer_again()]
    assert run_all and session.last_edit.label == "switch the model"
    session.undo()
    assert {obj: session.results(obj) for obj in (1, 2)} == before
    assert session.segmenter is other
    session.add_point(3, 5, 5, obj=3)
    assert other.asked("prompt")[-1] == (3, 3)


def test_an_edit_in_between_is_a_step_of_its_own(session):
    session.switch(WideSegmenter(HEIGHT, WIDTH))
    steps = session.answer_again()
    next(steps)
    session.update_object(1, name="Dog")
    for _ in steps:
        pass
    labels = []
    while session.last_edit:
        labels.append(session.undo())
    assert labels[0] == "switch the model" and labels[2] == "switch the model"
    assert labels[1] not in ("switch the model", "")


def test_a_session_without_work_switches_without_a_trace():
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    assert session.switch(WideSegmenter(HEIGHT, WIDTH)) == 0
    assert not list(session.answer_again()) and session.last_edit is None
