"""Writes every edit to a session file, and finds the file of a video by the video's content.

An edit is written soon after it.

Any number of widgets, also of several kernels, may work on one video and begin with one file. A
widget writes only where the file is as the widget left it, or found it when it went on from there;
what another one has written meanwhile stays, and the widget takes a new file beside it.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from sam2_backend.video import Video

from ..core.errors import SessionError
from ..core.user_warnings import warn
from .fingerprint import Fingerprint
from .safe_zip import list_checksums
from .saved_session import SavedSession
from .session_file import SUFFIX, read_fingerprint, read_session, write_session

DELAY_S = 1.0
"""How long an edit waits for those that follow it."""
SHARE = 0.1
"""Of its time that writing may take: a large session is written less often."""
MAX_PAUSE_S = 60.0
"""Between two writes of the largest session: what a crash may cost, besides a write."""
RETRY_S, MAX_RETRY_S = 2.0, 60.0
"""How long a write that failed waits for the next attempt; each time twice as long, up to this."""
MAX_ALIKE = 50
"""Session files, the newest, among which look-alikes are looked for."""
ENVIRONMENT = "SAM2WIDGET_AUTOSAVE"
"""A folder for the files, or "off"."""

_log = logging.getLogger(__name__)


class Autosave:
    """A thread that writes what has changed, again and again until it is written.

    Parameters
    ----------
    snapshot : gives what is to be written. It is called in the thread.
    target : says where, once there is something to write, given the video's name.
    complain : shows why a file could not be written.
    owner : what those functions need, and may hold weakly only: kept from a change until it is
        written.
    begin : what is to be done first of all in the thread.
    on_state : called, in any thread, when `has_unsaved`, `has_failed` or `written_at` is another.
    """

    def __init__(
        self,
        snapshot: Callable[[], SavedSession],
        target: Callable[[str], AutosaveTarget],
        complain: Callable[[str], None],
        owner: object,
        begin: Callable[[], None] = lambda: None,
        on_state: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_state = on_state
        self.has_unsaved = False
        """Whether something has changed that is not written yet."""
        self.has_failed = False
        """Whether the last attempt to write has failed."""
        self.written_at: float | None = None
        """When it was written last, by a clock that only goes forward."""
        self._owner = weakref.ref(owner)
        self._kept: object | None = None
        self._snapshot = snapshot
        self._target = target
        self._complain = complain
        self._begin = begin
        self._wake = threading.Condition()
        self._changed = False
        self._closing = False
        self._told: set[str] = set()
        self._unsaved = ""
        self._thread = threading.Thread(target=self._run, name="sam2widget autosave", daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def note(self, _: object = None) -> None:
        """Note that something has changed, to write it; any thread may call this."""
        with self._wake:
            is_first = not self.has_unsaved
            self._changed = self.has_unsaved = True
            self._kept = self._owner()
            self._wake.notify_all()
        if is_first:
            self._tell_state()

    def close(self, *, wait: bool = True) -> None:
        """Write what is left and end the thread.

        What cannot be written where it should be is written to a temporary folder, and a warning
        says where it is.
        """
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()
            unsaved, self._unsaved = self._unsaved, ""
            if unsaved:
                warn(unsaved)

    def _run(self) -> None:
        self._guard(self._begin)
        pause_s, retry_s = DELAY_S, RETRY_S
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._changed or self._closing)
                if not self._changed:
                    break
                self._wake.wait_for(lambda: self._closing, pause_s)
                self._changed = False
                last = self._closing
            began_at = time.monotonic()
            error = self._guard(self._write)
            if error is None:
                self._told.clear()
                with self._wake:
                    self.has_unsaved, self.has_failed = self._changed, False
                    self.written_at = time.monotonic()
                self._tell_state()
                with self._wake:
                    if not self._changed:
                        self._kept = None
                took_s = time.monotonic() - began_at
                pause_s = min(max(DELAY_S, took_s / SHARE), MAX_PAUSE_S)
                retry_s = RETRY_S
                continue
            self.has_failed = True
            self._tell_state()
            self._tell(error, last)
            if last:
                self._rescue(error)
                break
            with self._wake:
                self._changed = True
            pause_s, retry_s = retry_s, min(2 * retry_s, MAX_RETRY_S)
        self._kept = None
        _OPEN.discard(self)

    def _tell_state(self) -> None:
        # Whoever is told must not end the saving.
        error = self._guard(self._on_state)
        if error is not None:
            _log.error("What is saved could not be told", exc_info=error)

    def _guard(self, action: Callable[[], None]) -> BaseException | None:
        """Run an action and give what it raised, whatever that is: the thread goes on."""
        try:
            action()
        except BaseException as error:
            return error
        return None

    def _write(self) -> None:
        saved = self._snapshot()
        target = self._target(saved.video.name)
        before = target.path
        target.write(saved)
        if target.path != before:
            self._complain(
                f"There is work of another widget in {before}, which stays. What is done in this "
                f"one is kept in {target.path.name} beside it."
            )

    def _tell(self, error: BaseException, last: bool) -> None:
        """Show why nothing was written, once for each cause until something is."""
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
        number = reason.errno if isinstance(reason, OSError) else None
        cause = f"{type(reason).__name__} {number or reason}"
        if cause in self._told:
            return
        self._told.add(cause)
        if not isinstance(error, (SessionError, OSError, MemoryError)):
            _log.error("An autosave failed", exc_info=error)
        text = f"Your work is not saved by itself: {_sentence(error)}"
        text += "" if last else " It is tried again."
        self._guard(lambda: self._complain(text))

    def _rescue(self, error: BaseException) -> None:
        """Write to a temporary folder what cannot be written where it should be."""
        kept: list[Path] = []

        def write() -> None:
            saved = self._snapshot()
            path = Path(tempfile.mkdtemp(prefix="sam2widget-")) / f"{saved.video.name}{SUFFIX}"
            write_session(path, saved)
            kept.append(path)

        failed = self._guard(write)
        self._unsaved = f"Your work could not be saved by itself: {_sentence(error)} " + (
            f"It is kept in {kept[0]}: move it to where you want it, and go on there with "
            f"Sam2Widget.load({str(kept[0])!r}, video=…)."
            if failed is None
            else f"Nor in the temporary folder: {_sentence(failed)} While this kernel runs, "
            "w.save(path) still saves it: choose a folder that has room."
        )


def _sentence(error: BaseException) -> str:
    text = str(error).strip() or "no reason given"
    text = text if isinstance(error, SessionError) else f"{type(error).__name__}: {text}"
    return text if text.endswith(".") else f"{text}."


class AutosaveTarget:
    """A session file, as long as only one widget writes it.

    Parameters
    ----------
    path : where it is, or is to be.
    owned : whether an earlier file there may be replaced, being what the widget goes on from.
    """

    def __init__(self, path: Path, *, owned: bool) -> None:
        self.path = path
        self.owned = owned
        self._known = _stat(path) if owned else None
        self._checksums = list_checksums(path) if owned else None

    def write(self, saved: SavedSession, *, replace: bool = False) -> None:
        """Write a session there; if another's is there, to a new file or in its place."""
        with _WRITING:
            if not replace and not self._is_as_left():
                self.path = unused_path(self.path)
            write_session(self.path, saved)
            self._known = _stat(self.path)
            self._checksums = list_checksums(self.path)

    def _is_as_left(self) -> bool:
        found = _stat(self.path)
        if found == self._known or self._known is None or found is None:
            return found == self._known
        # Copied back, synchronised with another machine, or on a network that rounds times: the
        # file is another, what is in it the same.
        return self._checksums is not None and list_checksums(self.path) == self._checksums


