"""What benchmarks of the widget's own code share: times and memory of this process, printed."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from statistics import median

NAME_WIDTH = 34


@contextmanager
def timed(name: str) -> Generator[None]:
    """Print how long something took."""
    began_at = time.perf_counter()
    yield
    print_row(name, f"{time.perf_counter() - began_at:10.2f} s")


def measure_ms(call: Callable[[], object], times: int) -> float:
    """Median time of a call, in milliseconds."""
    took_ms: list[float] = []
    for _ in range(times):
        began_at = time.perf_counter()
        call()
        took_ms.append(1000 * (time.perf_counter() - began_at))
    return median(took_ms)


def print_ms(name: str, call: Callable[[], object], times: int) -> None:
    """Print the median time of a call."""
    print_row(name, f"{measure_ms(call, times):10.2f} ms")


def print_row(name: str, value: str) -> None:
    """Print a line at once."""
    print(f"  {name:<{NAME_WIDTH}}{value}", flush=True)


def max_memory_mb() -> float:
    """The most memory that this process has had so far, in MB."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
