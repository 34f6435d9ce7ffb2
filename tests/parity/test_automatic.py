"""Automatic masks are those of the official generator."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sam2_backend import AutomaticMaskGenerator, Sam2Model, load_model
from sam2_backend.masks import regions
from sam2widget.samples import sample_clip
from tests.conftest import SMALL_INPUT
from tests.oracle import official as oracle
from tests.parity.figures import Figures
from tests.parity.scene import drifting_texture

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`")

ALL: dict[str, Any] = {
    "pred_iou_thresh": 0.0,
    "stability_score_thresh": 0.0,
    "box_nms_thresh": 1.0,
}
"""Nothing is dropped, since random networks are sure of nothing."""

GOOD: dict[str, Any] = {"pred_iou_thresh": 0.3, "stability_score_thresh": 0.3}

SETTINGS: dict[str, dict[str, Any]] = {
    "everything": {**ALL, "points_per_side": 3},
    "quality": {**GOOD, "points_per_side": 8, "box_nms_thresh": 1.0},
    "overlap": {**GOOD, "points_per_side": 8},
    "other cuts": {
        **GOOD,
        "points_per_side": 8,
        "stability_score_offset": 0.5,
        "mask_threshold": 0.5,
        "box_nms_thresh": 0.5,
    },
    "single masks": {**GOOD, "points_per_side": 8, "multimask_output": False},
    "refined": {**GOOD, "points_per_side": 6, "use_m2m": True},
    "crops": {
        **GOOD,
        "points_per_side": 6,
        "crop_n_layers": 2,
        "crop_n_points_downscale_factor": 2,
        "crop_nms_thresh": 0.6,
        "crop_overlap_ratio": 0.4,
    },
    "own grid": {
        **ALL,
        "points_per_side": None,
        "point_grids": [np.array([[0.2, 0.3], [0.7, 0.5], [0.5, 0.9], [0.1, 0.8]])],
    },
}


class Pair(NamedTuple):
    """Networks with the same weights, and a picture."""

    official: Any
    model: Sam2Model
    rgb_hw3: NDArray[np.uint8]

    def records(self, settings: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Of the official generator, and ours."""
        official = oracle.mask_generator(self.official, **settings)
        ours = AutomaticMaskGenerator(self.model, **settings)
        records = list(ours.generate(self.rgb_hw3))
        for record in records:
            record.pop("person_score", None)  # of a head that official networks have not
        return official.generate(self.rgb_hw3), records


@pytest.fixture(scope="module")
def learned(needs_oracle: None) -> Pair:
    """A network that has learnt what objects are."""
    official = oracle.build_nano()
    rgb_hw3 = np.array(Image.fromarray(sample_clip().frames_thw3[0]).resize((200, 120)))
    return Pair(official, load_model("nano", "cpu"), rgb_hw3)


@pytest.fixture(scope="module")
def random(needs_oracle: None) -> Pair:
    """A network of the official shape."""
    official = oracle.build("sam2.1-hiera-tiny", SMALL_INPUT)
    rgb_hw3 = drifting_texture(1, 60, 96)[0]
    return Pair(official, oracle.twin(official, "sam2.1-hiera-tiny"), rgb_hw3)


@pytest.mark.parametrize("kind", SETTINGS)
def test_records_are_equal(learned: Pair, kind: str):
    _compare(*learned.records(SETTINGS[kind]))


def test_filters_leave_some_and_drop_some(learned: Pair):
    model, rgb_hw3 = learned.model, learned.rgb_hw3
    records = {
        kind: AutomaticMaskGenerator(model, **settings).generate(rgb_hw3)
        for kind, settings in SETTINGS.items()
    }
    assert 3 < len(records["overlap"]) < len(records["quality"]) < 3 * 8**2
    assert len({tuple(record["crop_box"]) for record in records["crops"]}) > 1


def test_records_of_the_official_shape_are_equal(random: Pair):
    _compare(*random.records(SETTINGS["everything"]))


@pytest.mark.parametrize("mode", ["uncompressed_rle", "coco_rle"])
def test_run_lengths_are_equal(learned: Pair, mode: str):
    reference, ours = learned.records({**SETTINGS["overlap"], "output_mode": mode})
    equal = [
        own["segmentation"] == other["segmentation"]
        for own, other in zip(ours, reference, strict=True)
        if own["area"] == other["area"]
    ]
    assert equal and all(equal)


def _compare(reference: list[Any], ours: list[Any]) -> None:
    assert len(ours) == len(reference) > 1
    figures = Figures()
    for own, other in zip(ours, reference, strict=True):
        assert own.keys() - {"person_score"} == other.keys()
        for exact in "point_coords", "crop_box":
            np.testing.assert_allclose(own[exact], other[exact])
        for measure in "predicted_iou", "stability_score":
            figures.compare_score(own[measure], other[measure])
        figures.compare_mask(own["segmentation"], other["segmentation"])
        assert own["area"] == np.count_nonzero(own["segmentation"])
        if own["area"] == other["area"]:
            assert own["bbox"] == other["bbox"]
    figures.check()


def test_small_regions_go_as_in_the_official_clean_up(needs_oracle: None):
    oracle.tv_cpu_shim.install()
    from sam2.utils.amg import remove_small_regions

    rng = np.random.default_rng(0)
    changes = 0
    for share in (0.02, 0.3, 0.5, 0.7, 0.98):
        for least in (2, 5, 60, 10_000):
            mask = rng.random((40, 50)) < share
            expected, filled = remove_small_regions(mask, least, "holes")
            expected, dropped = remove_small_regions(expected, least, "islands")
            cleaned, changed = regions.remove_small_regions(mask, least)
            np.testing.assert_array_equal(cleaned, expected)
            changes += changed
            assert changed == (not np.array_equal(cleaned, mask)) <= (filled or dropped)
    assert changes > 10
