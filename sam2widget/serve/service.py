"""What all that the server answers has in common: videos, sessions, pages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment
from voila.configuration import VoilaConfiguration

from ..core.errors import SessionError
from ..core.files import fold_case
from ..storage.progress import SessionProgress, read_progress
from .claims import Claims
from .kernels import Pages
from .videos import MAX_COPIES, ServedVideo


@dataclass
class Service:
    """What all handlers share."""

    videos: tuple[ServedVideo, ...]
    folder: Path
    """Of the session files."""
    options: dict[str, Any]
    """Of `Sam2Widget`, but for the device."""
    pages: Pages
    templates: Environment
    voila: VoilaConfiguration
    template_paths: list[str]
    begun: defaultdict[ServedVideo, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Slugs of copies that people began, of which there may be no file yet."""
    known: dict[tuple[Path, int, int], SessionProgress | str] = field(default_factory=dict)
    """Progress, or what is wrong with it, of session files as they were."""

    @cached_property
    def shared(self) -> frozenset[str]:
        """Names of the session files that are no copies, folded."""
        return frozenset(fold_case(one.session(self.folder).name) for one in self.videos)

    def find_copies(self, video: ServedVideo) -> list[str]:
        """List the slugs of people who have a copy of a video in a file, by alphabet."""
        return video.find_copies(self.folder, self.shared)

    def begin_copy(self, video: ServedVideo, slug: str) -> None:
        """Note that a person begins a copy.

        Raises
        ------
        SessionError
            When its session file is another video's, or there are too many.
        """
        name = video.session(self.folder, slug).name
        if fold_case(name) in self.shared:
            raise SessionError(f"{name} is the session of another video: give another name.")
        known = self.begun[video] | set(self.find_copies(video))
        if slug not in known and len(known) >= MAX_COPIES:
            raise SessionError(
                f"There are {len(known)} copies of {video.name}, and no more are made: work on one "
                "of them, or ask whoever runs the server to put some away."
            )
        self.begun[video].add(slug)

    @property
    def claims(self) -> Claims:
        """On session files."""
        return self.pages.claims

    def progress(self, path: Path) -> SessionProgress | str:
        """Tell how far a session is, or why that cannot be told."""
        try:
            found = path.stat()
        except OSError:
            return SessionProgress()
        key = path, found.st_mtime_ns, found.st_size
        if key not in self.known:
            try:
                progress = read_progress(path)
            except SessionError as error:
                progress = str(error).replace(str(path), path.name)
            for old in [one for one in self.known if one[0] == path]:
                del self.known[old]
            self.known[key] = progress
        return self.known[key]
