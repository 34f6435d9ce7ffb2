"""What `VideoPredictor.add_mask` and all imports take for one object's mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend import VideoPredictor, load_model
from sam2_backend.masks.mask_input import as_mask
from sam2_backend.masks.values import MaskValues, read_values

HW = 20, 30
TRUTH = np.zeros(HW, bool)
TRUTH[4:14, 6:20] = True


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (TRUTH, None),
        (TRUTH.astype(int), None),
        (TRUTH.astype(np.float16), None),
        (TRUTH * np.uint8(255), None),
        (TRUTH[None, None], None),
        (np.ma.masked_array(np.ones(HW), ~TRUTH), None),
        (Image.fromarray(TRUTH), None),
        (torch.tensor(TRUTH), None),
        (torch.tensor(TRUTH).to_sparse(), None),
        (torch.where(torch.tensor(TRUTH), 2.5, -7.0).bfloat16(), "-7 to 2.5, taken for logits"),
        (np.where(TRUTH, 0.6, 0.4), "taken for probabilities: what is above 0.5"),
        (np.where(TRUTH, 1, 255 * (np.arange(30) > 25)).astype(np.uint8), "void, as in DAVIS"),
    ],
)
def test_a_mask_is_read_by_type_and_range(given, says):
    mask, note = as_mask(given, HW)
    np.testing.assert_array_equal(mask, TRUTH)
    assert (says in str(note)) if says else note is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (TRUTH.T, "the other way round"),
        (TRUTH[1:], r"shape \(H, W\) = \(20, 30\), got \(19, 30\)"),
        (np.arange(600).reshape(HW) // 200, "holds the labels 1, 2: give the mask of one"),
        (TRUTH * 3.5, "neither a mask"),
        (TRUTH * 1.2 - 0.1, "probabilities that were resized, or logits"),
        (np.where(TRUTH, np.inf, 0), "NaN or infinity"),
        (-TRUTH.astype(int), "labels are 0 or larger"),
        ("mask.png", "no array of numbers, but a str"),
        ([[1, 2], [3]], "no array of numbers, but a list"),
    ],
)
def test_what_is_no_mask_is_refused_with_a_sentence(given, says):
    with pytest.raises(ValueError, match=says) as refusal:
        as_mask(given, HW)
    assert str(refusal.value).endswith(".")


def test_values_are_judged_over_all_frames():
    """An empty frame of probabilities, one without 255, one without labels."""

    def cut(*frames):
        frames = [np.asarray(frame) for frame in frames]
        return read_values([MaskValues.of(frame, "it") for frame in frames], "it")

    assert cut(np.where(TRUTH, 0.9, 0), np.zeros(HW)).cut == 0.5
    assert cut(TRUTH * np.uint8(255), np.zeros(HW, np.uint8)).labels == ()
    assert cut(TRUTH * np.uint8(255), TRUTH * np.uint8(3)).labels == (3,)
    assert cut(TRUTH * np.uint8(255), TRUTH * np.uint8(200)).labels == (200, 255)
    assert cut(TRUTH * np.uint16(255), TRUTH * np.uint16(900)).labels == (255, 900)


def test_labels_of_many_cells_are_no_picture():
    """Each on few pixels, all values of 8 bits."""
    labels = np.zeros((128, 128), np.uint8)
    labels.reshape(16, 8, 16, 8)[:, 1:5, :, 1:5] = np.arange(256).reshape(16, 1, 16, 1)
    reading = read_values([MaskValues.of(labels, "it")], "it")
    assert reading.labels == tuple(range(1, 256)) and reading.note is None
    np.testing.assert_array_equal(reading.masks(labels)[200], labels == 200)


def test_the_predictor_takes_logits_with_a_warning_and_never_all_that_is_not_0():
    frames = np.zeros((2, *HW, 3), np.uint8)
    given = np.where(TRUTH, 3.2, -4.1)
    with pytest.warns(UserWarning, match="taken for logits"):
        result = VideoPredictor(load_model("nano"), frames).add_mask(0, 1, given)
    expected = VideoPredictor(load_model("nano"), frames).add_mask(0, 1, TRUTH)
    np.testing.assert_array_equal(result.masks[1], expected.masks[1])
    with pytest.raises(ValueError, match="neither a mask"):
        VideoPredictor(load_model("nano"), frames).add_mask(0, 1, TRUTH * 7.5)
