"""How far the work in a session file is, without unpacking its masks."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from .session_file import read_records


@dataclass(frozen=True)
class SessionProgress:
    """What there is and what is left in a session file."""

    objects: int = 0
    total: int = 0
    """Masks there would be if every object had one on every frame."""
    tracked: int = 0
    """Masks there are, those that a correction made out of date left out."""
    reviewed: int = 0
    """Masks that a person has accepted or rejected."""

    @property
    def tracked_percent(self) -> int:
        """Masks there are, of all there would be: 100 only where none is missing."""
        return 100 * self.tracked // self.total if self.total else 0

    @property
    def reviewed_percent(self) -> int:
        """Masks that were reviewed, of all there would be."""
        return 100 * self.reviewed // self.total if self.total else 0


def read_progress(path: str | os.PathLike[str]) -> SessionProgress:
    """Read how far the work in a session file is; raises as `read_session`."""
    objects, num_frames, records = read_records(path)
    states = records["state"]
    return SessionProgress(
        objects,
        objects * num_frames,
        len(records) - int(np.count_nonzero(states == b"stale")),
        int(np.count_nonzero((states == b"accepted") | (states == b"rejected"))),
    )
