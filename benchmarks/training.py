"""What a training step asks of the host: operations that are launched, and waits for the device.

    python -m benchmarks.training
    python -m benchmarks.training --device cuda --size 256 --batch 512

The first counts, on any machine: a wait is an operation whose result the host has to see before
it can go on (`item`, `nonzero`, masks as indices, constants that are copied from the host, …).
The second also measures pictures a second, on a GPU, with random pictures.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sam2_backend.network.config import CONFIGS
from sam2_backend.training import (
    FROM_SCRATCH,
    SHARP,
    DeviceSource,
    Promptable,
    Stage,
    Trainer,
    random_model,
)
from sam2_backend.training.data.batches import Batch
from sam2_backend.training.tasks.plans import FirstFramePlan, ImagePlan, InteractivePlan, Plan

_WAITS = {
    "_local_scalar_dense",
    "_unique2",
    "equal",
    "is_nonzero",
    "lift_fresh",  # torch.tensor([...]): on a GPU a copy from the host that is waited for
    "masked_select",
    "nonzero",
    "unique_consecutive",
    "unique_dim",
}
_INDEXING = {"_index_put_impl_", "_unsafe_index", "index", "index_put", "index_put_"}


class StepCounter(TorchDispatchMode):
    """Counts operations, but for those that only give another view, and those that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        aliases = (result.alias_info for result in func._schema.returns)
        if not any(alias is not None and not alias.is_write for alias in aliases):
            self.operations[name] += 1
        if name in _WAITS or _waits(name, func, args, kwargs or {}):
            self.waits[name] += 1
        return func(*args, **(kwargs or {}))


def _waits(name: str, func: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    if name == "multinomial":  # looks at its weights unless it draws several with repetition
        return not (len(args) > 2 and args[2] and args[1] > 1)
    if name == "repeat_interleave":  # by a tensor, without the size of the result
        return options.get("output_size") is None
    if name in _INDEXING:
        indices = (index for index in args[1] if isinstance(index, torch.Tensor))
        return any(index.dtype in (torch.bool, torch.uint8) for index in indices)
    return False


@dataclass(frozen=True)
class Noise:
    """A record of random pictures, with a square that moves."""

    name: str
    frames: int
    side: int = 64

    def __len__(self) -> int:
        return self.frames

    def read(self, positions: Any) -> list[Any]:
        """Frames at these positions: (H, W, 3) uint8, each with its (H, W) mask by object id."""
        rng = np.random.default_rng(len(self.name))
        frames = []
        for t in positions:
            mask = np.zeros((self.side, self.side), bool)
            mask[10 + t : 40 + t, 12:44] = True
            picture = rng.integers(0, 120, (self.side, self.side, 3)) + 120 * mask[..., None]
            frames.append((picture.astype(np.uint8), {1: mask}))
        return frames


CASES: dict[str, tuple[Plan, int]] = {
    "pictures, 2 corrections": (ImagePlan(2), 1),
    "clips of 5, first frame": (FirstFramePlan(2, from_mask=False, stride=1), 5),
    "clips of 6, interactive": (InteractivePlan(2, "click", (0, 3), (0, 3)), 6),
}


@dataclass(frozen=True)
class Step:
    """A training step as the training loop runs it, in two halves."""

    draw: Callable[[], Batch]
    trainer: Trainer
    plan: Plan

    def __call__(self) -> None:
        """Draw a batch and train on it."""
        self.trainer.train_step(self.draw(), 1e-4)

    def gradients(self, batch: Batch) -> None:
        """Compute the gradients of a batch, which a GPU replays as a graph."""
        self.trainer.compute_gradients(batch, self.plan)


def stepper(case: str, out: Path, *, size: int, batch: int, device: str) -> Step:
    """A training step of a case."""
    plan, frames = CASES[case]
    recipe = SHARP if isinstance(plan, InteractivePlan) else FROM_SCRATCH
    stage = Stage(
        steps=1_000_000,
        image_size=size,
        batch=batch,
        targets=3,
        frames=frames,
        recipe=replace(recipe, grouping=0.3),
    )
    source = DeviceSource(
        [Noise("still", 1), Noise("video", 12)], side=min(size, 448), device=device
    )
    network = random_model(replace(CONFIGS["nano"], image_size=size))
    trainer = Trainer(
        Promptable(network, FROM_SCRATCH),
        (stage,),
        source=source,
        out=out,
        device=device,
        recompute=False,
    )
    trainer.task.begin(stage)
    trainer.task.draw_plan = lambda rng, frames: plan  # type: ignore[method-assign]
    seeds = random.Random(0)

    def draw() -> Batch:
        seed = seeds.getrandbits(60)
        return source.draw_batch(seed, batch=batch, size=size, frames=frames, targets=3)

    return Step(draw, trainer, plan)


def count(case: str, out: Path, *, size: int = 64) -> tuple[StepCounter, int]:
    """Count operations and waits of one step, after a first one that makes what stays.

    Returns
    -------
    counter : of the whole step.
    outside : operations outside of what a GPU replays as a graph.
    """
    step = stepper(case, out, size=size, batch=2, device="cpu")
    step()
    counter, replayed = StepCounter(), StepCounter()
    with cast("AbstractContextManager[Any]", counter):
        step()
    batch = step.draw()
    with cast("AbstractContextManager[Any]", replayed):
        step.gradients(batch)
    return counter, counter.operations.total() - replayed.operations.total()


def _measure(case: str, out: Path, arguments: argparse.Namespace) -> float:
    """Pictures a second."""
    frames = CASES[case][1]
    batch = max(arguments.batch // frames, 1)
    step = stepper(case, out, size=arguments.size, batch=batch, device=arguments.device)
    for _ in range(5):
        step()
    if arguments.device == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(arguments.steps):
        step()
    if arguments.device == "cuda":
        torch.cuda.synchronize()
    return arguments.steps * batch * frames / (time.perf_counter() - begun)


def main() -> None:
    """Print the operations and waits of a step of each case, and its pictures a second on a GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="measure pictures a second there, too")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256, help="pictures a step")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    for case in CASES:
        with TemporaryDirectory() as out:
            counter, outside = count(case, Path(out))
        line = (
            f"{case}: {counter.operations.total()} operations a step, {outside} of them outside "
            f"of the graph, {counter.waits.total()} waits"
        )
        if arguments.device:
            with TemporaryDirectory() as out:
                line += f", {_measure(case, Path(out), arguments):.0f} pictures/s"
        print(line, flush=True)


if __name__ == "__main__":
    main()
