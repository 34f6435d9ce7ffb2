"""Pictures and clips in a device's memory, where whole batches are drawn and augmented.

A GPU trains on thousands of pictures a second, more than any number of processes can read,
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
    draw_windows_around,
    move_windows,
    paste,
    repeat_rows,
    repeat_windows,
    sample_windows,
)
from .packing import PackRecord

_MIN_AREA = 0.004
"""Smallest share of a picture that an object takes to be cropped to or pasted."""
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
    records : annotated videos and stills, such as ``open_coco(...).records`` or
        ``Pack.open(...).records``.
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
    >>> train, held_out = split_by_video(open_davis("DAVIS"))
    >>> source = DeviceSource(train.records)
    >>> finetune_model(model, source, held_out=held_out, out="fine.safetensors")
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
            read = pool.map(partial(_read_record, side=side), records)
            for start, frames in zip(starts, read, strict=False):
                kept = torch.from_numpy(frames)
                self._pictures[start : start + len(kept)].copy_(kept)
                # Of a video every fourth frame also serves as a picture.
                rows += [
                    row for t in range(0, len(frames), 4) for row in _find_objects(frames, t, start)
                ]
        weight = np.array([(weights or {}).get(r.name.split("/")[0], 1.0) for r in records])
        if not rows or not (weight > 0).any():
            raise DatasetError(
                f"None of {len(records)} videos and pictures has an object of at least "
                f"{_MIN_AREA:.1%} of the picture and a weight above 0: are the masks there, "
                "and not all empty?"
            )
        objects = np.asarray(rows, np.float32)
        owner = np.searchsorted(starts, objects[:, 0], side="right") - 1
        self._objects = torch.from_numpy(objects).to(self.device)
        # A picture of many objects is drawn more often, but not as often as it has objects.
        _, which, counts = np.unique(objects[:, 0], return_inverse=True, return_counts=True)
        shares = weight[owner] / counts[which] ** 0.5 / np.sqrt(lengths[owner])
        self._object_shares = self._cumulative(shares)
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
        """Number of objects that crops are drawn around and that are pasted."""
        return len(self._objects)

    def draw_batch(self, seed: int, *, batch: int, size: int, frames: int, targets: int) -> Batch:
        """Draw a batch, on the device.

        Parameters
        ----------
        seed : all of the batch follows from it, on one kind of device.
        batch, frames : B clips of T pictures.
        size : S, side in pixels, as the network sees it.
        targets : K objects a clip; they repeat where fewer are visible.

        Returns
        -------
        Batch
            (B, T, 3, S, S) uint8 RGB, and (B, T, K, S, S) bool.
        """
        self._generator.manual_seed(seed)
        rng = Random(self._generator)
        if frames == 1:
            drawn, pastes = self._draw_pictures(rng, batch, size), _PICTURE_PASTES
        else:
            drawn, pastes = self._draw_clips(rng, batch, size, frames), _CLIP_PASTES
        rgb, labels = drawn
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
        """Draw one clip, in the host's memory; see `ClipSource`."""
        rgb, masks = self.draw_batch(
            int(rng.integers(2**63)), batch=1, size=size, frames=frames, targets=targets
        )
        return Clip(rgb[0].cpu().numpy(), masks[0].cpu().numpy())

    def _draw_pictures(self, rng: Random, n: int, size: int) -> tuple[Tensor, Tensor]:
        row, windows = self._draw_object_windows(rng, n, min_side=0.35)
        return sample_windows(self._pictures[row], windows, size)

    def _draw_clips(self, rng: Random, n: int, size: int, frames: int) -> tuple[Tensor, Tensor]:
        from_videos = round(n * self.video_share) if self._stills else n
        from_videos = from_videos if self._videos else 0
        parts: list[tuple[Tensor, Tensor]] = []
        if from_videos:
            parts.append(self._crop_videos(rng, from_videos, size, frames))
        if n > from_videos:
            row, windows = self._draw_object_windows(
                rng, n - from_videos, min_side=0.4, max_side=0.85
            )
            pictures = repeat_rows(self._pictures[row], frames)
            parts.append(sample_windows(pictures, move_windows(rng, windows, frames), size))
        rgb, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        return rgb, labels

    def _draw_object_windows(
        self, rng: Random, n: int, *, min_side: float, max_side: float = 1.0
    ) -> tuple[Tensor, Windows]:
        """Draw pictures (n,), by index, and windows on them that show some object."""
        row = self._objects[rng.pick(self._object_shares, n)]
        center, half = row[:, 2:4], row[:, 4:6]
        windows = draw_windows_around(rng, center, half, min_side=min_side, max_side=max_side)
        return row[:, 0].long(), windows

    def _crop_videos(self, rng: Random, n: int, size: int, frames: int) -> tuple[Tensor, Tensor]:
        """Crop n videos around what is labelled on their first frame."""
        assert self._span_shares is not None
        start, length = self._spans[rng.pick(self._span_shares, n)].unbind(1)
        max_stride = ((length - 1) // (frames - 1)).clamp(1, _MAX_STRIDE)
        stride = 1 + torch.minimum(rng.uniform(n) * max_stride, max_stride - 1.0).long()
        max_first = (length - 1 - stride * (frames - 1)).clamp(min=0)
        first = torch.minimum(rng.uniform(n) * (max_first + 1), max_first.float()).long()
        t = torch.arange(frames, device=self.device)
        at = torch.minimum(first[:, None] + stride[:, None] * t, length[:, None] - 1)
        at = start[:, None] + torch.where(rng.chance(n, 0.5)[:, None], at.flip(1), at)
        pictures = self._pictures[at.flatten()]
        labelled = (pictures.unflatten(0, (n, frames))[:, 0, 3] > 0).float()
        drawn = draw_windows(rng, n, min_side=0.55)
        near = _centroids(labelled) + rng.uniform(n, 2, low=-0.5, high=0.5) * drawn.half_n2
        center = torch.minimum(torch.maximum(near, drawn.half_n2 - 1), 1 - drawn.half_n2)
        windows = Windows(center, drawn.half_n2, drawn.angle_n, drawn.flip_n)
        return sample_windows(pictures, repeat_windows(windows, frames), size)

    def _cumulative(self, weights: NDArray[Any]) -> Tensor:
        shares = np.cumsum(weights / weights.sum())
        return torch.from_numpy(shares.astype(np.float32)).to(self.device)


def _centroids(labelled_nhw: Tensor) -> Tensor:
    """Return (N, 2) centroids (x, y) of what is 1; the middle where nothing is."""
    side = labelled_nhw.shape[-1]
    axis = (torch.arange(side, device=labelled_nhw.device) + 0.5) / side * 2 - 1
    mass = labelled_nhw.sum(dim=(1, 2)).clamp(min=1)
    x, y = (labelled_nhw.sum(dim=d) @ axis / mass for d in (1, 2))
    return torch.stack((x, y), dim=1)


def _read_record(record: Record, side: int) -> NDArray[np.uint8]:
    """Read all frames of a record: (T, 4, side, side) uint8, RGB and labels."""
    if isinstance(record, PackRecord):
        pairs = [record.decode(t) for t in range(len(record))]
    else:
        pairs = _to_label_maps(record.read(range(len(record))))
    frames = np.empty((len(pairs), 4, side, side), np.uint8)
    for frame, (rgb_hw3, labels_hw) in zip(frames, pairs, strict=True):
        rgb = Image.fromarray(rgb_hw3).resize((side, side), Image.Resampling.BICUBIC)
        labels = Image.fromarray(labels_hw).resize((side, side), Image.Resampling.NEAREST)
        frame[:3], frame[3] = np.asarray(rgb).transpose(2, 0, 1), np.asarray(labels)
    return frames


def _to_label_maps(frames: Frames) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Make label maps (H, W) of masks; where objects overlap, the smaller one is seen."""
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


def _find_objects(frames: NDArray[np.uint8], t: int, start: int) -> list[list[float]]:
    """Return index, label, and the box's centre and half sides of each object of a frame."""
    labels = frames[t, 3]
    side = len(labels)
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    rows: list[list[float]] = []
    found, counts = np.unique(labels, return_counts=True)
    for label, count in zip(found.tolist(), counts.tolist(), strict=True):
        if 0 < label < PASTED and count > _MIN_AREA * side * side:
            mask = labels == label
            x, y = axis[mask.any(0)], axis[mask.any(1)]
            box = ((x[0] + x[-1]) / 2, (y[0] + y[-1]) / 2, (x[-1] - x[0]) / 2, (y[-1] - y[0]) / 2)
            rows.append([start + t, label, *box[:2], *(max(half, 1e-3) for half in box[2:])])
    return rows
