"""The bundled model on a made clip: what policies find again that SAM 2's memory has lost."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_backend import Sam2Model, VideoPredictor, load_model
from sam2_backend.training.evaluation import compute_iou
from sam2widget.samples.hard_cases import HARD_CASES, make_hard_case


@pytest.fixture(scope="module")
def nano() -> Sam2Model:
    return load_model("nano", "cpu")


def last_ious(model: Sam2Model, policy: str) -> list[float]:
    """IoUs of the last ten frames of the clip in which a ball rolls behind a wall."""
    clip = make_hard_case("occlusion")
    video = VideoPredictor(model, clip.frames_thw3, memory_policy=policy)
    video.add_mask(0, 1, clip.masks[1][0])
    found = {result.frame: result.masks[1] for result in video.propagate()}
    seen = np.flatnonzero(clip.masks[1].any(axis=(1, 2)))[-10:]
    return [compute_iou(found[int(t)], clip.masks[1][t]) for t in seen]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "finds_it"), [("plain", False), ("distractor", True), ("tree", True)]
)
def test_a_ball_is_found_again_that_was_hidden_for_longer_than_memory_reaches(
    nano, policy, finds_it
):
    mean_iou = np.mean(last_ious(nano, policy))
    assert mean_iou > 0.8 if finds_it else mean_iou < 0.5


def test_made_clips_hide_the_ball_and_show_its_twin():
    for name in HARD_CASES:
        clip = make_hard_case(name)
        ball, twin = clip.masks[1], clip.masks[2]
        assert clip.frames_thw3.shape == (*ball.shape, 3) and not (ball & twin).any()
        assert ball[0].any() and ball[-1].any() and twin.any(axis=(1, 2)).all()
        hidden = int((~ball.any(axis=(1, 2))).sum())
        assert (hidden == 0) if name == "twins" else (hidden > 16)
    with pytest.raises(ValueError, match="There are the clips twins, occlusion, reentry"):
        make_hard_case("none")
