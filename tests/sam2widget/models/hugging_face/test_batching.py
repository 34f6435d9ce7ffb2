"""Objects that are tracked in one batch come out as one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget import Point, PromptSet, TransformersSegmenter
from sam2widget.models.hugging_face import batching
from tests.support import hugging_face

OBJECTS = tuple(range(1, 6))
MAX_ERROR = 1e-3
"""Of the largest logit. One step agrees to 1e-6; the library keeps memories in bfloat16, and what
is rounded otherwise there grows from frame to frame with random weights."""


@pytest.fixture(params=hugging_face.KINDS)
def model(request, folders) -> Any:
    return hugging_face.make_tracker(request.param)


def place(obj: int) -> PromptSet:
    return PromptSet((Point(15.0 * obj, 10.0 + 8 * obj, 1),))


def track_all(model: Any, clip: np.ndarray) -> list[np.ndarray]:
    """Track objects of which one comes late and one is prompted on the way, to both sides."""
    segmenter = TransformersSegmenter(model, open_video(clip))
    segmenter.set_cleaning(0)
    for obj in OBJECTS[:-1]:
        segmenter.prompt(3, obj, place(obj))
    segmenter.prompt(7, 2, place(1))
    found: list[np.ndarray] = []

    def run(frames: Any, objs: tuple[int, ...], *, reverse: bool = False) -> None:
        for frame in frames:
            answers = segmenter.track(frame, objs, reverse=reverse)
            assert list(answers) == list(objs)
            for one in answers.values():
                assert one.logits_hw is not None and one.candidates is None
                found.append(np.append(one.logits_hw.ravel(), (one.score, one.iou)))

    run(range(4, 12), OBJECTS[:-1])
    segmenter.prompt(11, OBJECTS[-1], place(5))
    run(range(12, 16), OBJECTS)
    segmenter.remove(1)
    run((2, 1, 0), OBJECTS[1:-1], reverse=True)
    return found


def test_objects_of_a_batch_are_tracked_as_one_after_the_other(model, clip, monkeypatch):
    sizes: list[int] = []
    attend = type(model.memory_attention).forward

    def count(self, *args: Any, **inputs: Any) -> Any:
        sizes.append(inputs["memory"].shape[1])
        return attend(self, *args, **inputs)

    monkeypatch.setattr(type(model.memory_attention), "forward", count)
    together = track_all(model, clip)
    assert max(sizes) == 4 and sum(sizes) > 2 * len(sizes)
    sizes.clear()
    monkeypatch.setattr(batching, "can_batch", lambda model: False)
    in_turn = track_all(model, clip)
    assert set(sizes) == {1}
    check_same(together, in_turn)


def test_large_batches_are_split(model, clip, monkeypatch):
    whole = track_all(model, clip)
    monkeypatch.setattr(batching, "MAX_BATCH", 2)
    check_same(whole, track_all(model, clip))


def check_same(ours: list[np.ndarray], others: list[np.ndarray]) -> None:
    assert len(ours) == len(others)
    errors = [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, others, strict=True)]
    assert max(errors[:4]) < 1e-5 and max(errors) < MAX_ERROR
