"""Too little memory: smaller batches give the same masks; where nothing helps, a sentence."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, pairwise

import numpy as np
import pytest
import torch

from sam2_backend import (
    CONFIGS,
    AutomaticMaskGenerator,
    ImagePredictor,
    OutOfMemoryError,
    Sam2Model,
    VideoPredictor,
)
from sam2_backend.kernels.out_of_memory import GROW_AFTER, AdaptiveBatcher, guard_memory
from sam2widget import Sam2Widget

CPU = torch.device("cpu")
FRAMES = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def model() -> Sam2Model:
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["nano"], image_size=64))
    return network.eval().requires_grad_(False)


def failing_beyond(limit: int, monkeypatch, model: Sam2Model, method: str) -> list[int]:
    """Let a method of the model fail for more rows than that; the rows it was asked for."""
    asked = []
    works = getattr(model, method)

    def fails(first, *args, **kwargs):
        rows = kwargs.get("points_np2", args[0] if args else first)
        asked.append(len(rows))
        if len(rows) > limit:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")
        return works(first, *args, **kwargs)

    monkeypatch.setattr(model, method, fails)
    return asked


def test_what_a_host_says_is_recognized():
    says = r"memory of cpu does not suffice .*image_size="
    with pytest.raises(OutOfMemoryError, match=says), guard_memory(CPU):
        torch.empty(2**50)
    with pytest.raises(OutOfMemoryError), guard_memory(CPU):
        np.empty(2**50)


@pytest.mark.parametrize("error", [ValueError("no"), RuntimeError("shapes do not fit")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error), match=str(error)), guard_memory(CPU):
        raise error


def test_batches_shrink_until_they_fit_and_stay_small():
    asked, room = [], []

    def work(items):
        asked.append(len(items))
        if len(items) > 3:
            raise MemoryError
        return list(items)

    batches = AdaptiveBatcher(CPU, lambda: room.append(True))
    assert [*chain.from_iterable(batches.map(work, range(14)))] == list(range(14))
    assert asked == [14, 7, 3, 3, 3, 3, 2] and len(room) == 2
    asked.clear()
    assert [*chain.from_iterable(batches.map(work, range(5)))] == list(range(5)) and asked == [3, 2]


class Limited:
    """Work that fails for more items than a limit, which may change."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.asked: list[int] = []

    def __call__(self, items: range) -> list[int]:
        self.asked.append(len(items))
        if len(items) > self.limit:
            raise MemoryError
        return list(items)


def test_batches_grow_again_to_what_was_allowed_when_memory_is_free_again():
    work = Limited(3)
    batcher = AdaptiveBatcher(CPU, max_size=8)
    list(batcher.map(work, range(8)))
    assert work.asked == [8, 4, 2, 2, 2, 2]
    work.limit, work.asked = 100, []
    count = 2 * GROW_AFTER + 4 * GROW_AFTER + 80
    assert [*chain.from_iterable(batcher.map(work, range(count)))] == list(range(count))
    assert sorted(set(work.asked)) == [2, 4, 8] and work.asked == sorted(work.asked)
    assert work.asked[-10:] == [8] * 10


@pytest.mark.slow
def test_attempts_to_grow_become_rare_while_memory_stays_short():
    work = Limited(3)
    batcher = AdaptiveBatcher(CPU, max_size=8)
    list(batcher.map(work, range(2 * 16 * GROW_AFTER)))
    failed = [n for n, size in enumerate(work.asked) if size > 3][2:]
    gaps = np.diff([2, *failed])
    assert len(failed) == 4, "after 1, 2, 4 and 8 times the wait"
    assert all(later > 1.9 * before for before, later in pairwise(gaps))


def test_one_that_does_not_fit_is_tried_once_more_after_room_was_made():
    held = [True]

    def work(_):
        if held:
            raise MemoryError
        return "done"

    assert list(AdaptiveBatcher(CPU, held.clear).map(work, [1])) == ["done"]
    held.append(True)
    with pytest.raises(OutOfMemoryError):
        list(AdaptiveBatcher(CPU).map(work, [1]))


def test_a_video_tracks_fewer_objects_at_once_with_the_same_masks(model, monkeypatch):
    def track():
        video = VideoPredictor(model, FRAMES)
        for obj in range(1, 7):
            video.add_box(0, obj, [8 * obj, 8, 8 * obj + 12, 30])
        return list(video.propagate())

    expected = track()
    asked = failing_beyond(2, monkeypatch, model, "condition_on_memory")
    for result, wanted in zip(track(), expected, strict=True):
        assert result.masks.keys() == wanted.masks.keys()
        for obj, logits in result.logits.items():
            np.testing.assert_allclose(logits, wanted.logits[obj], atol=1e-4)
    assert asked[:3] == [6, 3, 1] and set(asked[3:]) == {1}


def test_automatic_masks_come_in_smaller_batches(model, monkeypatch):
    settings = {"points_per_side": 4, "pred_iou_thresh": -9.0, "stability_score_thresh": -9.0}

    def generate():
        return AutomaticMaskGenerator(model, points_per_batch=16, **settings).generate(FRAMES[0])

    expected = generate()
    asked = failing_beyond(5, monkeypatch, model, "run_transformer")
    found = generate()
    assert asked == [16, 8, 4, 4, 4, 4]
    assert [one["bbox"] for one in found] == [one["bbox"] for one in expected]


def test_a_picture_that_does_not_fit_gets_a_sentence(model, monkeypatch):
    failing_beyond(0, monkeypatch, model, "encode_image")
    with pytest.raises(OutOfMemoryError, match="Tried to allocate 9 GiB"):
        ImagePredictor(model).set_image(FRAMES[0])


def test_a_widget_says_so_keeps_what_there_is_and_works_on(model, monkeypatch):
    widget = Sam2Widget(FRAMES, model)
    widget.add_point(0, 20, 20)
    widget.accept(0)
    with monkeypatch.context() as patched:
        failing_beyond(0, patched, model, "condition_on_memory")
        with pytest.raises(OutOfMemoryError, match="take a smaller model"):
            widget.propagate()
        assert widget.status["state"] == "ready"
        assert widget.timeline(1).accepted == [(0, 1)]
    widget.propagate()
    assert np.isfinite(widget.scores[1]).all()
    widget.close()
