"""What a CPU's bfloat16 gains, part by part, and where memory attention spends its time.

    python -m benchmarks.precision [--name sam2.1-hiera-tiny] [--image-size 1024]

Weights are random. Parts take turns in both precisions. Memory attention is timed with weights
scaled so that its largest possible score is small, as large as with trained weights, and far beyond
what powers are summed of as they are. Takes four minutes with tiny.
"""

from __future__ import annotations

import argparse
import logging
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.arithmetic import seconds, steps_of
from benchmarks.machine import describe_machine
from sam2_backend import CONFIGS, Sam2Model
from sam2_backend.kernels.allocator import tune_malloc
from sam2_backend.kernels.blocked_attention import SAFE_EXPONENT
from sam2_backend.kernels.runtime import Runtime
from sam2_backend.network.config import ModelConfig
from sam2_backend.network.memory_attention import RotaryAttention
from sam2_backend.network.position import rotary_table, rotate

TURNS = 5
PRECISIONS = torch.float32, torch.bfloat16
LARGEST_SCORES = 16.0, 64.0, 4 * SAFE_EXPONENT


class _LastLine(logging.Handler):
    """Keeps what blocked attention said last."""

    line = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.line = record.getMessage()


def compare(steps: Mapping[Sam2Model, Callable[[], Any]]) -> tuple[list[float], list[str]]:
    """Time the same step of several networks, in turns.

    Returns
    -------
    seconds, ways
        Medians, and which way blocked attention took last, by network.
    """
    listener = _LastLine()
    log = logging.getLogger("sam2_backend.kernels.blocked_attention")
    log.addHandler(listener)
    log.setLevel(logging.DEBUG)
    times: dict[Sam2Model, list[float]] = {model: [] for model in steps}
    ways: dict[Sam2Model, str] = {}
    for turn in range(TURNS + 1):
        for model, step in steps.items():
            with model.runtime.inference():
                took = seconds(step)
            if turn:  # the first does not count
                times[model].append(took)
            ways[model] = listener.line.partition(": ")[2].rstrip(".")
    log.removeHandler(listener)
    return [statistics.median(taken) for taken in times.values()], [*ways.values()]


def scale_scores(model: Sam2Model, step: Callable[[], Any], largest: float) -> None:
    """Scale queries and keys of memory attention so that the largest possible score is as given.

    Scores are exponents of 2, as blocked attention counts them.
    """
    bounds: dict[RotaryAttention, float] = {}

    def bound(layer: RotaryAttention, q_nlc: Tensor, k_nmc: Tensor) -> float:
        q, k = layer.q_proj(q_nlc), layer.k_proj(k_nmc)
        longest = (float(x.float().norm(dim=-1).amax()) for x in (q, k))
        return next(longest) * next(longest) * math.log2(math.e) / math.sqrt(q.shape[-1])

    hooks = [
        layer.register_forward_pre_hook(
            lambda one, given: bounds.__setitem__(one, bound(one, *given[1:3]))
        )
        for layer in model.modules()
        if isinstance(layer, RotaryAttention)
    ]
    with model.runtime.inference():
        step()
    for hook in hooks:
        hook.remove()
    for layer, present in bounds.items():
        factor = (largest / present) ** 0.5
        for projection in (layer.q_proj, layer.k_proj):
            projection.weight.mul_(factor)
            projection.bias.mul_(factor)


def main() -> None:
    """Print tables of times in both precisions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", default="sam2.1-hiera-tiny")
    parser.add_argument("--image-size", type=int, default=1024)
    arguments = parser.parse_args()
    tune_malloc()
    config = replace(CONFIGS[arguments.name], image_size=arguments.image_size)
    models = [build(config, dtype) for dtype in PRECISIONS]
    print(f"{arguments.name}, {arguments.image_size} px, medians of {TURNS}\n{describe_machine()}")
    parts = {model: parts_of(model) for model in models}
    print("\n| | float32, s | bfloat16, s | ratio |\n|---|---|---|---|")
    for name in parts[models[0]]:
        (exact, half), _ = compare({model: parts[model][name] for model in models})
        print(f"| {name} | {exact:.3f} | {half:.3f} | **{half / exact:.2f}** |", flush=True)

    print("\n| memory attention, scores up to | float32, s | bfloat16, s | ratio | ways |")
    print("|---|---|---|---|---|")
    steps = {model: parts[model]["memory attention"] for model in models}
    for largest in LARGEST_SCORES:
        for model, step in steps.items():
            scale_scores(model, step, largest)
        (exact, half), ways = compare(steps)
        print(
            f"| {largest:.0f} | {exact:.3f} | {half:.3f} | **{half / exact:.2f}** "
            f"| {'; '.join(ways)} |",
            flush=True,
        )


def build(config: ModelConfig, dtype: torch.dtype) -> Sam2Model:
    """A network with random weights, the same in every precision."""
    torch.manual_seed(0)
    model = Sam2Model(config).eval().requires_grad_(False)
    model.runtime = Runtime.choose("cpu", dtype)
    return model


def parts_of(model: Sam2Model) -> dict[str, Callable[[], Any]]:
    """The steps of tracking, and the share of memory attention that kept keys would save."""
    with model.runtime.inference():
        steps = steps_of(model)
    return {**steps, "memory's keys, projected and rotated": lambda: project_keys(model)}


def project_keys(model: Sam2Model) -> None:
    """Project and rotate the keys of all memories in all layers: what keeping them would save."""
    c = model.config
    side = c.feature_size
    for layer in model.memory_attention.layers:
        attention = layer.cross_attn_image
        table = rotary_table(
            attention.q_proj.out_features, height=side, width=side, device=model.device
        )
        for _ in range(c.num_memories):
            tokens = torch.ones(side * side, c.memory_dim, dtype=model.runtime.dtype)
            rotate(attention.k_proj(tokens), table)


if __name__ == "__main__":
    main()
