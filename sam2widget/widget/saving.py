"""A widget's session in files."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sam2_backend.video import FrameSource, Video, VideoError, open_video

from ..annotation.session import Session
from ..bridge.protocol import ReplyTo
from ..core.arguments import as_int
from ..core.errors import SessionError
from ..core.protected_files import ProtectedFiles
from ..core.user_warnings import warn
from ..models.segmenter import Segmenter
from ..runtime.controller import Controller
from ..storage.autosave import (
    Autosave,
    AutosaveTarget,
    default_folder,
    find_alike,
    find_others,
    find_saved,
)
from ..storage.fingerprint import Fingerprint
from ..storage.saved_session import SavedSession
from ..storage.session_file import SUFFIX, read_session, write_session
from ..storage.statistics import Statistics, time_spent
from .short_errors import shorten_errors

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..export import MaskSource, Segmentation


@shorten_errors
class Saving:
    """Methods of `Sam2Widget` that write session files and read them."""

    _autosave_folder: Path | None
    _autosave_place: AutosaveTarget | None
    _may_be_alike: bool
    _controller: Controller[ReplyTo]
    _frames: Video
    _fingerprint: Fingerprint | None
    _model_source: str | None
    _session: Session
    frame: Any
    selected: Any

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that you would lose to a session file: objects, prompts, masks,
        scores, what you have accepted, and where you are. The video itself is not in it, nor
        what undo would take back.

        Parameters
        ----------
        path : of the file, by custom ``NAME.sam2.zip``. An earlier session file is replaced once
            the new one is complete; any other file stays, and is an error.

        Raises
        ------
        SessionError
            When it cannot be written, another file is there, or the name is one of a format that
            `export` writes.
        """
        from ..export import FORMATS

        suffix = Path(path).suffix.lower()
        ProtectedFiles(self._frames).check([Path(path)], instead=_session_name(path))
        if suffix and suffix in {one.suffix for one in FORMATS.values()}:
            raise SessionError(
                f"A session file is no {suffix}: save it as {_session_name(path).name}. "
                f"w.export({os.fspath(path)!r}) writes its masks as {suffix}."
            )
        saved = self._saved_now()
        place = self._autosave_place
        if place is not None and place.path == Path(path).absolute():
            place.write(saved, replace=True)
        else:
            write_session(path, saved)

    @property
    def segmentation(self) -> Segmentation:
        """The objects and masks as they are now, for `export` and `plots`."""
        from ..export import Segmentation

        return self._controller.read(
            lambda: Segmentation.make(
                self._frames.snapshot(),
                tuple(self._session.objects),
                self._session.all_results,
                non_overlapping=self._session.non_overlapping,
            )
        )

    @property
    def statistics(self) -> Statistics:
        """How much has been annotated, and what it took; `print` shows it as a table. Seconds
        are those between edits in this widget, without long pauses."""
        return self._controller.read(
            lambda: Statistics.count(
                len(self._frames),
                self._session.all_prompts,
                self._session.all_results,
                time_spent(self._controller.edit_times_s),
            )
        )

    def export(
        self, path: str | os.PathLike[str], format: str | None = None, **options: Any
    ) -> Path:
        """Write the masks for another program: see `sam2widget.export.export_masks`.

        >>> w.export("dog-overlay.mp4")  # an overlay with sound; the suffix says the format
        >>> w.export("data", "coco", frames=True)
        """
        from ..export import export_masks

        return export_masks(self, path, format, **options)

    def import_masks(
        self, source: MaskSource, format: str | None = None, *, as_prompts: bool = False
    ) -> list[int]:
        """Take in masks in place of what there is on their frames. What had to be guessed, and
        what was left out, is said in warnings and in the view.

        Parameters
        ----------
        source, format : as for `sam2widget.export.import_masks`.
        as_prompts : make them prompts; else they are accepted frames, which tracking goes out
            from and never changes.

        Returns
        -------
        list of int
            Ids of the objects.
        """
        from ..export import read_masks

        check_ids(source)
        found = read_masks(source, self._frames, format)

        def put_in() -> list[int]:
            objects = self._session.import_masks(found.masks, found.names, as_prompts=as_prompts)
            self._controller.set_notice(" ".join(found.notes))
            return objects

        objects = self._controller.edit(put_in)
        for note in found.notes:
            warn(note)
        return objects

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        video: FrameSource | None = None,
        model: str | os.PathLike[str] | Segmenter | object | None = None,
        device: str | None = None,
        *,
        same_video: bool = False,
    ) -> Self:
        """Go on where a session file stopped.

        Parameters
        ----------
        path : of the file.
        video : as for a new widget; if None, looked for where it was when the file was written,
            then beside the file.
        model : as for a new widget; if None, what the session was made with.
        device : as for a new widget.
        same_video : say that this is the session's video, frame by frame, though its content is
            another: it was compressed again, or was given as an array and is now a file.

        Raises
        ------
        SessionError
            When the file cannot be read, its video is not found, or this is another video, or
            one that only looks the same.
        VideoError
            When the video cannot be read.
        """
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
        if model is None:
            if saved.model_source is None:
                raise SessionError(
                    f"The model of this session, {saved.model or 'none'!r}, was given as an "
                    "object, which a session file does not hold: give one with model=, for "
                    "instance model='auto'."
                )
            model = saved.model_source
        return cls(frames, model, device, saved=saved)

    def _resume(
        self, autosave: str | os.PathLike[str] | bool | None, saved: SavedSession | None
    ) -> SavedSession | None:
        """Find what was saved by itself of this video, unless there is something else to go on
        from; from now on edits are saved where it was."""
        self._autosave_folder = None
        self._autosave_place = None
        self._may_be_alike = False
        if autosave is False:
            return None
        is_live = self._frames.recording is not None
        if autosave is None or autosave is True:
            folder = self._autosave_folder = default_folder()
            if folder is None or saved is not None:
                return None
            find = self._find_recording if is_live else partial(find_saved, self._frames)
            found = find(folder)
            if found is None:
                self._may_be_alike = not is_live
                return None
            saved, self._autosave_place = found
            return saved
        path = Path(autosave).expanduser().absolute()
        ProtectedFiles(self._frames).check([path], instead=_session_name(path))
        self._autosave_place = AutosaveTarget(path, owned=True)
        if not path.exists():
            return None
        try:
            found = read_session(path)
            if not found.objects:
                return None
            found.check_video(self._frames)
        except SessionError as error:
            raise SessionError(
                f"The file {path} is of another video, or cannot be read: give another "
                f"autosave=, or move it away. {error}"
            ) from error
        return found

    def _complain(self, text: str) -> None: ...

    def _save_from_now_on(self) -> Autosave | None:
        if self._autosave_place is None and self._autosave_folder is None:
            return None

        # The thread holds the widget only as long as there is something to write.
        held = weakref.ref(self)

        def owner() -> Self:
            found = held()
            assert found is not None, "it is kept until it is written"
            return found

        def place(name: str) -> AutosaveTarget:
            self = owner()
            if self._autosave_place is None:
                assert self._autosave_folder is not None
                path = self._autosave_folder / f"{self._frames.recording or name}{SUFFIX}"
                self._autosave_place = AutosaveTarget(path, owned=False)
            return self._autosave_place

        def begin() -> None:
            self = held()
            if self is None:
                return
            # Now: later, the file may be another one, or the array may have been changed.
            self._frames.identity()
            if self._may_be_alike:
                self._tell_of_alike()

        def complain(text: str) -> None:
            owner()._complain(text)

        autosave = Autosave(lambda: owner()._saved_now(), place, complain, self, begin)
        self._session.listen(autosave.note)
        return autosave

    def _tell_of_session(self) -> None:
        """Say that a session goes on, and where more work on this video is."""
        text = "This goes on from your last session on this video. w.clear() begins anew."
        place, others = self._autosave_place, list[Path]()
        if place is not None and self._autosave_folder is not None:
            others = find_others(self._frames, self._autosave_folder, place.path)
        if others:
            video = "" if self._frames.location is not None else ", video=…"
            more = f" and {len(others) - 1} more beside it" if len(others) > 1 else ""
            text += (
                " Another widget has worked on it too: what it did is in "
                f"{others[0]}{more}. Open it with Sam2Widget.load({str(others[0])!r}{video})."
            )
        self._controller.set_notice(text)

    def _tell_of_alike(self) -> None:
        """Say where the session of a video is that looks like this one: a person can tell whether
        it is the same."""
        assert self._autosave_folder is not None
        path = find_alike(self._frames, self._autosave_folder)
        if path is not None:
            self._controller.set_notice(
                f"There is saved work on a video that looks like this one, in {path}. If it is "
                "the same video, compressed again or given in another way, go on there with "
                f"Sam2Widget.load({str(path)!r}, video=…, same_video=True)."
            )

    def _saved_now(self) -> SavedSession:
        fingerprint = self._identify()
        return self._controller.read(lambda: self._snapshot(fingerprint))

    def _identify(self) -> Fingerprint:
        """The video's fingerprint, taken once, and of a live one each time: it grows."""
        if self._frames.recording is not None:
            frames = self._frames.snapshot()
            try:
                self._fingerprint = Fingerprint.of(frames)
            except VideoError:
                # Its frames may be gone: the work on them is saved all the same.
                thumbs = {} if self._fingerprint is None else self._fingerprint.thumbs
                self._fingerprint = Fingerprint(len(frames), frames.height, frames.width, thumbs)
        elif self._fingerprint is None:
            self._fingerprint = Fingerprint.of(self._frames)
        return self._fingerprint

    def _find_recording(self, folder: Path) -> tuple[SavedSession, AutosaveTarget] | None:
        """What an earlier widget has saved of this very recording, which may have grown since."""
        paths = folder.glob(f"{self._frames.recording}*{SUFFIX}")
        for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
            place = AutosaveTarget(path, owned=True)
            with suppress(SessionError):
                saved = read_session(path)
                if saved.objects:
                    return replace(saved, video=self._identify()), place
        return None

    def _snapshot(self, fingerprint: Fingerprint) -> SavedSession:
        if fingerprint.num_frames < self._session.num_frames:
            fingerprint = replace(fingerprint, num_frames=self._session.num_frames)
        known = {info.id for info in self._session.objects}
        saved = SavedSession.of(
            *(
                self._session,
                self._frames,
                str(self._controller.status["model"]),
                self._model_source,
            ),
            fingerprint=fingerprint,
        )
        selected = self.selected if self.selected in known else 0
        return replace(saved, frame=self.frame, selected=selected)


def _session_name(path: str | os.PathLike[str]) -> Path:
    """What a session file would be called, given another name."""
    path = Path(path)
    return path.parent / f"{path.name.removesuffix(SUFFIX).removesuffix(path.suffix)}{SUFFIX}"


def check_ids(source: object) -> None:
    """Refuse masks by ids that would be rounded.

    Raises
    ------
    SessionError
        When a key is a fraction.
    """
    if isinstance(source, Mapping):
        for key in cast("Mapping[Any, Any]", source):
            if isinstance(key, (float, np.floating)):
                as_int(key, "An object's id")


def _is_video(path: str | os.PathLike[str]) -> bool:
    try:
        open_video(os.fspath(path))
    except (VideoError, OSError):
        return False
    return True
