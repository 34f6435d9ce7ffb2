"""Which videos are served, and the session files in which the work on each is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2_backend.video import VideoError, open_video

from ..core.errors import SessionError
from ..core.files import clean_path, fold_case
from ..storage.session_file import SUFFIX

MAX_SLUG = 40
"""Characters of a person's name that the name of a session file takes."""
MAX_COPIES = 50
"""Of one video: a name is given without proof, and each new one would be one more file."""


@dataclass(frozen=True)
class ServedVideo:
    """A video that people may open, by its number alone."""

    source: str
    """What opens it: a path, absolute, or a URL."""
    name: str
    """As people read it."""
    stem: str
    """With which the names of its session files begin."""
    num_frames: int
    width: int
    height: int

    def session(self, folder: Path, slug: str = "") -> Path:
        """Give the session file of all, or of the copy of the person with this slug."""
        return folder / f"{self.stem}{'.' if slug else ''}{slug}{SUFFIX}"

    def find_copies(self, folder: Path, others: Collection[str] = ()) -> list[str]:
        """List the slugs of people who have a copy of their own, by alphabet.

        Parameters
        ----------
        others : names of session files, folded, that are of other videos: clip.v2.mp4 has one that
            would be v2's copy of clip.mp4.
        """
        name = re.compile(
            rf"{re.escape(self.stem)}\.([a-z0-9-]{{1,{MAX_SLUG}}}){re.escape(SUFFIX)}"
        )
        files = (one.name for one in folder.glob(f"*{SUFFIX}") if fold_case(one.name) not in others)
        return sorted(match[1] for match in map(name.fullmatch, files) if match)


def find_videos(sources: Sequence[str]) -> tuple[ServedVideo, ...]:
    """Open each source once, to know that it can be served, and how long it is.

    Parameters
    ----------
    sources : paths of videos, pictures or folders of pictures, and URLs.

    Raises
    ------
    VideoError
        When one cannot be opened.
    SessionError
        When two would share a session file.
    """
    found: dict[str, ServedVideo] = {}
    for source in sources:
        video = open_video(source)
        if video.location is None:
            raise VideoError(f"{source} cannot be opened again by its name, so it is not served.")
        stem = Path(video.name).stem if video.path is None or video.path.is_file() else video.name
        stem = clean_path(stem).replace("/", "_")
        one = ServedVideo(
            *(os.fspath(video.location), _shown_name(video.location), stem),
            *(len(video), video.width, video.height),
        )
        # Names that only differ in case are one file on Windows and macOS.
        other = found.setdefault(fold_case(stem), one)
        if other is not one:
            raise SessionError(
                f"{other.source} and {one.source} would share the session file {stem}{SUFFIX}: "
                "rename one, or serve them by two commands with a folder of sessions each."
            )
    return tuple(found.values())


def make_slug(name: str) -> str:
    """Give what a session file of a person's own is called after, of a-z, 0-9 and "-".

    Raises
    ------
    SessionError
        When nothing of the name is left.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-")
    if not slug:
        raise SessionError(
            "A copy is called after you: give a name with a letter from a to z or a digit."
        )
    return slug


def _shown_name(location: str) -> str:
    return location.rstrip("/").replace("\\", "/").rpartition("/")[2]
