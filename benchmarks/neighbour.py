"""How much slower tracking is while other programs are busy.

    python -m benchmarks.neighbour                # beside one process that computes all the time
    python -m benchmarks.neighbour --busy 0.5     # half of the time
    python -m benchmarks.neighbour --model sam2.1-hiera-tiny --image-size 512 --frames 4

The same object is tracked alone and beside them by processes that take turns: one that leaves busy
cores to others, one that always takes all threads, and one whose threads sleep while they wait
(`OMP_WAIT_POLICY=passive`). Weights of other models than nano are random. Takes two minutes with
nano on two cores that are quiet otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context

import torch

from benchmarks.machine import describe_machine
from benchmarks.speed import WARM_UP, frames
from sam2_backend import CONFIGS, Sam2Model, VideoPredictor, load_model
from sam2_backend.kernels.threads import OPT_OUT

TURNS = 4
DELAY_S = 1.5
"""From when neighbours begin or end until time counts: by then their use was measured."""
CONTENDERS: Mapping[str, Mapping[str, str]] = {
    "leaves busy cores": {},
    "all threads, spinning": {"KMP_BLOCKTIME": "200"},  # opts out; GNU's OpenMP reads it not
    "all threads, sleeping": {"OMP_WAIT_POLICY": "passive"},
}
"""Environment of each."""
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


class Contender:
    """Tracks an object in a process of its own.

    Parameters
    ----------
    environment : variables that this process alone has.
    model, image_size : name of the network, and side of its input.
    """

    def __init__(self, environment: Mapping[str, str], model: str, image_size: int) -> None:
        before = dict(os.environ)
        for variable in (*OPT_OUT, "OMP_NUM_THREADS"):
            os.environ.pop(variable, None)
        os.environ.update(environment)
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._pool.submit(_start, model, image_size).result()
        os.environ.clear()
        os.environ.update(before)

    def frame_ms(self, num_frames: int, delay_s: float) -> float:
        """Time that tracking takes a frame, in ms, once it was tracked for some seconds."""
        return self._pool.submit(_frame_ms, num_frames, delay_s).result()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


_video: VideoPredictor | None = None


def _start(name: str, image_size: int) -> None:
    global _video
    torch.manual_seed(0)
    if name == "nano":
        model = load_model(name, "cpu", image_size=image_size)
    else:
        model = Sam2Model(replace(CONFIGS[name], image_size=image_size))
        model.eval().requires_grad_(False)
    _video = VideoPredictor(model, frames(WARM_UP + 2), cache_bytes=0)
    _video.add_points(0, 1, [[90.0, 240.0]], [1])
    for _ in _video.propagate():
        pass


def _frame_ms(num_frames: int, delay_s: float) -> float:
    """Track the last two frames again and again, with all memories; features are not kept."""
    assert _video is not None
    turns = itertools.cycle((WARM_UP, WARM_UP + 1))
    began = time.perf_counter()
    while time.perf_counter() < began + delay_s:
        _ = dict(_video.track(next(turns)).masks)
    began = time.perf_counter()
    for _ in range(num_frames):
        _ = dict(_video.track(next(turns)).masks)
    return 1000 * (time.perf_counter() - began) / num_frames


def main() -> None:
    """Print the time a frame, alone and beside busy processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="nano", choices=CONFIGS)
    parser.add_argument("--image-size", type=int, default=512)
    parser.add_argument("--neighbours", type=int, default=1, help="processes beside it")
    parser.add_argument("--busy", type=float, default=1.0, help="share of the time they compute")
    parser.add_argument("--frames", type=int, default=8, help="tracked in a turn")
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    contenders = {
        name: Contender(environment, arguments.model, arguments.image_size)
        for name, environment in CONTENDERS.items()
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(arguments.turns):
        for name, contender in contenders.items():
            alone = contender.frame_ms(arguments.frames, DELAY_S)
            with neighbours(arguments.neighbours, arguments.busy):
                times[name].append((alone, contender.frame_ms(arguments.frames, DELAY_S)))
    for contender in contenders.values():
        contender.close()
    print(f"{arguments.model}, {arguments.image_size} px, {describe_machine()}\n")
    print(
        f"| | alone, ms a frame | beside {arguments.neighbours}, ms a frame | times |\n"
        "|---|---|---|---|"
    )
    for name, pairs in times.items():
        alone, near = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {alone:.0f} | {near:.0f} | **{near / alone:.2f}** |")


if __name__ == "__main__":
    main()
