"""Batches on a Ray cluster: a worker for each GPU, or for some CPUs, wherever there is room.

Workers take videos one after the other. Results travel back and are written here, so that a
worker that dies takes nothing with it but the video it was at, which any other one begins anew.

Videos are tried again here rather than by Ray's `max_restarts` and `max_task_retries`. Those count
restarts of a worker, not attempts at a video, and bind the video to the restarted worker: where a
node is gone for good, it would wait for room while other workers are idle.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam2_backend.extras import install_command

from ..storage.saved_session import SavedSession
from ..storage.session_file import write_session
from .jobs import BatchJob, BatchOutcome, run_job
from .segmenters import SegmenterLoader

CPUS = 2
"""Of a worker where the cluster has no GPU."""
POLL_S = 0.5


class Tracker:
    """A worker: the actor that tracks videos, one at a time.

    Parameters
    ----------
    device : as for `propagate_many`.
    """

    def __init__(self, device: str | None) -> None:
        self._segmenters = SegmenterLoader(device, print)
        self._frames = 0

    def frames(self) -> int:
        """Return the number of frames that this worker has tracked so far."""
        return self._frames

    def run(self, job: BatchJob, content: bytes | None) -> tuple[SavedSession, int]:
        """Run one job.

        Parameters
        ----------
        job : whose video is read where it says, unless it travels with the job.
        content : the video's file, where it travels with the job.

        Returns
        -------
        SavedSession, int
            See `track_job`.
        """
        if content is None:
            return run_job(job, self._segmenters, self._count)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(_video_path(job) or "video").name
            path.write_bytes(content)
            shipped = replace(job, video=path)
            saved, frames = run_job(shipped, self._segmenters, self._count)
            return replace(saved, video_path=_video_path(job)), frames

    def _count(self) -> None:
        self._frames += 1


def run_on_ray(
    jobs: Sequence[BatchJob],
    *,
    device: str | None,
    workers: int | None,
    ship_videos: bool,
    retries: int,
    on_frames: Callable[[int], None],
) -> Iterator[BatchOutcome]:
    """Run jobs on the cluster.

    Parameters
    ----------
    jobs : from `read_jobs`.
    device, workers, ship_videos, retries : as for `propagate_many`.
    on_frames : called now and then with the number of all frames so far.

    Yields
    ------
    BatchOutcome
        Of each job, as soon as it is done.

    Raises
    ------
    ValueError
        When Ray is not installed, or the cluster has no room for a single worker.
    """
    try:
        import ray
    except ImportError as error:
        raise ValueError(
            f"Ray is not installed: {install_command('ray')}, or engine='local'."
        ) from error
    starts_here = not ray.is_initialized()
    if starts_here:
        ray.init(log_to_driver=False)
    try:
        yield from _WorkerPool(ray, device, workers, ship_videos).run(jobs, retries, on_frames)
    finally:
        if starts_here:
            ray.shutdown()


@dataclass(frozen=True)
class _Attempt:
    """A job on a worker."""

    job: BatchJob
    number: int
    """From 1."""
    worker: Any
    began: float


class _WorkerPool:
    """Workers, and which job each of them runs."""

    def __init__(
        self, ray: Any, device: str | None, workers: int | None, ship_videos: bool
    ) -> None:
        self._ray = ray
        self._device = device
        self._ship_videos = ship_videos
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus, cpus = ([int(node.get(kind, 0)) for node in nodes] for kind in ("GPU", "CPU"))
        if not any(gpus) and not any(cpus):
            raise ValueError("The Ray cluster has neither a CPU nor a GPU: give its nodes some.")
        if any(gpus) and device != "cpu":
            max_workers, resources = sum(gpus), {"num_gpus": 1}
        else:
            each = min(CPUS, max(cpus), max(1, sum(cpus) // (workers or 1)))
            max_workers, resources = sum(own // each for own in cpus), {"num_cpus": each}
        self._num_workers = min(workers or max_workers, max_workers)
        self._threads = resources.get("num_cpus")
        # While it tracks a video, a worker is asked for its progress.
        self._tracker = ray.remote(max_concurrency=2, **resources)(Tracker)
        self._idle: list[Any] = []
        self._running: dict[Any, _Attempt] = {}
        self._asked: dict[Any, Any] = {}
        """By worker, its answer to how many frames it has tracked, on its way."""
        self._frames: dict[Any, int] = {}
        """By worker, how many frames it has tracked."""

    def run(
        self, jobs: Sequence[BatchJob], retries: int, on_frames: Callable[[int], None]
    ) -> Iterator[BatchOutcome]:
        """Run jobs on as many workers as there may be; see `run_on_ray`."""
        waiting = deque((job, 1) for job in jobs)
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self._num_workers:
                    unsent = self._submit(*waiting.popleft())
                    if unsent is not None:
                        yield unsent
                while self._idle and not waiting:  # one that waits for room may need theirs
                    self._ray.kill(self._idle.pop())
                for answer in self._wait():
                    attempt = self._running.pop(answer)
                    outcome, has_died = self._collect(attempt, answer)
                    if not has_died:
                        self._idle.append(attempt.worker)
                    elif attempt.number <= retries:
                        waiting.appendleft((attempt.job, attempt.number + 1))
                        continue
                    yield outcome
                on_frames(self._count_frames())
        finally:
            for worker in self._workers:
                self._ray.kill(worker)

    @property
    def _workers(self) -> list[Any]:
        return [*self._idle, *(attempt.worker for attempt in self._running.values())]

    def _submit(self, job: BatchJob, number: int) -> BatchOutcome | None:
        """Send a job to a worker; its outcome where it cannot be sent."""
        worker = self._idle.pop() if self._idle else self._start()
        try:
            answer = worker.run.remote(*self._pack(job))
        except (TypeError, ValueError, OSError) as error:
            self._idle.append(worker)
            return BatchOutcome(job, error=str(error))
        self._running[answer] = _Attempt(job, number, worker, time.monotonic())
        return None

    def _start(self) -> Any:
        options: dict[str, Any] = {}
        if self._threads is not None:
            options["runtime_env"] = {"env_vars": {"OMP_NUM_THREADS": str(self._threads)}}
        return self._tracker.options(**options).remote(self._device)

    def _pack(self, job: BatchJob) -> tuple[BatchJob, bytes | None]:
        """Return a job as it travels: with its video's file, where workers do not see it."""
        path = _video_path(job)
        if self._ship_videos and path is not None:
            if not Path(path).is_file():
                raise ValueError(f"{path} is no file: only files and arrays can be sent.")
            return job, Path(path).read_bytes()
        # The worker is in another folder.
        return job if path is None else replace(job, video=path), None

    def _wait(self) -> list[Any]:
        """Wait a little for the next answer; none where nothing runs."""
        if not self._running:
            return []
        return self._ray.wait(list(self._running), num_returns=1, timeout=POLL_S)[0]

    def _collect(self, attempt: _Attempt, answer: Any) -> tuple[BatchOutcome, bool]:
        """Write what came of an attempt, and return its outcome and whether its worker died."""
        job, number = attempt.job, attempt.number
        try:
            saved, frames = self._ray.get(answer)
            write_session(job.target, saved)
        except self._ray.exceptions.RayActorError as error:
            self._asked.pop(attempt.worker, None)
            text = f"its worker died {number} times ({_first_line(error)})."
            return BatchOutcome(job, error=text, attempts=number), True
        except (ValueError, OSError) as error:
            return BatchOutcome(job, error=_message(error), attempts=number), False
        except self._ray.exceptions.RayError as error:
            return BatchOutcome(job, error=_first_line(error), attempts=number), False
        took_s = time.monotonic() - attempt.began
        return BatchOutcome(job, frames, took_s, attempts=number), False

    def _count_frames(self) -> int:
        """Ask workers for their progress, and return what those said that were asked before."""
        for worker in self._workers:
            if worker in self._asked:
                ready, _ = self._ray.wait([self._asked[worker]], timeout=0)
                if not ready:
                    continue
                try:
                    self._frames[worker] = self._ray.get(self._asked.pop(worker))
                except self._ray.exceptions.RayError:
                    continue  # it has died: its video tells
            self._asked[worker] = worker.frames.remote()
        return sum(self._frames.values())


def _video_path(job: BatchJob) -> str | None:
    """Return where the video of a job is; None for arrays."""
    if isinstance(job.video, (str, os.PathLike)):
        place = os.fspath(job.video)
        return place if "://" in place else os.path.abspath(os.path.expanduser(place))
    if job.video is not None:
        return None
    source = job.source
    return source.video_path if isinstance(source, SavedSession) else source.video


def _message(error: Exception) -> str:
    """Return the message of a worker's error, without Ray's account of where it was raised."""
    cause = getattr(error, "cause", None)
    return str(cause or error)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
