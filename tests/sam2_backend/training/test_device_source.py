"""Batches are drawn where they are needed, and labels stay on their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend.training import BatchSource, DeviceSource, Pack, PackWriter
from sam2_backend.training.data.device_augment import Random, choose_targets
from sam2_backend.training.datasets import DatasetError

SIDE = 64
COLORS = np.array([[30, 30, 30], [230, 40, 40], [40, 230, 40], [40, 40, 230]], np.uint8)


class Squares:
    """Flat squares, each of the colour of its label, on a dark ground; they move in time."""

    def __init__(self, name: str, length: int = 1) -> None:
        self.name, self.length = name, length

    def __len__(self) -> int:
        return self.length

    def read(self, positions: Sequence[int]) -> list[tuple[np.ndarray, dict[int, np.ndarray]]]:
        frames = []
        for t in positions:
            labels = np.zeros((SIDE, SIDE), np.uint8)
            for obj, (x, y) in enumerate(((4, 4), (36, 6), (20, 38)), start=1):
                labels[y : y + 20, x + t : x + t + 20] = obj
            frames.append((COLORS[labels], {obj: labels == obj for obj in (1, 2, 3)}))
        return frames


def source(**options: float) -> DeviceSource:
    records = [Squares("still/a"), Squares("still/b"), Squares("video/c", 8)]
    return DeviceSource(records, side=SIDE, device="cpu", workers=1, **options)


def hue_of(rgb_3ss: torch.Tensor, mask_ss: torch.Tensor) -> torch.Tensor:
    """(3,) share of pixels inside a mask whose strongest colour is red, green or blue."""
    strongest = rgb_3ss.long().argmax(dim=0)[mask_ss]
    return torch.bincount(strongest, minlength=3) / len(strongest)


@pytest.mark.parametrize("frames", [1, 5])
def test_masks_stay_on_their_objects_through_crops_light_and_motion(frames: int) -> None:
    rgb, masks = source().draw_batch(3, batch=32, size=SIDE, frames=frames, targets=3)
    assert rgb.shape == (32, frames, 3, SIDE, SIDE) and rgb.dtype == torch.uint8
    assert masks.shape == (32, frames, 3, SIDE, SIDE) and masks.dtype == torch.bool
    # Each object is of one colour, whatever its light: red ones are red in all of their mask.
    purity = [
        float(hue_of(rgb[b, t], masks[b, t, k]).max())
        for b in range(32)
        for t in range(frames)
        for k in range(1, 3)  # the first one may be all objects together
        if masks[b, t, k].sum() > 30
    ]
    assert len(purity) > 20 * frames
    assert np.mean(purity) > 0.93


def test_an_object_keeps_its_colour_through_a_clip() -> None:
    rgb, masks = source().draw_batch(5, batch=24, size=SIDE, frames=4, targets=3)
    same = []
    for b in range(24):
        for k in range(1, 3):
            if masks[b, :, k].flatten(1).sum(1).min() > 30:
                hues = [int(hue_of(rgb[b, t], masks[b, t, k]).argmax()) for t in range(4)]
                same.append(len(set(hues)) == 1)
    assert len(same) > 10 and np.mean(same) > 0.9


def test_a_batch_follows_from_its_seed_and_size_alone() -> None:
    drawn = source()
    options = {"batch": 4, "size": 32, "frames": 3, "targets": 2}
    first, other = drawn.draw_batch(1, **options), drawn.draw_batch(2, **options)
    again = source().draw_batch(1, **options)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert isinstance(drawn, BatchSource)
    clip = drawn.draw(np.random.default_rng(0), size=32, frames=3, targets=2)
    assert clip.rgb_t3ss.shape == (3, 3, 32, 32) and clip.masks_tkss.shape == (3, 2, 32, 32)


def test_objects_move_in_clips_made_of_stills_and_of_videos() -> None:
    for share in (0.0, 1.0):
        _, masks = source(video_share=share).draw_batch(0, batch=16, size=SIDE, frames=6, targets=1)
        moved = (masks[:, 0] ^ masks[:, -1]).flatten(1).float().mean(1)
        assert (moved > 0.01).float().mean() > 0.8


def test_pictures_of_a_set_without_weight_are_not_drawn() -> None:
    records = [Squares("still/a"), Squares("other/b")]
    records[1].read = lambda positions: [  # type: ignore[method-assign]
        (np.full((SIDE, SIDE, 3), 255, np.uint8), {1: np.tri(SIDE, dtype=bool)})
    ]
    only = DeviceSource(records, side=SIDE, device="cpu", weights={"other": 0.0}, workers=1)
    rgb, _ = only.draw_batch(0, batch=64, size=SIDE, frames=1, targets=1)
    # Objects of the other set may be pasted, but its pictures, which are white, are not drawn.
    is_white = rgb.float().mean(dim=2).flatten(1).median(dim=1).values > 150
    assert float(is_white.float().mean()) < 0.1
    both = DeviceSource(records, side=SIDE, device="cpu", workers=1)
    rgb, _ = both.draw_batch(0, batch=64, size=SIDE, frames=1, targets=1)
    is_white = rgb.float().mean(dim=2).flatten(1).median(dim=1).values > 150
    assert float(is_white.float().mean()) > 0.2
    with pytest.raises(DatasetError, match="weight above 0"):
        DeviceSource(records, side=SIDE, device="cpu", weights={"other": 0, "still": 0})


def test_targets_are_visible_at_first_and_repeat_where_there_are_fewer() -> None:
    labels = torch.zeros(400, 2, 16, 16)
    labels[:, :, 2:8, 2:8] = 3
    labels[:, 1, 9:14, 9:14] = 7  # comes later
    masks = choose_targets(Random(torch.Generator().manual_seed(0)), labels, 3)
    assert (masks[:, 0, 1:] == (labels[:, 0] == 3)[:, None]).all()
    union = masks[:, 1, 0, 10, 10].float().mean()
    assert 0.08 < union < 0.25  # now and then all objects together
    empty = choose_targets(Random(torch.Generator()), torch.zeros(2, 1, 16, 16), 2)
    assert not empty.any()


def test_no_objects_are_refused() -> None:
    with pytest.raises(DatasetError, match="no videos or pictures"):
        DeviceSource([])


def test_a_pack_gives_back_what_was_written(tmp_path: Path) -> None:
    writer = PackWriter(side=SIDE, quality=95)
    for record in (Squares("still/a"), Squares("video/c", 3)):
        writer.add(record.name, record.read(range(len(record))))
    writer.write(tmp_path / "pack.npz")
    pack = Pack.open(tmp_path / "pack.npz")
    assert [(r.name, len(r)) for r in pack.records] == [("still/a", 1), ("video/c", 3)]
    for record, given in zip(pack.records, (Squares("a"), Squares("c", 3)), strict=True):
        frames, expected = (r.read(range(len(given))) for r in (record, given))
        for (rgb, masks), (true_rgb, true_masks) in zip(frames, expected, strict=True):
            assert masks.keys() == true_masks.keys()
            assert all((masks[obj] == true_masks[obj]).all() for obj in masks)
            assert np.abs(rgb.astype(int) - true_rgb).mean() < 12
    assert len(DeviceSource(pack.records, side=32, device="cpu")) == 4


def test_what_is_held_back_is_held_back_in_every_set(tmp_path: Path) -> None:
    writer = PackWriter(side=16)
    rng = np.random.default_rng(0)
    for i in range(12):
        picture = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        for name in ("people", "clothes"):
            writer.add(f"{name}/{i}", [(picture, {1: np.eye(16, dtype=bool)})])
    writer.write(tmp_path / "pack.npz")
    pack = Pack.open(tmp_path / "pack.npz")
    train, held = pack.split({"people": 4})
    assert len(train) + len(held) == 24
    names = [f"{name}/{i}" for i in (3, 7, 11) for name in ("people", "clothes")]
    assert [record.name for record in held.records] == names
    assert not len(pack.split({"people": 0})[1])


def test_a_file_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no"):
        Pack.open(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DatasetError, match="is no pack"):
        Pack.open(tmp_path / "other.npz")
