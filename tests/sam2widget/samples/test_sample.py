"""The sample clips are what the demo, the examples and other tests take them for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2widget.samples import HEIGHT, NUM_FRAMES, SAMPLE_CLIPS, WIDTH, sample, sample_clip
from sam2widget.samples import meadow as sample_meadow


@pytest.fixture(scope="module", params=SAMPLE_CLIPS)
def clip(request):
    return sample_clip(request.param)


@pytest.fixture(scope="module")
def meadow():
    return sample_clip()


@pytest.fixture(scope="module")
def yard():
    return sample_clip("yard")


def test_frames_and_masks_have_one_shape(clip):
    assert clip.frames_thw3.dtype == np.uint8
    assert clip.frames_thw3.shape == (NUM_FRAMES, HEIGHT, WIDTH, 3)
    assert clip.masks.keys() == clip.names.keys()
    for masks_thw in clip.masks.values():
        assert masks_thw.dtype == np.bool_
        assert masks_thw.shape == clip.frames_thw3.shape[:3]


def test_the_meadow_is_the_default_and_made_once(meadow):
    assert sample_clip("meadow") is meadow is sample_clip()


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="clips meadow and yard, got 'beach'"):
        sample_clip("beach")


@pytest.mark.slow
def test_a_second_rendering_is_the_same(meadow):
    frames, masks = sample_meadow.render()
    np.testing.assert_array_equal(frames, meadow.frames_thw3)
    for obj, masks_thw in meadow.masks.items():
        np.testing.assert_array_equal(masks[obj], masks_thw)


def test_no_pixel_belongs_to_two_objects(clip):
    assert sum(masks_thw.astype(int) for masks_thw in clip.masks.values()).max() == 1


def test_each_object_is_well_in_sight_on_the_first_frame(clip):
    for masks_thw in clip.masks.values():
        assert masks_thw[0].sum() > 2000


def test_each_object_of_the_meadow_moves_across(meadow):
    for masks_thw in meadow.masks.values():
        assert abs(_way(masks_thw)) > 200


def test_the_ball_is_all_but_hidden_and_comes_back(meadow):
    area = meadow.masks[1].sum(axis=(1, 2))
    assert area.min() < 0.1 * area[0]
    assert area[-1] > 0.95 * area[0]


def test_the_toy_hops_behind_towel_and_ball_and_comes_out_again(yard):
    toy, ball = (yard.masks[obj] for obj in (1, 3))
    area = toy.sum(axis=(1, 2))
    assert area.min() < 0.3 * area[0]
    assert area[-1] > 0.8 * area[0]
    assert _way(toy) > 200
    assert _way(ball) < -200


def test_the_towel_moves_in_the_wind(yard):
    changed = (yard.masks[2][1:] ^ yard.masks[2][:-1]).sum(axis=(1, 2))
    assert changed.min() > 50


def test_masks_of_the_yard_lie_on_its_pictures(yard):
    """The toy is of red fur, the towel green: where the masks are and, but for fine fur, nowhere
    else nearby."""
    red, green, blue = np.moveaxis(yard.frames_thw3.astype(int), -1, 0)
    greenish = (green > red + 40) & (green > blue)
    towel = yard.masks[2]
    assert (greenish & towel).sum() > 0.6 * towel.sum()
    assert (greenish & ~towel & _near(towel)).sum() < 0.03 * towel.sum()
    bluish = blue > np.maximum(red, green) + 60
    ball = yard.masks[3]
    assert (bluish & ball).sum() > 0.4 * ball.sum()
    assert (bluish & ~ball & _near(ball)).sum() < 0.03 * ball.sum()


def test_what_is_packaged_is_small():
    files = [
        file for file in Path(sample.__file__).parent.iterdir() if file.suffix[1:3] in ("mp", "np")
    ]
    assert sorted(file.name for file in files) == ["yard.mp4", "yard.npz"]
    assert sum(file.stat().st_size for file in files) < 1_000_000


def test_the_arrays_cannot_be_changed_by_accident(clip):
    with pytest.raises(ValueError, match="read-only"):
        clip.frames_thw3[0] = 0


def _way(masks_thw):
    """Pixels to the right from the first frame to the last."""
    first, last = (np.nonzero(masks_thw[frame])[1].mean() for frame in (0, -1))
    return last - first


def _near(masks_thw):
    """Pixels at most 6 to the side, above or below."""
    near = masks_thw.copy()
    for axis in (1, 2):
        for by in (-6, -3, 3, 6):
            near |= np.roll(masks_thw, by, axis)
    return near
