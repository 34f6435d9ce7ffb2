"""Exports that are all there or not at all, and never in place of what was there unasked."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any

from ...core.callers_function import CallersFunction
from ...core.errors import SessionError
from ...core.files import replace_file
from ...core.protected_files import ProtectedFiles
from ..registry import Format, find_format
from ..segmentation import Segmentation
from ..wording import pluralize
from .exporting import check_place, complete_path, export_masks, hide_folder, unwritable

Progress = Callable[[int, int], object]
"""Is called with the frame at hand and the number of frames; what it raises ends the export."""


class ExportExistsError(SessionError):
    """Something is where an export is to be written."""

    def __init__(self, sentence: str, other: Path) -> None:
        super().__init__(sentence)
        self.other = other
        """A path beside it where nothing is."""


def export_whole(
    segmentation: Segmentation,
    path: Path,
    format: str,
    *,
    replace: bool = False,
    on_progress: Progress | None = None,
    **options: Any,
) -> Path:
    """Export as `export_masks` does, into a folder of its own first.

    What fails or is cancelled leaves nothing behind.

    Parameters
    ----------
    replace : whether files that are there may be replaced; those of other names stay.

    Raises
    ------
    ExportExistsError
        When something is there, and it may not.
    SessionError
        As `export_masks`. Sentences, and warnings too, name the path, not the folder of its own.
    """
    chosen = find_format(format)
    path = complete_path(path.expanduser().absolute(), chosen)
    check_place(segmentation, path, chosen)
    if not replace:
        refuse_existing(path)
    if path.exists() and path.is_dir() != (not chosen.suffix):
        kind = "folder" if path.is_dir() else "file"
        raise SessionError(f"{path} is a {kind}: choose another name.")
    report = on_progress and CallersFunction(on_progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sam2widget-", dir=path.parent) as scratch:
            folder = Path(scratch)
            with hide_folder(folder, path.parent):
                export_masks(
                    segmentation, folder / path.name, format, on_progress=report, **options
                )
            files = [(one, path.parent / one.relative_to(folder)) for one in _files(folder)]
            ProtectedFiles(segmentation.video).check(to for _, to in files)
            if not replace:
                for one in folder.iterdir():
                    refuse_existing(path.parent / one.name)
            for made, to in files:
                to.parent.mkdir(parents=True, exist_ok=True)
                replace_file(made, to)
            # A folder without a file in it is a result, too.
            if not chosen.suffix:
                path.mkdir(exist_ok=True)
    except OSError as error:
        if report and report.error is error:
            raise
        raise unwritable(error, chosen, path) from error
    return path


def refuse_existing(path: Path) -> None:
    """Raise ExportExistsError where there is a file, or a folder with something in it."""
    if not path.exists():
        return
    other = unused_path(path)
    if path.is_dir():
        num_files = sum(1 for _ in _files(path))
        if not num_files:
            return
        raise ExportExistsError(
            f"There is a folder {path} already, with {pluralize(num_files, 'file')}. Files of the "
            "same names would be replaced, others stay.",
            other,
        )
    raise ExportExistsError(f"There is a file {path} already.", other)


def unused_path(path: Path) -> Path:
    """Give NAME-2, NAME-3…: the first beside a path that is not there; itself if it is not."""
    if not path.exists():
        return path
    suffix = ".sam2.zip" if path.name.endswith(".sam2.zip") else path.suffix
    stem = path.name.removesuffix(suffix)
    others = (path.with_name(f"{stem}-{n}{suffix}") for n in count(2))
    return next(one for one in others if not one.exists())


def suggest_name(segmentation: Segmentation, format: Format) -> str:
    """Suggest what an export is called: the video's name and what it is."""
    end = "masks"
    if "effect" in format.options:
        end = str(signature(format.write).parameters["effect"].default)
    elif format.read is None:
        end = format.name if not format.suffix else "table"
    return f"{segmentation.name}-{end}{format.suffix}"


def pack(folder: Path, name: str, on_file: Callable[[], object] = lambda: None) -> Path:
    """Give the one file in a folder, or all that is in it in a new zip archive beside it.

    Parameters
    ----------
    name : of the archive, without a suffix.
    on_file : called before each file; what it raises ends it.
    """
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_file():
        return entries[0]
    packed = folder.with_name(f"{name}.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one in _files(folder):
            on_file()
            archive.write(one, one.relative_to(folder).as_posix())
    return packed


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in sorted(folder.rglob("*")) if one.is_file())
