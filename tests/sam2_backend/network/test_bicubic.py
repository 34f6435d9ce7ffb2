"""Frames are resized on any device as Pillow resizes them, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend.network.bicubic import resize_bicubic
from sam2_backend.network.transforms import frame_to_input, frames_to_input


def by_pillow(rgb: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    return np.array(Image.fromarray(rgb).resize(size_hw[::-1]))


def ours(rgb: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    return resize_bicubic(torch.from_numpy(rgb)[None], size_hw)[0].permute(1, 2, 0).numpy()


def make_frame(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise, and edges that a cubic overshoots."""
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgb[: height // 3] = 255
    rgb[: height // 5, ::2] = 0
    return rgb


@pytest.mark.parametrize(
    "hw", [(480, 854), (854, 480), (1080, 1920), (1920, 1080), (512, 512), (37, 53), (1, 1)]
)
def test_frames_become_the_networks_square(hw):
    rgb = make_frame(np.random.default_rng(0), *hw)
    np.testing.assert_array_equal(ours(rgb, (512, 512)), by_pillow(rgb, (512, 512)))


def test_any_size_becomes_any_other():
    rng = np.random.default_rng(1)
    for _ in range(60):
        height, width, *size_hw = (int(n) for n in rng.integers(1, 200, 4))
        rgb = make_frame(rng, height, width)
        expected = by_pillow(rgb, (size_hw[0], size_hw[1]))
        np.testing.assert_array_equal(ours(rgb, (size_hw[0], size_hw[1])), expected)


def test_tensors_of_any_sizes_become_what_arrays_do():
    rng = np.random.default_rng(2)
    frames = [make_frame(rng, *hw) for hw in ((48, 85), (90, 30))]
    device = torch.device("cpu")
    found = frames_to_input([torch.from_numpy(rgb) for rgb in frames], 64, device)
    expected = torch.cat([frame_to_input(rgb, 64, device) for rgb in frames])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
