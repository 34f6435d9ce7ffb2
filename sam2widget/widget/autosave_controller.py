"""Saves a widget's session: soon after each edit by itself, and by name when asked."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sam2_backend.video import Video
from sam2_backend.video.pictures.images import IMAGE_SUFFIXES

from ..annotation.session import Session
from ..bridge.protocol import Saved
from ..core.arguments import as_path
from ..core.errors import SessionError
from ..core.protected_files import ProtectedFiles
from ..runtime.controller import Controller
from ..runtime.widget_state import WidgetState
from ..storage.autosave import Autosave, AutosaveTarget, find_alike, find_others, unused_path
from ..storage.fingerprint import Fingerprint
from ..storage.saved_session import SavedSession
from ..storage.session_file import SUFFIX, write_session
from .resuming import AutosavePlan, fingerprint_recording, session_name

if TYPE_CHECKING:
    from typing_extensions import Self


ASIDE = "set-aside"
"""The folder of sessions that made room for a new start."""
OTHER_SUFFIXES = IMAGE_SUFFIXES | {
    *(".avi", ".m4v", ".mkv", ".mpeg", ".mpg", ".ts", ".wmv"),
    *(".bin", ".ckpt", ".h5", ".hdf5", ".npy", ".onnx", ".pkl", ".pt", ".pth", ".safetensors"),
    *(".doc", ".docx", ".html", ".ipynb", ".log", ".md", ".pdf", ".py", ".toml", ".txt", ".xlsx"),
    *(".7z", ".gz", ".rar", ".tar", ".tgz", ".yaml", ".yml"),
}
"""Of files that are no sessions, besides those of exports."""


class AutosaveController:
    """Writes a session to its file, and says where it goes on from.

    Parameters
    ----------
    session : that is saved.
    get_video : gives the video, or what is left of it once it is closed.
    controller : in whose thread the session is read, and who shows notices.
    state : whose frame and selection are saved too.
    plan : where it is saved by itself.
    origin : what the session went on from, if anything.
    model_source : what the model can be loaded by again, if there is such a thing.
    memory : name of the memory policy until a model is loaded that says its own.
    on_error : shows why a file could not be written.
    on_state : called, in any thread, when what `describe` says is another.
    """

    def __init__(
        self,
        session: Session,
        get_video: Callable[[], Video],
        controller: Controller[Any],
        state: WidgetState,
        plan: AutosavePlan,
        *,
        origin: SavedSession | None = None,
        model_source: str | None = None,
        memory: str | None = None,
        on_error: Callable[[str], None] = lambda text: None,
        on_state: Callable[[], None] = lambda: None,
    ) -> None:
        self._session = session
        self._get_video = get_video
        self._controller = controller
        self._state = state
        self._plan = plan
        self._target = plan.target
        self._fingerprint: Fingerprint | None = None
        if origin is not None and origin.video.identity is not None:
            self._fingerprint = origin.video
        self._model_source = model_source
        self._memory = memory
        self._on_error = on_error
        self._on_state = on_state
        self._autosave: Autosave | None = None
        if plan.target is not None or plan.folder is not None:
            self._autosave = autosave = self._start()
            session.listen(autosave.note)
            # Nothing is left to write then: what is not yet written keeps us.
            weakref.finalize(self, autosave.close, wait=False).atexit = False

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a session file; see `Sam2Widget.save`."""
        from ..export import FORMATS

        path = as_path(path, "The path of a session")
        suffix = path.suffix.lower()
        ProtectedFiles(self._get_video()).check([path], instead=session_name(path))
        # A session file is a zip itself.
        if suffix in {one.suffix for one in FORMATS.values()} - {"", Path(SUFFIX).suffix}:
            raise SessionError(
                f"A session file is no {suffix}: save it as {session_name(path).name}. "
                f"w.export({str(path)!r}) writes its masks as {suffix}."
            )
        if suffix in OTHER_SUFFIXES:
            raise SessionError(
                f"A session file is no {suffix}: save it as {session_name(path).name}."
            )
        saved = self.snapshot()
        target = self._target
        if target is not None and target.path == path.absolute():
            target.write(saved, replace=True)
        else:
            write_session(path, saved)

    def snapshot(self) -> SavedSession:
        """All that a session file would hold now. Any thread."""
        fingerprint = self._identify()
        return self._controller.read(lambda: self._read(fingerprint))

    def mark_changed(self) -> None:
        """Something is to be saved that is no edit of the session. Any thread."""
        if self._autosave is not None:
            self._autosave.note()

    def set_model_source(self, model_source: str | None) -> None:
        """Note by what the model can be loaded again. Any thread."""
        self._model_source = model_source
        self.mark_changed()

    def describe(self) -> Saved:
        """Whether what was done is in a file, in which, and since when. Any thread."""
        autosave, target = self._autosave, self._target
        if autosave is None:
            return Saved("off", "", None)
        path = "" if target is None else str(target.path)
        ago_s = None
        if autosave.written_at is not None:
            ago_s = round(time.monotonic() - autosave.written_at, 1)
        elif target is not None and target.path.exists():
            ago_s = round(max(time.time() - target.path.stat().st_mtime, 0), 1)
        if autosave.has_failed:
            return Saved("failed", path, ago_s)
        return Saved("unsaved" if autosave.has_unsaved else "saved", path, ago_s)

    def set_aside(self) -> Path | None:
        """Write what there is to a file of its own, which nothing goes on from by itself.

        Returns
        -------
        Path or None
            Of the file; None where nothing is saved by itself, or there are no objects.

        Raises
        ------
        SessionError
            When it cannot be written.
        """
        if self._autosave is None or not self._session.objects:
            return None
        saved = self.snapshot()
        target = self._choose_target(saved.video.name)
        folder = target.path.parent / ASIDE
        folder.mkdir(parents=True, exist_ok=True)
        path = unused_path(folder / target.path.name)
        write_session(path, saved)
        return path

    def show_origin(self) -> None:
        """Say that a session goes on, and where more work on this video is."""
        text = "This goes on from your last session on this video. w.start_anew() begins anew."
        video, others = self._get_video(), list[Path]()
        if self._plan.target is not None and self._plan.folder is not None:
            others = find_others(video, self._plan.folder, self._plan.target.path)
        if others:
            option = "" if video.location is not None else ", video=…"
            more = f" and {len(others) - 1} more beside it" if len(others) > 1 else ""
            text += (
                " Another widget has worked on it too: what it did is in "
                f"{others[0]}{more}. Open it with Sam2Widget.load({str(others[0])!r}{option})."
            )
        self._controller.set_notice(text)

    def close(self, *, wait: bool = True) -> None:
        """Write what is left; see `Autosave.close`."""
        if self._autosave is not None:
            self._autosave.close(wait=wait)

    def _start(self) -> Autosave:
        # The thread holds us only as long as there is something to write.
        held = weakref.ref(self)

        def owner() -> Self:
            found = held()
            assert found is not None, "it is kept until it is written"
            return found

        def begin() -> None:
            found = held()
            if found is not None:
                found._begin()

        def tell_state() -> None:
            found = held()
            if found is not None:
                found._on_state()

        return Autosave(
            lambda: owner().snapshot(),
            lambda name: owner()._choose_target(name),
            lambda text: owner()._on_error(text),
            self,
            begin,
            tell_state,
        )

    def _begin(self) -> None:
        video, plan = self._get_video(), self._plan
        # Now: later, the file may be another one, or the array may have been changed.
        video.identity()
        alike = None
        if plan.may_be_alike and plan.folder is not None:
            alike = find_alike(video, plan.folder)
        if alike is not None:
            # A person can tell whether it is the same.
            self._controller.set_notice(
                f"There is saved work on a video that looks like this one, in {alike}. If it is "
                "the same video, compressed again or given in another way, go on there with "
                f"Sam2Widget.load({str(alike)!r}, video=…, same_video=True)."
            )

    def _choose_target(self, name: str) -> AutosaveTarget:
        if self._target is None:
            assert self._plan.folder is not None
            path = self._plan.folder / f"{self._get_video().recording or name}{SUFFIX}"
            self._target = AutosaveTarget(path, owned=False)
        return self._target

    def _identify(self) -> Fingerprint:
        """The video's fingerprint, taken once, and of a live one each time: it grows."""
        video = self._get_video()
        if video.recording is not None:
            self._fingerprint = fingerprint_recording(video, self._fingerprint)
        elif self._fingerprint is None:
            self._fingerprint = Fingerprint.of(video)
        return self._fingerprint

    def _read(self, fingerprint: Fingerprint) -> SavedSession:
        session = self._session
        if fingerprint.num_frames < session.num_frames:
            fingerprint = replace(fingerprint, num_frames=session.num_frames)
        status = self._controller.status.values
        saved = SavedSession.of(
            *(session, self._get_video(), str(status["model"]), self._model_source),
            memory=status.get("memory") if status["model"] else self._memory,
            fingerprint=fingerprint,
        )
        known = {info.id for info in session.objects}
        selected = self._state.selected if self._state.selected in known else 0
        return replace(saved, frame=self._state.frame, selected=selected)
