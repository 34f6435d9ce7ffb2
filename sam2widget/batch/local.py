"""Many videos, without a person: their prompts are propagated, and each gives a session file.

Locally one after the other; on a Ray cluster by as many workers as there is room for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm.auto import tqdm

from sam2_backend.video import FrameSource

from ..models.loading import load_any, load_segmenter
from ..models.source import model_source
from ..storage.session_file import write_session
from .jobs import Job, Outcome, SourcePath, is_done, make_jobs, model_of, open_source, track

Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class BatchReport:
    """What has become of all videos; `print` shows it as a table."""

    outcomes: tuple[Outcome, ...]
    """In the order of the sources."""
    seconds: float

    @property
    def failed(self) -> list[Outcome]:
        """Those that could not be done."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def __str__(self) -> str:
        lines = []
        for outcome in self.outcomes:
            name = outcome.job.path.name
            if outcome.error is not None:
                lines.append(f"{name}: {outcome.error}")
            elif outcome.frames:
                fps = outcome.frames / max(outcome.seconds, 1e-9)
                lines.append(f"{name}: {outcome.frames} frames, {fps:.1f} a second")
            else:
                lines.append(f"{name}: nothing was left to track")
        done = len(self.outcomes) - len(self.failed)
        lines.append(f"{done} of {len(self.outcomes)} videos done in {self.seconds:.1f} s.")
        return "\n".join(lines)


def propagate_many(
    sources: SourcePath | Sequence[SourcePath] | Mapping[SourcePath, FrameSource],
    out: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | None = None,
    engine: Engine = "local",
    workers: int | None = None,
    ship_videos: bool = False,
    retries: int = 2,
    say: Callable[[str], None] = print,
) -> BatchReport:
    """Propagate the prompts of many videos, and write a session file for each.

    What was done stays done: where a session file with the same prompts is complete in `out`, its
    video is left out, so that the same call goes on where it was interrupted. A video that cannot
    be done is reported, and the others go on.

    Parameters
    ----------
    sources : session files (`.sam2.zip`) and prompt files (`.json`, see `prompt_file`), or
        folders of them; or for each the video, where it is not found where the file says.
    out : folder for the session files, which have the names of their sources.
    model : a name or a path, for all; if None, what each source says, else "auto".
    device : "cuda", "cpu"…; the best there is if None.
    engine : "local" does one video after the other in this process, "ray" as many at a time as
        there are workers, on the cluster that `ray.init` finds (``RAY_ADDRESS``), or on this
        machine.
    workers : of "ray"; if None, one for each GPU of the cluster, or where there is none for
        every two CPUs.
    ship_videos : with "ray", send the files of videos through the object store, for workers that
        do not see this machine's files. Arrays are always sent.
    retries : with "ray", how often a video is tried again whose worker died.
    say : shows what takes long.

    Returns
    -------
    BatchReport
        What has become of each video; `print` shows it as a table.

    Raises
    ------
    SessionError
        When a source cannot be read, or two have the same name.
    ValueError
        When an option is none that can be used.

    Examples
    --------
    >>> report = propagate_many(["a.sam2.zip", "b.json"], "tracked", model="sam2.1-hiera-tiny")
    >>> print(report)
    >>> Sam2Widget.load("tracked/a.sam2.zip")
    """
    if engine not in ("local", "ray"):
        raise ValueError(f"engine must be 'local' or 'ray', got {engine!r}.")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}.")
    if retries < 0:
        raise ValueError(f"retries must be at least 0, got {retries}.")
    jobs = make_jobs(sources, Path(out), model_source(model))
    Path(out).mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    outcomes = {job.target: Outcome(job) for job in jobs if is_done(job)}
    left = [job for job in jobs if job.target not in outcomes]
    with tqdm(total=len(jobs), initial=len(outcomes), desc="Propagating", unit="video") as bar:

        def tell_frames(frames: int) -> None:
            bar.set_postfix_str(f"{frames} frames")

        if engine == "local":
            running = run_locally(left, device, say, tell_frames)
        else:
            from .ray import run_on_ray

            running = run_on_ray(
                left,
                device=device,
                workers=workers,
                ship_videos=ship_videos,
                retries=retries,
                tell_frames=tell_frames,
            )
        for outcome in running:
            outcomes[outcome.job.target] = outcome
            bar.update()
    return BatchReport(tuple(outcomes[job.target] for job in jobs), time.monotonic() - began)


def run_locally(
    jobs: Sequence[Job],
    device: str | None,
    say: Callable[[str], None],
    tell_frames: Callable[[int], None],
) -> Iterator[Outcome]:
    """Do one job after the other, with one model as long as it stays the same."""
    loaded: dict[str, object] = {}
    total = 0

    def tell() -> None:
        nonlocal total
        total += 1
        tell_frames(total)

    for job in jobs:
        began = time.monotonic()
        try:
            video = open_source(job)
            name = model_of(job)
            if name not in loaded:
                loaded = {name: load_any(name, device, say)}
            segmenter = load_segmenter(loaded[name], device, video, say)
            saved, frames = track(job, video, segmenter, tell)
            write_session(job.target, saved)
        except (ValueError, OSError) as error:
            yield Outcome(job, error=str(error))
        else:
            yield Outcome(job, frames, time.monotonic() - began)
