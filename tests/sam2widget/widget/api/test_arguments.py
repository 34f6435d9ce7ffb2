"""Arguments in the forms that people know from elsewhere work, or a sentence says what is wrong."""

from __future__ import annotations

import logging
import traceback

import numpy as np
import pytest
import torch

from sam2_backend.predictors.prompts import check_box, check_points
from sam2widget import Sam2Widget, SessionError, import_masks

FRAMES, HEIGHT, WIDTH = 4, 12, 40
BOX = [5, 2, 15, 9]


@pytest.fixture
def widget(segmenter, closing):
    video = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    widget = closing(Sam2Widget(video, segmenter, autosave=False))
    widget.wait_until_loaded()
    return widget


@pytest.mark.parametrize(
    "box",
    [
        *(BOX, tuple(BOX), np.array(BOX), np.array([BOX]), torch.tensor(BOX), torch.tensor([BOX])),
        *([[5, 2], [15, 9]], ["5", "2", "15", "9"], [np.float32(n) for n in BOX]),
        *(iter(BOX), list(torch.tensor(BOX))),
    ],
    ids=lambda box: type(box).__name__,
)
def test_a_box_may_be_given_in_one(widget, box):
    widget.add_box(0, box)
    assert widget.prompts(0).box == tuple(BOX)


def test_a_box_may_be_given_by_name_and_in_four(widget):
    widget.add_box(0, box=BOX)
    widget.add_box(frame=1, x0=5, y0=2, x1=15, y1=9, obj=2)
    widget.add_box(2, BOX, obj=2)
    assert widget.prompts(0).box == widget.prompts(1, 2).box == widget.prompts(2, 2).box


def test_a_point_may_be_given_in_one(widget):
    widget.add_point(0, (10, 6))
    widget.add_point(0, np.array([12, 6]), label=0)
    widget.add_point(0, x=WIDTH, y=HEIGHT, obj=2)  # the very edge is in the frame
    assert [(p.x, p.y, p.label) for p in widget.prompts(0).points] == [(10, 6, 1), (12, 6, 0)]


@pytest.mark.parametrize("objects", [1, "1", np.int64(1), [1], (1,), {1}, {1: "x"}, np.array([1])])
def test_one_object_may_be_propagated_by_its_number(widget, objects):
    widget.add_point(0, 10, 6)
    widget.add_point(0, 30, 6, obj=2)
    widget.propagate(objects=objects)
    assert np.isfinite(widget.scores[1]).all() and np.isfinite(widget.scores[2]).sum() == 1


