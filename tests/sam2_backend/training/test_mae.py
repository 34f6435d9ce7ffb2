"""Sparse encoding is the encoder's own, sees nothing of what was dropped, and learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend.network.config import CONFIGS, ModelConfig
from sam2_backend.network.hiera import Block, from_windows
from sam2_backend.network.sam2 import Sam2Model
from sam2_backend.training import (
    MaskedAutoencoder,
    OptimizerConfig,
    Pictures,
    Pretraining,
    Stage,
    SyntheticClips,
    Trainer,
    load_trunk,
)
from sam2_backend.training.loop.curve import draw_curve
from sam2_backend.training.tasks.mae import encode_visible
from tests.support.films import write_film

UNIT = 32

WINDOWED = replace(
    CONFIGS["nano"],
    embed_dim=8,
    stages=(1, 2, 3, 2),
    global_blocks=(4,),
    window_sizes=(8, 4, 14, 7),
)
"""Windows of the official networks: at 320 pixels some are cut by the border, and padded."""
WHOLE = replace(WINDOWED, window_sizes=(8, 4, 4, 2))
POOLING_GLOBALLY = replace(WINDOWED, global_blocks=(3,))


def _autoencoder(config: ModelConfig) -> MaskedAutoencoder:
    torch.manual_seed(0)
    autoencoder = MaskedAutoencoder(config, decoder_dim=32, decoder_layers=1)
    with torch.no_grad():  # biases make padding and positions matter
        for parameter in autoencoder.trunk.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
        autoencoder.trunk.pos_embed.normal_()
        autoencoder.trunk.pos_embed_window.normal_()
    return autoencoder


def _pixels(size: int, n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("config", "size"),
    [(WINDOWED, 320), (WINDOWED, 224), (WHOLE, 128), (POOLING_GLOBALLY, 320)],
    ids=["padded windows", "one window", "whole windows", "global where a stage begins"],
)
@torch.no_grad()
def test_with_nothing_dropped_it_is_the_encoder(config: ModelConfig, size: int) -> None:
    trunk = _autoencoder(config).trunk
    pixels, side = _pixels(size, 1), size // UNIT
    everything = torch.arange(side * side)[None]
    sparse = encode_visible(trunk, pixels, everything)
    for cells, dense in zip(sparse, trunk(pixels), strict=True):
        u = cells.shape[2]
        whole = from_windows(cells.flatten(0, 1), u, (side * u, side * u)).permute(0, 3, 1, 2)
        torch.testing.assert_close(whole, dense, rtol=1e-5, atol=2e-5)


@torch.no_grad()
def test_early_stages_are_those_of_the_blanked_picture() -> None:
    trunk = _autoencoder(WINDOWED).trunk
    pixels, side = _pixels(224, 1), 7
    kept = torch.tensor([[0, 1, 8, 20, 30, 48]])
    seen = torch.zeros(side * side)
    seen[kept] = 1
    seen = seen.view(1, 1, side, side).repeat_interleave(UNIT, 2).repeat_interleave(UNIT, 3)
    dense = trunk(pixels * seen)
    sparse = encode_visible(trunk, pixels, kept)
    for level in (0, 1):
        cells = sparse[level]
        u = cells.shape[2]
        units = dense[level][0].unflatten(2, (-1, u)).unflatten(1, (-1, u))
        expected = units.permute(1, 3, 2, 4, 0).flatten(0, 1)[kept]
        torch.testing.assert_close(cells, expected, rtol=1e-5, atol=2e-5)


@torch.no_grad()
def test_dropped_pixels_change_nothing_that_is_visible() -> None:
    trunk = _autoencoder(WINDOWED).trunk
    pixels, side = _pixels(320), 10
    kept = torch.stack([torch.randperm(side * side)[:40].sort().values for _ in range(2)])
    other = pixels.clone()
    for row, units in zip(other, kept, strict=True):
        for unit in set(range(side * side)) - set(units.tolist()):
            y, x = divmod(unit, side)
            row[:, y * UNIT : (y + 1) * UNIT, x * UNIT : (x + 1) * UNIT] = torch.randn(3, 32, 32)
    assert not other.equal(pixels)
    before, after = (encode_visible(trunk, p, kept) for p in (pixels, other))
    for a, b in zip(before, after, strict=True):
        assert a.equal(b)
    # Visible ones do matter, in every stage.
    changed = encode_visible(trunk, pixels + 0.1, kept)
    assert all(not a.equal(b) for a, b in zip(before, changed, strict=True))


def test_dropped_units_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = 0
    forward = torch.nn.Linear.forward

    def count(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        nonlocal cells
        cells += x.shape[:-1].numel()
        return forward(layer, x)

    monkeypatch.setattr(torch.nn.Linear, "forward", count)
    trunk = _autoencoder(WINDOWED).trunk
    counts: list[int] = []
    for visible in (49, 7):
        cells = 0
        encode_visible(trunk, _pixels(224, 1), torch.arange(visible)[None])
        counts.append(cells)
    assert counts[0] == 7 * counts[1]


def test_only_dropped_patches_are_judged() -> None:
    autoencoder = _autoencoder(WHOLE)
    pixels = _pixels(64, 1)
    kept = torch.tensor([[0, 3]])
    painted: list[torch.Tensor] = []
    autoencoder.decoder.register_forward_hook(
        lambda _module, _inputs, output: (output.retain_grad(), painted.append(output))[0]
    )
    autoencoder.loss(pixels, kept).backward()
    assert painted[0].grad is not None
    judged = painted[0].grad.abs().sum(dim=-1)[0] > 0
    rows = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]])
    assert judged.equal(rows.bool())


def test_a_few_steps_lower_the_loss(config: ModelConfig) -> None:
    torch.manual_seed(0)
    autoencoder = MaskedAutoencoder(config, decoder_dim=32, decoder_layers=1)
    ramp = torch.linspace(-1, 1, 64).expand(3, 64, 64)
    ramps = torch.stack((ramp, ramp.transpose(1, 2)))
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=3e-3)
    losses: list[float] = []
    for _ in range(30):
        loss = autoencoder(ramps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])
    assert all(p.grad is not None for p in autoencoder.trunk.parameters())


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_pretrained_trunk_fits_the_model(
    config: ModelConfig, source: SyntheticClips, tmp_path: Path, precision: torch.dtype
) -> None:
    """Any source of clips serves; the run is resumable like all others."""
    task = Pretraining(MaskedAutoencoder(config, decoder_dim=32, decoder_layers=1))
    stage = Stage(steps=2, image_size=64, batch=2, targets=1, warm_up=1)
    trainer = Trainer(
        task,
        (stage,),
        source=source,
        out=tmp_path,
        optimizer_config=OptimizerConfig(layer_decay=0.9),
        log_every=1,
        workers=0,
        precision=precision,
        recompute=precision is torch.bfloat16,
    )
    trainer.run()
    draw_curve(tmp_path / "log.jsonl", tmp_path / "curve.png")
    assert all(value.isfinite().all() for value in trainer.ema.values())
    model = Sam2Model(config)
    load_trunk(model, tmp_path)
    for key, value in model.image_encoder.trunk.state_dict().items():
        assert value.equal(trainer.ema[f"trunk.{key}"])
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_trunk(Sam2Model(replace(config, embed_dim=8)), tmp_path)


def test_windows_that_cut_units_are_refused() -> None:
    with pytest.raises(ValueError, match="each window must be a multiple"):
        MaskedAutoencoder(replace(WINDOWED, window_sizes=(8, 4, 7, 7)))


@pytest.mark.parametrize("name", ["nano", "sam2.1-hiera-tiny", "sam2.1-hiera-large"])
def test_every_named_network_can_be_pretrained(name: str) -> None:
    with torch.device("meta"):
        autoencoder = MaskedAutoencoder(CONFIGS[name])
        model = Sam2Model(CONFIGS[name])
    shapes = {key: value.shape for key, value in autoencoder.trunk.state_dict().items()}
    trunk = model.image_encoder.trunk.state_dict()
    assert shapes == {key: value.shape for key, value in trunk.items()}
    assert all(isinstance(block, Block) for block in autoencoder.trunk.blocks)


def test_pictures_come_from_folders_of_images_and_videos(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    Image.new("L", (50, 80), 200).save(tmp_path / "inside" / "gray.PNG")
    blue = [np.full((64, 96, 3), (0, 0, 20 * t), np.uint8) for t in range(12)]
    write_film(tmp_path / "blue.mp4", blue, codec="mpeg4", rate=10)
    (tmp_path / "notes.txt").write_text("not a picture")
    pictures = Pictures(tmp_path)
    assert len(pictures) == 2
    clips = [
        pictures.draw(np.random.default_rng(seed), size=32, frames=1, targets=2)
        for seed in range(12)
    ]
    assert {clip.rgb_t3ss.shape for clip in clips} == {(1, 3, 32, 32)}
    assert {clip.masks_tkss.shape for clip in clips} == {(1, 2, 32, 32)}
    assert not any(clip.masks_tkss.any() for clip in clips)
    red = {bool(clip.rgb_t3ss[0, 0].mean() > 100) for clip in clips}
    assert red == {True, False}


def test_pictures_come_from_arrays_the_same_for_the_same_seed() -> None:
    pictures = Pictures(np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), dtype=np.uint8))
    first, again, other = (
        pictures.draw(np.random.default_rng(seed), size=32, frames=1, targets=1).rgb_t3ss
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
    with pytest.raises(ValueError, match="1 frame"):
        pictures.draw(np.random.default_rng(0), size=32, frames=2, targets=1)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no images or videos"):
        Pictures(tmp_path)
