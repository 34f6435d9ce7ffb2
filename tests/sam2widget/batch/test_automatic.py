"""The fully automatic stage, and the figures that the stages are compared by."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget import Sam2Widget, SessionError, Statistics, segment_everything
from sam2widget.annotation.records import Result
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import Point, PromptSet, Proposed
from sam2widget.storage.statistics import IDLE_S, time_spent
from tests.support.fakes import DiscSegmenter

FRAMES, HEIGHT, WIDTH = 20, 24, 40
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)


def square(x: int, y: int, side: int = 6) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + side, x : x + side] = True
    return mask


class Finder(DiscSegmenter):
    """Proposes what a table says; objects move right by a pixel a frame."""

    def __init__(self, table: dict[int, list[Proposed]]) -> None:
        super().__init__(HEIGHT, WIDTH)
        self.table = table

    def propose(self, frame: int):
        yield
        return self.table.get(frame, [])


def test_what_is_new_is_tracked_and_the_rest_accounted_for():
    finder = Finder(
        {
            0: [
                Proposed(square(2, 2), 0.9, 0.95),
                Proposed(square(2, 12), 0.8, 0.9),
                Proposed(square(12, 2), 0.6, 0.95),
                Proposed(square(12, 12), 0.9, 0.7),
                Proposed(square(3, 2), 0.8, 0.9),
            ],
            8: [Proposed(square(10, 2), 0.9, 0.95), Proposed(square(26, 14), 0.9, 0.95)],
        }
    )
    found = segment_everything(CLIP, finder, every=8, on_status=lambda _: None)
    assert [(one.frame, one.object) for one in found.outcomes] == [
        (0, 1),
        (0, 2),
        (0, None),
        (0, None),
        (0, None),
        (8, None),
        (8, 3),
    ]
    reasons = [one.reason for one in found.outcomes if one.object is None]
    assert reasons == [
        "predicted IoU below 0.7",
        "stability below 0.85",
        "covered by object 1",
        "covered by object 1",
    ]
    assert "3 of 7 proposals kept." in str(found)
    results = found.session.results
    assert {frame for obj, frame in results if obj == 3} == set(range(FRAMES))
    np.testing.assert_array_equal(results[1, 5].mask.to_array(), square(7, 2))
    with_widget = Sam2Widget(CLIP, finder, saved=found.session, autosave=False)
    assert sorted(with_widget.masks) == [1, 2, 3]
    with_widget.close()


def test_a_model_may_be_less_sure_than_others_but_need_not_be_surer():
    class Modest(Finder):
        proposal_thresholds = 0.4, 0.9

    table = {0: [Proposed(square(2, 2), 0.5, 0.86), Proposed(square(2, 12), 0.5, 0.8)]}
    found = segment_everything(CLIP, Modest(table), on_status=lambda _: None)
    assert [one.reason for one in found.outcomes] == ["tracked", "stability below 0.85"]
    found = segment_everything(CLIP, Modest(table), min_iou=0.6, on_status=lambda _: None)
    assert [one.reason for one in found.outcomes] == ["predicted IoU below 0.6"] * 2


def test_twins_and_what_vanishes_are_dropped():
    class Vanishing(Finder):
        def track(self, frame, objs, *, reverse):
            found = super().track(frame, objs, reverse=reverse)
            return {obj: self._prediction(np.zeros((HEIGHT, WIDTH), bool)) for obj in found}

    table = {0: [Proposed(square(2, 2), 0.9, 0.95)]}
    found = segment_everything(CLIP, Vanishing(table), on_status=lambda _: None)
    assert [one.reason for one in found.outcomes] == ["visible on 1 frames only"]
    assert not found.session.objects and not found.session.results

    # Two that were apart where they were found, and are one elsewhere.
    twins = {
        0: [Proposed(square(2, 2), 0.9, 0.95)],
        8: [Proposed(square(10, 8), 0.9, 0.95)],
    }

    class Merging(Finder):
        def track(self, frame, objs, *, reverse):
            found = super().track(frame, objs, reverse=reverse)
            return {obj: self._prediction(square(8, 5)) for obj in found}

    found = segment_everything(CLIP, Merging(twins), every=8, on_status=lambda _: None)
    assert sorted(one.reason for one in found.outcomes) == ["the same as object 1", "tracked"]
    assert [info.id for info in found.session.objects] == [1]


def test_there_are_at_most_as_many_objects_as_wanted():
    table = {0: [Proposed(square(x, 2, 4), 0.9, 0.95) for x in (0, 6, 12, 18)]}
    found = segment_everything(CLIP, Finder(table), max_objects=2, on_status=lambda _: None)
    assert len(found.session.objects) == 2
    assert found.outcomes[-1].reason == "there are 2 objects already"


def test_names_of_earlier_versions_are_taken_with_a_warning():
    table = {0: [Proposed(square(x, 2, 4), 0.9, 0.95) for x in (0, 6)]}
    with pytest.warns(DeprecationWarning) as warned:
        found = segment_everything(CLIP, Finder(table), most=1, say=lambda _: None)
        assert found.verdicts is found.outcomes
        assert found.outcomes[1].why == "there are 1 objects already"
    assert {str(one.message).split(";")[0] for one in warned} == {
        "most= is now called max_objects=",
        "say= is now called on_status=",
        "Everything.verdicts is now called Everything.outcomes",
        "ProposalOutcome.why is now called ProposalOutcome.reason",
    }


def test_wrong_options_and_models_that_cannot_are_said():
    with pytest.raises(SessionError, match="at least 1, got 0"):
        segment_everything(CLIP, Finder({}), every=0)
    with pytest.raises(ValueError, match="model is a name, a path"):
        segment_everything(CLIP, 7)


def test_statistics_count_what_was_done():
    area, empty = Mask.from_array(square(2, 2)), Mask.empty(HEIGHT, WIDTH)
    results = {
        (1, 0): Result(area, 1, 1, "prompt"),
        (1, 1): Result(area, 1, 1, "track", "accepted"),
        (1, 2): Result(empty, 1, 1, "track"),
        (1, 3): Result(area, 1, 1, "track", "rejected"),
        (2, 0): Result(area, 1, 1, "proposal"),
        (3, 5): Result(area, 1, 1, "edit"),
    }
    prompts = {
        (1, 0): PromptSet((Point(1, 1, 1), Point(2, 2, 0)), (0, 0, 5, 5)),
        (2, 0): PromptSet(mask=area),
        (3, 5): PromptSet(mask=area),
    }
    one = Statistics.count(FRAMES, prompts, results, seconds=6.0)
    assert (one.frames, one.annotated, one.masklets, one.masks) == (FRAMES, 3, 1, 4)
    assert (one.accepted, one.edited, one.clicks, one.boxes, one.painted) == (1, 2, 2, 1, 2)
    assert (one.clicks_per_edit, one.edited_share, one.seconds_per_frame) == (1.0, 0.5, 2.0)
    both = one + one
    assert (both.videos, both.masks, both.seconds) == (2, 8, 12.0)
    assert "4, 1 accepted" in str(one) and "seconds per frame" in str(one)
    assert Statistics().seconds_per_frame == 0


def test_pauses_are_no_work():
    assert time_spent([]) == time_spent([5.0]) == 0
    assert time_spent([0, 10, 20, 20 + 2 * IDLE_S, 25 + 2 * IDLE_S]) == 25


@pytest.fixture
def widget(tmp_path):
    made = Sam2Widget(
        CLIP, DiscSegmenter(HEIGHT, WIDTH), masks=[square(2, 2), square(20, 4)], autosave=False
    )
    yield made
    made.close()


def test_a_widget_begins_with_masks_and_takes_in_and_gives_out_more(widget, tmp_path):
    assert sorted(widget.masks) == [1, 2] and widget.selected == 1
    widget.propagate()
    np.testing.assert_array_equal(widget.masks[2][3], square(23, 4))
    assert widget.statistics.masks == len(widget.segmentation.results) == 2 * FRAMES
    path = widget.export(tmp_path / "all.npz")
    widget.clear()
    assert widget.import_masks(path) == [1, 2]
    assert widget.timeline(1).accepted == [(0, FRAMES)]
    assert widget.import_masks({3: square(9, 9)}, as_prompts=True) == [3]
    np.testing.assert_array_equal(widget.prompts(0, 3).mask.to_array(), square(9, 9))
    widget.undo()
    assert sorted(widget.masks) == [1, 2]
    with pytest.raises(SessionError, match="masks are of the frame's size"):
        widget.import_masks([np.ones((3, 3))])
