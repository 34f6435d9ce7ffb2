"""How near our network is to what this machine's arithmetic allows.

    python -m benchmarks.arithmetic [--name sam2.1-hiera-tiny] [--device cuda]

Operations are counted as the network runs, a multiplication and an addition each as one. What
they would take at the rate of a large matrix product, measured in the same turn, stands beside
what they took. On a CPU a second table says where that time goes.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from sam2_backend import CONFIGS, Sam2Model
from sam2_backend.kernels.allocator import tune_malloc
from sam2_backend.kernels.runtime import Runtime

TURNS = 7
SIDE = {"cpu": 2048, "cuda": 8192}
"""Of the matrices whose product gives the rate."""
KINDS = {
    "products": r"mm|convolution",
    "attention": r"scaled_dot_product|softmax|exp2|sum|amax|vector_norm",
    "activations": r"gelu|relu|clamp|sigmoid",
    "norms": r"layer_norm",
    "sums": r"add|mul|sub|div",
    "copies": r"copy|cat|fill|contiguous|clone",
}
"""What PyTorch's operations are for, by parts of their names; the first that fits."""


def steps_of(model: Sam2Model) -> dict[str, Callable[[], Any]]:
    """Each part of tracking one object with all memories."""
    c, device = model.config, model.device
    n, h = c.num_memories, c.feature_size
    pixels = torch.randn(1, 3, c.image_size, c.image_size, device=device)
    features = model.encode_image(pixels)
    memories = torch.randn(1, n, c.memory_dim, h, h, device=device)
    slots = torch.arange(n, device=device)[None]
    pointers = torch.randn(1, c.max_pointers, c.hidden_dim, device=device)
    distances = torch.rand(1, c.max_pointers, device=device)
    points = torch.full((1, 1, 2), c.image_size / 2.0, device=device)
    labels = torch.ones(1, 1, dtype=torch.int64, device=device)
    logits = torch.randn(1, 1, c.image_size, c.image_size, device=device)
    return {
        "image encoder": lambda: model.encode_image(pixels),
        "memory attention": lambda: model.condition_on_memory(
            features.s16, memories, slots, pointers, distances
        ),
        "mask decoder": lambda: model.decode_masks(
            *features[::-1], points_np2=points, labels_np=labels
        ),
        "memory encoder": lambda: model.encode_memory(
            features.s16, logits, torch.ones(1, 1, device=device), binarize=False
        ),
    }


def operations(step: Callable[[], Any]) -> float:
    """Number of operations of a step, a multiplication and an addition each counted as one."""
    aten = torch.ops.aten
    counter = FlopCounterMode(
        display=False,
        custom_mapping={
            aten._scaled_dot_product_flash_attention_for_cpu: _attention,
            aten.addmm_: _product,
            aten.baddbmm_: _batched_product,
        },
    )
    with counter:
        step()
    return counter.get_total_flops()


def _attention(query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _product(_: Any, left: Any, right: Any, **__: Any) -> int:
    rows, inner = left
    return 2 * rows * inner * right[1]


def _batched_product(_: Any, left: Any, right: Any, **__: Any) -> int:
    batch, rows, inner = left
    return 2 * batch * rows * inner * right[2]


def profile(step: Callable[[], Any]) -> dict[str, float]:
    """Seconds that each kind of operation takes on a CPU."""
    with torch.profiler.profile() as profiler:
        step()
    spent = dict.fromkeys((*KINDS, "other"), 0.0)
    for event in profiler.key_averages():
        name = event.key.removeprefix("aten::").rstrip("_")
        kind = next((kind for kind, part in KINDS.items() if re.search(part, name)), "other")
        spent[kind] += event.self_cpu_time_total / 1e6
    return spent


def seconds(call: Callable[[], Any]) -> float:
    """Seconds that a call takes, what it launches on a GPU included."""
    began = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    """Print the operations and times of the network's parts, beside the machine's rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", default="sam2.1-hiera-tiny")
    parser.add_argument("--image-size", type=int, default=1024)
    parser.add_argument("--device", default="cpu", choices=SIDE)
    arguments = parser.parse_args()
    tune_malloc()
    torch.manual_seed(0)
    config = replace(CONFIGS[arguments.name], image_size=arguments.image_size)
    model = Sam2Model(config).eval().requires_grad_(False).to(arguments.device)
    model.runtime = Runtime.choose(arguments.device)
    side = SIDE[arguments.device]
    square = torch.randn(side, side, device=arguments.device, dtype=model.runtime.dtype)
    print(
        f"{arguments.name}, {arguments.image_size} px, {model.runtime.dtype}, medians of {TURNS}\n"
    )
    print("| | 10⁹ operations | least, s | took, s | share of the rate |\n|---|---|---|---|---|")
    profiles = {}
    with model.runtime.inference():
        for name, step in steps_of(model).items():
            count = operations(step)
            product: Callable[[], Tensor] = lambda: square @ square  # noqa: E731
            product()
            step()
            turns = [(seconds(product), seconds(step)) for _ in range(TURNS)]
            rate = 2 * side**3 / statistics.median(turn[0] for turn in turns)
            took = statistics.median(turn[1] for turn in turns)
            print(
                f"| {name} | {count / 1e9:.1f} | {count / rate:.3f} | {took:.3f} "
                f"| {count / rate / took:.0%} |",
                flush=True,
            )
            if arguments.device == "cpu":
                spent = [profile(step) for _ in range(TURNS)]
                profiles[name] = min(spent, key=lambda one: sum(one.values()))
    if not profiles:
        return
    print(f"\n| of the time | {' | '.join((*KINDS, 'other'))} |\n{'|---' * (2 + len(KINDS))}|")
    for name, spent in profiles.items():
        total = sum(spent.values())
        shares = " | ".join(f"{part / total:.0%}" for part in spent.values())
        print(f"| {name} | {shares} |")


if __name__ == "__main__":
    main()