@pytest.mark.parametrize(
    "frame", [2, "2", 2.0, np.int64(2), np.uint8(2), np.array(2), torch.tensor(2)]
)
def test_a_number_may_come_as_text_or_from_numpy(widget, frame):
    widget.add_point(frame, "10", np.float32(6), obj=frame)
    assert widget.masks[frame][2].any() and widget.label_map(frame).max() == 2


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda w: w.add_box(0, [1, 2, 3]), r"A box is 4 numbers, .* got \[1, 2, 3\]"),
        (lambda w: w.add_box(0, BOX, 2), "A box is 4 numbers"),
        (lambda w: w.add_box(0), "A box is 4 numbers"),
        (lambda w: w.add_box(0, BOX, box=BOX), "A box is 4 numbers"),
        (lambda w: w.add_box(0, "5 2 15 9"), "A box is 4 numbers"),
        (lambda w: w.add_box(0, [5, 2, float("nan"), 9]), "x1 of a box must be a finite number"),
        (lambda w: w.add_box(0, [15, 2, 5, 9]), "two corners, not a corner, a width"),
        (lambda w: w.add_point(0, 3), "A point is 2 numbers, x, y"),
        (lambda w: w.add_point(0, float("inf"), 3), "x of a point must be a finite number"),
        (lambda w: w.add_point(0, True, 3), "x of a point must be a finite number, got True"),
        (lambda w: w.add_point(0, 40.5, 3), "lies outside the frame"),
        (lambda w: w.add_point(0, 1, 1, label=0.5), "label must be a whole number, got 0.5"),
        (lambda w: w.add_point(0.5, 1, 1), "A frame must be a whole number, got 0.5"),
        (lambda w: w.add_point(True, 1, 1), "A frame must be a whole number, got True"),
        (lambda w: w.add_point(None, 1, 1), "A frame must be a whole number, got None"),
        (lambda w: w.add_point("first", 1, 1), "A frame must be a whole number, got 'first'"),
        (lambda w: w.add_point(-1, 1, 1), "no frame -1"),
        (lambda w: w.add_point(0, 1, 1, obj=0), "id is 1 or larger, got 0"),
        (lambda w: w.add_point(0, 1, 1, obj=1.5), "id must be a whole number, got 1.5"),
        (lambda w: w.propagate(objects=True), "id must be a whole number, got True"),
        (lambda w: w.propagate(objects=[]), "objects is empty"),
        (lambda w: w.propagate(objects=9), "no object 9"),
        (lambda w: w.propagate(objects="all"), "id must be a whole number, got 'all'"),
        (lambda w: w.propagate(0, "end"), "stop must be a whole number, got 'end'"),
        (lambda w: w.accept(True), "A frame must be a whole number, got True"),
        (lambda w: w.label_map(-1), "no frame -1"),
        (lambda w: w.masks[99], "no object 99. Objects: none yet"),
        (lambda w: w.scores["one"], "id must be a whole number, got 'one'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(widget, call, sentence):
    with pytest.raises(SessionError, match=sentence):
        call(widget)


def test_an_object_that_is_not_there_is_a_key_error_too(widget):
    widget.add_point(0, 10, 6)
    with pytest.raises(KeyError, match=r"no object 99\. Objects: 1"):
        widget.masks[99]
    with pytest.raises(IndexError, match="no frame 999: the video has frames 0 to 3"):
        widget.masks[1][999]
    assert widget.masks.get(99) is None and widget.masks["1"][0].any()


# Tracebacks


def files_of(error: BaseException) -> list[str]:
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def test_misuse_shows_the_callers_line_and_one_of_ours_and_the_log_has_the_rest(widget, caplog):
    with caplog.at_level(logging.DEBUG, "sam2widget"), pytest.raises(SessionError) as failed:
        widget.add_point(0, -5, 3)
    files = files_of(failed.value)
    assert files[0] == __file__ and len(files) == 2
    assert failed.value.__cause__ is None and failed.value.__suppress_context__
    assert "editors/prompts.py" in caplog.text


def test_a_fault_shows_where_it_happened_without_the_way_to_the_thread(widget, segmenter):
    segmenter.fail_on = {"prompt"}
    with pytest.raises(RuntimeError) as failed:
        widget.add_point(0, 10, 6)
    files = [file.rsplit("/", 1)[-1] for file in files_of(failed.value)]
    assert files[-1] == "fakes.py"
    ours = {"annotator.py", "prompt_annotator.py", "controller.py", "status.py", "worker.py"}
    assert not {*ours, "_base.py"} & set(files)


def test_a_widget_that_is_refused_and_a_file_that_is_not_there_show_one_line_of_ours(tmp_path):
    for refused in (
        lambda: Sam2Widget(tmp_path / "none.mp4", autosave=False),
        lambda: Sam2Widget.load(tmp_path / "none.sam2.zip"),
    ):
        with pytest.raises(ValueError) as failed:
            refused()
        files = [file.rsplit("/", 1)[-1] for file in files_of(failed.value)]
        assert files[-1] == "short_errors.py" and len(files) == 3


def test_a_warning_shows_the_callers_line(widget):
    logits_hw = np.where(np.eye(HEIGHT, WIDTH, dtype=bool), 3.0, -4.0)
    with pytest.warns(UserWarning, match="logits") as said:
        widget.add_mask(0, logits_hw)
        widget.import_masks(logits_hw)
        import_masks(logits_hw, np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    assert [one.filename for one in said] == [__file__] * 3


def test_an_option_that_there_is_not_is_refused():
    with pytest.raises(SessionError, match=r"no option autosav\. It has: video, model.*autosave"):
        Sam2Widget(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8), autosav=False)


# The library below


def test_predictors_take_one_click_and_boxes_in_a_row():
    assert check_points((3, 4), 1)[0].tolist() == [[3, 4]]
    assert check_points(torch.tensor([[3, 4]]), torch.tensor([1]))[1].tolist() == [1]
    assert check_box([BOX]).tolist() == check_box(torch.tensor(BOX)).tolist() == BOX
    for points, labels in ([[3, 4]], [0.5]), ([[3, "x"]], [1]), ([[3, np.nan]], [1]), ([], []):
        with pytest.raises(ValueError, match="must be"):
            check_points(points, labels)
    with pytest.raises(ValueError, match="four numbers"):
        check_box("abcd")
