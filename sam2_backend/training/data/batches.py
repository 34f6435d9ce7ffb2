"""Batches of clips, drawn ahead of the training step."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ..tasks.task import Stage
from .clips import ClipSource

Batch = tuple[Tensor, Tensor]
"""Pictures (B, T, 3, S, S) uint8 RGB, and masks (B, T, K, S, S) bool."""


@runtime_checkable
class BatchSource(Protocol):
    """Anything that whole batches can be drawn from, on a device; see `DeviceSource`."""

    def draw_batch(self, seed: int, *, batch: int, size: int, frames: int, targets: int) -> Batch:
        """Draw a batch of clips.

        Parameters
        ----------
        seed : the batch is a function of it, which makes a run resumable.
        batch, frames, targets : B clips of T pictures with K targets.
        size : S, side of a picture in pixels.

        Returns
        -------
        Batch
            (B, T, 3, S, S) uint8 RGB, and (B, T, K, S, S) bool.
        """
        ...


class _Batches(IterableDataset[Batch]):
    """Batches of one stage from a given step on; each is a function of (seed, step, rank)."""

    def __init__(
        self,
        source: ClipSource,
        stage: Stage,
        *,
        seed: int,
        rank: int,
        start: int,
        endless: bool,
    ) -> None:
        self.source, self.stage = source, stage
        self.seed, self.rank, self.start, self.endless = seed, rank, start, endless

    def __iter__(self) -> Iterator[Batch]:
        # Of n workers, each draws every n-th step.
        worker = torch.utils.data.get_worker_info()
        first, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in _steps(self.stage, self.start + first, every, endless=self.endless):
            yield self._batch(step)

    def _batch(self, step: int) -> Batch:
        stage, frames = self.stage, draw_num_frames(self.stage, self.seed, step)
        rng = np.random.default_rng((self.seed, step, self.rank))
        clips = [
            self.source.draw(rng, size=stage.image_size, frames=frames, targets=stage.targets)
            for _ in range(stage.batch_of(frames))
        ]
        return (
            torch.from_numpy(np.stack([clip.rgb_t3ss for clip in clips])),
            torch.from_numpy(np.stack([clip.masks_tkss for clip in clips])),
        )


def draw_num_frames(stage: Stage, seed: int, step: int) -> int:
    """Draw how many frames the clips of a step have: 1 or those of the stage.

    All processes draw the same, lest those with pictures wait for those with clips.
    """
    on_pictures = np.random.default_rng((seed, step)).random() < stage.picture_share
    return 1 if on_pictures else stage.frames


def _steps(stage: Stage, start: int, every: int, *, endless: bool) -> Iterable[int]:
    return itertools.count(start, every) if endless else range(start, stage.steps, every)


def load_batches(
    source: ClipSource | BatchSource,
    stage: Stage,
    *,
    seed: int,
    rank: int,
    start: int,
    workers: int,
    device: torch.device,
    endless: bool = False,
) -> Iterator[Batch]:
    """Draw the batches of a stage, in the order of its steps whatever the number of workers.

    Parameters
    ----------
    source : of clips or of whole batches.
    stage : how many clips a batch has, of what size and length.
    seed, rank : of this stage and this process.
    start : step to begin with.
    workers : processes that draw clips; 0 draws in this one, between two steps. A source of whole
        batches draws them in this process, on its own device.
    device : where the batches are to be.
    endless : whether they go on after the stage's last step.

    Yields
    ------
    Batch
        (B, T, 3, S, S) uint8 RGB, and (B, T, K, S, S) bool.
    """
    if isinstance(source, BatchSource):
        for step in _steps(stage, start, 1, endless=endless):
            frames = draw_num_frames(stage, seed, step)
            rgb, masks = source.draw_batch(
                hash((seed, step, rank)) % 2**63,
                batch=stage.batch_of(frames),
                size=stage.image_size,
                frames=frames,
                targets=stage.targets,
            )
            yield rgb.to(device, non_blocking=True), masks.to(device, non_blocking=True)
        return
    on_gpu = device.type == "cuda"
    loader = DataLoader(
        _Batches(source, stage, seed=seed, rank=rank, start=start, endless=endless),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=on_gpu,
        worker_init_fn=_ignore_signals,
    )
    for rgb, masks in loader:
        yield rgb.to(device, non_blocking=True), masks.to(device, non_blocking=True)


def _ignore_signals(worker: int) -> None:
    # A signal to the whole group is for the trainer, which saves and then ends its workers; a
    # worker that died of it first would take the trainer with it, unsaved.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
