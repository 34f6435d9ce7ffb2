"""The sample clip is what the demo, the examples and other tests take it for."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget.sample import NAMES, sample_clip


@pytest.fixture(scope="module")
def clip():
    return sample_clip()


def test_frames_and_masks_have_one_shape(clip):
    assert clip.frames_thw3.dtype == np.uint8
    assert clip.frames_thw3.shape == (48, 270, 480, 3)
    assert clip.masks.keys() == NAMES.keys()
    for masks_thw in clip.masks.values():
        assert masks_thw.dtype == np.bool_
        assert masks_thw.shape == clip.frames_thw3.shape[:3]


def test_a_second_rendering_is_the_same(clip):
    again = sample_clip.__wrapped__()
    np.testing.assert_array_equal(again.frames_thw3, clip.frames_thw3)
    for obj, masks_thw in clip.masks.items():
        np.testing.assert_array_equal(again.masks[obj], masks_thw)


def test_no_pixel_belongs_to_two_objects(clip):
    assert sum(masks_thw.astype(int) for masks_thw in clip.masks.values()).max() == 1


def test_each_object_is_in_sight_first_and_moves_across(clip):
    for masks_thw in clip.masks.values():
        assert masks_thw[0].sum() > 2000
        first, last = (np.nonzero(masks_thw[frame])[1].mean() for frame in (0, -1))
        assert abs(last - first) > 200


def test_the_ball_is_all_but_hidden_and_comes_back(clip):
    area = clip.masks[1].sum(axis=(1, 2))
    assert area.min() < 0.1 * area[0]
    assert area[-1] > 0.95 * area[0]


def test_the_arrays_cannot_be_changed_by_accident(clip):
    with pytest.raises(ValueError, match="read-only"):
        clip.frames_thw3[0] = 0
