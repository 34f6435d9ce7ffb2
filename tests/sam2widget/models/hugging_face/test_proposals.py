"""Trackers of transformers propose everything on a frame, a few clicks a step."""

from __future__ import annotations

import numpy as np
import pytest

from sam2widget import TransformersSegmenter
from sam2widget.models.capabilities import SupportsProposals
from sam2widget.models.hugging_face import proposals
from tests.support import hugging_face

from .conftest import HEIGHT, WIDTH


@pytest.mark.parametrize("kind", hugging_face.KINDS)
def test_everything_is_proposed_by_each_kind_and_nothing_is_remembered(
    kind, folders, video, monkeypatch
):
    # Random weights are sure of nothing.
    monkeypatch.setattr(proposals, "LOW_IOU", 0.0)
    monkeypatch.setattr(proposals, "LOW_STABILITY", 0.0)
    monkeypatch.setattr(proposals, "POINTS_PER_SIDE", 8)  # not to wait for 256 clicks
    segmenter = TransformersSegmenter(hugging_face.make_tracker(kind), video)
    assert isinstance(segmenter, SupportsProposals)
    steps = segmenter.propose(2)
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
            break
        count += 1
    assert count == proposals.POINTS_PER_SIDE**2 // proposals.CPU_BATCH
    assert found and not segmenter._memories
    for one in found:
        assert one.mask_hw.shape == (HEIGHT, WIDTH) and one.mask_hw.dtype == np.bool_
        assert one.mask_hw.any() and 0 <= one.stability <= 1
    worths = [one.iou * one.stability for one in found]
    assert worths == sorted(worths, reverse=True)
