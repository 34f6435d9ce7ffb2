"""Against a definition as slow and plain as can be."""

import numpy as np
import pytest

from sam2widget.core.masks import painting

HEIGHT, WIDTH = 14, 18


def slow_brush(path, radius):
    points = np.reshape(path, (-1, 2))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    covered = np.zeros((HEIGHT, WIDTH), bool)
    for a, b in zip(points, [*points[1:], points[-1]], strict=True):
        for s in np.linspace(0, 1, 2001):
            px, py = a + s * (b - a)
            covered |= (x - px) ** 2 + (y - py) ** 2 <= radius**2
    return covered


def winding(path, x, y):
    """Turns of the corners as seen from (x, y)."""
    angles = [np.arctan2(py - y, px - x) for px, py in np.reshape(path, (-1, 2))]
    turns = np.diff([*angles, angles[0]])
    return round(float(np.sum((turns + np.pi) % (2 * np.pi) - np.pi)) / (2 * np.pi))


@pytest.mark.parametrize("seed", range(6))
def test_a_brush_covers_the_centres_near_its_way(seed):
    rng = np.random.default_rng(seed)
    path = rng.uniform(-3, 20, 2 * (seed + 1))
    radius = rng.uniform(0.4, 4)
    covered = painting.rasterize_brush(path, radius, HEIGHT, WIDTH)
    slow = slow_brush(path, radius)
    assert covered.shape == (HEIGHT, WIDTH) and covered.dtype == bool
    # The plain one walks in steps, and misses centres at the very edge.
    assert not (slow & ~covered).any() and (covered & ~slow).sum() <= 2


def test_a_brush_is_exact_at_its_edge():
    assert painting.rasterize_brush([5.5, 5.5], 1, HEIGHT, WIDTH).sum() == 5
    assert painting.rasterize_brush([5.5, 5.5], 0.999, HEIGHT, WIDTH).sum() == 1
    assert painting.rasterize_brush([2.5, 3.5, 2.5, 3.5, 9.5, 3.5], 0.1, HEIGHT, WIDTH).sum() == 8
    assert not painting.rasterize_brush([-50, -50], 3, HEIGHT, WIDTH).any()


@pytest.mark.parametrize("seed", range(6))
def test_a_polygon_covers_the_centres_it_goes_around(seed):
    path = np.random.default_rng(seed).uniform(-3, 20, 2 * (seed + 3))
    covered = painting.rasterize_polygon(path, HEIGHT, WIDTH)
    expected = [[winding(path, x + 0.5, y + 0.5) != 0 for x in range(WIDTH)] for y in range(HEIGHT)]
    assert np.array_equal(covered, expected)


def test_polygons_side_by_side_share_no_pixel_and_leave_none_out():
    left = painting.rasterize_polygon([0, 0, 7.5, 0, 7.5, 14, 0, 14], HEIGHT, WIDTH)
    right = painting.rasterize_polygon([7.5, 0, 18, 0, 18, 14, 7.5, 14], HEIGHT, WIDTH)
    assert (left ^ right).all()