def _stat(path: Path) -> tuple[int, ...] | None:
    """Give what changes when a file is written again; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def unused_path(path: Path) -> Path:
    """Give the path, or else NAME-2, NAME-3…: the first where nothing would be lost."""
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
    """Give the folder in which session files are kept by themselves.

    It is the one that SAM2WIDGET_AUTOSAVE names, else sam2widget/sessions in the user's data
    folder; None where SAM2WIDGET_AUTOSAVE says "off".
    """
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


def find_saved(video: Video, folder: Path) -> tuple[SavedSession, AutosaveTarget] | None:
    """Find the newest session with objects of this very video in a folder, and its file.

    None where there is no such session. A warning tells of files that cannot be read.
    """
    paths = _files_of_size(video, folder)
    # The content is not read for nothing.
    name = _identified(video).name if paths else ""
    for path in paths:
        if path.name.startswith(name):
            target = AutosaveTarget(path, owned=True)
            saved = _read_own(video, path)
            if saved is not None:
                return saved, target
    return None


def find_others(video: Video, folder: Path, own: Path) -> list[Path]:
    """Find further sessions of this very video with objects in a folder, the newest first.

    They are of widgets that worked at the same time.
    """
    paths = _files_of_size(video, folder)
    name = _identified(video).name if len(paths) > 1 else ""
    found: list[Path] = []
    for path in paths[:MAX_ALIKE]:
        if path != own and path.name.startswith(name):
            with suppress(SessionError):
                fingerprint, num_objects = read_fingerprint(path)
                if num_objects and fingerprint.recognizes(video):
                    found.append(path)
    return found


def find_alike(video: Video, folder: Path) -> Path | None:
    """Find the newest session with objects in a folder that may be of this video.

    Its video appears the same as this one, but is not known to be this one.
    """
    for path in _files_of_size(video, folder)[:MAX_ALIKE]:
        with suppress(SessionError):
            found, num_objects = read_fingerprint(path)
            if (
                num_objects
                and found.thumbs
                and not found.recognizes(video)
                and found.difference(video) is None
            ):
                return path
    return None


def _files_of_size(video: Video, folder: Path) -> list[Path]:
    """List the session files of videos of the same length and size, the newest first."""
    found: list[tuple[float, Path]] = []
    for path in folder.glob(f"{len(video)}x{video.width}x{video.height}-*{SUFFIX}"):
        # Another kernel may have moved it away since.
        with suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def _identified(video: Video) -> Fingerprint:
    """Make a fingerprint that has what its name needs, without reading frames."""
    return Fingerprint(len(video), video.height, video.width, {}, identity=video.identity())


def read_or_warn(path: Path) -> SavedSession | None:
    """Read a session of the very video; None, with a warning, where it cannot be.

    A newer version's, or a damaged one, stays where it is.
    """
    try:
        return read_session(path)
    except SessionError as error:
        warn(f"Earlier work on this video is left out: {error}")
        return None


def _read_own(video: Video, path: Path) -> SavedSession | None:
    """Read the session in a file; None if it cannot be, is of another video or has no objects."""
    saved = read_or_warn(path)
    if saved is None:
        return None
    fits = saved.video.other_size(video) is None and saved.video.recognizes(video)
    return saved if saved.objects and fits else None


_WRITING = threading.Lock()
_OPEN: weakref.WeakSet[Autosave] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """What was done last is written before the interpreter goes away."""
    for autosave in list(_OPEN):
        autosave.close()
