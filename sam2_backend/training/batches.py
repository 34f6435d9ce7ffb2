"""From a source of clips to batches, ahead of the training step."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from .clips import ClipSource
from .task import Stage

Batch = tuple[Tensor, Tensor]
"""(B, T, 3, S, S) uint8 and (B, T, K, S, S) bool."""


class _Batches(IterableDataset[Batch]):
    """Batches of one stage from a given step on; each is a function of (seed, step, rank)."""

    def __init__(
        self, source: ClipSource, stage: Stage, *, seed: int, rank: int, start: int
    ) -> None:
        self.source, self.stage = source, stage
        self.seed, self.rank, self.start = seed, rank, start

    def __iter__(self) -> Iterator[Batch]:
        # A worker of several takes its turn: every so many steps is its own.
        worker = torch.utils.data.get_worker_info()
        first, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in range(self.start + first, self.stage.steps, every):
            yield self._batch(step)

    def _batch(self, step: int) -> Batch:
        stage, frames = self.stage, self.stage.frames
        # All processes turn to pictures together, lest some wait for others.
        if np.random.default_rng((self.seed, step)).random() < stage.picture_share:
            frames = 1
        rng = np.random.default_rng((self.seed, step, self.rank))
        clips = [
            self.source.draw(rng, size=stage.image_size, frames=frames, targets=stage.targets)
            for _ in range(stage.batch)
        ]
        return (
            torch.from_numpy(np.stack([clip.rgb_t3ss for clip in clips])),
            torch.from_numpy(np.stack([clip.masks_tkss for clip in clips])),
        )


def load_batches(
    source: ClipSource,
    stage: Stage,
    *,
    seed: int,
    rank: int,
    start: int,
    workers: int,
    device: torch.device,
) -> Iterator[Batch]:
    """Batches of a stage, in the order of its steps whatever the number of workers.

    Parameters
    ----------
    source : drawn from in `workers` processes; 0 draws in this one, between two steps.
    seed, rank : of this stage and this process.
    start : step to begin with.
    device : where the batches are to be.
    """
    on_gpu = device.type == "cuda"
    loader = DataLoader(
        _Batches(source, stage, seed=seed, rank=rank, start=start),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=on_gpu,
        worker_init_fn=_outlive_signals,
    )
    for rgb, masks in loader:
        yield rgb.to(device, non_blocking=True), masks.to(device, non_blocking=True)


def _outlive_signals(worker: int) -> None:
    # A signal to the whole group is for the trainer, which saves and then ends its workers; a
    # worker that died of it first would take the trainer with it, unsaved.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
