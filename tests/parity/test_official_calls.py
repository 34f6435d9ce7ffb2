"""Code that was written for the official video predictor runs with ours, and gives the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam2_backend import SAM2VideoPredictor, VideoPredictor
from tests.conftest import Twins
from tests.oracle import official as oracle
from tests.parity.figures import Figures
from tests.parity.scene import disc, drifting_texture

pytestmark = [
    pytest.mark.filterwarnings("ignore:cannot import name '_C'"),  # no CUDA
    pytest.mark.usefixtures("memories"),
    pytest.mark.parametrize("twins", ["sam2.1-hiera-tiny"], indirect=True),
]
HEIGHT, WIDTH, FRAMES = 180, 320, 7

Output = tuple[int, list[int], torch.Tensor]


def use(predictor: Any, state: Any) -> list[Output]:
    """All that the official notebook and its demo do, by position and by name."""
    outputs = [
        predictor.add_new_points_or_box(state, 1, 4, np.array([[110, 80]], np.float32), [1]),
        predictor.add_new_points_or_box(
            inference_state=state,
            frame_idx=1,
            obj_id=2,
            points=np.array([[200, 60], [290, 150]], np.float32),
            labels=np.array([1, 0], np.int32),
            box=np.array([150, 30, 260, 120], np.float32),
        ),
        # Clicks and box before are forgotten, their mask is refined.
        predictor.add_new_points_or_box(
            state, frame_idx=1, obj_id=2, points=[[0.6, 0.4]], labels=[1], normalize_coords=False
        ),
        predictor.add_new_points_or_box(state, 1, 4, [[120, 85]], [0], clear_old_points=False),
        predictor.add_new_mask(state, 5, 7, disc(HEIGHT, WIDTH, 0.5, 0.5, 0.2)),
    ]
    outputs += predictor.propagate_in_video(state)
    outputs += predictor.propagate_in_video(
        inference_state=state, start_frame_idx=4, max_frame_num_to_track=2, reverse=True
    )
    outputs += predictor.propagate_in_video(state, start_frame_idx=0, reverse=True)
    left, updated = predictor.remove_object(state, 4)
    assert left == [2, 7]
    outputs += [(frame, list(left), logits) for frame, logits in updated]
    outputs += predictor.propagate_in_video(state, max_frame_num_to_track=2)
    # The official predictor's lists of ids are its own, and are emptied.
    outputs = [(frame, list(ids), logits.clone()) for frame, ids, logits in outputs]
    predictor.reset_state(state)
    outputs.append(predictor.add_new_points_or_box(state, 0, 1, box=[20, 20, 120, 100]))
    return outputs


def test_every_call_gives_the_official_output(twins: Twins, tmp_path: Path):
    oracle.save_video(drifting_texture(FRAMES, HEIGHT, WIDTH), tmp_path)
    ours = SAM2VideoPredictor(twins.model)
    found = use(ours, ours.init_state(str(tmp_path)))
    expected = use(twins.official, twins.official.init_state(str(tmp_path)))
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    figures = Figures()
    for (_, _, logits), (_, _, reference) in zip(found, expected, strict=True):
        assert logits.shape == reference.shape
        for row, reference_row in zip(logits.numpy(), reference.numpy(), strict=True):
            figures.compare_logits(row, reference_row)
            figures.compare_mask(row > 0, reference_row > 0)
    assert figures.num_absent, "objects without a mask on a frame"
    figures.check()


def test_the_calls_are_methods_of_our_predictor_too(twins: Twins, tmp_path: Path):
    oracle.save_video(drifting_texture(FRAMES, HEIGHT, WIDTH), tmp_path)
    video = VideoPredictor(twins.model, tmp_path)
    frame, objs, logits = video.add_new_points_or_box(
        frame_idx=2, obj_id=1, points=[[110, 80]], labels=[1]
    )
    assert (frame, objs) == (2, [1]) and logits.shape == (1, 1, HEIGHT, WIDTH)
    masks = {frame: logits[0, 0] > 0 for frame, _, logits in video.propagate_in_video()}
    assert list(masks) == [2, 3, 4, 5, 6]
    for result in video.propagate():
        np.testing.assert_array_equal(masks[result.frame].numpy(), result.masks[1])
    with pytest.raises(ValueError, match="nothing to add"):
        video.add_new_points_or_box(0, 1)
    with pytest.raises(ValueError, match="before any points"):
        video.add_new_points_or_box(0, 1, box=[1, 1, 9, 9], clear_old_points=False)
    video.reset_state()
    assert video.objects == ()
    with pytest.raises(ValueError, match="Nothing to propagate"):
        next(video.propagate_in_video())
