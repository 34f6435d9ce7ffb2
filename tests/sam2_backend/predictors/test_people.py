"""Several people in a picture, found without a click."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from sam2_backend import SAM2MultiPersonSegmentation
from sam2_backend.network.transforms import logits_to_masks
from sam2_backend.predictors.people import multi_person
from sam2_backend.predictors.people.multi_person import make_person_grid, person_score
from sam2_backend.predictors.people.person_search import search_people


@pytest.fixture(scope="module")
def people() -> SAM2MultiPersonSegmentation:
    return SAM2MultiPersonSegmentation("nano", "cpu")


def group(height: int = 300, width: int = 480) -> tuple[np.ndarray, list[np.ndarray]]:
    """Three figures before a wall, and the mask of each."""
    backdrop = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", [backdrop.point(lambda v, k=k: 110 + v // k) for k in (2, 3, 4)])
    masks = []
    for n, colour in enumerate([(200, 40, 40), (30, 60, 160), (240, 200, 40)]):
        figure = Image.new("L", (width, height))
        draw = ImageDraw.Draw(figure)
        x = 90 + 150 * n
        draw.ellipse((x - 18, 60, x + 18, 100), fill=255)
        draw.rounded_rectangle((x - 32, 98, x + 32, 200), radius=16, fill=255)
        draw.rounded_rectangle((x - 26, 180, x + 26, 285), radius=10, fill=255)
        picture.paste(colour, mask=figure.filter(ImageFilter.GaussianBlur(1)))
        masks.append(np.asarray(figure) > 127)
    return np.asarray(picture), masks


@pytest.mark.slow
def test_each_person_gets_a_mask_of_their_own(people, tmp_path):
    image, truth = group()
    path = tmp_path / "group.png"
    Image.fromarray(image).save(path)
    masks, read = people.segment_auto(path, num_people=3)
    np.testing.assert_array_equal(read, image)
    best = [max(_iou(mask, one) for mask in masks) for one in truth]
    assert len(masks) == 3 and min(best) > 0.7, best


@pytest.mark.slow
def test_there_are_no_more_than_asked_for_and_they_hardly_overlap(people):
    image, _ = group()
    for number in 1, 5:
        masks, _ = people.segment_auto(image, num_people=number)
        assert 1 <= len(masks) <= number
        assert np.sum(masks, axis=0).max() <= 2
        shared = sum(masks[0] & mask for mask in masks[1:]) if len(masks) > 1 else np.zeros(1)
        assert np.count_nonzero(shared) <= 0.3 * masks[0].sum()


def test_people_are_upright_neither_tiny_nor_a_background():
    def of(y: slice, x: slice) -> float:
        mask = np.zeros((100, 160), bool)
        mask[y, x] = True
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        w, h = float(columns[-1] - columns[0]), float(rows[-1] - rows[0])
        return person_score(
            {
                "segmentation": mask,
                "area": int(mask.sum()),
                "bbox": [float(columns[0]), float(rows[0]), w, h],
                "predicted_iou": 0.9,
                "stability_score": 0.9,
                "point_coords": [],
                "crop_box": [],
            }
        )

    person = of(slice(20, 100), slice(60, 85))
    part, lying = of(slice(20, 40), slice(60, 80)), of(slice(60, 80), slice(20, 120))
    assert person > part > 0 and person > lying > 0
    assert of(slice(50, 52), slice(50, 52)) == 0
    assert of(slice(0, 50), slice(0, 160)) == 0


def test_clicks_are_denser_where_people_are_likely():
    y = make_person_grid()[:, 1]
    middle, rest = np.mean((y > 0.15) & (y < 0.9)), np.mean((y <= 0.15) | (y >= 0.9))
    assert middle / 0.75 > 2 * rest / 0.25


def test_the_result_is_drawn(people, tmp_path):
    image, truth = group()
    figure = people.figure(truth, image)
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["1", "2", "3"]
    figure.savefig(tmp_path / "people.png")
    assert Image.open(tmp_path / "people.png").size == (800, 500)


def test_a_picture_may_lie_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    assert multi_person._read("~/a.png").shape == (4, 6, 3)


def test_what_is_no_picture_is_said(people, tmp_path):
    path = tmp_path / "letter.jpg"
    path.write_text("Dear reader")
    with pytest.raises(ValueError, match=r"letter\.jpg cannot be read as a picture"):
        people.segment_auto(path)
    with pytest.raises(ValueError, match="num_people must be a whole number from 1 up, got 0"):
        people.segment_auto(group()[0], num_people=0)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def test_boxes_of_a_detector_are_answered_one_by_one(people):
    image, truth = group()
    boxes = [[58 + 150 * n, 60, 122 + 150 * n, 285] for n in (2, 0, 1)]
    masks, _ = people.segment_auto(image, num_people=2, boxes=boxes)
    assert len(masks) == 2, "the surest ones"
    assert _iou(masks[0], truth[2]) > 0.7 and _iou(masks[1], truth[0]) > 0.7


@pytest.mark.slow
def test_without_a_head_people_are_found_by_their_looks(people, monkeypatch):
    config = dataclasses.replace(people.model.config, person_head=False)
    monkeypatch.setattr(people.model, "config", config)
    image, truth = group()
    masks, _ = people.segment_auto(image, num_people=3)
    assert max(_iou(mask, one) for mask in masks for one in truth) > 0.7


def test_masks_of_one_person_agree_on_their_outline(people):
    image, truth = group()
    found = search_people(people.model, image)
    scores_n = found.scores_n
    assert (scores_n.diff() <= 0).all() and scores_n[-1] > 0 and scores_n[0] <= 1
    best = logits_to_masks(found.logits_nhw[:1, None], image.shape[:2])[0]
    assert max(_iou(best, one) for one in truth) > 0.9


def test_a_plain_wall_has_no_people(people):
    masks, image = people.segment_auto(np.full((120, 160, 3), 128, np.uint8))
    assert masks == [] and image.shape == (120, 160, 3)
