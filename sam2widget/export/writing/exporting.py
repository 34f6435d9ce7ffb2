"""Masks written for other programs: a file is whole, or as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from errno import EACCES, EISDIR
from pathlib import Path
from typing import Any

from sam2_backend.video import FrameSource, LargeImage

from ...core.arguments import as_flag, as_path
from ...core.callers_function import CallersFunction
from ...core.errors import SessionError
from ...core.files import replace_file
from ...core.protected_files import ProtectedFiles
from ...core.user_warnings import collect_warnings, warn
from ..registry import FORMATS, Format, find_format, flag_names, format_for_writing
from ..segmentation import Segmentation, SegmentationSource


def export_masks(
    source: SegmentationSource,
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    video: FrameSource | None = None,
    on_progress: Callable[[int, int], object] | None = None,
    **options: Any,
) -> Path:
    """Write masks for another program, and return the path of what was written.

    A file that is there stays as it was until the new one is whole, and so does what a folder
    holds under other names.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.
    path : of the file, or of the folder.
    format : one of `FORMATS`; the one of the path's suffix if None.
    video : of a session whose video is not where the session says.
    on_progress : called with each frame that is read, from 0, and the number of frames; a format
        may go through them more than once. What it raises ends the export, and comes through as it
        is.
    options : of the format, as `docs/formats.md` lists them; a wrong one is named with those that
        there are.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    SessionError
        When there is no such format or option, nothing to write, a file of the video would be
        written over, or it cannot be written.

    Examples
    --------
    >>> export_masks("dog.sam2.zip", "dog-overlay.mp4")
    >>> export_masks(w, "dataset", "coco", frames=True)
    """
    path = as_path(path, "The path of an export")
    chosen = find_format(format) if format is not None else format_for_writing(path)
    path = complete_path(path, chosen)
    wrong = ", ".join(sorted(options.keys() - chosen.options.keys()))
    if wrong:
        raise SessionError(
            f"The format {chosen.name!r} has no option {wrong}. It has: "
            f"{', '.join(chosen.options) or 'none'}."
        )
    flags = options.keys() & flag_names(chosen.write)
    options |= {name: as_flag(options[name], name) for name in flags}
    segmentation = Segmentation.of(source, video)
    if not segmentation.results:
        raise SessionError("There are no masks to export: prompt an object first.")
    check_size(segmentation, chosen)
    report: CallersFunction | None = None
    if on_progress is not None:
        if not callable(on_progress):
            raise TypeError(
                "on_progress is a function of the frame and the number of frames, got "
                f"{on_progress!r}."
            )
        call, total = CallersFunction(on_progress), len(segmentation)

        def tell(frame: int) -> None:
            call(frame, total)

        segmentation, report = replace(segmentation, on_frame=tell), call
    check_place(segmentation, path, chosen)
    try:
        (path.parent if chosen.suffix else path).mkdir(parents=True, exist_ok=True)
        # With pictures beside it, a file is one of a folder.
        if not chosen.suffix or options.get("frames"):
            return chosen.write(segmentation, path, **options)
        return _write_file(segmentation, path, chosen, options)
    except Exception as error:
        if report is not None:
            report.reraise(error)
        if isinstance(error, OSError):
            raise unwritable(error, chosen, path) from error
        raise


def _write_file(
    segmentation: Segmentation, path: Path, chosen: Format, options: dict[str, Any]
) -> Path:
    """Write beside a file, and put it in its place once it is whole."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    if path.exists():
        if not path.is_file():  # such as a pipe, which is written to as it is
            return chosen.write(segmentation, path, **options)
        if not os.access(path, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), str(path))
    target = Path(os.path.realpath(path))
    with tempfile.TemporaryDirectory(prefix=".sam2widget-", dir=target.parent) as scratch:
        folder = Path(scratch)
        made = folder / path.name
        with hide_folder(folder, path.parent):
            chosen.write(segmentation, made, **options)
        if target.exists():
            shutil.copymode(target, made)
        replace_file(made, target)
    return path


@contextmanager
def hide_folder(folder: Path, shown: Path | None) -> Generator[None, None, None]:
    """Let sentences and warnings name another folder in place of one that nobody knows.

    Parameters
    ----------
    folder : that is hidden.
    shown : in its place; if None, files in it are named alone.
    """
    hidden, known = f"{folder}{os.sep}", "" if shown is None else f"{shown}{os.sep}"
    with collect_warnings() as warnings:
        try:
            yield
        except SessionError as error:
            if hidden not in str(error):
                raise
            raise SessionError(str(error).replace(hidden, known)) from error
    for text in warnings:
        warn(text.replace(hidden, known))


def unwritable(error: OSError, format: Format, path: Path) -> SessionError:
    """Make the sentence of what the system says where an export cannot be written."""
    return SessionError(
        f"The {format.name} export could not be written to {path} ({error.strerror or error}). "
        "Choose a path where nothing else is, that may be written to and has room."
    )


def complete_path(path: Path, format: Format) -> Path:
    """Give the path with the suffix of a format, where it lacks it and the format has one."""
    if not format.suffix or path.suffix.lower() == format.suffix:
        return path
    return path.with_name(path.name + format.suffix)


def check_size(segmentation: Segmentation, format: Format) -> None:
    """Raise SessionError where a format would need an array of a picture that is too large."""
    video = segmentation.video
    if format.is_sparse or not isinstance(video, LargeImage) or video.can_be_read_whole:
        return
    able = ", ".join(repr(one.name) for one in FORMATS.values() if one.is_sparse)
    raise SessionError(
        f"The format {format.name!r} needs all pixels at once, of which {video.name} has "
        f"{video.width} x {video.height}. Of pictures of this size these are written: {able}."
    )


def check_place(segmentation: Segmentation, path: Path, format: Format) -> None:
    """Raise SessionError where a file or a folder of a format would change the video."""
    protected = ProtectedFiles(segmentation.video)
    if format.suffix:
        protected.check([path])
    else:
        protected.check_folder(path)
