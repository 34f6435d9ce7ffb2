"""Fewer threads on a CPU while other programs keep its cores busy.

A parallel product is done when its slowest thread is. Where another program holds one of two cores,
the thread that shares it waits for its turn, and the other one spins meanwhile, which the scheduler
counts as work: tracking took five times as long and more. With a thread less nothing waits.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import torch

OPT_OUT = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"
"""Environment variables with which a person has decided how threads wait: nothing is changed."""
_PERIOD_S = 0.5
"""Between two measurements; the system counts in hundredths of a second."""
_BUSY, _IDLE = 0.35, 0.2
"""Shares of a core: one of which others use more than the first is left to them, until they use
less than the second. A busy program gets no more than half of a core that a thread shares with it.
"""
_STATISTICS = Path("/proc/stat")
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


class ThreadLimit:
    """Chooses how many threads compute beside other programs.

    Parameters
    ----------
    read : reads the usage so far, None where it is not known.
    """

    def __init__(self, read: Callable[[], CpuUsage | None] = read_cpu_usage) -> None:
        self._read = read
        self._before = read()
        self._limit: float = math.inf

    def choose(self, threads: int) -> int:
        """Choose a number of threads, 1 to `threads`. What others use is measured now and then."""
        before = self._before
        if before is not None and time.monotonic() - before.at_s >= _PERIOD_S:
            self._measure(before)
        return int(max(1, min(threads, self._limit)))

    def _measure(self, before: CpuUsage) -> None:
        now = self._read()
        if now is None:
            return
        self._before = now
        own_s = now.own_s - before.own_s
        others = (now.all_s - before.all_s - own_s) / (now.at_s - before.at_s)
        free = now.cores - others
        # At most so many of those that are free, at least so many of those that are clearly free.
        self._limit = min(max(self._limit, math.floor(free + _IDLE)), math.floor(free + _BUSY))


class _OwnThread(threading.local):
    """Whether the present thread has left cores to others already."""

    is_limited = False


_own_thread = _OwnThread()
_limit: ThreadLimit | None = None


@contextlib.contextmanager
def leave_busy_cores(device: torch.device) -> Generator[None, None, None]:
    """Compute with no more threads than there are cores that other programs leave.

    The present thread has as many as before afterwards. Nothing changes off the CPU, on other
    systems than Linux, or where the environment says how threads wait.

    Parameters
    ----------
    device : that computes.
    """
    global _limit
    is_asked = not any(name in os.environ for name in OPT_OUT)
    if device.type != "cpu" or not is_asked or _own_thread.is_limited:
        yield
        return
    threads = torch.get_num_threads()
    if threads > 1 and _limit is None:
        _limit = ThreadLimit()
    chosen = threads if _limit is None else _limit.choose(threads)
    if chosen == threads:
        yield
        return
    torch.set_num_threads(chosen)
    _set_default(threads)
    _own_thread.is_limited = True
    try:
        yield
    finally:
        _own_thread.is_limited = False
        torch.set_num_threads(threads)


def _set_default(threads: int) -> None:
    """Set how many threads those have that have not computed yet.

    PyTorch sets a number for the thread that asks for it, and gives the last that was set to every
    thread that computes for the first time: another one has to ask.
    """
    other = threading.Thread(target=torch.set_num_threads, args=(threads,))
    other.start()
    other.join()
