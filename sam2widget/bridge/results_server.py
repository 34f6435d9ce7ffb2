"""Carries out what a view's menu of results asks for: exports, downloads, a script, a new start."""

from __future__ import annotations

import base64
import io
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image

from ..core.errors import SessionError
from ..core.user_warnings import collect_warnings
from ..runtime.error_texts import describe_error, log_unless_expected
from ..runtime.time_left import TimeLeft
from ..runtime.worker import Worker
from ..storage.saved_session import SavedSession
from ..storage.session_file import SUFFIX, write_session
from .downloads import Downloads
from .flow_control import Outbox
from .protocol import (
    CancelExport,
    Chunk,
    Done,
    DownloadEntry,
    DropDownload,
    Error,
    Export,
    Exported,
    ExportExists,
    ExportProgress,
    FormatEntry,
    Formats,
    OpenResults,
    ReplyTo,
    Saved,
    Script,
    SetBackground,
    StartAnew,
    WantChunk,
    WriteScript,
)

if TYPE_CHECKING:
    from ..export import Segmentation

ResultRequest: TypeAlias = (
    OpenResults
    | Export
    | CancelExport
    | WantChunk
    | DropDownload
    | SetBackground
    | WriteScript
    | StartAnew
)
SESSION = "session"
"""What the session file is called among the formats."""
SESSION_DESCRIPTION = "all of it, for Sam2Widget.load: objects, prompts, masks, review"
CANCELLED = "The export was cancelled: nothing of it stays."
PROGRESS_INTERVAL_S = 0.1
MAX_BACKGROUND_PIXELS = 40_000_000
"""A view sends no more than the video has, scaled down to what a message takes."""


@dataclass(frozen=True)
class ResultSource:
    """What a widget gives for its results. Each may be called in any thread."""

    get_segmentation: Callable[[], Segmentation]
    """The objects and masks that there are now."""
    take_snapshot: Callable[[], SavedSession]
    """All that a session file would hold now."""
    write_script: Callable[[], str]
    """The session as Python."""
    start_anew: Callable[[], object]
    """Puts what is saved aside and removes all objects."""
    describe_saving: Callable[[], Saved]
    """Whether what was done is in a file."""


class ExportCancelledError(Exception):
    """A person, or the end of the widget, has ended an export."""


