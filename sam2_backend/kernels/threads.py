"""Threads that sleep, and do not spin, while they wait for others on cores that are busy.

A parallel product is done when its slowest thread is. Where another program holds one of two cores,
the thread that shares it waits for its turn, and the other one spins meanwhile, which the scheduler
counts as work: tracking took five times as long. Alone, spinning is quicker than sleep.

GNU's OpenMP, which PyTorch uses on Linux, chooses how long to spin before its first thread runs. It
spins a thousandth of that while there are more of its threads than cores (GCC's manual, under
GOMP_SPINCOUNT): a few threads that do nothing are added while other programs are busy.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

OPT_OUT = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
"""Environment variables with which a person has decided how threads wait."""
_PERIOD_S = 0.5
"""Between two measurements; the system counts in hundredths of a second."""
_BUSY, _IDLE = 0.35, 0.2
"""Shares of a core: others are busy when they use more than the first, until they use less than the
second. A busy program gets no more than half of a core that a thread shares with it."""
_STATISTICS, _MAPS = Path("/proc/stat"), Path("/proc/self/maps")
_USER, _NICE, _SYSTEM, _INTERRUPT, _SOFT_INTERRUPT = 0, 1, 2, 5, 6
"""Columns of a processor's line."""


class CpuUsage(NamedTuple):
    """Processor time that was used up to a moment."""

    at_s: float
    """The moment, of a monotonic clock."""
    all_s: float
    """Of all programs, on the cores that this process may use."""
    own_s: float
    """Of this process."""
    cores: int
    """That this process may use."""


def read_cpu_usage() -> CpuUsage | None:
    """Read how much processor time was used; None where the system does not say.

    Programs that were told to be nice count only beside a process that is nice too: they give way.
    """
    try:
        lines = _STATISTICS.read_text().splitlines()
        cores = {f"cpu{n}" for n in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    columns = [_USER, _SYSTEM, _INTERRUPT, _SOFT_INTERRUPT]
    if os.nice(0) > 0:
        columns.append(_NICE)
    ticks = 0
    for line in lines:
        name, *counts = line.split()
        if name in cores:
            ticks += sum(int(counts[column]) for column in columns)
    seconds = ticks / os.sysconf("SC_CLK_TCK")
    return CpuUsage(time.monotonic(), seconds, time.process_time(), len(cores))


class BusyCores:
    """Knows whether other programs keep cores busy that threads of this process want.

    Parameters
    ----------
    read : reads the usage so far, None where it is not known.
    """

    def __init__(self, read: Callable[[], CpuUsage | None] = read_cpu_usage) -> None:
        self._read = read
        self._before = read()
        self._others = 0.0
        self._are_shared = False

    def are_shared(self, threads: int) -> bool:
        """Whether others leave too little for so many threads. It is measured now and then."""
        before = self._before
        if before is None:
            return False
        if time.monotonic() - before.at_s >= _PERIOD_S:
            self._measure(before)
        missing = threads + self._others - before.cores
        self._are_shared = missing > (_IDLE if self._are_shared else _BUSY)
        return self._are_shared

    def _measure(self, before: CpuUsage) -> None:
        now = self._read()
        if now is not None:
            self._before = now
            own_s = now.own_s - before.own_s
            self._others = (now.all_s - before.all_s - own_s) / (now.at_s - before.at_s)


class IdleThreads:
    """Threads of GNU's OpenMP that do nothing, so that there are more of them than cores."""

    def __init__(self) -> None:
        self._end: threading.Event | None = None

    @property
    def are_there(self) -> bool:
        """Whether there are any."""
        return self._end is not None

    def start(self, count: int) -> None:
        """Add threads, unless they are there; where PyTorch has another OpenMP nothing is done."""
        if self._end is None:
            self._end = threading.Event()
            arguments = _find_openmp(), count, self._end
            threading.Thread(target=_hold, args=arguments, name="sam2 idle", daemon=True).start()

    def stop(self) -> None:
        """Let them end."""
        if self._end is not None:
            self._end.set()
            self._end = None


def _find_openmp() -> list[str]:
    """Find the files of all GNU OpenMP libraries that are loaded."""
    try:
        lines = _MAPS.read_text().splitlines()
    except OSError:
        return []
    return sorted({line.split(maxsplit=5)[5] for line in lines if "/libgomp" in line})


def _hold(libraries: list[str], count: int, end: threading.Event) -> None:
    """Have a team of `count` threads besides this one, until the end."""
    nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # of no memory at all
    for library in libraries:
        run = ctypes.CDLL(library).GOMP_parallel
        run.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint
        run.restype = None
        run(nothing, None, count + 1, 0)
    end.wait()  # a team ends with the thread that began it


_busy: BusyCores | None = None
_idle_threads = IdleThreads()


def share_cores(device: torch.device) -> None:
    """Let threads sleep while they wait, where other programs keep cores busy.

    To be called before each prediction; what is predicted is the same. Nothing changes off the
    CPU, on other systems than Linux, or where the environment says how threads wait.
    """
    global _busy
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if threads == 1 or any(name in os.environ for name in OPT_OUT):
        _idle_threads.stop()
        return
    _busy = _busy or BusyCores()
    if not _busy.are_shared(threads):
        _idle_threads.stop()
    elif not _idle_threads.are_there:
        cores = len(os.sched_getaffinity(0))
        _idle_threads.start(max(1, cores - threads + 1))
