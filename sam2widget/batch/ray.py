"""Batches on a Ray cluster: a worker for each GPU, or for some CPUs, wherever there is room.

Workers take videos one after the other. What comes out travels back and is written here, so that
a worker that dies takes nothing with it but the video it was at, which another one begins anew.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..models.loading import load_any, load_segmenter
from ..storage.saved_session import SavedSession
from ..storage.session_file import write_session
from .jobs import Job, Outcome, model_of, open_source, track

CPUS = 2
"""Of a worker where the cluster has no GPU."""
POLL_S = 0.5


class Tracker:
    """What runs in a worker.

    Parameters
    ----------
    device : as for `propagate_many`.
    """

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._loaded: dict[str, object] = {}
        self._frames = 0

    def frames(self) -> int:
        """How many this worker has tracked so far."""
        return self._frames

    def run(self, job: Job, content: bytes | None) -> tuple[SavedSession, int]:
        """Do one job; `content` is the video's file where it travels with the job."""
        if content is None:
            return self._run(job)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(_path_of(job) or "video").name
            path.write_bytes(content)
            saved, frames = self._run(replace(job, video=path))
            return replace(saved, video_path=_path_of(job)), frames

    def _run(self, job: Job) -> tuple[SavedSession, int]:
        video = open_source(job)
        name = model_of(job)
        if name not in self._loaded:
            self._loaded = {name: load_any(name, self._device, print)}
        segmenter = load_segmenter(self._loaded[name], self._device, video, print)
        return track(job, video, segmenter, self._count)

    def _count(self) -> None:
        self._frames += 1


def run_on_ray(
    jobs: Sequence[Job],
    *,
    device: str | None,
    workers: int | None,
    ship_videos: bool,
    retries: int,
    tell_frames: Callable[[int], None],
) -> Iterator[Outcome]:
    """Do jobs on the cluster, and give each outcome as it comes; see `propagate_many`.

    Raises
    ------
    ValueError
        When Ray is not installed, or the cluster has no room for a single worker.
    """
    try:
        import ray
    except ImportError as error:
        raise ValueError(
            "Ray is not installed: pip install 'sam2widget[ray]', or engine='local'."
        ) from error
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False)
    try:
        yield from _Pool(ray, device, workers, ship_videos, retries).run(jobs, tell_frames)
    finally:
        if ours:
            ray.shutdown()


class _Pool:
    """Workers, and which job each is at."""

    def __init__(
        self, ray: Any, device: str | None, workers: int | None, ship_videos: bool, retries: int
    ) -> None:
        self._ray = ray
        self._device = device
        self._ship_videos = ship_videos
        self._retries = retries
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus, cpus = ([int(node.get(kind, 0)) for node in nodes] for kind in ("GPU", "CPU"))
        if not any(gpus) and not any(cpus):
            raise ValueError("The Ray cluster has neither a CPU nor a GPU: give its nodes some.")
        if any(gpus) and device != "cpu":
            room, share = sum(gpus), {"num_gpus": 1}
        else:
            each = min(CPUS, max(cpus), max(1, sum(cpus) // (workers or 1)))
            room, share = sum(own // each for own in cpus), {"num_cpus": each}
        self._workers = min(workers or room, room)
        self._threads = share.get("num_cpus")
        # Beside its video, a worker is asked how far it is.
        self._tracker = ray.remote(max_concurrency=2, **share)(Tracker)

    def run(self, jobs: Sequence[Job], tell_frames: Callable[[int], None]) -> Iterator[Outcome]:
        waiting = [(job, 1) for job in reversed(jobs)]
        idle: list[Any] = []
        running: dict[Any, tuple[Any, Job, int, float]] = {}
        asked: dict[Any, Any] = {}
        counted: dict[Any, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._workers:
                    worker = idle.pop() if idle else self._start()
                    job, attempt = waiting.pop()
                    try:
                        answer = worker.run.remote(*self._ship(job))
                    except (TypeError, ValueError, OSError) as error:
                        idle.append(worker)
                        yield Outcome(job, error=str(error))
                        continue
                    running[answer] = worker, job, attempt, time.monotonic()
                while idle and not waiting:  # one that waits for room may need theirs
                    self._ray.kill(idle.pop())
                ready, _ = self._ray.wait(list(running), num_returns=1, timeout=POLL_S)
                for answer in ready:
                    worker, job, attempt, began = running.pop(answer)
                    try:
                        saved, frames = self._ray.get(answer)
                        write_session(job.target, saved)
                    except self._ray.exceptions.RayActorError as error:
                        asked.pop(worker, None)
                        if attempt <= self._retries:
                            waiting.append((job, attempt + 1))
                            continue
                        text = f"its worker died {attempt} times ({_first_line(error)})."
                        yield Outcome(job, error=text, attempts=attempt)
                        continue
                    except (ValueError, OSError) as error:
                        yield Outcome(job, error=_own(error), attempts=attempt)
                    except self._ray.exceptions.RayError as error:
                        yield Outcome(job, error=_first_line(error), attempts=attempt)
                    else:
                        took_s = time.monotonic() - began
                        yield Outcome(job, frames, took_s, attempts=attempt)
                    idle.append(worker)
                self._count([*idle, *(one[0] for one in running.values())], asked, counted)
                tell_frames(sum(counted.values()))
        finally:
            for worker in [*idle, *(one[0] for one in running.values())]:
                self._ray.kill(worker)

    def _start(self) -> Any:
        options: dict[str, Any] = {}
        if self._threads is not None:
            options["runtime_env"] = {"env_vars": {"OMP_NUM_THREADS": str(self._threads)}}
        return self._tracker.options(**options).remote(self._device)

    def _ship(self, job: Job) -> tuple[Job, bytes | None]:
        """A job as it travels: with its video, where that is not to be read over there."""
        path = _path_of(job)
        if self._ship_videos and path is not None:
            if not Path(path).is_file():
                raise ValueError(f"{path} is no file: only files and arrays can be sent.")
            return job, Path(path).read_bytes()
        # The worker is in another folder.
        return job if path is None else replace(job, video=path), None

    def _count(self, workers: list[Any], asked: dict[Any, Any], counted: dict[Any, int]) -> None:
        """Ask workers how far they are, and note what those said that were asked before."""
        for worker in workers:
            if worker in asked:
                ready, _ = self._ray.wait([asked[worker]], timeout=0)
                if not ready:
                    continue
                try:
                    counted[worker] = self._ray.get(asked.pop(worker))
                except self._ray.exceptions.RayError:
                    continue  # it has died: its video tells
            asked[worker] = worker.frames.remote()


def _path_of(job: Job) -> str | None:
    """Where the video of a job is; None for arrays."""
    if isinstance(job.video, (str, os.PathLike)):
        place = os.fspath(job.video)
        return place if "://" in place else os.path.abspath(os.path.expanduser(place))
    if job.video is not None:
        return None
    source = job.source
    return source.video_path if isinstance(source, SavedSession) else source.video


def _own(error: Exception) -> str:
    """What the worker's error says, without Ray's account of where it was raised."""
    cause = getattr(error, "cause", None)
    return str(cause or error)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
