"""Where other programs keep cores busy, fewer threads compute; nobody's setting is changed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest
import torch

from sam2_backend.kernels import threads
from sam2_backend.kernels.runtime import Runtime
from sam2_backend.kernels.threads import (
    OPT_OUT,
    CpuUsage,
    ThreadLimit,
    leave_busy_cores,
    read_cpu_usage,
)

CPU = torch.device("cpu")


def choices(others: Sequence[float], *, cores: int, used: int, own: float = 1.0) -> list[int]:
    """Threads that are chosen, second after second, by how many cores others use meanwhile."""
    readings = [CpuUsage(time.monotonic() - 1000, 0.0, 0.0, cores)]
    for share in others:
        at_s, all_s, own_s, _ = readings[-1]
        readings.append(CpuUsage(at_s + 1, all_s + share + own, own_s + own, cores))
    coming = iter(readings)
    limit = ThreadLimit(lambda: next(coming))
    return [limit.choose(used) for _ in others]


@pytest.mark.parametrize(
    ("cores", "used", "others", "expected"),
    [
        (2, 2, [0.0, 0.1, 0.3], [2, 2, 2]),
        (2, 2, [0.5, 1.0, 1.0, 0.0], [1, 1, 1, 2]),
        (2, 2, [1.0, 0.25, 0.25, 0.1, 0.25], [1, 1, 1, 2, 2]),
        (2, 2, [1.9, 5.0], [1, 1]),
        (16, 16, [0.0, 3.0, 9.6, 0.1], [16, 13, 6, 16]),
        (16, 16, [1.0, 1.3, 1.4, 1.3], [15, 15, 14, 14]),
        (16, 4, [3.0, 11.9, 13.0], [4, 4, 3]),
    ],
)
def test_as_many_threads_compute_as_cores_are_left(cores, used, others, expected):
    assert choices(others, cores=cores, used=used) == expected


def test_what_the_process_uses_itself_does_not_count():
    assert choices([0.0, 0.0], cores=2, used=2, own=2.0) == [2, 2]


def test_all_threads_compute_where_the_system_does_not_say():
    assert ThreadLimit(lambda: None).choose(7) == 7


def test_measurements_are_half_a_second_apart():
    readings = []

    def read() -> CpuUsage:
        readings.append(CpuUsage(time.monotonic(), 0.0, 0.0, 2))
        return readings[-1]

    limit = ThreadLimit(read)
    for _ in range(100):
        limit.choose(2)
    assert len(readings) == 1


@pytest.fixture
def busy_neighbour(monkeypatch):
    """Three threads, on a machine where others leave cores for one."""
    for name in OPT_OUT:
        monkeypatch.delenv(name, raising=False)
    limit = ThreadLimit(lambda: None)
    monkeypatch.setattr(limit, "choose", lambda used: min(used, 1))
    monkeypatch.setattr(threads, "_limit", limit)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    return seen[0]


def test_predictions_leave_cores_and_the_setting_stays(busy_neighbour):
    runtime = Runtime.choose("cpu")
    with runtime.inference():
        assert torch.get_num_threads() == 1
        with runtime.inference():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1, "until the outer prediction is done"
        assert threads_of_a_new_thread() == 3, "other threads are not meant"
    assert torch.get_num_threads() == threads_of_a_new_thread() == 3
    with pytest.raises(KeyError), runtime.inference():
        raise KeyError
    assert torch.get_num_threads() == 3, "nor after a fault"


def test_threads_are_limited_one_by_one(busy_neighbour):
    with leave_busy_cores(CPU):
        seen: list[int] = []

        def predict() -> None:
            with leave_busy_cores(CPU):
                seen.append(torch.get_num_threads())
            seen.append(torch.get_num_threads())

        other = threading.Thread(target=predict)
        other.start()
        other.join()
        assert seen == [1, 3]
        assert torch.get_num_threads() == 1


def test_a_person_who_said_how_threads_wait_keeps_them_all(busy_neighbour, monkeypatch):
    for name in OPT_OUT:
        monkeypatch.setenv(name, "1")
        with leave_busy_cores(CPU):
            assert torch.get_num_threads() == 3
        monkeypatch.delenv(name)
    with leave_busy_cores(torch.device("meta")):
        assert torch.get_num_threads() == 3, "a GPU's host does not compute"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who uses its cores")
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
