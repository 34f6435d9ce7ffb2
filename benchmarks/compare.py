"""Ours against the official implementation: the same frames and weights, in turns.

    python -m benchmarks.compare                      # tiny, 1024 px, float32, on the CPU
    python -m benchmarks.compare --device cuda        # against vos_optimized, both in bfloat16
    python -m benchmarks.compare --hugging-face       # transformers' implementation too

Weights are random. Each implementation has a process of its own; they take turns, and each
ratio is of two neighbouring turns. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.contenders import InProcess, Work
from benchmarks.machine import describe_machine
from tests.oracle import official as oracle

TURNS = {"encode": 7, "click": 15, "track 1": 5, "track 3": 3, "track 8": 2, "generate": 1}
"""On a CPU, where some of them take a minute."""
GPU_TURNS = 20
OPTIONS = {
    "memory_pooling=2": {"memory_pooling": 2},
    "tracked_memories=2": {"tracked_memories": 2},
    "image_size=512": {"image_size": 512},
}
"""That trade accuracy for speed: of `load_model`, by what they are called in the table."""
PRECISION_COMPONENTS = "encode", "click", "track 1"
"""Timed in bfloat16 as well, beside the official float32 and beside ours."""


def main() -> None:
    """Print tables of times and peak memory, ours against the other implementations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", default="sam2.1-hiera-tiny")
    parser.add_argument("--image-size", type=int, default=1024)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", choices=TURNS, default=TURNS)
    parser.add_argument("--options", action="store_true", help="the inexact ones too")
    parser.add_argument("--hugging-face", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        model = oracle.build(arguments.name, arguments.image_size)
        torch.save({"model": model.state_dict()}, weights)
        work = Work(arguments.name, arguments.image_size, arguments.device, weights)
        print(
            f"{arguments.name}, {arguments.image_size} px, {arguments.device}\n"
            f"{describe_machine()}\n"
        )
        ours, official = InProcess("ours", work), InProcess("official", work)
        _header("official")
        for component in arguments.only:
            _compare(component, ours, official, arguments.device)
        if arguments.options:
            _header("official")
            for name, settings in OPTIONS.items():
                optional = InProcess("ours", replace(work, settings=settings))
                _compare("track 1", optional, official, arguments.device, f"track 1, {name}")
                optional.close()
            half = InProcess("ours", replace(work, settings={"dtype": "bfloat16"}))
            for other_name, other in (("official", official), ("in float32", ours)):
                _header(other_name)
                for component in PRECISION_COMPONENTS:
                    name = f"{component}, dtype=bfloat16"
                    _compare(component, half, other, arguments.device, name)
            half.close()
        peaks = [one.close() / 2**20 for one in (ours, official)]
        print("\nPeak memory: ours {:.0f} MiB, official {:.0f} MiB".format(*peaks))
        if arguments.hugging_face:
            _header("transformers")
            ours, other = InProcess("ours", work), InProcess("hugging face", work)
            for component in ("encode", "track 1"):
                _compare(component, ours, other, arguments.device)
            ours.close()
            other.close()


def _header(other: str) -> None:
    print(f"\n| | ours, s | {other}, s | ratio | from | to |\n|---|---|---|---|---|---|")


def _compare(
    component: str, ours: InProcess, official: InProcess, device: str, name: str = ""
) -> None:
    method, _, objects = component.partition(" ")
    for one in (ours, official):
        if objects:
            one.call("prepare", int(objects))
        if component != "generate" or device != "cpu":
            one.call(method)  # the first does not count
    turns = TURNS[component] if device == "cpu" else GPU_TURNS
    pairs = [(ours.call(method), official.call(method)) for _ in range(turns)]
    own, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratios = [a / b for a, b in pairs]
    print(
        f"| {name or component} | {own:.3f} | {other:.3f} | **{statistics.median(ratios):.2f}** "
        f"| {min(ratios):.2f} | {max(ratios):.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
