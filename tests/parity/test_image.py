"""The image path gives the official answers, for every model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sam2_backend import ImagePredictor
from sam2_backend.network.transforms import frame_to_input
from tests.conftest import Twins
from tests.oracle import official as oracle
from tests.parity.figures import Figures
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


TINY = pytest.mark.parametrize("twins", ["sam2.1-hiera-tiny"], indirect=True)
BOXES = np.array([[60, 30, 190, 140], [10, 10, 90, 80], [200, 60, 310, 170]], np.float32)
POINTS = np.array([[[100, 80], [120, 90]], [[40, 40], [300, 20]], [[250, 100], [20, 160]]])
LABELS = np.array([[1, 1], [1, 0], [1, 0]])
BATCHES: dict[str, dict[str, Any]] = {
    "boxes": {"box": BOXES},
    "one box in a batch": {"box": BOXES[:1]},
    "point sets": {"point_coords": POINTS, "point_labels": LABELS},
    "one point set in a batch": {"point_coords": POINTS[:1], "point_labels": LABELS[:1]},
    "boxes and point sets": {"box": BOXES, "point_coords": POINTS, "point_labels": LABELS},
    "sets of unequal length": {
        "point_coords": POINTS,
        "point_labels": np.array([[1, 1], [1, -1], [1, 0]]),
    },
}
"""Arguments of the official `predict`, by its names, on a picture of 320 x 180."""


def compare(ours: Any, reference: Any, *, are_logits: bool = False) -> Figures:
    """Masks, IoUs and logits of both predictors."""
    figures = Figures()
    for our_part, part in zip(ours[1:], reference[1:], strict=True):
        figures.compare_logits(our_part, part)
    if are_logits:
        figures.compare_logits(ours[0], reference[0])
    else:
        assert ours[0].dtype == bool
        figures.compare_mask(ours[0], reference[0].astype(bool))
    return figures


def picture(n: int, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    return drifting_texture(n + 1, height, width)[n]


@TINY
@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize("multimask", [True, False], ids=["candidates", "single"])
def test_batches_of_prompts_are_answered_equally_by_the_official_names(
    pair: ImagePair, kind: str, multimask: bool
):
    prompts = {**BATCHES[kind], "multimask_output": multimask}
    reference = pair.official.predict(**prompts)
    compare(pair.ours.predict(**prompts), reference).check()
    refined = {"mask_input": reference[2].reshape(-1, 3 if multimask else 1, 64, 64)[:, :1]}
    again = {**prompts, **refined, "return_logits": True}
    compare(pair.ours.predict(**again), pair.official.predict(**again), are_logits=True).check()


@TINY
def test_tensors_are_the_arrays_with_an_axis_of_prompt_sets(pair: ImagePair):
    for n in (1, 3):
        masks, ious, logits = pair.ours.predict_torch(box=torch.from_numpy(BOXES[:n]))
        expected = pair.ours.predict(box=BOXES[:n])
        assert masks.shape == (n, 3, 180, 320) and masks.dtype == torch.bool
        for tensor, array in zip((masks, ious, logits), expected, strict=True):
            np.testing.assert_array_equal((tensor if n > 1 else tensor[0]).numpy(), array)
        assert not logits.is_inference(), "it may be trained on"


@TINY
def test_a_batch_of_images_is_answered_equally(twins: Twins):
    images = [picture(0), picture(3), picture(1, 120, 200)]
    official, ours = oracle.image_predictor(twins.official), ImagePredictor(twins.model)
    for predictor in (official, ours):
        predictor.set_image_batch(images)
    prompts = {
        "point_coords_batch": [POINTS[0], POINTS, None],
        "point_labels_batch": [LABELS[0], LABELS, None],
        "box_batch": [None, BOXES, BOXES[1]],
        "multimask_output": False,
    }
    reference = official.predict_batch(**prompts)
    for ours_of_one, of_one in zip(
        zip(*ours.predict_batch(**prompts), strict=True), zip(*reference, strict=True), strict=True
    ):
        compare(ours_of_one, of_one).check()
