"""How much slower tracking is while other programs are busy.

    python -m benchmarks.neighbour                # beside one process that computes all the time
    python -m benchmarks.neighbour --busy 0.5     # half of the time

The same object is tracked in turns alone and beside them, with threads that sleep while they wait
where others are busy, and with threads that spin. Takes two minutes with nano on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.speed import WARM_UP, frames
from sam2_backend import Sam2Model, VideoPredictor, load_model
from sam2_backend.kernels.threads import OPT_OUT

TURNS = 3
_NEIGHBOUR = """
import sys, time
busy_s, idle_s = 0.02 * float(sys.argv[1]), 0.02 * (1 - float(sys.argv[1]))
while True:
    end = time.perf_counter() + busy_s
    while time.perf_counter() < end:
        pass
    if idle_s > 0:
        time.sleep(idle_s)
"""


@contextmanager
def neighbours(count: int, busy: float) -> Generator[None, None, None]:
    """Other processes that compute.

    Parameters
    ----------
    busy : share of the time, 0..1.
    """
    command = [sys.executable, "-c", _NEIGHBOUR, str(busy)]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def frame_ms(model: Sam2Model, video: list[np.ndarray]) -> float:
    """Time that tracking an object takes a frame, in ms, with all memories."""
    predictor = VideoPredictor(model, video)
    predictor.add_points(0, 1, [[90.0, 240.0]], [1])
    results = predictor.propagate()
    for _ in range(WARM_UP):
        next(results)
    began = time.perf_counter()
    return 1000 * sum(1 for _ in results) ** -1 * (time.perf_counter() - began)


def main() -> None:
    """Print the time a frame, alone and beside busy processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="nano", help="name or path of a checkpoint")
    parser.add_argument("--neighbours", type=int, default=1, help="processes beside it")
    parser.add_argument("--busy", type=float, default=1.0, help="share of the time they compute")
    parser.add_argument("--frames", type=int, default=24, help="tracked in a turn")
    arguments = parser.parse_args()
    model = load_model(arguments.model, "cpu")
    video = frames(WARM_UP + arguments.frames)
    print(f"{arguments.model}, {describe_machine()}\n")
    print("| | alone, ms a frame | beside them, ms a frame | times |\n|---|---|---|---|")
    times: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for _ in range(TURNS):
        for spins, pairs in times.items():
            for variable in OPT_OUT:
                os.environ.pop(variable, None)
            if spins:  # read by the library now, but not any more by OpenMP
                os.environ[OPT_OUT[0]] = "as when OpenMP was loaded"
            alone = frame_ms(model, video)
            with neighbours(arguments.neighbours, arguments.busy):
                pairs.append((alone, frame_ms(model, video)))
    for spins, pairs in times.items():
        alone, near = (statistics.median(column) for column in zip(*pairs, strict=True))
        name = "spinning" if spins else "sleeping where others are busy"
        print(f"| {name} | {alone:.0f} | {near:.0f} | **{near / alone:.2f}** |")


if __name__ == "__main__":
    main()
