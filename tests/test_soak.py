"""A short piece of the soak: see `tests.soak` for hours of it."""

from __future__ import annotations

import pytest

from .soak import Soak


@pytest.mark.slow
def test_random_use_keeps_the_semantics(tmp_path):
    soak = Soak(1, tmp_path)
    try:
        for _ in range(150):
            soak.act()
    finally:
        soak.close()
    assert len(soak.counts) > 12
