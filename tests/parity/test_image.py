"""The image path gives the official answers, for every model."""

from __future__ import annotations

import pytest
import torch

from sam2_backend.network.transforms import frame_to_input
from tests.conftest import Twins
from tests.parity.image_pair import PROMPTS, ImagePair, Prompt, compare_features
from tests.parity.scene import drifting_texture

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`")


@pytest.fixture(scope="module")
def pair(twins: Twins) -> ImagePair:
    return ImagePair(twins.official, twins.model, drifting_texture(1, 180, 320)[0])


def test_image_features_are_equal(twins: Twins):
    rgb = drifting_texture(1, 180, 320)[0]
    pixels = frame_to_input(rgb, twins.model.config.image_size, torch.device("cpu"))
    compare_features(twins.official, twins.model, pixels).check()


@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("multimask", [True, False], ids=["candidates", "single"])
def test_prompts_and_their_refinement_are_answered_equally(
    pair: ImagePair, kind: str, multimask: bool
):
    figures, logits = pair.compare(PROMPTS[kind], multimask=multimask)
    figures.check()
    refined, _ = pair.compare(PROMPTS[kind], multimask=False, mask_logits=logits[0])
    refined.check()


def test_a_mask_alone_is_answered_equally(pair: ImagePair):
    _, logits = pair.compare(PROMPTS["box"], multimask=False)
    figures, _ = pair.compare({}, multimask=True, mask_logits=logits[0])
    figures.check()


@pytest.mark.parametrize("twins", ["sam2.1-hiera-base-plus"], indirect=True)
def test_unstable_single_masks_give_way_to_the_same_candidate(pair: ImagePair):
    clicks: list[Prompt] = [
        {"points": [[x, y]], "labels": [1]} for x in (0.1, 0.4, 0.6, 0.9) for y in (0.2, 0.5, 0.8)
    ]
    for click in clicks:
        figures, _ = pair.compare(click, multimask=False)
        figures.check()
    stable = [pair.single_mask_is_stable(click) for click in clicks]
    assert any(stable) and not all(stable), "both outcomes are there to compare"
