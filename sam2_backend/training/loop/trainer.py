"""The training loop: stages, averaged weights, a log, and checkpoints that resume to the step."""

from __future__ import annotations

import contextlib
import json
import math
import random
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from ...arguments import check_flag_or_none
from ...renamed import renamed_arguments, warn_renamed
from ..data.batches import Batch, BatchSource, load_batches
from ..data.clips import ClipSource
from ..tasks.task import Stage, StepResult, Task
from .checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from .distributed import DistributedContext
from .graphs import GraphedGradients
from .measures import average_measures, average_results
from .optimizer import (
    EMA,
    OptimizerConfig,
    build_optimizer,
    compute_learning_rate,
    recompute_activations,
    skip_step_if_infinite,
)
from .signals import handle_signals


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
    progress_bar : show a bar in place of printed log lines; in a terminal or notebook, where None.

    Attributes
    ----------
    stage, step : where the run is: index of the stage, and steps taken in it.
    num_micro_batches : parts in which a batch is computed, one after the other; more of them after
        the device ran out of memory.

    Raises
    ------
    ValueError
        When `minutes` is not above 0, or the checkpoint in `out` is of a run of another network or
        other settings, which the message names.
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
        progress_bar: bool | None = None,
    ) -> None:
        if minutes is not None and not minutes > 0:
            raise ValueError(f"minutes must be above 0, got {minutes}.")
        recompute = check_flag_or_none(recompute, "recompute")
        graphs = check_flag_or_none(graphs, "graphs")
        progress_bar = check_flag_or_none(progress_bar, "progress_bar")
        self.stages, self.source, self.out, self.seed = stages, source, out, seed
        self.log_every, self.workers, self.minutes = log_every, workers, minutes
        self.context = DistributedContext.join(device)
        on_gpu = self.context.device.type == "cuda"
        half = on_gpu and torch.cuda.is_bf16_supported()
        self._precision = precision or (torch.bfloat16 if half else torch.float32)
        out.mkdir(parents=True, exist_ok=True)
        self.task = task.to(self.context.device)
        self.network = task.network
        self._ema = EMA(self.network, ema)
        options = optimizer_config or OptimizerConfig()
        self.optimizer, self._rate_shares = build_optimizer(self.network, options, task.aux_head)
        self._clip_norm = options.clip_norm
        self._recompute = on_gpu if recompute is None else recompute
        self.stage, self.step = 0, 0
        self._spent_s = [0.0] * len(stages)
        self.num_micro_batches = 1
        self._stopping = False
        in_view = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._shows_bar = self.context.rank == 0 and (
            in_view if progress_bar is None else progress_bar
        )
        self._settings = {
            "stages": [asdict(stage) for stage in stages],
            "optimizer": asdict(options),
            "seed": seed,
            "ema": ema,
            "minutes": minutes,
            **task.settings,
        }
        self._resume()
        self._task: nn.Module = self.task
        if self.context.world_size > 1:
            # Which weights a step needs depends on the prompts that were drawn.
            self._task = DistributedDataParallel(
                self.task, broadcast_buffers=False, find_unused_parameters=True
            )
        self._graphed: GraphedGradients | None = None
        if on_gpu and self.context.world_size == 1 and graphs is not False:
            trained = [p for group in self.optimizer.param_groups for p in group["params"]]
            self._graphed = GraphedGradients(self.compute_gradients, trained, self.context.device)

    @property
    def processes(self) -> DistributedContext:
        """Deprecated name of `context`."""
        warn_renamed("Trainer.processes", "Trainer.context")
        return self.context

    @property
    def ema(self) -> dict[str, Tensor]:
        """The averaged weights, by the network's keys."""
        return self._ema.state

    @property
    def spent_s(self) -> tuple[float, ...]:
        """Seconds that each stage has taken so far."""
        return tuple(self._spent_s)

    @property
    def num_graphs(self) -> int:
        """Number of steps that are replayed as CUDA graphs, of those in the current stage."""
        return 0 if self._graphed is None else self._graphed.num_graphs

    def run(
        self, *, save_every_s: float = 120.0, after_step: Callable[[], bool] = lambda: True
    ) -> None:
        """Train to the end, or to the next SIGTERM or SIGINT; both save first.

        Parameters
        ----------
        save_every_s : seconds between two checkpoints.
        after_step : called after every step; False ends the run as a signal does.
        """
        recomputing = (
            recompute_activations(self.network) if self._recompute else contextlib.nullcontext()
        )
        with handle_signals(self._stop), recomputing:
            while self.stage < len(self.stages) and not self._stopping:
                self._run_stage(self.stages[self.stage], save_every_s, after_step)
                if not self._stopping:
                    self.stage, self.step = self.stage + 1, 0
                self.save()

    def budget_s(self, stage: int) -> float:
        """Return the seconds that a stage is to take: its share of what earlier ones have left.

        Parameters
        ----------
        stage : index. The run must have a budget of minutes.
        """
        assert self.minutes is not None
        left = self.minutes * 60 - sum(self._spent_s[:stage])
        shares = [each.share for each in self.stages[stage:]]
        return max(left, 0.0) * shares[0] / sum(shares)

    def _run_stage(self, stage: Stage, save_every_s: float, after_step: Callable[[], bool]) -> None:
        self.task.begin(stage)
        self.num_micro_batches = stage.accumulate
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
            disable=not self._shows_bar,
        ) as bar:
            # A stage whose time was over when it was interrupted has no further step.
            while (progress := self._progress()) is None or progress < 1:
                batch = next(batches, None)
                if batch is None:
                    break
                rate = compute_learning_rate(stage, self.step, progress)
                window.append(self.train_step(batch, rate))
                pictures += math.prod(batch[0].shape[:2]) * self.context.world_size
                bar.update()
                if self.step % self.log_every == 0:
                    means = average_measures(window)  # here the host waits for the device
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
            means = average_measures(window)
            self._log(stage, means, rate, pictures / (time.monotonic() - logged))

    def train_step(self, batch: Batch, rate: float) -> StepResult:
        """Train on one batch. The host does not wait for the device.

        Parameters
        ----------
        batch : on the device, as `load_batches` has it.
        rate : learning rate.

        Returns
        -------
        StepResult
            Loss and measures, on the device.
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
                result = (self._graphed or self.compute_gradients)(batch, plan)
                break
            except torch.cuda.OutOfMemoryError:
                if self.num_micro_batches >= len(batch[0]) or self.context.world_size > 1:
                    raise
            self._use_more_micro_batches()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        skip_step_if_infinite(self.optimizer, norm)
        self.optimizer.step()
        self._ema.update(self.network, step=self.step if self.stage == 0 else None)
        self.step += 1
        return result

    def compute_gradients(self, batch: Batch, plan: Hashable) -> StepResult:
        """Leave gradients of a batch in the parameters, accumulated over its micro-batches.

        Parameters
        ----------
        batch : on the device.
        plan : from the task's `draw_plan`.

        Returns
        -------
        StepResult
            Loss and measures, on the device.
        """
        self.optimizer.zero_grad(set_to_none=True)
        parts = list(zip(*(tensor.chunk(self.num_micro_batches) for tensor in batch), strict=True))
        results: list[StepResult] = []
        for i, (rgb, masks) in enumerate(parts):
            is_last = i == len(parts) - 1
            accumulates = isinstance(self._task, DistributedDataParallel) and not is_last
            context = cast("Any", self._task).no_sync if accumulates else contextlib.nullcontext
            with context():
                with self._mixed_precision():
                    given = () if plan is None else (plan,)
                    result: StepResult = self._task(rgb, masks, *given)
                share = len(rgb) / len(batch[0])
                (result.loss if share == 1 else result.loss * share).backward()
            results.append(StepResult(result.loss.detach(), result.measures))
        return results[0] if len(results) == 1 else average_results(results)

    def _use_more_micro_batches(self) -> None:
        self.num_micro_batches *= 2
        print(f"Out of memory: batches are computed in {self.num_micro_batches} parts.", flush=True)
        self.optimizer.zero_grad(set_to_none=True)
        if self._graphed is not None:
            self._graphed.clear()
        if self.context.device.type == "cuda":
            torch.cuda.empty_cache()

    def _progress(self) -> float | None:
        """Return the share of the stage's time that is over; None where stages have steps."""
        if self.minutes is None:
            return None
        own = min(self._spent_s[self.stage] / max(self.budget_s(self.stage), 1e-9), 1.0)
        return self.context.max(own)

    def _mixed_precision(self) -> contextlib.AbstractContextManager[object]:
        if self._precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.context.device.type, dtype=self._precision)

    # The files of a run

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
        if not self._shows_bar:
            print(line, flush=True)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def save(self) -> None:
        """Write the checkpoint, replacing the one before at once."""
        if self.context.rank:
            return
        aux_head = self.task.aux_head
        save_checkpoint(
            self.out,
            {
                "model": self.network.state_dict(),
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
                "aux_head": {} if aux_head is None else aux_head.state_dict(),
                "stage": self.stage,
                "step": self.step,
                "spent_s": self._spent_s,
                "stages": self._settings["stages"],
                "settings": {k: v for k, v in self._settings.items() if k != "stages"},
            },
        )

    def _resume(self) -> None:
        state = load_checkpoint(self.out, self.context.device, self._settings)
        if state is None:
            return
        # Called "scaffold" in runs of earlier versions.
        aux_state = state.get("aux_head", state.get("scaffold", {}))
        try:
            self.network.load_state_dict(state["model"])
            if self.task.aux_head is not None:
                self.task.aux_head.load_state_dict(aux_state)
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{self.out / CHECKPOINT} is of a run of another network, recipe or choice of "
                f"parts ({str(error).splitlines()[0]}): call it as before to go on, or give "
                "another folder to start anew."
            ) from error
        self._ema.state = state["ema"]
        spent = state.get("spent_s", [])
        self._spent_s = [*spent, *self._spent_s[len(spent) :]]
        self.stage, self.step = state["stage"], state["step"]
        if self.context.rank == 0:
            print(f"Resumed at stage {self.stage}, step {self.step}.", flush=True)

    def _stop(self) -> None:
        self._stopping = True
