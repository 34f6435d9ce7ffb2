"""Propagation of the prompts of many videos, without a person; each gives a session file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from tqdm.auto import tqdm

from sam2_backend.renamed import renamed_arguments
from sam2_backend.video import FrameSource

from ..core.arguments import as_flag, as_int_from, as_path
from ..core.callers_function import as_status
from ..core.errors import SessionError
from ..models.source import check_device, check_model, memory_source, model_source
from .devices import run_on_devices
from .jobs import BatchOutcome, SourcePath, is_done, read_jobs
from .local import run_locally

Executor = Literal["local", "ray"]
"""Where jobs run: in this process, or on a Ray cluster."""


@dataclass(frozen=True)
class BatchReport:
    """Outcomes of all videos; `print` shows them as a table."""

    outcomes: tuple[BatchOutcome, ...]
    """In the order of the sources."""
    seconds: float
    """Of wall-clock time, for all of them together."""

    @property
    def failed(self) -> list[BatchOutcome]:
        """Outcomes with an error."""
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


@renamed_arguments(say="on_status")
def propagate_many(
    sources: SourcePath | Sequence[SourcePath] | Mapping[SourcePath, FrameSource],
    out: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | None = None,
    memory: object = None,
    devices: Sequence[str] | None = None,
    engine: Executor = "local",
    workers: int | None = None,
    ship_videos: bool = False,
    retries: int = 2,
    on_status: Callable[[str], None] | None = print,
) -> BatchReport:
    """Propagate the prompts of many videos, and write a session file for each.

    What was done stays done: where a session file with the same prompts is complete in `out`, its
    video is left out, so that the same call goes on where it was interrupted. A video that fails
    is reported, and the others go on.

    Parameters
    ----------
    sources : session files (`.sam2.zip`) and prompt files (`.json`, see `prompt_file`), or
        folders of them; or for each the video, where it is not found where the file says.
    out : folder for the session files, which have the names of their sources.
    model : a name or a path, for all, of any family of models that `Sam2Widget` knows; if None,
        what each source says, else "auto". What is no name is refused: a session file could not
        say what it was made with, and no other machine could load it.
    device : "cuda", "cpu"…; the best there is if None.
    memory : the memory policy, for all, as `Sam2Widget` takes it; if None, what each source says,
        else the model's own. What has no name is refused, as with `model`.
    devices : several of this machine, such as ``["cuda:0", "cuda:1"]``: with "local", a process for
        each of them, which takes one video after the other. One may be named twice.
    engine : "local" does one video after the other in this process, or in those of `devices`;
        "ray" as many at a time as there are workers, on the cluster that `ray.init` finds
        (``RAY_ADDRESS``), or on this machine.
    workers : of "ray"; if None, one for each GPU of the cluster, or where there is none for
        every two CPUs.
    ship_videos : with "ray", send the files of videos through the object store, for workers that
        do not see this machine's files. Arrays are always sent.
    retries : with "ray" or `devices`, how often a video is tried again whose worker died.
    on_status : called with a line before what takes long, such as loading a model; None for none.

    Returns
    -------
    BatchReport
        The outcome of each video; `print` shows it as a table.

    Raises
    ------
    SessionError
        When a source cannot be read, or two have the same name.
    ValueError
        When an option is none that can be used, such as a device that is not there.

    Examples
    --------
    >>> report = propagate_many(["a.sam2.zip", "b.json"], "tracked", model="sam2.1-hiera-tiny")
    >>> print(report)
    >>> Sam2Widget.load("tracked/a.sam2.zip")
    """
    if engine not in ("local", "ray"):
        raise ValueError(f"engine must be 'local' or 'ray', got {engine!r}.")
    if workers is not None:
        workers = as_int_from(workers, 1, "workers")
    retries = as_int_from(retries, 0, "retries")
    ship_videos = as_flag(ship_videos, "ship_videos")
    on_status = as_status(on_status)
    is_here = engine == "local"  # workers may have devices and models that are not here
    if is_here:
        check_device(device)
    if devices is not None:
        devices = _check_devices(devices, device, engine)
    source = model_source(model)
    if source is not None and is_here:
        check_model(source)
    if model is not None and source is None:
        raise SessionError(
            f"model is a name or a path here, got a {type(model).__name__}: give what it is loaded "
            "by, for instance model='sam2.1-hiera-tiny', or the name of a family and the model's, "
            "such as model='name:X'."
        )
    policy = memory_source(memory)
    if memory is not None and policy is None:
        raise SessionError(
            f"memory is a name or settings here, got a {type(memory).__name__}: a session file "
            "could not say what it was tracked with."
        )
    folder = as_path(out, "out")
    jobs = read_jobs(sources, folder, source, policy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(
            f"out is the folder for the session files, and {folder} cannot be made "
            f"({error.strerror}): give another."
        ) from error
    began = time.monotonic()
    outcomes = {job.target: BatchOutcome(job) for job in jobs if is_done(job)}
    left = [job for job in jobs if job.target not in outcomes]
    with tqdm(total=len(jobs), initial=len(outcomes), desc="Propagating", unit="video") as bar:

        def on_frames(frames: int) -> None:
            bar.set_postfix_str(f"{frames} frames")

        if devices is not None:
            running = run_on_devices(
                left, devices=devices, retries=retries, on_status=on_status, on_frames=on_frames
            )
        elif engine == "local":
            running = run_locally(left, device=device, on_status=on_status, on_frames=on_frames)
        else:
            from .ray import run_on_ray

            running = run_on_ray(
                left,
                device=device,
                workers=workers,
                ship_videos=ship_videos,
                retries=retries,
                on_frames=on_frames,
            )
        for outcome in running:
            outcomes[outcome.job.target] = outcome
            bar.update()
    return BatchReport(tuple(outcomes[job.target] for job in jobs), time.monotonic() - began)


def _check_devices(devices: Sequence[str], device: str | None, engine: Executor) -> list[str]:
    given = cast("Sequence[object]", devices)
    if isinstance(devices, str) or not given or not all(isinstance(one, str) for one in given):
        raise ValueError(
            f"devices must be names of devices, such as ['cuda:0', 'cuda:1'], got {devices!r}."
        )
    if device is not None:
        raise ValueError(f"Give device={device!r} or devices={devices!r}, not both.")
    if engine != "local":
        raise ValueError(
            "devices= are those of this machine, for engine='local': Ray's workers take the GPUs "
            "of the cluster by themselves."
        )
    return list(devices)
