"""Session files: one zip archive that holds everything a person would lose.

::

    dog.sam2.zip
    ├── session.json        video, model, view, objects, prompts, switches, and where a mask was cut
    ├── results.npy         (R,) records: object, frame, score, iou, source, state, mask, corrected
    ├── mask_sizes.npy      (M,) uint32: number of run lengths of each mask
    ├── mask_runs.npy       uint32: the run lengths of all masks, one after another
    ├── logits.npy          (L,) records: result, height and width of the grid, box, num_bytes
    └── logits_packed.npy   uint8: the logits around all masks, one after another, deflated each

A mask is written once, however often it is referred to; its number counts from 0, and -1 says
that there is none. Nothing in the file can run code: there are numbers and text.
"""

from __future__ import annotations

import gc
import os
import zipfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core.arguments import as_path
from ..core.errors import SessionError
from ..core.masks import Mask
from ..core.schema import SchemaError, convert, load_json
from .fingerprint import Fingerprint
from .safe_zip import (
    SafeZip,
    ZipError,
    ZipTooLargeError,
    array_from_bytes,
    array_to_bytes,
    write_zip,
)
from .saved_session import SavedSession
from .session_json import build_fingerprint, build_session, dump_session, find_mask_sizes
from .session_logits import LOGITS, PACKED, build_logits, dump_logits
from .session_results import RECORD, dump_results, list_rows
from .session_schema import Header, SessionRecord, Summary

T = TypeVar("T")

SUFFIX = ".sam2.zip"
"""By custom, what the names of session files end with."""

VERSION = 2
"""Of the format. A change that an older reader cannot read makes it one larger."""

MAX_BYTES = 2**30
"""What a session file may unpack to unless the reader is told otherwise…"""

MAX_RATIO = 16
"""…or so many times its own size, where that is more: of a million masks it is. Run lengths pack to
a third or a fifth, what is made to fill a memory to a thousandth."""

_RUN = np.dtype("<u4")
MASKS_AT_ONCE = 2**14
"""That are checked in one go: more would take more memory."""

_NAME = "'session.json' in it"
"""What errors call the document."""

_ARRAYS = {
    "results.npy": RECORD,
    "mask_sizes.npy": _RUN,
    "mask_runs.npy": _RUN,
    "logits.npy": LOGITS,
    "logits_packed.npy": PACKED,
}
_NAMES = ("session.json", *_ARRAYS)
_NAMES_OF_LOGITS = ("logits.npy", "logits_packed.npy")

Members = dict[str, bytes]
"""Contents of the archive by name."""


def _add_logits(members: Members) -> Members:
    """Version 1 had none."""
    added = {name: array_to_bytes(np.empty(0, _ARRAYS[name])) for name in _NAMES_OF_LOGITS}
    return {**members, **added}


MIGRATIONS: dict[int, Callable[[Members], Members]] = {1: _add_logits}
"""From each earlier version of the format to the next. Version 1 is the first."""


