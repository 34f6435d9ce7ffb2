"""Sessions with a real network: small, with random weights, so that only bookkeeping shows."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from scipy import ndimage

from sam2_backend import CheckpointError, Sam2Model, VideoPredictor
from sam2_backend.video import open_video
from sam2widget import Sam2Widget, SessionError
from sam2widget.annotation.session import Session
from sam2widget.core.masks import Mask
from sam2widget.models.loading import HUB_TIMEOUT_S, is_hub_reachable, load_any, load_segmenter
from sam2widget.models.sam2 import Sam2Segmenter
from sam2widget.models.segmenter import Point, PromptSet
from tests.support.networks import random_nano
from tests.support.sessions import run

FRAMES, HEIGHT, WIDTH = 24, 48, 64


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    return random_nano(64)


@pytest.fixture(scope="module")
def video():
    rng = np.random.default_rng(0)
    return open_video(rng.integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8))


@pytest.fixture
def segmenter(model, video) -> Sam2Segmenter:
    return Sam2Segmenter(model, video)


@pytest.fixture
def session(segmenter) -> Session:
    return Session(FRAMES, HEIGHT, WIDTH, segmenter)


def same(a, b) -> bool:
    return np.array_equal(a.mask_hw, b.mask_hw) and a.score == pytest.approx(b.score, abs=1e-4)


POINTS = (Point(20, 20, 1), Point(40, 30, 0), Point(25, 15, 1))


def test_clicks_one_after_the_other_equal_their_replay(model, video):
    clicked, replayed = Sam2Segmenter(model, video), Sam2Segmenter(model, video)
    for n in 1, 2, 3:
        last = clicked.prompt(5, 1, PromptSet(POINTS[:n]))
    assert same(last, replayed.prompt(5, 1, PromptSet(POINTS)))
    assert same(last, replayed.prompt(5, 1, PromptSet(POINTS)))
    assert last.mask_hw.shape == (HEIGHT, WIDTH) and last.mask_hw.dtype == bool
    assert 0 <= last.iou <= 1


def test_a_removed_click_is_as_if_it_had_not_been(segmenter):
    first = segmenter.prompt(5, 1, PromptSet(POINTS[:1]))
    segmenter.prompt(5, 1, PromptSet(POINTS))
    assert same(segmenter.prompt(5, 1, PromptSet(POINTS[:1])), first)


def test_masks_boxes_and_clicks_go_together(segmenter):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:30, 10:40] = True
    alone = segmenter.prompt(2, 1, PromptSet(mask=Mask.from_array(mask)))
    assert (alone.mask_hw == mask).mean() > 0.9 and alone.score > 0
    both = PromptSet(POINTS[:2], box=(5, 5, 40, 40), mask=Mask.from_array(mask))
    assert segmenter.prompt(2, 1, both).mask_hw.shape == mask.shape


def test_what_is_unknown_is_cleared_and_removed_without_a_word(segmenter):
    segmenter.clear(3, 9)
    segmenter.remove(9)
    first = segmenter.prompt(3, 9, PromptSet(POINTS[:1]))
    segmenter.remove(9)
    segmenter.remove(9)
    again = segmenter.prompt(3, 9, PromptSet(POINTS[1:2]))
    assert not same(first, again), "nothing is known of its first click any more"
    segmenter.clear(3, 9)
    assert same(first, segmenter.prompt(3, 9, PromptSet(POINTS[:1])))


@pytest.mark.slow
def test_a_whole_session_and_all_of_it_undone_and_redone(session):
    def seen():
        return [
            {t: (r.mask, r.state, r.source) for t, r in session.results(info.id).items()}
            for info in session.objects
        ]

    history = [seen()]
    for edit in [
        lambda: session.add_point(3, 20, 20),
        lambda: session.add_point(3, 40, 30, label=0),
        lambda: session.add_box(8, 5, 5, 30, 30, obj=2),
        lambda: run(session.propagate()),
        lambda: session.add_point(15, 30, 30),
        lambda: run(session.propagate(direction="backward")),
        lambda: run(session.propagate()),
        lambda: session.accept(2, 18),
        lambda: session.add_mask(10, np.eye(HEIGHT, WIDTH), obj=2),
        lambda: run(session.propagate()),
        lambda: session.remove_object(1),
    ]:
        edit()
        history.append(seen())
    for expected in reversed(history[:-1]):
        session.undo()
        assert seen() == expected
    for expected in history[1:]:
        session.redo()
        assert seen() == expected
    session.add_point(0, 10, 10, obj=2)
    assert run(session.propagate())


def test_a_resumed_propagation_gives_what_an_uninterrupted_one_gives(model, video):
    whole = Session(FRAMES, HEIGHT, WIDTH, Sam2Segmenter(model, video))
    parts = Session(FRAMES, HEIGHT, WIDTH, Sam2Segmenter(model, video))
    for session in whole, parts:
        session.add_point(0, 20, 20)
    run(whole.propagate())
    for stop in 5, 12, FRAMES:
        run(parts.propagate(stop=stop))
    assert np.array_equal(np.asarray(whole.masks(1)), np.asarray(parts.masks(1)))


def test_a_correction_far_behind_the_last_pass_uses_what_is_left(session):
    session.add_point(0, 20, 20)
    run(session.propagate())
    for frame in 10, 12, 3:
        session.add_point(frame, 30, 30)
    run(session.propagate())
    assert not session.has_stale


def test_a_loaded_model_can_be_given_to_the_widget(model, video):
    widget = Sam2Widget(video, model)
    widget.add_point(0, 20, 20)
    widget.propagate(stop=4)
    assert np.isfinite(widget.scores[1][:4]).all() and widget.status["model"] == "nano"
    widget.close()


def test_a_function_that_loads_a_model_runs_while_the_video_is_shown(model, video):
    shown = threading.Event()

    def load() -> Sam2Model:
        assert shown.wait(10)
        return model

    w = Sam2Widget(video, model=load)
    assert w.status["state"] == "loading" and w.video["num_frames"] == FRAMES
    shown.set()
    w.add_point(frame=0, x=20, y=20)
    assert w.status["state"] == "ready" and w.status["model"] == "nano"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sam3", "Unknown model 'sam3'"),
        ("no/such/file.pt", "no checkpoint file"),
        (7, "got a int"),
    ],
)
def test_a_model_that_is_none_gets_a_sentence(video, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_segmenter(name, "cpu", video, lambda _: None)


def test_a_device_that_is_not_there_gets_a_sentence(video):
    widget = Sam2Widget(video, "nano", device="cuda:99")
    with pytest.raises(SessionError, match="Device 'cuda:99' cannot be used here"):
        widget.wait_until_loaded()
    widget.close()


def test_auto_falls_back_to_the_bundled_model_within_seconds_when_offline(
    video, model, monkeypatch
):
    asked, said = [], []

    def load(name, device):
        asked.append(name)
        return model

    monkeypatch.setattr("sam2_backend.checkpoints.hub.is_cached", lambda name: False)
    monkeypatch.setattr("sam2_backend.checkpoints.shared.load_shared", load)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    began = time.monotonic()
    load_segmenter("auto", None, video, said.append)
    assert asked == ["nano"] and "bundled nano" in said[-1]
    assert time.monotonic() - began < HUB_TIMEOUT_S + 2


def test_auto_takes_the_official_model_and_the_bundled_one_if_that_fails(video, model, monkeypatch):
    asked, failing = [], []

    def load(name, device):
        asked.append(name)
        if name in failing:
            raise CheckpointError("it broke off")
        return model

    monkeypatch.setattr("sam2_backend.checkpoints.hub.is_cached", lambda name: True)
    monkeypatch.setattr("sam2_backend.checkpoints.shared.load_shared", load)
    load_segmenter("auto", None, video, lambda _: None)
    assert asked == ["sam2.1-hiera-tiny"]
    failing.append("sam2.1-hiera-tiny")
    load_segmenter("auto", None, video, lambda _: None)
    assert asked[1:] == ["sam2.1-hiera-tiny", "nano"]


def test_a_hub_that_does_not_answer_is_given_up_in_time(monkeypatch):
    import threading

    never = threading.Event()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: never.wait())
    assert not is_hub_reachable(timeout_s=0.1)
    never.set()


def test_a_choice_is_replayed_with_the_clicks(model, video):
    chosen = PromptSet(POINTS[:1]).with_candidate(1)
    clicked, replayed = Sam2Segmenter(model, video), Sam2Segmenter(model, video)
    best = clicked.prompt(5, 1, PromptSet(POINTS[:1]))
    other = clicked.prompt(5, 1, chosen)
    assert best.candidates is not None and other.candidates is not None
    assert other.candidates.chosen == 1
    assert np.array_equal(other.mask_hw, best.candidates.masks_nhw[1])
    last = clicked.prompt(5, 1, chosen.with_point(POINTS[1]))
    assert same(last, replayed.prompt(5, 1, chosen.with_point(POINTS[1])))
    assert last.candidates is None


def test_hovering_and_proposing_leave_a_session_as_it_was(session):
    session.add_point(3, 20, 20)
    before = session.results(1)
    assert session.preview(3, 30, 30, 1).mask_hw.shape == (HEIGHT, WIDTH)
    assert session.preview(9, 30, 30).mask_hw.shape == (HEIGHT, WIDTH)
    assert session.results(1) == before and session.last_edit.label == "point"
    run(session.propagate())
    assert len(session.results(1)) == FRAMES


# Clean masks and overlaps


def parts(mask_hw) -> int:
    return ndimage.label(mask_hw, np.ones((3, 3)))[1]


def test_answers_are_clean_by_default_and_rough_when_switched_off(model, video):
    clean, rough = Sam2Segmenter(model, video, clean_masks=0.9), Sam2Segmenter(model, video)
    rough.set_cleaning(0)
    native = VideoPredictor(model, video)
    prompts = PromptSet(POINTS[:1])
    masks = [one.prompt(0, 1, prompts).mask_hw for one in (clean, rough)]
    official = native.add_points(0, 1, [[POINTS[0].x, POINTS[0].y]], [1])
    np.testing.assert_array_equal(masks[1], official.masks[1])
    assert parts(masks[1]) > 3, "there is something to clean"
    assert parts(masks[0]) <= 2, "the largest part, and that of the click"
    clean.set_cleaning(0)
    np.testing.assert_array_equal(
        clean.preview(0, None, POINTS[0]).mask_hw, rough.preview(0, None, POINTS[0]).mask_hw
    )
    rough.set_cleaning(0.9)
    assert all(parts(one.mask_hw) <= 1 for one in _found(rough.propose(0)))


def _found(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_a_session_says_how_its_model_cleans(model, video):
    def clicked(**options):
        session = Session(FRAMES, HEIGHT, WIDTH, Sam2Segmenter(model, video), **options)
        session.add_point(0, POINTS[0].x, POINTS[0].y)
        run(session.propagate(stop=3))
        return session

    rough, clean = clicked(clean_masks=0), clicked(clean_masks=0.9)
    assert parts(clean.masks(1)[2]) <= 1 < parts(rough.masks(1)[2])
    speckled = np.random.default_rng(1).random((HEIGHT, WIDTH)) > 0.7
    clean.add_mask(5, speckled)
    np.testing.assert_array_equal(clean.masks(1)[5], speckled)
    clean.accept(1, 2)
    kept = clean.masks(1)[2]
    clean.set_cleaning(0)
    run(clean.propagate())
    np.testing.assert_array_equal(clean.masks(1)[2], kept)
    with pytest.raises(SessionError, match="clean_masks must be True, False, a size"):
        clean.set_cleaning(-1)


@pytest.mark.parametrize("largest", [None, 1])
def test_objects_are_divided_all_together_also_where_memory_lets_only_one_be_tracked(
    model, video, largest
):
    segmenter = Sam2Segmenter(model, video)
    segmenter.predictor.tracker.batcher.size = largest  # as after an allocation that failed
    session = Session(FRAMES, HEIGHT, WIDTH, segmenter, clean_masks=0)
    for obj, (x, y) in enumerate(((20, 20), (40, 30), (30, 24)), 1):
        session.add_box(0, x - 15, y - 15, x + 15, y + 15, obj)
    run(session.propagate(stop=4))
    overlaps = 0
    for frame in range(4):
        results = [session.result(frame, obj) for obj in (1, 2, 3)]
        masks, answers = (
            np.array([getattr(one, name).to_array() for one in results])
            for name in ("mask", "answer")
        )
        np.testing.assert_array_equal(masks.sum(axis=0) == 1, answers.any(axis=0))
        overlaps += (answers.sum(axis=0) > 1).sum()
        logits = np.array(
            [one.logits.at(*np.nonzero(answers.any(axis=0)), (HEIGHT, WIDTH)) for one in results]
        )
        claimed = answers[:, answers.any(axis=0)]
        best = np.where(claimed, logits, -np.inf)
        held = masks[:, answers.any(axis=0)]
        if frame:  # nobody has clicked there
            np.testing.assert_array_equal(
                best.max(axis=0), best.max(axis=0, where=held, initial=-1)
            )
    assert overlaps


def test_the_bundled_model_says_what_it_is_and_others_do_not(model, video):
    bundled = Sam2Segmenter(load_any("nano", "cpu", lambda _: None, shared=True), video)
    assert bundled.model_note.text == "small offline model · use SAM 2.1 tiny"
    assert 'Sam2Widget(video, "sam2.1-hiera-tiny")' in bundled.model_note.details
    assert Sam2Segmenter(model, video).model_note is None, "of the same shape, with other weights"


def test_a_prompted_object_is_remembered_as_what_others_leave_of_it(
    session, segmenter, monkeypatch
):
    remembered = {}
    predictor = segmenter.predictor
    monkeypatch.setattr(
        *(predictor, "remember_as"), lambda frame, obj, mask: remembered.__setitem__(obj, mask)
    )
    left = np.zeros((HEIGHT, WIDTH), bool)
    left[:, : WIDTH // 2] = True
    session.add_box(0, 2, 2, WIDTH - 2, HEIGHT - 2, 1)
    answer = session.masks(1)[0]
    session.add_mask(0, left, 2)
    run(session.propagate(stop=2))
    shown = session.masks(1)[0]
    assert (shown == (answer & ~left)).all() and (answer & left).any()
    assert (remembered.pop(1) == shown).all() and 2 not in remembered
    run(session.propagate(start=2))
    assert not remembered
    session.remove_object(2)
    session.add_point(FRAMES - 1, 10, 10, 1, 1)
    run(session.propagate())
    assert remembered == {1: None}


def test_memory_keeps_objects_apart_where_the_session_does(session, segmenter):
    for on in (False, True):
        session.set_non_overlapping(on)
        session.add_point(0, 10, 10, 1, 1)
        assert segmenter.predictor.exclusive_memory == on
    session.undo()
    session.undo()
    run(session.propagate())
    assert not segmenter.predictor.exclusive_memory
