"""NumPy `.npz`: for each object a (T, H, W) array, or one array for each picture."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from sam2_backend.video import Video

from ..records import SessionError
from .frame_names import FrameNames
from .mask_arrays import read_objects, read_volume
from .segmentation import Imported, Segmentation

NAMES = "names"
FRAME_NAMES = "frame_names"
UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def write_npz(segmentation: Segmentation, path: Path) -> Path:
    """Write masks by object id, bool, and ``names`` of the objects in the order of their ids;
    ``frame_names`` too, where the source has names.

    An object's array is (T, H, W); of pictures in several sizes each has its own, called
    ``ID/FRAME``.
    """
    arrays: dict[str, Any] = {NAMES: np.array([info.name for info in segmentation.objects])}
    frames = range(len(segmentation))
    called = segmentation.frame_names
    if called.known:
        arrays[FRAME_NAMES] = np.array([called.name(frame) for frame in frames])
    sizes = {segmentation.size_hw(frame) for frame in frames}
    for info in segmentation.objects:
        masks = (segmentation.mask(info.id, frame) for frame in frames)
        if len(sizes) == 1:
            arrays[str(info.id)] = np.stack(list(masks))
        else:
            arrays |= {f"{info.id}/{frame}": mask for frame, mask in enumerate(masks)}
    np.savez_compressed(path, **arrays)
    return path


def read_npz(path: Path, video: Video) -> Imported:
    """Read what `write_npz` writes, or any `.npz` or `.npy` of masks: by object, (T, H, W) or
    (H, W) arrays whose names are object ids or else become the objects' names; or one array of
    labels. Empty masks are frames without one."""
    if path.suffix.lower() == ".npy":
        return read_volume(_load(path), video, str(path))
    if not zipfile.is_zipfile(path):
        raise SessionError(f"{path} is not an .npz file: it may be damaged.")
    with _load(path) as file:
        try:
            arrays = {name: file[name] for name in file.files}
        except UNREADABLE as error:
            raise _unreadable(path, error) from error
    given = [str(name) for name in np.ravel(arrays.pop(NAMES, np.array([])))]
    called = [str(name) for name in np.ravel(arrays.pop(FRAME_NAMES, np.array([])))]
    frames, notes = _frames(called, video, path)
    found = read_objects(arrays, video, str(path), frames)
    notes += found.notes
    ids = sorted(
        {int(name.partition("/")[0]) for name in arrays if name.partition("/")[0].isdecimal()}
    )
    names = dict(found.names.items())
    if len(given) == len(ids):
        names |= dict(zip(ids, given, strict=True))
    return Imported(found.masks, names, tuple(notes))


def _frames(
    called: list[str], video: Video, path: Path
) -> tuple[list[int | None] | None, list[str]]:
    """The frames that an array's masks are of, where the file says their names."""
    names = FrameNames(video)
    if not called or not names.known:
        return None, []
    try:
        matched = names.match(called, str(path))
    except SessionError:
        if len(called) != len(video):
            raise
        note = f"{path} has other names of frames than this video: its masks are taken in order."
        return None, [note]
    return [matched.frames.get(name) for name in called], list(matched.notes)


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SessionError:
    kind = path.suffix.lower()
    return SessionError(f"{path} cannot be read as {kind} ({error}).")
