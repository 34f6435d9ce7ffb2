"""Where a widget's work is saved by itself, and what of earlier work it goes on from."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from sam2_backend.video import FrameSource, Video, VideoError, open_video

from ..core.errors import SessionError
from ..core.protected_files import ProtectedFiles
from ..storage.autosave import AutosaveTarget, default_folder, find_saved, read_or_warn
from ..storage.fingerprint import Fingerprint
from ..storage.saved_session import SavedSession
from ..storage.session_file import SUFFIX, read_session

NO_FILES = frozenset(("", "off", "on", "no", "yes", "false", "true", "none", "auto"))
"""Texts that are no path of a session file, in small letters."""


@dataclass(frozen=True)
class AutosavePlan:
    """What `plan_autosave` has found; by default, nothing is saved by itself."""

    folder: Path | None = None
    """Where a file is begun once there is something to write."""
    target: AutosaveTarget | None = None
    """The file, where it is known already."""
    found: SavedSession | None = None
    """What it holds, to go on from."""
    may_be_alike: bool = False
    """Whether there may be sessions of the same video in another form."""


def plan_autosave(
    video: Video,
    autosave: str | os.PathLike[str] | bool | None,
    saved: SavedSession | None,
) -> AutosavePlan:
    """Find what was saved by itself of this video, unless there is something else to go on from.

    Parameters
    ----------
    autosave : as `Sam2Widget` takes it.
    saved : a session to go on from in any case.

    Raises
    ------
    SessionError
        When the file named is no session of this video.
    """
    if autosave is False:
        return AutosavePlan()
    if autosave is None or autosave is True:
        folder = default_folder()
        if folder is None or saved is not None:
            return AutosavePlan(folder)
        is_live = video.recording is not None
        find = find_recording if is_live else find_saved
        found = find(video, folder)
        if found is None:
            return AutosavePlan(folder, may_be_alike=not is_live)
        return AutosavePlan(folder, target=found[1], found=found[0])
    if not isinstance(cast("object", autosave), (str, os.PathLike)):
        raise SessionError(
            "autosave is the path of a session file, False for none, or None for one that is found "
            f"by the video's content, got {autosave!r}."
        )
    if str(autosave).lower() in NO_FILES:
        raise SessionError(
            f"autosave={autosave!r} would be a file of this name: say autosave=False for none (the "
            'environment variable SAM2WIDGET_AUTOSAVE takes "off"), or leave it out for one that '
            "is found by the video's content."
        )
    path = Path(autosave).expanduser().absolute()
    ProtectedFiles(video).check([path], instead=session_name(path))
    return AutosavePlan(target=AutosaveTarget(path, owned=True), found=_read_named(video, path))


def find_recording(video: Video, folder: Path) -> tuple[SavedSession, AutosaveTarget] | None:
    """What an earlier widget has saved of this very recording, which may have grown since."""
    paths = folder.glob(f"{video.recording}*{SUFFIX}")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
        target = AutosaveTarget(path, owned=True)
        saved = read_or_warn(path)
        if saved is not None and saved.objects:
            return replace(saved, video=fingerprint_recording(video)), target
    return None


def fingerprint_recording(video: Video, earlier: Fingerprint | None = None) -> Fingerprint:
    """The fingerprint of a live video as it is now.

    Parameters
    ----------
    earlier : one that was taken before, whose thumbnails serve where frames are gone.
    """
    frames = video.snapshot()
    try:
        return Fingerprint.of(frames)
    except VideoError:
        # The work on frames that are gone is saved all the same.
        thumbs = {} if earlier is None else earlier.thumbs
        return Fingerprint(len(frames), frames.height, frames.width, thumbs)


def open_saved(
    path: str | os.PathLike[str], video: FrameSource | None, *, same_video: bool
) -> tuple[SavedSession, Video]:
    """Read a session file and open its video; see `Sam2Widget.load`."""
    try:
        saved = read_session(path)
    except SessionError:
        if not os.fspath(path).endswith(SUFFIX) and _is_video(path):
            raise SessionError(
                f"{os.fspath(path)} is a video and no session: write "
                f"Sam2Widget({os.fspath(path)!r})."
            ) from None
        raise
    frames = saved.open_video(video, near=path, same_video=same_video)
    if not saved.video.recognizes(frames):
        # From now on it is this one's.
        saved = replace(saved, video=Fingerprint.of(frames))
    return saved, frames


def session_name(path: str | os.PathLike[str]) -> Path:
    """What a session file would be called, given another name."""
    path = Path(path)
    return path.parent / f"{path.name.removesuffix(SUFFIX).removesuffix(path.suffix)}{SUFFIX}"


def _read_named(video: Video, path: Path) -> SavedSession | None:
    if not path.exists():
        return None
    try:
        found = read_session(path)
        if not found.objects:
            return None
        found.check_video(video)
    except SessionError as error:
        raise SessionError(
            f"The file {path} is of another video, or cannot be read: give another "
            f"autosave=, or move it away. {error}"
        ) from error
    return found


def _is_video(path: str | os.PathLike[str]) -> bool:
    try:
        open_video(os.fspath(path))
    except (VideoError, OSError):
        return False
    return True
