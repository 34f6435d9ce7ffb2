"""What the comparison rests on: official answers that are worth comparing with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Twins
from tests.parity.scenarios import NUM_FRAMES, occlusion
from tests.parity.scene import drifting_texture
from tests.parity.video_pair import VideoPair

pytestmark = pytest.mark.filterwarnings("ignore:cannot import name '_C'")  # no CUDA
TINY = pytest.mark.parametrize("twins", ["sam2.1-hiera-tiny"], indirect=True)


@TINY
def test_random_weights_answer_prompts_and_remember(twins: Twins, tmp_path: Path):
    pair = VideoPair(
        twins.official, twins.model, drifting_texture(NUM_FRAMES, 90, 160), tmp_path / "video"
    )
    occlusion(pair)
    objects, frames = pair.ours.objects, range(NUM_FRAMES)
    masks = np.array([[pair.reference_mask(obj, frame) for frame in frames] for obj in objects])
    shares = masks.mean(axis=(2, 3))
    assert (shares > 0.02).all() and (shares < 0.98).all(), "masks are neither empty nor full"
    assert np.mean(masks[0] != masks[1]) > 0.01, "what is tracked depends on what was prompted"
    assert np.mean(masks[0][0] != masks[0][-1]) > 0.01, "and on the frame"
