"""Jobs of a batch: reading their prompts, opening their videos, and tracking one of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sam2_backend.video import FrameSource, Video, open_video

from ..annotation.session import Session
from ..core.arguments import as_paths
from ..core.errors import SessionError
from ..models.segmenter import Segmenter
from ..models.source import DEFAULT_MEMORY, memory_of
from ..storage.prompt_file import PromptFile, read_prompts
from ..storage.saved_session import SavedSession, settings_of
from ..storage.session_file import SUFFIX, read_session
from .segmenters import SegmenterLoader

_log = logging.getLogger(__name__)

PromptSource = SavedSession | PromptFile
"""Prompts of one video, and what else its file holds."""
SourcePath = str | os.PathLike[str]
DEFAULT_MODEL = "auto"


@dataclass(frozen=True)
class BatchJob:
    """A video to propagate prompts through."""

    path: Path
    """Path of the session file or prompt file."""
    source: PromptSource
    """Content of that file."""
    video: FrameSource | None
    """The video, or where it is; None for what the source says."""
    model: str | None
    """Name or path; None for what the source says."""
    target: Path
    """The session file to write."""
    memory: str | None = None
    """Name of the memory policy; None for what the source says."""


@dataclass(frozen=True)
class BatchOutcome:
    """What became of a job."""

    job: BatchJob
    frames: int = 0
    """Number of frames that were tracked; 0 also where all had been tracked before."""
    seconds: float = 0.0
    error: str | None = None
    """Why it failed; None where it did not."""
    attempts: int = 1
    """Number of attempts: more than 1 where workers died."""


def read_jobs(
    sources: SourcePath | Sequence[SourcePath] | Mapping[SourcePath, FrameSource],
    out: Path,
    model: str | None,
    memory: str | None = None,
) -> list[BatchJob]:
    """Read all sources, before any work is begun.

    Parameters
    ----------
    sources : see `propagate_many`.
    out : folder for the session files.
    model, memory : name or path, and name of the memory policy, for all; None for what each source
        says.

    Raises
    ------
    SessionError
        When a source cannot be read, would be overwritten, or shares its name with another.
    """
    if isinstance(sources, (str, os.PathLike)):
        sources = [sources]
    videos = as_paths(sources, "sources")
    jobs: dict[Path, BatchJob] = {}
    for path, video in videos.items():
        files = [path]
        if path.is_dir():
            files = sorted([*path.glob(f"*{SUFFIX}"), *path.glob("*.json")])
            if not files:
                raise SessionError(
                    f"There is no session file (*{SUFFIX}) or prompt file (*.json) in {path}."
                )
        for file in files:
            name = file.name.removesuffix(SUFFIX).removesuffix(".json")
            source, target = _read_source(file), out.absolute() / f"{name}{SUFFIX}"
            job = BatchJob(file, source, video, model, target, memory)
            other = jobs.setdefault(job.target, job)
            if other is not job:
                raise SessionError(
                    f"{other.path} and {file} would both be written to {job.target}: give one of "
                    "them another name."
                )
            if job.target == file.absolute():
                raise SessionError(
                    f"{file} would be written over: choose another folder than {out} for what "
                    "comes out."
                )
    if not jobs:
        raise SessionError("There is nothing to propagate: give at least one session file.")
    return list(jobs.values())


def is_done(job: BatchJob) -> bool:
    """Return whether the session file is there, of the same prompts and reviews.

    It is only written when all frames are tracked.
    """
    try:
        found = read_session(job.target)
    except SessionError:
        return False
    if isinstance(job.source, SavedSession) and _review_states(found) != _review_states(job.source):
        return False
    if (found.memory or DEFAULT_MEMORY) != (choose_memory(job) or DEFAULT_MEMORY):
        return False
    return found.prompts == job.source.prompts and found.model_source == choose_model(job)


def choose_model(job: BatchJob) -> str:
    """Return name or path of the model of a job."""
    own = job.source.model_source if isinstance(job.source, SavedSession) else job.source.model
    return job.model or own or DEFAULT_MODEL


def choose_memory(job: BatchJob) -> str | None:
    """Return the name of the memory policy of a job; None for the model's own."""
    return job.memory or job.source.memory


def open_source(job: BatchJob) -> Video:
    """Open the video of a job.

    Raises
    ------
    SessionError, VideoError
        When there is none, it cannot be read, or it is another one.
    """
    if isinstance(job.source, SavedSession):
        return job.source.open_video(job.video, near=job.path)
    if job.video is not None:
        return open_video(job.video)
    if job.source.video is None:
        raise SessionError('it does not say of which video it is: add "video": "PATH".')
    return open_video(job.source.video)


def track_job(
    job: BatchJob, video: Video, segmenter: Segmenter, on_frame: Callable[[], None]
) -> tuple[SavedSession, int]:
    """Propagate the prompts of a job.

    Parameters
    ----------
    job : whose prompts, reviews and settings are used.
    video : from `open_source`.
    segmenter : that was made for this video.
    on_frame : called after each frame.

    Returns
    -------
    SavedSession, int
        The session with all results, and the number of frames that were tracked.
    """
    source = job.source
    session = Session(
        *(len(video), video.height, video.width),
        segmenter,
        kind=video.kind,
        **settings_of(source if isinstance(source, SavedSession) else None),
    )
    if isinstance(source, SavedSession):
        source.fill(session)
    else:
        _add_prompts(session, source)
    frames = 0
    for step in session.propagate():
        frames = step.done
        on_frame()
    known = source.video if isinstance(source, SavedSession) else None
    done = SavedSession.of(
        *(session, video, segmenter.name, choose_model(job)),
        memory=memory_of(segmenter),
        fingerprint=known,
    )
    if isinstance(source, SavedSession):
        done = replace(
            done, video_path=source.video_path, frame=source.frame, selected=source.selected
        )
    return done, frames


def run_job(
    job: BatchJob, segmenters: SegmenterLoader, on_frame: Callable[[], None]
) -> tuple[SavedSession, int]:
    """Open the video of a job, load its model, and propagate its prompts; see `track_job`."""
    video = open_source(job)
    segmenter = segmenters.load(choose_model(job), video, choose_memory(job))
    return track_job(job, video, segmenter, on_frame)


def describe_failure(error: Exception) -> str:
    """Say why a job failed, and log what nobody expected."""
    if isinstance(error, (ValueError, OSError, MemoryError)):
        return str(error)
    _log.error("A video of a batch failed", exc_info=error)
    return f"{type(error).__name__}: {error}"


def _read_source(path: Path) -> PromptSource:
    if path.name.endswith(SUFFIX):
        source = read_session(path)
        if source.kind == "images":
            raise SessionError(f"{path} is of pictures, each on its own: they are not propagated.")
        return source
    if path.suffix == ".json":
        return read_prompts(path)
    raise SessionError(f"{path} is neither a session file (*{SUFFIX}) nor a prompt file (*.json).")


def _add_prompts(session: Session, source: PromptFile) -> None:
    for info in source.objects:
        session.add_object(info.id)
        session.update_object(info.id, name=info.name)
    for (obj, frame), prompts in sorted(source.prompts.items()):
        if prompts.box is not None:
            session.add_box(frame, *prompts.box, obj)
        for point in prompts.points:
            session.add_point(frame, point.x, point.y, point.label, obj)


def _review_states(saved: SavedSession) -> dict[tuple[int, int], str]:
    states = ("accepted", "rejected")
    return {key: one.state for key, one in saved.results.items() if one.state in states}
