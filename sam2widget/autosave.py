"""Writes every edit to a session file soon after it, and finds the file of a video again.

Any number of widgets, also of several kernels, may work on one video and begin with one file. A
widget writes only where the file is as the widget left it, or found it when it went on from there;
what another one has written meanwhile stays, and the widget takes a new file beside it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sam2_backend.video import Video

from .records import SessionError
from .saved_session import SavedSession
from .session_file import SUFFIX, read_session, write_session

DELAY_S = 1.0
"""How long an edit waits for those that follow it."""
SHARE = 0.1
"""Of its time that writing may take: a large session is written less often."""
ENVIRONMENT = "SAM2WIDGET_AUTOSAVE"
"""A folder for the files, or "off"."""


class Autosave:
    """A thread that writes what has changed.

    Parameters
    ----------
    snapshot : gives what is to be written. It is called in the thread.
    place : says where, once there is something to write, given the video's name.
    complain : shows why a file could not be written.
    owner : what those functions need, and may hold weakly only: kept from a change until it is
        written.
    """

    def __init__(
        self,
        snapshot: Callable[[], SavedSession],
        place: Callable[[str], SessionPlace],
        complain: Callable[[str], None],
        owner: object,
    ) -> None:
        self._owner = weakref.ref(owner)
        self._kept: object | None = None
        self._snapshot = snapshot
        self._place = place
        self._complain = complain
        self._wake = threading.Condition()
        self._changed = False
        self._closing = False
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="sam2widget autosave", daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def note(self, _: object = None) -> None:
        """Something has changed. Any thread."""
        with self._wake:
            self._changed = True
            self._kept = self._owner()
            self._wake.notify_all()

    def close(self, *, wait: bool = True) -> None:
        """Write what is left and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()
        _OPEN.discard(self)

    def _run(self) -> None:
        pause_s = DELAY_S
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._changed or self._closing)
                if not self._changed:
                    return
                self._wake.wait_for(lambda: self._closing, pause_s)
                self._changed = False
            began_at = time.monotonic()
            self._write()
            with self._wake:
                if not self._changed:
                    self._kept = None
            pause_s = max(DELAY_S, (time.monotonic() - began_at) / SHARE)

    def _write(self) -> None:
        try:
            saved = self._snapshot()
            place = self._place(saved.video.name)
            before = place.path
            place.write(saved)
            if place.ours and place.path != before:
                self._complain(
                    f"Another widget has written {before}. What is done in this one is kept in "
                    f"{place.path.name} beside it."
                )
        except (SessionError, OSError) as error:
            if not self._complained:
                self._complain(f"Your work is not saved by itself: {error}")
            self._complained = True
        else:
            self._complained = False


class SessionPlace:
    """A session file, as long as only one widget writes it.

    Parameters
    ----------
    path : where it is, or is to be.
    ours : whether an earlier file there may be replaced, being what the widget goes on from.
    """

    def __init__(self, path: Path, *, ours: bool) -> None:
        self.path = path
        self.ours = ours
        self._known = _look(path) if ours else None

    def write(self, saved: SavedSession, *, replace: bool = False) -> None:
        """Write a session there; if another's is there, to a new file or in its place."""
        with _WRITING:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not replace and _look(self.path) != self._known:
                self.path = _free(self.path)
            write_session(self.path, saved)
            self._known = _look(self.path)


def _look(path: Path) -> tuple[int, ...] | None:
    """By what one sees that a file has been written again; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _free(path: Path) -> Path:
    """The path, or else NAME-2, NAME-3…: the first where nothing would be lost."""
    name = path.name.removesuffix(SUFFIX)
    suffix = path.name[len(name) :]
    for n in count(2):
        if not path.exists() or is_empty(path):
            break
        path = path.with_name(f"{name}-{n}{suffix}")
    return path


def is_empty(path: Path) -> bool:
    """Whether a file is a session without objects."""
    try:
        return not read_session(path).objects
    except SessionError:
        return False


def default_folder() -> Path | None:
    """Where session files are kept by themselves: the folder that SAM2WIDGET_AUTOSAVE names, else
    sam2widget/sessions in the user's data folder; None where that says "off"."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return None if named.lower() == "off" else Path(named).expanduser()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "sam2widget" / "sessions"


def find_saved(video: Video, folder: Path) -> tuple[SavedSession, SessionPlace] | None:
    """The newest session of a video in a folder, if there is one with objects, and its place."""
    pattern = f"{len(video)}x{video.width}x{video.height}-*{SUFFIX}"
    for path in sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True):
        place = SessionPlace(path, ours=True)
        saved = read_saved(video, path)
        if saved is not None:
            return saved, place
    return None


def read_saved(video: Video, path: Path) -> SavedSession | None:
    """The session in a file, if it can be read, is of this video, and has objects."""
    try:
        saved = read_session(path)
    except SessionError:
        # A newer version's, or damaged: it stays where it is.
        return None
    return saved if saved.objects and saved.video.difference(video) is None else None


_WRITING = threading.Lock()
_OPEN: weakref.WeakSet[Autosave] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """What was done last is written before the interpreter goes away."""
    for autosave in list(_OPEN):
        autosave.close()
