"""Pictures and clips that live on the device, which draws and augments whole batches of them.

A GPU learns from thousands of pictures a second, more than any number of processes can read,
augment and copy to it. A data set of some ten thousand small pictures fits its memory whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..datasets.records import DatasetError, Frames, Record
from .batches import Batch
from .clips import Clip
from .device_augment import (
    PASTED,
    Random,
    Windows,
    change_light,
    choose_targets,
    draw_windows,
    look_at,
    moving,
    paste,
    repeat_rows,
    still,
    windows_on,
)
from .packing import PackRecord

_LEAST_AREA = 0.004
"""Smallest share of a picture that an object takes to be looked at or pasted."""
_MAX_STRIDE = 4
"""Largest step between two frames of a clip."""
_PICTURE_PASTES = (0.45, 0.45)
_CLIP_PASTES = (0.6, 0.5, 0.3)
"""Shares of pictures and clips that get a first, second, … object pasted over them."""


class DeviceSource:
    """Annotated pictures and videos in a device's memory, as a source of batches.

    Crops show an object of a random picture, or a window of a video at a random stride, forward
    or backward; a picture becomes a clip by made-up motion. Objects of other pictures are pasted
    over them, on smooth paths, and light, contrast and sharpness change. None of that needs the
    host to wait, and all of a batch follows from its seed.

    Each picture is kept as ``4 * side * side`` bytes.

    Parameters
    ----------
    records : annotated videos and stills, e.g. ``Coco(...).records`` or ``Pack.open(...).records``.
    side : of the squares that pictures are kept as, in pixels.
    weights : how much more often pictures of a set are drawn than others; the set is the part of
        a record's name before the first slash.
    video_share : share of clips that come from videos, where there are both kinds.
    device : where they are kept; a GPU if there is one, when None.
    workers : threads that read them; one a core if None.

    Raises
    ------
    DatasetError
        When there are no records, or no object on any.

    Examples
    --------
    >>> train, held_out = split_by_video(Davis("DAVIS"))
    >>> finetune(model, DeviceSource(train.records), held_out=held_out, out="fine.safetensors")
    """

    def __init__(
        self,
        records: Sequence[Record],
        *,
        side: int = 448,
        weights: Mapping[str, float] | None = None,
        video_share: float = 0.5,
        device: torch.device | str | None = None,
        workers: int | None = None,
    ) -> None:
        if not records:
            raise DatasetError("There are no videos or pictures to keep on the device.")
        on_gpu = torch.cuda.is_available() if device is None else False
        self.device = torch.device(device or ("cuda" if on_gpu else "cpu"))
        self.video_share = video_share
        self._generator = torch.Generator(self.device)
        lengths = np.array([len(record) for record in records])
        starts = np.cumsum([0, *lengths])
        self._pictures = torch.empty(
            (int(starts[-1]), 4, side, side), dtype=torch.uint8, device=self.device
        )
        rows: list[list[float]] = []
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            jobs = pool.map(partial(_read, side=side), records)
            for start, frames in zip(starts, jobs, strict=False):
                kept = torch.from_numpy(frames)
                self._pictures[start : start + len(kept)].copy_(kept)
                # Of a video every fourth frame also serves as a picture.
                rows += [
                    row for t in range(0, len(frames), 4) for row in _objects(frames, t, start)
                ]
        weight = np.array([(weights or {}).get(r.name.split("/")[0], 1.0) for r in records])
        if not rows or not (weight > 0).any():
            raise DatasetError(
                f"None of {len(records)} videos and pictures has an object of at least "
                f"{_LEAST_AREA:.1%} of the picture and a weight above 0: are the masks there, "
                "and not all empty?"
            )
        objects = np.asarray(rows, np.float32)
        owner = np.searchsorted(starts, objects[:, 0], side="right") - 1
        self._objects = torch.from_numpy(objects).to(self.device)
        # A picture of many objects is looked at more often, but not as often as it has objects.
        crowd = np.unique(objects[:, 0], return_inverse=True, return_counts=True)
        likely = weight[owner] / crowd[2][crowd[1]] ** 0.5 / np.sqrt(lengths[owner])
        self._object_shares = self._cumulative(likely)
        is_video = lengths > 1
        self._stills, self._videos = int((~is_video).sum()), int(is_video.sum())
        spans = np.stack((starts[:-1], lengths), axis=1)[is_video]
        self._spans = torch.from_numpy(spans.astype(np.int64)).to(self.device)
        self._span_shares = self._cumulative(weight[is_video]) if is_video.any() else None

    def __len__(self) -> int:
        """Pictures, those of videos included."""
        return len(self._pictures)

    @property
    def objects(self) -> int:
        """Objects that crops are drawn to and that are pasted."""
        return len(self._objects)

    def draw_batch(self, seed: int, *, batch: int, size: int, frames: int, targets: int) -> Batch:
        """A batch, on the device.

        Parameters
        ----------
        seed : all of the batch follows from it, on one kind of device.
        batch, frames : clips, and pictures each.
        size : side in pixels, as the network sees it.
        targets : objects a clip; they repeat where fewer are visible.

        Returns
        -------
        Batch
            (B, T, 3, S, S) uint8 and (B, T, K, S, S) bool.
        """
        self._generator.manual_seed(seed)
        rng = Random(self._generator)
        if frames == 1:
            seen, pastes = self._pictures_of(rng, batch, size), _PICTURE_PASTES
        else:
            seen, pastes = self._clips_of(rng, batch, size, frames), _CLIP_PASTES
        rgb, labels = seen
        for i, share in enumerate(pastes):
            chosen = torch.floor(rng.uniform(batch, high=len(self._objects))).long()
            row = self._objects[chosen.clamp(max=len(self._objects) - 1)]
            sources = self._pictures[row[:, 0].long()]
            rgb, labels = paste(
                rng,
                rgb,
                labels,
                sources,
                row[:, 1:],
                label=PASTED + i,
                frames=frames,
                share=share,
            )
        rgb = (change_light(rng, rgb, frames) * 255).to(torch.uint8)
        labels = labels.unflatten(0, (batch, frames))
        return rgb.unflatten(0, (batch, frames)), choose_targets(rng, labels, targets)

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """One clip, in the host's memory; see `ClipSource`."""
        rgb, masks = self.draw_batch(
            int(rng.integers(2**63)), batch=1, size=size, frames=frames, targets=targets
        )
        return Clip(rgb[0].cpu().numpy(), masks[0].cpu().numpy())

    def _pictures_of(self, rng: Random, n: int, size: int) -> tuple[Tensor, Tensor]:
        row, windows = self._look_at_objects(rng, n, smallest=0.35)
        return look_at(self._pictures[row], windows, size)

    def _clips_of(self, rng: Random, n: int, size: int, frames: int) -> tuple[Tensor, Tensor]:
        filmed = round(n * self.video_share) if self._stills else n
        filmed = filmed if self._videos else 0
        parts: list[tuple[Tensor, Tensor]] = []
        if filmed:
            parts.append(self._film(rng, filmed, size, frames))
        if n > filmed:
            row, windows = self._look_at_objects(rng, n - filmed, smallest=0.4, largest=0.85)
            pictures = repeat_rows(self._pictures[row], frames)
            parts.append(look_at(pictures, moving(rng, windows, frames), size))
        rgb, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        return rgb, labels

    def _look_at_objects(
        self, rng: Random, n: int, *, smallest: float, largest: float = 1.0
    ) -> tuple[Tensor, Windows]:
        """Pictures (n,), and windows on them that show some object."""
        row = self._objects[rng.pick(self._object_shares, n)]
        center, half = row[:, 2:4], row[:, 4:6]
        return row[:, 0].long(), windows_on(rng, center, half, smallest=smallest, largest=largest)

    def _film(self, rng: Random, n: int, size: int, frames: int) -> tuple[Tensor, Tensor]:
        """Windows of n videos, around what is labelled on their first frame."""
        assert self._span_shares is not None
        start, length = self._spans[rng.pick(self._span_shares, n)].unbind(1)
        longest = ((length - 1) // (frames - 1)).clamp(1, _MAX_STRIDE)
        stride = 1 + torch.minimum(rng.uniform(n) * longest, longest - 1.0).long()
        room = (length - 1 - stride * (frames - 1)).clamp(min=0)
        first = torch.minimum(rng.uniform(n) * (room + 1), room.float()).long()
        t = torch.arange(frames, device=self.device)
        at = torch.minimum(first[:, None] + stride[:, None] * t, length[:, None] - 1)
        at = start[:, None] + torch.where(rng.chance(n, 0.5)[:, None], at.flip(1), at)
        pictures = self._pictures[at.flatten()]
        labelled = (pictures.unflatten(0, (n, frames))[:, 0, 3] > 0).float()
        drawn = draw_windows(rng, n, smallest=0.55)
        near = _middle(labelled) + rng.uniform(n, 2, low=-0.5, high=0.5) * drawn.half_n2
        center = torch.minimum(torch.maximum(near, drawn.half_n2 - 1), 1 - drawn.half_n2)
        windows = Windows(center, drawn.half_n2, drawn.angle_n, drawn.flip_n)
        return look_at(pictures, still(windows, frames), size)

    def _cumulative(self, weights: NDArray[Any]) -> Tensor:
        shares = np.cumsum(weights / weights.sum())
        return torch.from_numpy(shares.astype(np.float32)).to(self.device)


def _middle(labelled_nhw: Tensor) -> Tensor:
    """(N, 2) centres (x, y) of what is 1; of the picture where nothing is."""
    side = labelled_nhw.shape[-1]
    axis = (torch.arange(side, device=labelled_nhw.device) + 0.5) / side * 2 - 1
    mass = labelled_nhw.sum(dim=(1, 2)).clamp(min=1)
    x, y = (labelled_nhw.sum(dim=d) @ axis / mass for d in (1, 2))
    return torch.stack((x, y), dim=1)


def _read(record: Record, side: int) -> NDArray[np.uint8]:
    """All frames of a record: (T, 4, side, side), RGB and labels."""
    if isinstance(record, PackRecord):
        pairs = [record.labelled(t) for t in range(len(record))]
    else:
        pairs = _with_labels(record.read(range(len(record))))
    frames = np.empty((len(pairs), 4, side, side), np.uint8)
    for frame, (rgb_hw3, labels_hw) in zip(frames, pairs, strict=True):
        rgb = Image.fromarray(rgb_hw3).resize((side, side), Image.Resampling.BICUBIC)
        labels = Image.fromarray(labels_hw).resize((side, side), Image.Resampling.NEAREST)
        frame[:3], frame[3] = np.asarray(rgb).transpose(2, 0, 1), np.asarray(labels)
    return frames


def _with_labels(frames: Frames) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Pictures and label maps (H, W); where objects overlap, the smaller one is seen."""
    areas: dict[int, int] = {}
    for _, masks in frames:
        for obj, mask in masks.items():
            areas[obj] = max(areas.get(obj, 0), int(mask.sum()))
    # So many have a label of their own, the largest ones; the others are left out.
    order = sorted(areas, key=lambda obj: -areas[obj])[: PASTED - 1]
    pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    for rgb_hw3, masks in frames:
        labels = np.zeros(rgb_hw3.shape[:2], np.uint8)
        for label, obj in enumerate(order, start=1):
            if obj in masks:
                labels[masks[obj]] = label
        pairs.append((rgb_hw3, labels))
    return pairs


def _objects(frames: NDArray[np.uint8], t: int, start: int) -> list[list[float]]:
    """Row, label, centre and half sides of the box of each object of one frame."""
    labels = frames[t, 3]
    side = len(labels)
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    rows: list[list[float]] = []
    found, counts = np.unique(labels, return_counts=True)
    for label, count in zip(found.tolist(), counts.tolist(), strict=True):
        if 0 < label < PASTED and count > _LEAST_AREA * side * side:
            mask = labels == label
            x, y = axis[mask.any(0)], axis[mask.any(1)]
            box = ((x[0] + x[-1]) / 2, (y[0] + y[-1]) / 2, (x[-1] - x[0]) / 2, (y[-1] - y[0]) / 2)
            rows.append([start + t, label, *box[:2], *(max(half, 1e-3) for half in box[2:])])
    return rows
