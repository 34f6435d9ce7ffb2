"""A short piece of the soak: see `tests.soak` for hours of it."""

from __future__ import annotations

import pytest

from .soak import Soak


@pytest.mark.parametrize("seed", [1, 2])
def test_random_use_keeps_the_semantics(seed, tmp_path):
    soak = Soak(seed, tmp_path)
    try:
        for _ in range(120):
            soak.act()
    finally:
        soak.close()
    assert len(soak.counts) > 12
