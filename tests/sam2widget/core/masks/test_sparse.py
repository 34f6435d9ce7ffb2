"""Masks combined, cropped and scaled as run lengths are what arrays would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2widget.core.masks import Mask, sparse

MASKS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda hw: st.tuples(arrays(np.bool_, hw), arrays(np.bool_, hw))
)


@given(MASKS)
def test_sets_of_pixels_are_those_of_arrays(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    one, other = Mask.from_array(a), Mask.from_array(b)
    assert sparse.unite(one, other) == Mask.from_array(a | b)
    assert sparse.intersect(one, other) == Mask.from_array(a & b)
    assert sparse.subtract(one, other) == Mask.from_array(a & ~b)


@given(MASKS, st.data())
def test_parts_are_cropped_and_replaced_as_in_arrays(
    pair: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    a, b = pair
    height, width = a.shape
    y0, x0 = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    y1, x1 = data.draw(st.integers(y0 + 1, height)), data.draw(st.integers(x0 + 1, width))
    mask = Mask.from_array(a)
    assert np.array_equal(sparse.crop_mask(mask, (y0, x0, y1, x1)), a[y0:y1, x0:x1])
    expected = a.copy()
    expected[y0:y1, x0:x1] = b[y0:y1, x0:x1]
    assert sparse.replace_part(mask, y0, x0, b[y0:y1, x0:x1]) == Mask.from_array(expected)
    assert sparse.contains(mask, x0 + 0.5, y0 + 0.5) == a[y0, x0]


@given(arrays(np.bool_, (6, 7)))
def test_a_mask_of_the_windows_own_size_is_placed_to_the_pixel(part: np.ndarray) -> None:
    mask = sparse.scale_to_window(part, (3, 2, 10, 8), 11, 12)
    expected = np.zeros((11, 12), bool)
    expected[2:8, 3:10] = part
    assert mask == Mask.from_array(expected)


def test_a_larger_mask_follows_the_interpolated_edge() -> None:
    from scipy import ndimage

    ys, xs = np.mgrid[:40, :50]
    small = np.hypot(xs - 25, ys - 20) < 15
    small[3:5, 44:50] = True
    mask = sparse.scale_to_window(small, (10, 30, 210, 190), 300, 400).to_array()
    ys, xs = np.mgrid[:160, :200]
    at = (ys + 0.5) / 4 - 0.5, (xs + 0.5) / 4 - 0.5
    level = ndimage.map_coordinates(small.astype(np.float32), at, order=1, mode="nearest")
    expected = np.zeros((300, 400), bool)
    expected[30:190, 10:210] = level > 0.5
    assert np.count_nonzero(mask ^ expected) <= 2  # where the level is one half to the last bit


def test_a_mask_of_a_slide_takes_its_runs_alone() -> None:
    window = 0, 0, 40_000, 30_000
    mask = sparse.scale_to_window(np.ones((768, 1024), bool), window, 30_000, 40_000)
    assert mask.area == 1_200_000_000 and len(mask.runs) == 8
    hole = sparse.place_window((100, 100, 200, 300), 30_000, 40_000)
    assert sparse.subtract(mask, hole).area == 1_200_000_000 - 100 * 200


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        sparse.unite(Mask.empty(2, 3), Mask.empty(3, 2))


@pytest.mark.parametrize(
    ("inside", "touches"),
    [
        ((5, 5, 9, 9), False),  # in the middle of the window
        ((4, 5, 9, 9), True),  # at its left
        ((5, 5, 10, 9), True),  # at its right
        ((5, 4, 9, 9), True),
        ((5, 5, 9, 10), True),
        ((2, 2, 12, 12), False),  # what lies beyond is known
    ],
)
def test_a_mask_that_ends_at_the_edge_of_its_window_is_told(
    inside: tuple[int, int, int, int], touches: bool
) -> None:
    mask = sparse.place_window(inside, 20, 20)
    assert sparse.touches_edge(mask, (4, 4, 10, 10)) is touches


def test_the_edge_of_the_picture_is_no_edge_of_a_window() -> None:
    mask = sparse.place_window((0, 0, 20, 20), 20, 20)
    assert not sparse.touches_edge(mask, (0, 0, 20, 20))
