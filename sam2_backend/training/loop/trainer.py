"""The training loop: stages, averaged weights, a log, and checkpoints that resume to the step."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Hashable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from ...renamed import renamed_arguments, warn_renamed
from ..data.batches import Batch, BatchSource, load_batches
from ..data.clips import ClipSource
from ..tasks.task import Stage, StepResult, Task
from .distributed import DistributedContext
from .graphs import GraphedGradients
from .optimizer import (
    EMA,
    OptimizerConfig,
    build_optimizer,
    compute_learning_rate,
    recompute_activations,
    skip_step_if_infinite,
)


@renamed_arguments(optimizing="optimizer_config")
class Trainer:
    """Train one network through its stages.

    On a GPU it computes in bfloat16 where that loses nothing, and replays steps as CUDA graphs.
    The host waits for the device only where it logs or saves. Under `torchrun` each process
    draws its own clips, so that a step sees `batch` of them from each; the first one logs and
    saves.

    Parameters
    ----------
    task : what to train, e.g. `Promptable(random_model(config), FROM_SCRATCH)`.
    stages : in order.
    source : where clips come from. A run resumes to the very step if its clips are functions
        of the generator, or its batches of the seed, they are drawn with.
    out : folder for `checkpoint.pt` and `log.jsonl`; training resumes from what is there.
    optimizer_config : which parts learn, and how fast.
    seed : of data and simulated users.
    ema : decay of the averaged weights, which are the result.
    log_every : steps that one line of the log averages over.
    workers : processes that draw clips; 0 draws in this one, between two steps.
    device : ``"cuda"``, ``"cpu"``…; the best there is if None.
    precision : of matrix products: torch.bfloat16 or torch.float32; right for the device if
        None. Weights and losses stay in float32.
    recompute : spare memory by computing attention blocks twice; on a GPU if None.
    minutes : budget for all stages together, which share it by `Stage.share` instead of having
        so many steps each; the learning rate falls with the time that is over. What an earlier
        stage took too long or too short, the later ones have less or more.
    graphs : replay steps as CUDA graphs; on a single GPU, where None.

    Raises
    ------
    ValueError
        When `minutes` is not above 0, or the checkpoint in `out` is of another network or other
        stages.
    """

    def __init__(
        self,
        task: Task,
        stages: tuple[Stage, ...],
        *,
        source: ClipSource | BatchSource,
        out: Path,
        optimizer_config: OptimizerConfig | None = None,
        seed: int = 0,
        ema: float = 0.999,
        log_every: int = 50,
        workers: int = 1,
        device: torch.device | str | None = None,
        precision: torch.dtype | None = None,
        recompute: bool | None = None,
        minutes: float | None = None,
        graphs: bool | None = None,
    ) -> None:
        if minutes is not None and not minutes > 0:
            raise ValueError(f"minutes must be above 0, got {minutes}.")
        self.stages, self.source, self.out, self.seed = stages, source, out, seed
        self.log_every, self.workers, self.minutes = log_every, workers, minutes
        self.context = DistributedContext.join(device)
        on_gpu = self.context.device.type == "cuda"
        half = on_gpu and torch.cuda.is_bf16_supported()
        self._precision = precision or (torch.bfloat16 if half else torch.float32)
        out.mkdir(parents=True, exist_ok=True)
        self.task = task.to(self.context.device)
        self.network = task.network
        self.average = EMA(self.network, ema)
        options = optimizer_config or OptimizerConfig()
        self.optimizer, self._rate_shares = build_optimizer(self.network, options, task.aux_head)
        self._clip_norm = options.clip_norm
        self._recompute = on_gpu if recompute is None else recompute
        self.stage, self.step = 0, 0
        self._spent_s = [0.0] * len(stages)
        self._parts = 1
        self._stopping = False
        self._resume()
        self._loss: nn.Module = self.task
        if self.context.count > 1:
            # Which weights a step needs depends on the prompts that were drawn.
            self._loss = DistributedDataParallel(
                self.task, broadcast_buffers=False, find_unused_parameters=True
            )
        self._graphed: GraphedGradients | None = None
        if on_gpu and self.context.count == 1 and graphs is not False:
            learning = [p for group in self.optimizer.param_groups for p in group["params"]]
            self._graphed = GraphedGradients(self.gradients, learning)

    @property
    def processes(self) -> DistributedContext:
        """The old name of `context`."""
        warn_renamed("Trainer.processes", "Trainer.context")
        return self.context

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
            recompute_activations(self.network) if self._recompute else contextlib.nullcontext()
        )
        with self._stop_at_signals(), sparing:
            while self.stage < len(self.stages) and not self._stopping:
                self._run_stage(self.stages[self.stage], save_every_s, after_step)
                if not self._stopping:
                    self.stage, self.step = self.stage + 1, 0
                self.save()

    def seconds_of(self, stage: int) -> float:
        """How long a stage is to take: its share of what earlier ones have left of the budget."""
        assert self.minutes is not None
        left = self.minutes * 60 - sum(self._spent_s[:stage])
        shares = [each.share for each in self.stages[stage:]]
        return max(left, 0.0) * shares[0] / sum(shares)

    def _run_stage(self, stage: Stage, save_every_s: float, after_step: Callable[[], bool]) -> None:
        self.task.begin(stage)
        self._parts = stage.accumulate
        if self._graphed is not None:
            self._graphed.clear()
        batches = load_batches(
            self.source,
            stage,
            seed=self.seed * 1000 + self.stage,
            rank=self.context.rank,
            start=self.step,
            workers=self.workers,
            device=self.context.device,
            endless=self.minutes is not None,
        )
        begun = time.monotonic() - self._spent_s[self.stage]
        saved = logged = time.monotonic()
        pictures = 0
        rate = 0.0
        window: list[StepResult] = []
        with tqdm(
            desc=f"Stage {self.stage}",
            total=stage.steps if self.minutes is None else None,
            initial=self.step,
            unit="step",
            disable=not self._shows_bar(),
        ) as bar:
            # A stage whose time was over when it was interrupted has no further step.
            while (progress := self._progress()) is None or progress < 1:
                batch = next(batches, None)
                if batch is None:
                    break
                rate = compute_learning_rate(stage, self.step, progress)
                window.append(self.learn(batch, rate))
                pictures += math.prod(batch[0].shape[:2]) * self.context.count
                bar.update()
                if self.step % self.log_every == 0:
                    means = _means(window)  # here the host waits for the device
                    self._log(stage, means, rate, pictures / (time.monotonic() - logged))
                    bar.set_postfix(means)
                    window, pictures, logged = [], 0, time.monotonic()
                now = time.monotonic()
                self._spent_s[self.stage] = now - begun
                if now - saved > save_every_s:
                    self.save()
                    saved = now
                wanted = after_step()
                self._stopping = self.context.any(self._stopping or not wanted)
                if self._stopping:
                    return
        if self.minutes is not None and window:
            means = _means(window)
            self._log(stage, means, rate, pictures / (time.monotonic() - logged))

    def learn(self, batch: Batch, rate: float) -> StepResult:
        """Train on one batch. The host does not wait for the device.

        Parameters
        ----------
        batch : on the device, as `load_batches` has it.
        rate : learning rate.
        """
        rank = self.context.rank
        seed = hash((self.seed, self.stage, self.step, *([rank] if rank else [])))
        # What decides about shapes is drawn on the host, the same on all processes.
        rng = random.Random(hash((self.seed, self.stage, self.step)))
        plan = self.task.draw_plan(rng, batch[0].shape[1])
        for group, share in zip(self.optimizer.param_groups, self._rate_shares, strict=True):
            group["lr"] = rate * share
        while True:
            torch.manual_seed(seed)
            try:
                result = (self._graphed or self.gradients)(batch, plan)
                break
            except torch.cuda.OutOfMemoryError:
                if self._parts >= len(batch[0]) or self.context.count > 1:
                    raise
            self._compute_in_more_parts()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        skip_step_if_infinite(self.optimizer, norm)
        self.optimizer.step()
        self.average.update(self.network, after=self.step if self.stage == 0 else None)
        self.step += 1
        return result

    def gradients(self, batch: Batch, plan: Hashable) -> StepResult:
        """Leave gradients of a batch in the parameters, summed up over its parts.

        Parameters
        ----------
        plan : from the task's `draw_plan`.
        """
        self.optimizer.zero_grad(set_to_none=True)
        parts = list(zip(*(tensor.chunk(self._parts) for tensor in batch), strict=True))
        results: list[StepResult] = []
        for i, (rgb, masks) in enumerate(parts):
            is_last = i == len(parts) - 1
            waits = isinstance(self._loss, DistributedDataParallel) and not is_last
            sums_later = cast("Any", self._loss).no_sync if waits else contextlib.nullcontext
            with sums_later():
                with self._mixed_precision():
                    decided = () if plan is None else (plan,)
                    result: StepResult = self._loss(rgb, masks, *decided)
                share = len(rgb) / len(batch[0])
                (result.loss if share == 1 else result.loss * share).backward()
            results.append(StepResult(result.loss.detach(), result.measures))
        return results[0] if len(results) == 1 else _joined(results)

    def _compute_in_more_parts(self) -> None:
        self._parts *= 2
        print(f"Out of memory: batches are computed in {self._parts} parts.", flush=True)
        self.optimizer.zero_grad(set_to_none=True)
        if self._graphed is not None:
            self._graphed.clear()
        if self.context.device.type == "cuda":
            torch.cuda.empty_cache()

    def _progress(self) -> float | None:
        """Share of the stage's time that is over, the same for all processes; None where stages
        have steps."""
        if self.minutes is None:
            return None
        own = min(self._spent_s[self.stage] / max(self.seconds_of(self.stage), 1e-9), 1.0)
        return self.context.largest(own)

    def _mixed_precision(self) -> contextlib.AbstractContextManager[object]:
        if self._precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.context.device.type, dtype=self._precision)

    # What is left of a run

    def _log(self, stage: Stage, means: dict[str, float], rate: float, per_second: float) -> None:
        if self.context.rank:
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
        return seen and self.context.rank == 0

    def save(self) -> None:
        """Write the checkpoint, replacing the old one at once."""
        if self.context.rank:
            return
        aux_head = self.task.aux_head
        path = self.out / "checkpoint.pt"
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "model": self.network.state_dict(),
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
                "aux_head": {} if aux_head is None else aux_head.state_dict(),
                "stage": self.stage,
                "step": self.step,
                "spent_s": self._spent_s,
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
            path, map_location=self.context.device, weights_only=True
        )
        if state["stage"] > len(self.stages):
            raise ValueError(
                f"{path} is of a run of more stages than these {len(self.stages)}: call it as "
                "before to go on, or give another folder to start anew."
            )
        # Called "scaffold" in runs of earlier versions.
        aux_state = state.get("aux_head", state.get("scaffold", {}))
        try:
            self.network.load_state_dict(state["model"])
            if self.task.aux_head is not None:
                self.task.aux_head.load_state_dict(aux_state)
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{path} is of a run of another network, recipe or choice of parts "
                f"({str(error).splitlines()[0]}): call it as before to go on, or give another "
                "folder to start anew."
            ) from error
        self.average.state = state["ema"]
        spent = state.get("spent_s", [])
        self._spent_s = [*spent, *self._spent_s[len(spent) :]][: len(self.stages)]
        self.stage, self.step = state["stage"], state["step"]
        if self.context.rank == 0:
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


def _joined(results: list[StepResult]) -> StepResult:
    """What the equal parts of a batch say together."""
    names = results[0].measures
    measures = {
        name: torch.stack([result.measures[name] for result in results]).nanmean() for name in names
    }
    return StepResult(torch.stack([result.loss for result in results]).mean(), measures)


def _means(window: list[StepResult]) -> dict[str, float]:
    """Loss and measures on average, without those of which no step said anything."""
    rows = [{"loss": result.loss, **result.measures} for result in window]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [
        torch.stack([torch.as_tensor(row[name]).float() for row in rows if name in row]).nanmean()
        for name in names
    ]
    means = zip(names, torch.stack(columns).tolist(), strict=True)
    return {name: round(mean, 4) for name, mean in means if not math.isnan(mean)}