def write_session(path: str | os.PathLike[str], saved: SavedSession) -> None:
    """Write a session file in place of an earlier one, which stays whole until then.

    Parameters
    ----------
    path : of the file, by custom ``NAME.sam2.zip``; its folder is made if it is not there.
    saved : what to write.

    Raises
    ------
    SessionError
        When it cannot be written, or what is there is no session file; it is then as it was.
    """
    path = as_path(path, "The path of a session")
    if not isinstance(saved, SavedSession):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SessionError(
            f"A session file is written of what read_session gave, got a {type(saved).__name__}: "
            "w.save(path) writes one of a widget."
        )
    if _is_other(path):
        raise SessionError(
            f"{os.fspath(path)} is there already, and is no session file, so it is not written "
            "over: choose another name, or move it away."
        )
    numbers: dict[Mask, int] = {}

    def number(mask: Mask | None) -> int:
        return -1 if mask is None else numbers.setdefault(mask, len(numbers))

    document = dump_session(saved, VERSION, number)
    rows = list_rows(saved.results)
    records = dump_results(rows, number)
    logits, packed = dump_logits(one for *_, found in rows for one in found)
    runs = [mask.runs for mask in numbers]
    sizes = np.array([len(run) // _RUN.itemsize for run in runs], _RUN)
    members = {
        "session.json": document,
        "results.npy": array_to_bytes(records),
        "mask_sizes.npy": array_to_bytes(sizes),
        "mask_runs.npy": array_to_bytes(np.frombuffer(b"".join(runs), _RUN)),
        "logits.npy": array_to_bytes(logits),
        "logits_packed.npy": array_to_bytes(packed),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_zip(path, members, as_they_are=("logits_packed.npy",))
    except OSError as error:
        raise SessionError(
            f"The session could not be written to {os.fspath(path)} ({error.strerror or error}). "
            "Choose a folder that may be written to and has room; an earlier file there is as it "
            "was."
        ) from error


def read_session(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> SavedSession:
    """Read a session file, without a widget, a model or the video.

    Parameters
    ----------
    path : of the file.
    max_bytes : what it may unpack to; more is refused before it is unpacked. If None, 1 GiB, or 16
        times the size of the file, whichever is more.

    Raises
    ------
    SessionError
        When there is no such file, it is damaged, is no session file, or is of a newer version,
        with what is wrong and what to do.
    """
    return _with_zip(as_path(path, "The path of a session"), max_bytes, _read)


def read_fingerprint(path: str | os.PathLike[str]) -> tuple[Fingerprint, int]:
    """Read of which video a session file is, and how many objects it holds.

    Its masks are not read. Raises as `read_session`.
    """

    def read(archive: SafeZip) -> tuple[Fingerprint, int]:
        summary = convert(_document_of(archive), Summary, _NAME)
        return build_fingerprint(summary.video), len(summary.objects)

    return _with_zip(as_path(path, "The path of a session"), None, read)


def read_records(path: str | os.PathLike[str]) -> tuple[int, int, NDArray[Any]]:
    """Read how many objects and frames a session file has, and its records of masks.

    The masks themselves are not read. Raises as `read_session`.

    Returns
    -------
    int, int, (R,) of `RECORD`
    """

    def read(archive: SafeZip) -> tuple[int, int, NDArray[Any]]:
        summary = convert(_document_of(archive), Summary, _NAME)
        name = "results.npy"
        if name not in archive.names:
            raise ZipError(f"it lacks {name!r}")
        records = array_from_bytes(archive.read(name), _ARRAYS[name], name)
        return len(summary.objects), summary.video.num_frames, records

    return _with_zip(as_path(path, "The path of a session"), None, read)


def _is_other(path: Path) -> bool:
    """Whether a file has something in it, but is no session file of any version."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        with zipfile.ZipFile(path) as archive:
            return "session.json" not in archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return True


def _with_zip(path: Path, max_bytes: int | None, read: Callable[[SafeZip], T]) -> T:
    try:
        with open(path, "rb") as file:
            if max_bytes is None:
                max_bytes = max(MAX_BYTES, MAX_RATIO * os.fstat(file.fileno()).st_size)
            return read(SafeZip(file, max_bytes))
    except OSError as error:
        raise SessionError(
            f"The session file {path} cannot be opened ({error.strerror or error}): check the "
            "path, and that it is a file you may read."
        ) from error
    except ZipTooLargeError as error:
        raise SessionError(
            f"{path} cannot be read: {error}. If you trust it, give read_session a larger "
            "max_bytes."
        ) from error
    except _NewerError as error:
        raise SessionError(f"{path} {error}") from error
    except (ZipError, SchemaError) as error:
        raise SessionError(
            f"{path} cannot be read as a session file: {error}. Use another copy of it."
        ) from error


class _NewerError(ValueError):
    pass


def _document_of(archive: SafeZip) -> object:
    """Read what `session.json` holds, if it is of a version that can be read."""
    if "session.json" not in archive.names:
        raise ZipError("it lacks 'session.json', so it is another kind of archive")
    document = _load_document(archive.read("session.json"))
    version = convert(document, Header, _NAME).version
    if version > VERSION:
        raise _NewerError(
            f"is a session file of version {version}, which a later sam2widget has written. This "
            f"is {__version__}, which reads versions up to {VERSION}: update it, with "
            "pip install --upgrade sam2widget."
        )
    return document


def _load_document(content: bytes) -> object:
    return load_json(content, _NAME)


def _read(archive: SafeZip) -> SavedSession:
    version = convert(_document_of(archive), Header).version
    members = {name: archive.read(name) for name in archive.names}
    for earlier in range(version, VERSION):
        members = MIGRATIONS[earlier](members)
    return _parse(members)


def _parse(members: Members) -> SavedSession:
    for name in _NAMES:
        if name not in members:
            raise ZipError(f"it lacks {name!r}")
    for name in members:
        if name not in _NAMES:
            raise ZipError(f"it holds {name!r}, which does not belong there")
    record = convert(_load_document(members["session.json"]), SessionRecord, _NAME)
    results, sizes, runs, logits, packed = (
        array_from_bytes(members[name], dtype, name) for name, dtype in _ARRAYS.items()
    )
    fingerprint = build_fingerprint(record.video)
    sizes_hw = find_mask_sizes(record, fingerprint, results, len(sizes))
    with _collector_paused():
        masks = _masks(sizes, runs, sizes_hw)
        by_result = build_logits(logits, packed, len(results))
        return build_session(record, fingerprint, results, masks, by_result)


@contextmanager
def _collector_paused() -> Generator[None, None, None]:
    """Let the garbage collector rest, which goes through all objects again and again meanwhile.

    Half of the time it was, for a million masks.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _masks(
    sizes: NDArray[Any], runs: NDArray[Any], sizes_hw: Sequence[tuple[int, int]]
) -> list[Mask]:
    ends = np.cumsum(sizes, dtype=np.uint64).tolist()
    if (ends[-1] if ends else 0) != len(runs):
        raise SchemaError(
            f"'mask_sizes.npy' counts {ends[-1] if ends else 0} run lengths, but 'mask_runs.npy' "
            f"holds {len(runs)}"
        )
    starts = [0, *ends[:-1]]
    masks: list[Mask] = []
    for first in range(0, len(sizes), MASKS_AT_ONCE):
        some = slice(first, first + MASKS_AT_ONCE)
        bounds = list(zip(starts[some], ends[some], strict=True))
        _check_masks(bounds, runs, sizes_hw, first)
        masks += [
            Mask(*size_hw, runs[start:end].tobytes())
            for (start, end), size_hw in zip(bounds, sizes_hw[some], strict=True)
        ]
    return masks


def _check_masks(
    bounds: Sequence[tuple[int, int]],
    runs: NDArray[Any],
    sizes_hw: Sequence[tuple[int, int]],
    first: int,
) -> None:
    """Check that masks which follow each other have the pixels of their frames.

    Parameters
    ----------
    bounds : where the run lengths of each begin and end.
    first : number of the first.
    """
    start = bounds[0][0]
    sums = np.cumsum(runs[start : bounds[-1][1]], dtype=np.uint64)
    ends = np.array([0, *(end - start for _, end in bounds)])
    totals = np.diff(np.concatenate((np.zeros(1, np.uint64), sums))[ends])
    wanted = [height * width for height, width in sizes_hw[first : first + len(bounds)]]
    for n in np.flatnonzero(totals != np.array(wanted, np.uint64)).tolist():
        number = first + n
        try:
            Mask.from_bytes(runs[slice(*bounds[n])].tobytes(), *sizes_hw[number])
        except ValueError as error:
            raise SchemaError(f"mask {number} in it is wrong ({error})") from error
