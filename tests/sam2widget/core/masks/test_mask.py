import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sam2widget.core.masks import Mask, MaskVolume


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_a_mask_comes_back_as_it_went_in(mask_hw):
    mask = Mask.from_array(mask_hw)
    assert np.array_equal(mask.to_array(), mask_hw)
    assert mask.area == mask_hw.sum()
    assert mask == Mask.from_bytes(mask.runs, *mask.shape)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_box_and_centroid_are_those_of_the_pixels(mask_hw):
    mask = Mask.from_array(mask_hw)
    y, x = np.nonzero(mask_hw)
    if not len(x):
        assert mask.box is None and mask.centroid is None
        return
    assert mask.box == (y.min(), x.min(), y.max() + 1, x.max() + 1) == mask.box
    assert mask.centroid == pytest.approx((x.mean() + 0.5, y.mean() + 0.5))


def test_a_mask_that_was_measured_is_equal_to_one_that_was_not():
    measured, other = (Mask.from_array(np.eye(4)) for _ in range(2))
    assert (measured.area, measured.box) == (4, (0, 0, 4, 4))
    assert measured == other and hash(measured) == hash(other) and repr(measured) == repr(other)
    assert pickle.loads(pickle.dumps(measured)) == other


def test_runs_are_uint32_little_endian_row_by_row_and_begin_with_background():
    mask = Mask.from_array(np.array([[1, 1, 0], [0, 1, 0]]))
    assert np.frombuffer(mask.runs, "<u4").tolist() == [0, 2, 2, 1, 1]
    assert np.frombuffer(Mask.empty(2, 3).runs, "<u4").tolist() == [6]


def test_what_is_not_zero_belongs_to_the_object():
    assert Mask.from_array(np.array([[0, 255, 0.5]])).area == 2


@pytest.mark.parametrize("runs", [b"\x05\0\0", np.array([3, 4], "<u4").tobytes()])
def test_run_lengths_that_do_not_fit_are_refused(runs):
    with pytest.raises(ValueError, match=r"bytes|cover 7 pixels"):
        Mask.from_bytes(runs, 2, 3)


def test_a_mask_has_two_dimensions():
    with pytest.raises(ValueError, match=r"shape \(H, W\)"):
        Mask.from_array(np.zeros((1, 2, 3)))


masks_thw = np.random.default_rng(0).random((5, 4, 6)) > 0.5
masks_thw[3] = False


def volume() -> MaskVolume:
    stored = {t: Mask.from_array(mask) for t, mask in enumerate(masks_thw) if t != 3}
    return MaskVolume(stored.get, masks_thw.shape)


@pytest.mark.parametrize(
    "index",
    [
        *(0, 3, -1, np.int64(2), slice(1, 4), slice(None, None, -2), [0, 4], np.array([3, 1])),
        *(np.array([[0, 1], [4, 4]]), ([0, 1], [2, 3]), (2, [1, 0])),
        *((2, 1), (slice(0, 2), slice(1, 3), 2), (slice(None), 0), ..., (..., 1), None),
        *(np.array([True, False, True, False, False]), (1, slice(None), [0, 2]), slice(5, 5)),
    ],
)
def test_a_volume_indexes_like_the_array_it_stands_for(index):
    assert np.array_equal(volume()[index], masks_thw[index])


def test_a_volume_is_an_array_to_numpy():
    assert np.array_equal(np.asarray(volume()), masks_thw)
    assert np.asarray(volume(), dtype=np.uint8).dtype == np.uint8
    assert volume().shape == masks_thw.shape and volume().size == masks_thw.size
    assert len(volume()) == 5 and len(list(volume())) == 5
    assert np.mean(volume()) == masks_thw.mean()
    with pytest.raises(IndexError):
        volume()[5]


@given(st.integers(0, 3), st.integers(0, 5))
def test_what_a_volume_gives_is_a_copy(y, x):
    v = volume()
    v[0][y, x] ^= True
    assert np.array_equal(v[0], masks_thw[0])