class ResultsServer:
    """Carries out what views ask for of results, in threads of its own: clicks go on meanwhile.

    Parameters
    ----------
    source : the widget.
    outbox : where answers go, also to a view that is out of sight: they were asked for.
    """

    def __init__(self, source: ResultSource, outbox: Outbox) -> None:
        self._source = source
        self._outbox = outbox
        self._downloads = Downloads()
        self._workers: dict[str, Worker] = {}
        self._cancelled = threading.Event()
        self._is_exporting = False
        self._lock = threading.Lock()
        self._background: Image.Image | None = None

    def serve(self, request: ResultRequest, reply_to: ReplyTo) -> None:
        """Carry a request out. Whatever thread this is, it is soon free again."""
        match request:
            case OpenResults():
                self._start("results", lambda: self._tell_formats(reply_to), reply_to)
            case Export():
                self._start_export(request, reply_to)
            case CancelExport():
                self._cancelled.set()
            case WantChunk(download=download, offset=offset):
                self._send_chunk(download, offset, reply_to)
            case DropDownload(download=download):
                self._downloads.drop(download)
            case SetBackground(jpeg=jpeg):
                self._start("results", lambda: self._set_background(jpeg, reply_to), reply_to)
            case WriteScript():
                self._start("results", lambda: self._write_script(reply_to), reply_to)
            case StartAnew():
                self._start("results", lambda: self._start_anew(reply_to), reply_to)

    def tell_saved(self) -> None:
        """Tell whether all edits are in a file, also while a cell runs. Any thread."""
        self._outbox.post_to_unheard(self._source.describe_saving())

    def close(self) -> None:
        """End the export that runs, and let go of downloads."""
        self._cancelled.set()
        for worker in self._workers.values():
            worker.close(wait=False)
        self._downloads.close()

    def _start(self, name: str, action: Callable[[], None], reply_to: ReplyTo) -> None:
        """Do something in a thread, and show why where it cannot be done."""

        def run() -> None:
            try:
                action()
            except Exception as error:
                log_unless_expected(error, "A request for results failed")
                self._answer(Error(reply_to, describe_error(error)))

        with self._lock:
            if name not in self._workers:
                self._workers[name] = Worker(f"sam2widget {name}")
        self._workers[name].submit(run)

    def _answer(self, message: Any, *buffers: bytes) -> None:
        self._outbox.send_always(message, buffers)

    def _tell_formats(self, reply_to: ReplyTo) -> None:
        from ..export import FORMATS
        from ..export.writing.whole_export import suggest_name
        from .export_options import describe_options, has_effects

        segmentation = self._source.get_segmentation()
        entries = [
            FormatEntry(
                *(one.name, one.description, suggest_name(segmentation, one), has_effects(one)),
                describe_options(one),
            )
            for one in FORMATS.values()
        ]
        name = f"{segmentation.name}{SUFFIX}"
        entries.append(FormatEntry(SESSION, SESSION_DESCRIPTION, name, False, []))
        self._answer(Formats(reply_to, os.getcwd(), entries))
        self.tell_saved()

    # Exports

    def _start_export(self, request: Export, reply_to: ReplyTo) -> None:
        with self._lock:
            if self._is_exporting:
                text = "An export is running: wait for it, or cancel it."
                self._answer(Error(reply_to, text))
                return
            self._is_exporting = True
        self._cancelled.clear()
        self._start("export", lambda: self._export_guarded(request, reply_to), reply_to)

    def _export_guarded(self, request: Export, reply_to: ReplyTo) -> None:
        from ..export.writing.whole_export import ExportExistsError

        try:
            with collect_warnings() as warnings:
                path, text, download = self._export(request, reply_to)
            answer = Exported(reply_to, " ".join((text, *warnings)), path, download)
        except ExportExistsError as error:
            answer = ExportExists(reply_to, str(error), str(error.other))
        except ExportCancelledError:
            answer = Exported(reply_to, CANCELLED, "", None)
        finally:
            # Before the answer, after which a view may ask for the next one.
            with self._lock:
                self._is_exporting = False
        self._answer(answer)

    def _export(self, request: Export, reply_to: ReplyTo) -> tuple[str, str, DownloadEntry | None]:
        """Export, and give the path, a sentence and what can be fetched."""
        if not request.download:
            path = self._write(request, Path(request.path), reply_to, replace=request.replace)
            return str(path), f"Wrote {path} ({_measure(path)}).", None
        from ..export.writing.exporting import hide_folder
        from ..export.writing.whole_export import pack

        # What a person wrote may be a path: of a download, its last part is the name.
        name = Path(request.path).name or "export"
        root = None
        try:
            root = Path(tempfile.mkdtemp(prefix="sam2widget-"))
            (folder := root / "files").mkdir()
            with hide_folder(folder, None):
                written = self._write(request, folder / name, reply_to, replace=True)
            stem = written.name.removesuffix(SUFFIX).removesuffix(written.suffix)
            packed = pack(folder, stem, self._check_cancelled)
            download = self._downloads.add(packed, root)
        except BaseException as error:
            if root is not None:
                shutil.rmtree(root, ignore_errors=True)
            if isinstance(error, OSError):
                raise SessionError(
                    f"The {request.format} export {name} could not be made for a download "
                    f"({error.strerror or error}): make room in the kernel's folder for temporary "
                    "files, or export to a path."
                ) from error
            raise
        size = packed.stat().st_size
        text = f"{packed.name} ({_megabytes(size)}) is on its way to your browser's downloads."
        return "", text, DownloadEntry(download, packed.name, size)

    def _write(self, request: Export, path: Path, reply_to: ReplyTo, *, replace: bool) -> Path:
        from ..export.registry import find_format
        from ..export.writing.whole_export import export_whole, refuse_existing
        from .export_options import read_options

        if not str(path).strip() or path.name in ("", "."):
            raise SessionError("Say where the export goes: the path of a file or a folder.")
        if request.format == SESSION:
            path = path.expanduser().absolute()
            if not path.name.endswith(SUFFIX):
                path = path.with_name(path.name + SUFFIX)
            if not replace:
                refuse_existing(path)
            write_session(path, self._source.take_snapshot())
            return path
        options = read_options(find_format(request.format), request.options, self._background)
        return export_whole(
            *(self._source.get_segmentation(), path, request.format),
            replace=replace,
            on_progress=self._reporter(reply_to),
            **options,
        )

    def _reporter(self, reply_to: ReplyTo) -> Callable[[int, int], None]:
        told_at = 0.0
        left = TimeLeft()

        def report(frame: int, total: int) -> None:
            nonlocal told_at
            self._check_cancelled()
            left_s = left.update(frame, total)
            now = time.monotonic()
            if now - told_at >= PROGRESS_INTERVAL_S:
                told_at = now
                self._outbox.post(ExportProgress(reply_to, frame, total, round(left_s or 0, 1)))

        return report

    def _check_cancelled(self) -> None:
        # At the interpreter's end workers are closed, and nobody cancels.
        if self._cancelled.is_set() or self._workers["export"].is_closed:
            raise ExportCancelledError

    def _send_chunk(self, download: int, offset: int, reply_to: ReplyTo) -> None:
        try:
            data = self._downloads.read(download, offset)
        except SessionError as error:
            self._answer(Error(reply_to, str(error)))
        else:
            self._answer(Chunk(download, offset), data)

    # The rest

    def _set_background(self, jpeg: str, reply_to: ReplyTo) -> None:
        try:
            # No other kind: Pillow reads some with programs of their own.
            picture = Image.open(
                io.BytesIO(base64.b64decode(jpeg, validate=True)), formats=["JPEG"]
            )
            if picture.width * picture.height > MAX_BACKGROUND_PIXELS:
                raise SessionError(
                    f"The background has {picture.width}x{picture.height} pixels: at most "
                    f"{MAX_BACKGROUND_PIXELS / 1e6:.0f} megapixels are taken."
                )
            self._background = picture.convert("RGB")
        except SessionError:
            raise
        except (ValueError, OSError, Image.DecompressionBombError) as error:
            raise SessionError("The background is no picture that can be read.") from error
        self._answer(Done(reply_to))

    def _write_script(self, reply_to: ReplyTo) -> None:
        self._answer(Script(reply_to, self._source.write_script()))

    def _start_anew(self, reply_to: ReplyTo) -> None:
        self._source.start_anew()
        self._answer(Done(reply_to))


def _measure(path: Path) -> str:
    """How much was written, in words."""
    if path.is_file():
        return _megabytes(path.stat().st_size)
    files = [one for one in path.rglob("*") if one.is_file()]
    size = _megabytes(sum(one.stat().st_size for one in files))
    return f"{len(files)} file{'' if len(files) == 1 else 's'}, {size}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{max(round(size / 1000), 1)} kB"
