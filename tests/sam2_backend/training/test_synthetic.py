"""The renderer: clips are reproducible, and masks are exact."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend.training import Assets, render_clip
from sam2_backend.training.data.backgrounds import draw_actor
from sam2_backend.training.data.sampling import sample_along

SEEDS = range(12)


def test_a_seed_gives_the_same_clip_again(assets_folder: Path) -> None:
    first, again = (
        render_clip(np.random.default_rng(7), Assets(assets_folder), size=64, frames=3, targets=2)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.rgb_t3ss, again.rgb_t3ss)
    np.testing.assert_array_equal(first.masks_tkss, again.masks_tkss)


@pytest.mark.parametrize("seed", SEEDS)
def test_targets_are_visible_and_never_share_a_pixel(assets_folder: Path, seed: int) -> None:
    clip = render_clip(
        np.random.default_rng(seed), Assets(assets_folder), size=64, frames=2, targets=3
    )
    assert clip.rgb_t3ss.shape == (2, 3, 64, 64)
    assert clip.masks_tkss.shape == (2, 3, 64, 64)
    assert clip.masks_tkss[0].any(axis=(1, 2)).all()
    # A clip with fewer objects repeats them: only distinct ones must be disjoint.
    distinct = np.unique(clip.masks_tkss.transpose(1, 0, 2, 3), axis=0)
    assert distinct.sum(axis=0).max() <= 1


def test_objects_move(assets_folder: Path) -> None:
    moved = [
        (clip.masks_tkss[0] != clip.masks_tkss[-1]).any()
        for seed in SEEDS
        for clip in [
            render_clip(
                np.random.default_rng(seed), Assets(assets_folder), size=64, frames=4, targets=2
            )
        ]
    ]
    assert np.mean(moved) > 0.8


def test_objects_leave_the_picture_and_come_back(assets_folder: Path) -> None:
    assets = Assets(assets_folder)
    there = [
        render_clip(np.random.default_rng(s), assets, size=32, frames=8, targets=3)
        .masks_tkss.any(axis=(2, 3))
        .T
        for s in range(40)
    ]
    seen_ht = [seen for seen in np.concatenate(there) if seen.any()]
    spans = [seen[slice(*np.flatnonzero(seen)[[0, -1]])] for seen in seen_ht]
    assert any(not span.all() for span in spans)


def test_actors_change_their_shape(assets_folder: Path) -> None:
    rng = np.random.default_rng(0)
    sequence = draw_actor(rng, Assets(assets_folder), frames=8)
    areas = (sequence[:, 3] > 0.5).sum((1, 2)).tolist()
    assert sequence.shape == (8, 4, 64, 64)
    assert len(set(areas)) == 3  # all its pictures, to and fro
    assert all(abs(a - b) < max(areas) / 2 for a, b in pairwise(areas))


def test_a_wide_picture_is_squeezed_into_the_square() -> None:
    disc = torch.zeros(1, 1, 64, 64)
    axis = torch.linspace(-1, 1, 64)
    disc[0, 0] = (axis[None] ** 2 + axis[:, None] ** 2 < 1).float()
    still = torch.tensor([[0.5, 0.0, 0.0, 0.0]])
    seen = sample_along(disc, still, 128, inverse_scale=True, aspect=16 / 9)[0, 0] > 0.5
    width, height = seen.any(0).sum(), seen.any(1).sum()
    assert height / width == pytest.approx(16 / 9, rel=0.05)


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cutouts\.npy: fetch and pack"):
        Assets(tmp_path)
