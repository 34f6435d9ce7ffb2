"""A handful of drawn pictures to compose clips from: training is tested without downloads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend.network.config import CONFIGS, ModelConfig
from sam2_backend.training import Assets, SyntheticClips

SIZE = 64


def _pack(folder: Path, name: str, arrays: list[np.ndarray]) -> None:
    np.save(folder / f"{name}.npy", np.concatenate([array.reshape(-1) for array in arrays]))
    index = {"shapes": [array.shape for array in arrays]}
    (folder / f"{name}.json").write_text(json.dumps(index))


@pytest.fixture(scope="session")
def assets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three discs as cut-outs, a shrinking one as an actor, noise as photographs and ground,
    and quadrants as their regions."""
    folder = tmp_path_factory.mktemp("pack")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    discs = []
    for color in ((220, 40, 40), (40, 220, 40), (40, 40, 220)):
        disc = np.zeros((64, 64, 4), np.uint8)
        disc[..., :3] = color
        disc[..., 3] = 255 * (x**2 + y**2 < 0.8)
        discs.append(disc)
    shrinking = np.stack([discs[0]] * 3)
    for t in range(3):
        shrinking[t, ..., 3] = 255 * (x**2 + y**2 < 0.8 - 0.2 * t)
    photos = [rng.integers(60, 200, (240, 320, 3), dtype=np.uint8) for _ in range(2)]
    quadrants = np.zeros((3, 120, 160), np.uint16)
    quadrants[:, 60:] += 1
    quadrants[:, :, 80:] += 2
    _pack(folder, "cutouts", discs)
    _pack(folder, "actors", [shrinking])
    _pack(folder, "grounds", [rng.integers(0, 99, (64, 64, 3), dtype=np.uint8)])
    _pack(folder, "photos", photos)
    _pack(folder, "regions", [quadrants, quadrants])
    return folder


@pytest.fixture(scope="session")
def source(assets_folder: Path) -> SyntheticClips:
    return SyntheticClips(Assets(assets_folder))


@pytest.fixture
def config() -> ModelConfig:
    return replace(
        CONFIGS["nano"],
        embed_dim=16,
        stages=(1, 1, 2, 1),
        global_blocks=(3,),
        hidden_dim=32,
        decoder_mlp_dim=64,
        memory_dim=16,
        memory_mlp_dim=64,
        image_size=SIZE,
    )


def disc(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright disc that moves right: (1, T, 3, S, S) uint8, (1, T, 1, S, S) bool."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    masks = torch.stack([(x - 24 - 4 * t) ** 2 + (y - 32) ** 2 < 200 for t in range(frames)])
    rgb = torch.where(masks[:, None], 220, 40).expand(-1, 3, -1, -1).to(torch.uint8)
    return rgb[None], masks[None, :, None]
