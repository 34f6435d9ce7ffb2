"""Fixtures of the comparisons with the official predictors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.conftest import Twins


class _Float32Memories:
    """torch, as the official video predictor sees it, whose memories are not rounded then."""

    bfloat16 = torch.float32

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@pytest.fixture
def memories(
    request: pytest.FixtureRequest, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> torch.dtype:
    """Neither rounds memories unless a test asks for it: from frame to frame roundings to bfloat16
    flip and add up, and how often depends on the processor."""
    dtype = getattr(request, "param", torch.float32)
    if dtype is torch.float32:
        from sam2 import sam2_video_predictor

        monkeypatch.setattr(sam2_video_predictor, "torch", _Float32Memories())
    runtime = replace(twins.model.runtime, memory_dtype=dtype)
    monkeypatch.setattr(twins.model, "runtime", runtime)
    return dtype
