"""Frames are encoded ahead of tracking, in batches of one size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_backend import CONFIGS, Sam2Model
from sam2_backend.tracking.frame_encoder import FrameEncoder

AT_ONCE = 4
LENGTH = 14


@pytest.fixture
def model() -> Sam2Model:
    torch.manual_seed(0)
    shallow = replace(CONFIGS["nano"], stages=(1, 1, 1, 1), global_blocks=(), image_size=64)
    network = Sam2Model(shallow).eval().requires_grad_(False)
    network.runtime = replace(network.runtime, frames_at_once=AT_ONCE)
    return network


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (LENGTH, 24, 32, 3), dtype=np.uint8)


@pytest.fixture
def batches(model, monkeypatch) -> list[int]:
    """Sizes of the batches that were encoded."""
    sizes: list[int] = []
    encode = model.encode_image
    monkeypatch.setattr(model, "encode_image", lambda x: sizes.append(len(x)) or encode(x))
    return sizes


class Watched:
    """Frames that note which of them were read."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.read = frames, []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame: int) -> np.ndarray:
        self.read.append(frame)
        return self.frames[frame]


def open_encoder(model, frames, rows: int = 100) -> FrameEncoder:
    with torch.inference_mode():
        row = model.encode_image(torch.zeros(1, 3, 64, 64)).nbytes
    return FrameEncoder(model, frames, cache_bytes=rows * row)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_next_batch_is_encoded_when_half_of_one_is_tracked(model, frames, batches, reverse):
    watched = Watched(frames)
    encoder = open_encoder(model, watched)
    batches.clear()
    order = range(LENGTH)[::-1] if reverse else range(LENGTH)
    so_far = []
    for t in order:
        encoder.fetch(t, reverse=reverse)
        so_far.append(sum(batches))
    assert so_far == [4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 14, 14, 14, 14]
    assert sorted(watched.read[1:]) == sorted(order), (
        "each is read once, after the first for its size"
    )


def test_a_frame_that_cannot_be_read_is_an_error_when_tracking_comes_to_it(model, frames):
    class Damaged(Watched):
        def __getitem__(self, frame: int) -> np.ndarray:
            if frame == 6:
                raise OSError("frame 6 is damaged")
            return super().__getitem__(frame)

    encoder = open_encoder(model, Damaged(frames))
    for t in range(4):
        encoder.fetch(t, reverse=False)
    with pytest.raises(OSError, match="frame 6 is damaged"):
        encoder.fetch(4, reverse=False)
    assert encoder.fetch(3, reverse=False).s16.shape[0] == 1


def test_batches_are_filled_up_where_each_size_would_be_a_graph_of_its_own(model, frames, batches):
    model.runtime = replace(model.runtime, has_graphs=True)
    encoder = open_encoder(model, frames)
    batches.clear()
    for t in range(LENGTH):
        encoder.fetch(t, reverse=False)
    assert batches == [AT_ONCE] * 4, "14 frames are three batches and half of one"


def test_features_are_those_of_frames_encoded_alone(model, frames):
    model.runtime = replace(model.runtime, has_graphs=True)
    together = open_encoder(model, frames)
    alone = open_encoder(model, frames)
    for t in range(LENGTH):
        for ours, expected in zip(together.fetch(t, reverse=False), alone[t], strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def test_frames_that_are_encoded_are_passed_over_in_batches_of_one_size(model, frames, batches):
    encoder = open_encoder(model, frames)
    batches.clear()
    for t in (1, 3):
        _ = encoder[t]
    assert batches == [1, 1]
    encoder.fetch(0, reverse=False)
    assert batches == [1, 1, AT_ONCE], "0, 2, 4 and 5"
    for t in range(6):
        encoder.fetch(t, reverse=False)
    assert batches[:3] == [1, 1, AT_ONCE] and set(batches[3:]) <= {AT_ONCE}


def test_nothing_is_encoded_ahead_where_the_cache_has_no_room_for_it(model, frames, batches):
    encoder = open_encoder(model, frames, rows=AT_ONCE + 1)
    batches.clear()
    encoder.fetch(0, reverse=False)
    for t in range(LENGTH):
        encoder.fetch(t, reverse=False)
    assert batches == [4, 4, 4, 2], "none pushed another out before it was used"


def test_pixels_that_changed_are_encoded_anew(model, frames):
    changing = frames.copy()
    encoder = open_encoder(model, changing)
    before = encoder.fetch(2, reverse=False).s16.clone()
    changing[2] = 255 - changing[2]
    assert torch.equal(encoder.fetch(2, reverse=False).s16, before)
    encoder.forget_pixels()
    assert not torch.equal(encoder.fetch(2, reverse=False).s16, before)
