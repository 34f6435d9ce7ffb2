"""The training loop: stages, averaged weights, a log, and checkpoints that resume to the step."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from .batches import Batch, load_batches
from .clips import ClipSource
from .optimizing import (
    Average,
    Optimizing,
    build_optimizer,
    learning_rate,
    recomputed_activations,
)
from .processes import Processes
from .task import Stage, StepResult, Task


class Trainer:
    """Train one network through its stages.

    On a GPU it computes in bfloat16 where that loses nothing. Under `torchrun` each process
    draws its own clips, so that a step sees `batch` of them from each; the first one logs and
    saves.

    Parameters
    ----------
    task : what to train, e.g. `Promptable(random_model(config), FROM_SCRATCH)`.
    stages : in order.
    source : where clips come from. A run resumes to the very step if its clips are functions
        of the generator they are drawn with.
    out : folder for `checkpoint.pt` and `log.jsonl`; training resumes from what is there.
    optimizing : which parts learn, and how fast.
    seed : of data and simulated users.
    ema : decay of the averaged weights, which are the result.
    log_every : steps that one line of the log averages over.
    workers : processes that draw clips; 0 draws in this one, between two steps.
    device : ``"cuda"``, ``"cpu"``…; the best there is if None.
    precision : of matrix products: torch.bfloat16 or torch.float32; right for the device if
        None. Weights and losses stay in float32.
    recompute : spare memory by computing attention blocks twice; on a GPU if None.
    """

    def __init__(
        self,
        task: Task,
        stages: tuple[Stage, ...],
        *,
        source: ClipSource,
        out: Path,
        optimizing: Optimizing | None = None,
        seed: int = 0,
        ema: float = 0.999,
        log_every: int = 50,
        workers: int = 1,
        device: torch.device | str | None = None,
        precision: torch.dtype | None = None,
        recompute: bool | None = None,
    ) -> None:
        self.stages, self.source, self.out, self.seed = stages, source, out, seed
        self.log_every, self.workers = log_every, workers
        self.processes = Processes.join(device)
        on_gpu = self.processes.device.type == "cuda"
        half = on_gpu and torch.cuda.is_bf16_supported()
        self._precision = precision or (torch.bfloat16 if half else torch.float32)
        out.mkdir(parents=True, exist_ok=True)
        self.task = task.to(self.processes.device)
        self.network = task.network
        self.average = Average(self.network, ema)
        self.optimizer, self._rate_shares = build_optimizer(
            self.network, optimizing or Optimizing(), task.scaffold
        )
        self._clip_norm = (optimizing or Optimizing()).clip_norm
        self._recompute = on_gpu if recompute is None else recompute
        self.stage, self.step = 0, 0
        self._stopping = False
        self._resume()
        self._loss: nn.Module = self.task
        if self.processes.count > 1:
            # Which weights a step needs depends on the prompts that were drawn.
            self._loss = DistributedDataParallel(
                self.task, broadcast_buffers=False, find_unused_parameters=True
            )

    @property
    def ema(self) -> dict[str, Tensor]:
        """The averaged weights, by the network's keys."""
        return self.average.state

    def run(
        self, *, save_every_s: float = 120.0, after_step: Callable[[], bool] = lambda: True
    ) -> None:
        """Train to the end, or to the next SIGTERM or SIGINT; both save first.

        Parameters
        ----------
        save_every_s : seconds between two checkpoints.
        after_step : called after every step; False ends the run as a signal does.
        """
        sparing = (
            recomputed_activations(self.network) if self._recompute else contextlib.nullcontext()
        )
        with self._stop_at_signals(), sparing:
            while self.stage < len(self.stages) and not self._stopping:
                self._run_stage(self.stages[self.stage], save_every_s, after_step)
                if not self._stopping:
                    self.stage, self.step = self.stage + 1, 0
                self.save()

    def _run_stage(self, stage: Stage, save_every_s: float, after_step: Callable[[], bool]) -> None:
        self.task.begin(stage)
        batches = load_batches(
            self.source,
            stage,
            seed=self.seed * 1000 + self.stage,
            rank=self.processes.rank,
            start=self.step,
            workers=self.workers,
            device=self.processes.device,
        )
        saved = logged = time.monotonic()
        window: list[dict[str, float]] = []
        with tqdm(
            desc=f"Stage {self.stage}",
            total=stage.steps,
            initial=self.step,
            unit="step",
            disable=not self._shows_bar(),
        ) as bar:
            for batch in batches:
                rate = learning_rate(stage, self.step)
                result = self._learn(batch, rate)
                self.average.update(self.network, after=self.step if self.stage == 0 else None)
                self.step += 1
                window.append({"loss": float(result.loss.detach()), **result.measures})
                now = time.monotonic()
                bar.update()
                if self.step % self.log_every == 0:
                    pictures = len(window) * stage.batch * self.processes.count
                    means = _means(window)
                    self._log(stage, means, rate, pictures / (now - logged))
                    bar.set_postfix(means)
                    window, logged = [], now
                if now - saved > save_every_s:
                    self.save()
                    saved = now
                wanted = after_step()
                self._stopping = self.processes.any(self._stopping or not wanted)
                if self._stopping:
                    return

    def _learn(self, batch: Batch, rate: float) -> StepResult:
        rank = self.processes.rank
        torch.manual_seed(hash((self.seed, self.stage, self.step, *([rank] if rank else []))))
        for group, share in zip(self.optimizer.param_groups, self._rate_shares, strict=True):
            group["lr"] = rate * share
        with self._mixed_precision():
            result: StepResult = self._loss(*batch)
        self.optimizer.zero_grad(set_to_none=True)
        result.loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        self.optimizer.step()
        return result

    def _mixed_precision(self) -> contextlib.AbstractContextManager[object]:
        if self._precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.processes.device.type, dtype=self._precision)

    # What is left of a run

    def _log(self, stage: Stage, means: dict[str, float], rate: float, per_second: float) -> None:
        if self.processes.rank:
            return
        record = {
            "stage": self.stage,
            "step": self.step,
            "size": stage.image_size,
            "frames": stage.frames,
            "lr": round(rate, 6),
            "pictures_per_s": round(per_second, 2),
            **means,
        }
        line = json.dumps(record)
        if not self._shows_bar():
            print(line, flush=True)
        with (self.out / "log.jsonl").open("a") as log:
            log.write(line + "\n")

    def _shows_bar(self) -> bool:
        seen = sys.stderr.isatty() or "ipykernel" in sys.modules
        return seen and self.processes.rank == 0

    def save(self) -> None:
        """Write the checkpoint, replacing the old one at once."""
        if self.processes.rank:
            return
        scaffold = self.task.scaffold
        path = self.out / "checkpoint.pt"
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "model": self.network.state_dict(),
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
                "scaffold": {} if scaffold is None else scaffold.state_dict(),
                "stage": self.stage,
                "step": self.step,
                "stages": [asdict(stage) for stage in self.stages],
            },
            partial,
        )
        os.replace(partial, path)

    def _resume(self) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        state: dict[str, Any] = torch.load(
            path, map_location=self.processes.device, weights_only=True
        )
        self.network.load_state_dict(state["model"])
        if self.task.scaffold is not None:
            self.task.scaffold.load_state_dict(state["scaffold"])
        self.average.state = state["ema"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.stage, self.step = state["stage"], state["step"]
        if self.processes.rank == 0:
            print(f"Resumed at stage {self.stage}, step {self.step}.", flush=True)

    @contextlib.contextmanager
    def _stop_at_signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        handlers = {n: signal.signal(n, self._stop) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def _means(window: list[dict[str, float]]) -> dict[str, float]:
    keys = dict.fromkeys(key for entry in window for key in entry)
    return {key: round(float(np.mean([w[key] for w in window if key in w])), 4) for key in keys}
