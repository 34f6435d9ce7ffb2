"""The training loop: stages, averaged weights, a log, and checkpoints that resume to the step."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ..config import ModelConfig
from ..model import Sam2Model
from .assets import Assets
from .steps import clip_step, image_step
from .synthetic import render_clip


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one kind of data."""

    steps: int
    image_size: int
    batch: int
    targets: int
    """Objects a picture or clip."""
    frames: int = 1
    """1 trains on pictures, more on clips with memory."""
    corrections: int = 2
    """Corrective clicks a picture."""
    learning_rate: float = 1e-3
    final_rate: float = 0.1
    """Share of the learning rate that is left at the stage's end (cosine)."""
    warm_up: int = 200


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Batches of one stage from a given step on; each is a function of (seed, step)."""

    def __init__(self, folder: Path, stage: Stage, *, seed: int, start: int) -> None:
        self.folder, self.stage, self.seed, self.start = folder, stage, seed, start

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        assets, stage = Assets(self.folder), self.stage
        for step in range(self.start, stage.steps):
            rng = np.random.default_rng((self.seed, step))
            clips = [
                render_clip(
                    rng,
                    assets,
                    size=stage.image_size,
                    frames=stage.frames,
                    targets=stage.targets,
                )
                for _ in range(stage.batch)
            ]
            yield (
                torch.from_numpy(np.stack([clip.rgb_t3ss for clip in clips])),
                torch.from_numpy(np.stack([clip.masks_tkss for clip in clips])),
            )


class Trainer:
    """Train one network through its stages.

    Parameters
    ----------
    config : the network; its image size is set by each stage.
    stages : in order.
    assets : folder of packed pictures, see `Assets`.
    out : folder for `checkpoint.pt` and `log.jsonl`; training resumes from what is there.
    seed : of weights, data and simulated users.
    ema : decay of the averaged weights, which are the result.
    log_every : steps that one line of the log averages over.
    workers : processes that render; 0 renders in this one, between two steps.
    """

    def __init__(
        self,
        config: ModelConfig,
        stages: tuple[Stage, ...],
        *,
        assets: Path,
        out: Path,
        seed: int = 0,
        ema: float = 0.999,
        log_every: int = 50,
        workers: int = 1,
    ) -> None:
        self.config, self.stages, self.seed, self.ema_decay = config, stages, seed, ema
        self.assets, self.out, self.log_every, self.workers = assets, out, log_every, workers
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.model = Sam2Model(config)
        initialise(self.model)
        self.ema = {k: v.clone() for k, v in self.model.state_dict().items()}
        decay = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
            lr=1e-3,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.stage, self.step = 0, 0
        self._stopping = False
        self._resume()

    def run(self, *, save_every_s: float = 120.0) -> None:
        """Train to the end, or to the next SIGTERM or SIGINT; both save first."""
        handlers = {n: signal.signal(n, self._stop) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            while self.stage < len(self.stages) and not self._stopping:
                self._run_stage(self.stages[self.stage], save_every_s)
                if not self._stopping:
                    self.stage, self.step = self.stage + 1, 0
                self.save()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _run_stage(self, stage: Stage, save_every_s: float) -> None:
        model = self.model.train()
        model.sam_prompt_encoder.image_size = stage.image_size
        model.config = replace(self.config, image_size=stage.image_size)
        batches = _Batches(self.assets, stage, seed=self.seed * 1000 + self.stage, start=self.step)
        ahead = 4 if self.workers else None
        loader = DataLoader(
            batches, batch_size=None, num_workers=self.workers, prefetch_factor=ahead
        )
        saved = logged = time.monotonic()
        window: list[dict[str, float]] = []
        for rgb_bt3ss, masks_btkss in loader:
            torch.manual_seed(hash((self.seed, self.stage, self.step)))
            rate = _rate(stage, self.step)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            if stage.frames == 1:
                result = image_step(
                    model, rgb_bt3ss[:, 0], masks_btkss[:, 0], corrections=stage.corrections
                )
            else:
                result = clip_step(model, rgb_bt3ss, masks_btkss, corrections=stage.corrections)
            self.optimizer.zero_grad(set_to_none=True)
            result.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            self.optimizer.step()
            self._average()
            self.step += 1
            window.append({"loss": float(result.loss.detach()), **result.ious})
            now = time.monotonic()
            if self.step % self.log_every == 0:
                self._log(stage, window, rate, len(window) * stage.batch / (now - logged))
                window, logged = [], now
            if now - saved > save_every_s:
                self.save()
                saved = now
            if self._stopping:
                return

    def _average(self) -> None:
        # Early on the average would remember the random start.
        decay = min(self.ema_decay, (1 + self.step) / (10 + self.step) if self.stage == 0 else 1.0)
        with torch.no_grad():
            for key, value in self.model.state_dict().items():
                self.ema[key].lerp_(value, 1 - decay)

    def _log(
        self, stage: Stage, window: list[dict[str, float]], rate: float, per_second: float
    ) -> None:
        keys = dict.fromkeys(key for entry in window for key in entry)
        means = {
            key: round(float(np.mean([w[key] for w in window if key in w])), 4) for key in keys
        }
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
        print(line, flush=True)
        with (self.out / "log.jsonl").open("a") as log:
            log.write(line + "\n")

    def save(self) -> None:
        """Write the checkpoint, replacing the old one at once."""
        path = self.out / "checkpoint.pt"
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "model": self.model.state_dict(),
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
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
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.ema = state["ema"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.stage, self.step = state["stage"], state["step"]
        print(f"Resumed at stage {self.stage}, step {self.step}.", flush=True)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def initialise(model: Sam2Model) -> None:
    """Starting weights: small positions, a memory encoder whose blocks do something, and an
    object score that begins on the visible side."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(0.1)
            elif "pos_embed" in name or name.startswith(("maskmem_tpos", "no_mem", "no_obj")):
                parameter.normal_(std=0.02)
        # Added to every cell, it would drown the picture for the first hundreds of steps.
        model.sam_prompt_encoder.no_mask_embed.weight.mul_(0.02)
        # A mask prompt starts out as what it means: logits of ±10, averaged over each cell.
        model.mask_downsample.weight.fill_(20.0 / 16)
        assert model.mask_downsample.bias is not None
        model.mask_downsample.bias.fill_(-10.0)
        head = model.sam_mask_decoder.pred_obj_score_head.layers[-1]
        assert isinstance(head, torch.nn.Linear)
        head.bias.fill_(1.0)


def _rate(stage: Stage, step: int) -> float:
    progress = step / max(stage.steps, 1)
    cosine = stage.final_rate + (1 - stage.final_rate) * 0.5 * (1 + math.cos(math.pi * progress))
    return stage.learning_rate * cosine * min(1.0, (step + 1) / stage.warm_up)
