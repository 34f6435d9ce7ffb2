"""Threads sleep while they wait where other programs keep cores busy, and spin again after."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
import torch

from sam2_backend.kernels import threads
from sam2_backend.kernels.runtime import Runtime
from sam2_backend.kernels.threads import (
    OPT_OUT,
    BusyCores,
    CpuUsage,
    IdleThreads,
    read_cpu_usage,
    share_cores,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


def are_shared(others: Sequence[float], *, cores: int, used: int, own: float = 1.0) -> list[bool]:
    """Whether cores are shared, second after second, by how many of them others use meanwhile."""
    readings = [CpuUsage(time.monotonic() - 1000, 0.0, 0.0, cores)]
    for share in others:
        at_s, all_s, own_s, _ = readings[-1]
        readings.append(CpuUsage(at_s + 1, all_s + share + own, own_s + own, cores))
    coming = iter(readings)
    busy = BusyCores(lambda: next(coming))
    return [busy.are_shared(used) for _ in others]


@pytest.mark.parametrize(
    ("cores", "used", "others", "expected"),
    [
        (2, 2, [0.0, 0.1, 0.3], [False, False, False]),
        (2, 2, [0.5, 1.0, 1.0, 0.0], [True, True, True, False]),
        (2, 2, [1.0, 0.25, 0.25, 0.1, 0.25], [True, True, True, False, False]),
        (16, 16, [0.0, 3.0, 9.6, 0.1], [False, True, True, False]),
        (16, 4, [3.0, 11.9, 14.0], [False, False, True]),
    ],
)
def test_cores_are_shared_where_others_leave_too_few(cores, used, others, expected):
    assert are_shared(others, cores=cores, used=used) == expected


def test_what_the_process_uses_itself_does_not_count():
    assert are_shared([0.0, 0.0], cores=2, used=2, own=2.0) == [False, False]


def test_nothing_is_shared_where_the_system_does_not_say():
    assert not BusyCores(lambda: None).are_shared(7)


def test_measurements_are_half_a_second_apart():
    readings = []

    def read() -> CpuUsage:
        readings.append(CpuUsage(time.monotonic(), 0.0, 0.0, 2))
        return readings[-1]

    busy = BusyCores(read)
    for _ in range(100):
        busy.are_shared(2)
    assert len(readings) == 1


@pytest.fixture
def two_threads(monkeypatch):
    for name in OPT_OUT:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    threads._idle_threads.stop()
    torch.set_num_threads(before)


def num_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def wait_for_threads(at_least: int = 0, at_most: int = 10**6) -> int:
    end = time.monotonic() + 20
    while not at_least <= num_threads() <= at_most and time.monotonic() < end:
        os.sched_yield()
    return num_threads()


@linux
def test_idle_threads_come_and_go():
    torch.ones(2**20).exp()  # OpenMP is loaded, and this thread has its team
    before = num_threads()
    idle = IdleThreads()
    idle.start(3)
    idle.start(3)
    assert idle.are_there
    assert wait_for_threads(at_least=before + 4) >= before + 4, "three, and the one they belong to"
    idle.stop()
    idle.stop()
    assert not idle.are_there
    assert wait_for_threads(at_most=before) <= before


@linux
def test_predictions_share_cores_while_others_are_busy(two_threads, monkeypatch):
    runtime = Runtime.choose("cpu")
    busy = BusyCores(lambda: None)
    monkeypatch.setattr(threads, "_busy", busy)
    for are_busy in (False, True, True, False):
        monkeypatch.setattr(busy, "are_shared", lambda _, busy=are_busy: busy)
        with runtime.inference():
            assert threads._idle_threads.are_there == are_busy
            assert torch.get_num_threads() == 2, "the same arithmetic"
    monkeypatch.setattr(busy, "are_shared", lambda _: True)
    share_cores(torch.device("meta"))
    assert not threads._idle_threads.are_there, "only on a CPU"
    for name in OPT_OUT:
        monkeypatch.setenv(name, "passive")
        share_cores(torch.device("cpu"))
        assert not threads._idle_threads.are_there, "a person has decided"
        monkeypatch.delenv(name)
    share_cores(torch.device("cpu"))
    assert threads._idle_threads.are_there
    monkeypatch.setenv(OPT_OUT[0], "active")
    share_cores(torch.device("cpu"))
    assert not threads._idle_threads.are_there


@linux
def test_a_busy_program_is_seen():
    """Beside whatever else this machine does: it can only be busier."""
    before = read_cpu_usage()
    assert before is not None and before.cores == len(os.sched_getaffinity(0))
    subprocess.run([sys.executable, "-c", "sum(range(30_000_000))"], check=True)
    now = read_cpu_usage()
    assert now is not None
    others = now.all_s - before.all_s - (now.own_s - before.own_s)
    assert others >= 0.2, "what the other process computed"
    assert now.own_s - before.own_s < 0.2
