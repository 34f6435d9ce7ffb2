"""Batches on several devices of this machine: a process for each, which takes video after video.

The processes are programs of their own (`device_worker`), not copies of this one: a script needs no
`if __name__ == "__main__"` for them. Each writes what it has tracked, so that a process that dies
takes nothing with it but the video it was at, which another one begins anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from .device_worker import LENGTH_BYTES, describe_unsendable
from .jobs import BatchJob, BatchOutcome


def run_on_devices(
    jobs: Sequence[BatchJob],
    *,
    devices: Sequence[str],
    retries: int,
    on_status: Callable[[str], None],
    on_frames: Callable[[int], None],
) -> Iterator[BatchOutcome]:
    """Run jobs in a process a device.

    Parameters
    ----------
    jobs : from `read_jobs`.
    devices : as for `propagate_many`.
    retries : how often a job is tried again whose process died.
    on_status : called with a line before what takes long.
    on_frames : called after each frame with the number of all frames so far.

    Yields
    ------
    BatchOutcome
        Of each job, as soon as it is done.

    Raises
    ------
    ValueError
        When one of the devices cannot be used.
    """
    pool = _DevicePool(list(devices)[: len(jobs)], jobs, retries)
    frames = left = 0
    try:
        left = len(jobs)
        while left:
            kind, value = pool.events.get()
            if kind == "frame":
                frames += 1
                on_frames(frames)
            elif kind == "status":
                on_status(value)
            elif kind == "refused":
                raise ValueError(value)
            else:
                left -= 1
                yield value
    finally:
        pool.close()


class _Event(NamedTuple):
    kind: str
    """"frame", "status", "refused" or "outcome"."""
    value: Any


class _DevicePool:
    """A thread a device, which runs jobs in the device's process."""

    def __init__(self, devices: Sequence[str], jobs: Sequence[BatchJob], retries: int) -> None:
        self.events: SimpleQueue[_Event] = SimpleQueue()
        self._retries = retries
        self._waiting = deque((job, 1) for job in jobs)
        self._has_changed = threading.Condition()
        self._num_running = 0
        self._is_closed = False
        self._processes: list[subprocess.Popen[bytes]] = []
        threads = max(1, (os.cpu_count() or 1) // max(len(devices), 1))
        self._environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
        self._threads = [
            threading.Thread(target=self._serve, args=(device,), name=f"batch on {device}")
            for device in devices
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the processes, and wait for them."""
        with self._has_changed:
            self._is_closed = True
            for process in self._processes:
                process.kill()
            self._has_changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self, device: str) -> None:
        """Run jobs on a device, until none is left that could have to be done again."""
        process: subprocess.Popen[bytes] | None = None
        while (attempt := self._take()) is not None:
            job, number = attempt
            began = time.monotonic()
            process = process or self._start(device)
            outcome = None if process is None else self._run(process, job)
            if outcome is None and process is not None:  # it has died
                code = _end(process)
                process = None
                if number > self._retries:
                    text = f"its process on {device} died {number} times (exit status {code})."
                    outcome = "failed", text
            if outcome is not None:
                self._report(job, number, outcome, time.monotonic() - began)
            with self._has_changed:
                if outcome is None:
                    self._waiting.appendleft((job, number + 1))
                self._num_running -= 1
                self._has_changed.notify_all()
        if process is not None:
            _end(process)

    def _take(self) -> tuple[BatchJob, int] | None:
        """Take the next job and the number of the attempt; None where there is nothing to do."""
        with self._has_changed:
            while not self._waiting and self._num_running and not self._is_closed:
                self._has_changed.wait()
            if self._is_closed or not self._waiting:
                return None
            self._num_running += 1
            return self._waiting.popleft()

    def _start(self, device: str) -> subprocess.Popen[bytes] | None:
        with self._has_changed:
            if self._is_closed:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "sam2widget.batch.device_worker", device],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**self._environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            self._processes.append(process)
            return process

    def _run(self, process: subprocess.Popen[bytes], job: BatchJob) -> tuple[str, Any] | None:
        """Run a job in a process, and return what came of it; None where the process died."""
        assert process.stdin is not None and process.stdout is not None
        try:
            packed = pickle.dumps(job)
        except Exception as error:  # whatever the video is, it refuses in its own way
            return "failed", describe_unsendable(error)
        # Where it has ended meanwhile, it may have said why.
        with contextlib.suppress(OSError):
            process.stdin.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)
            process.stdin.flush()
        try:
            for line in process.stdout:
                kind, value = json.loads(line)
                if kind in ("done", "failed", "refused"):
                    return kind, value
                self.events.put(_Event(kind, value))
        except (OSError, ValueError):  # also where it ended within a line
            pass
        return None

    def _report(self, job: BatchJob, number: int, outcome: tuple[str, Any], took_s: float) -> None:
        kind, value = outcome
        if kind == "refused":
            self.events.put(_Event(kind, value))
        elif kind == "done":
            result = BatchOutcome(job, value, took_s, attempts=number)
            self.events.put(_Event("outcome", result))
        else:
            self.events.put(_Event("outcome", BatchOutcome(job, error=value, attempts=number)))


def _end(process: subprocess.Popen[bytes]) -> int:
    """Let a process end that has no more to do, and return its exit status."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()
    return process.wait()
