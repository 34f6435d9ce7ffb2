"""What is to be done for each of many videos, and doing it for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sam2_backend.video import FrameSource, Video, open_video

from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.segmenter import Segmenter
from ..storage.prompt_file import PromptFile, read_prompts
from ..storage.saved_session import SavedSession, settings_of
from ..storage.session_file import SUFFIX, read_session

Source = SavedSession | PromptFile
SourcePath = str | os.PathLike[str]
DEFAULT_MODEL = "auto"


@dataclass(frozen=True)
class Job:
    """One video to do."""

    path: Path
    """Of the session file or prompt file."""
    source: Source
    """What that says."""
    video: FrameSource | None
    """Where the video is; None where the source says it."""
    model: str | None
    """Name or path; None for what the source says."""
    target: Path
    """The session file to write."""


@dataclass(frozen=True)
class Outcome:
    """What has become of one video."""

    job: Job
    frames: int = 0
    """That were tracked; 0 also where all had been tracked before."""
    seconds: float = 0.0
    error: str | None = None
    """Why it could not be done."""
    attempts: int = 1
    """More than 1 where workers died."""


def make_jobs(
    sources: SourcePath | Sequence[SourcePath] | Mapping[SourcePath, FrameSource],
    out: Path,
    model: str | None,
) -> list[Job]:
    """Read all sources before anything is begun: what is wrong shows at once."""
    if isinstance(sources, (str, os.PathLike)):
        sources = [sources]
    videos = sources if isinstance(sources, Mapping) else dict.fromkeys(sources)
    jobs: dict[Path, Job] = {}
    for given, video in videos.items():
        path = Path(given).expanduser()
        files = [path]
        if path.is_dir():
            files = sorted([*path.glob(f"*{SUFFIX}"), *path.glob("*.json")])
            if not files:
                raise SessionError(
                    f"There is no session file (*{SUFFIX}) or prompt file (*.json) in {path}."
                )
        for file in files:
            name = file.name.removesuffix(SUFFIX).removesuffix(".json")
            job = Job(file, _read(file), video, model, out.absolute() / f"{name}{SUFFIX}")
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


def is_done(job: Job) -> bool:
    """Whether the session file is there, of the same prompts and reviews. It is only written
    when all is tracked."""
    try:
        found = read_session(job.target)
    except SessionError:
        return False
    if isinstance(job.source, SavedSession) and _reviewed(found) != _reviewed(job.source):
        return False
    model = model_of(job)
    return found.prompts == job.source.prompts and found.model_source == model


def model_of(job: Job) -> str:
    """What is to be loaded for a job."""
    own = job.source.model_source if isinstance(job.source, SavedSession) else job.source.model
    return job.model or own or DEFAULT_MODEL


def open_source(job: Job) -> Video:
    """Open the video of a job.

    Raises
    ------
    SessionError, VideoError
        When there is none, it cannot be read, or it is another one.
    """
    if isinstance(job.source, SavedSession):
        return job.source.open_video(job.video, beside=job.path)
    if job.video is not None:
        return open_video(job.video)
    if job.source.video is None:
        raise SessionError('it does not say of which video it is: add "video": "PATH".')
    return open_video(job.source.video)


def track(
    job: Job, video: Video, segmenter: Segmenter, tell: Callable[[], None]
) -> tuple[SavedSession, int]:
    """Propagate what a job's source says.

    Parameters
    ----------
    tell : called after each frame.

    Returns
    -------
    SavedSession, int
        All that there is then, and how many frames were tracked.
    """
    source = job.source
    session = Session(
        *(len(video), video.height, video.width),
        segmenter,
        kind=video.kind,
        **settings_of(source if isinstance(source, SavedSession) else None),
    )
    if isinstance(source, SavedSession):
        session.fill(source.objects, source.prompts, source.results)
    else:
        _prompt(session, source)
    frames = 0
    for step in session.propagate():
        frames = step.done
        tell()
    known = source.video if isinstance(source, SavedSession) else None
    done = SavedSession.of(session, video, segmenter.name, model_of(job), fingerprint=known)
    if isinstance(source, SavedSession):
        done = replace(
            done, video_path=source.video_path, frame=source.frame, selected=source.selected
        )
    return done, frames


def _read(path: Path) -> Source:
    if path.name.endswith(SUFFIX):
        source = read_session(path)
        if source.kind == "images":
            raise SessionError(f"{path} is of pictures, each on its own: they are not propagated.")
        return source
    if path.suffix == ".json":
        return read_prompts(path)
    raise SessionError(f"{path} is neither a session file (*{SUFFIX}) nor a prompt file (*.json).")


def _prompt(session: Session, source: PromptFile) -> None:
    for info in source.objects:
        session.add_object(info.id)
        session.update_object(info.id, name=info.name)
    for (obj, frame), prompts in sorted(source.prompts.items()):
        if prompts.box is not None:
            session.add_box(frame, *prompts.box, obj)
        for point in prompts.points:
            session.add_point(frame, point.x, point.y, point.label, obj)


def _reviewed(saved: SavedSession) -> dict[tuple[int, int], str]:
    states = ("accepted", "rejected")
    return {key: one.state for key, one in saved.results.items() if one.state in states}
