"""NumPy `.npz`: for each object a (T, H, W) array, or one array for each picture."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ....core.errors import SessionError
from ...frame_names import FrameNames
from ...reading.arrays import read_objects, read_volume
from ...reading.labels import LabelReader
from ...registry import Format
from ...segmentation import Imported, Segmentation

NAMES = "names"
FRAME_NAMES = "frame_names"
CLASSES = "classes"
CLASS_NAMES = "class_names"
ATTRIBUTES = "attributes"
UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def write_npz(segmentation: Segmentation, path: Path) -> Path:
    """Write masks by object id, bool, (T, H, W).

    ``names`` are those of the objects in the order of their ids; ``frame_names`` are written too,
    where the source has names. Where there are classes, ``class_names`` are all of them in their
    order, and ``classes`` those of the objects, "" for none; ``attributes`` are JSON, an object
    each. Of pictures in several sizes each has an array of its own, called
    ``ID/FRAME``.
    """
    frames = range(len(segmentation))
    sizes = {segmentation.size_hw(frame) for frame in frames}
    names = {NAMES: [info.name for info in segmentation.objects]}
    if segmentation.classes:
        names[CLASS_NAMES] = [one.name for one in segmentation.classes]
        names[CLASSES] = [info.class_name for info in segmentation.objects]
    if any(info.attributes for info in segmentation.objects):
        names[ATTRIBUTES] = [json.dumps(dict(info.attributes)) for info in segmentation.objects]
    called = segmentation.frame_names
    if called.known:
        names[FRAME_NAMES] = [called.name(frame) for frame in frames]
    # As `np.savez_compressed` does it, but a frame at a time: a film's masks need not fit into
    # memory.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for key, texts in names.items():
            with archive.open(f"{key}.npy", "w") as file:
                np.lib.format.write_array(file, np.array(texts), allow_pickle=False)
        for info in segmentation.objects:
            masks = (segmentation.mask(info.id, frame) for frame in frames)
            if len(sizes) == 1:
                _write_masks(archive, str(info.id), (len(frames), *sizes.copy().pop()), masks)
            else:
                for frame, mask_hw in enumerate(masks):
                    _write_masks(archive, f"{info.id}/{frame}", mask_hw.shape, [mask_hw])
    return path


def _write_masks(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    masks: Iterable[NDArray[np.bool_]],
) -> None:
    """Write an array of the bools of some masks, one after the other."""
    header = {"descr": np.dtype(np.bool_).str, "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for mask_hw in masks:
            file.write(np.ascontiguousarray(mask_hw).data)


def read_npz(path: Path, video: Video) -> Imported:
    """Read what `write_npz` writes, or any `.npz` or `.npy` of masks.

    It has, by object, (T, H, W) or (H, W) arrays whose names are object ids or else become the
    objects' names; or one array of labels. Empty masks are frames without one.
    """
    if path.suffix.lower() == ".npy":
        return read_volume(_load(path), video, str(path))
    if not zipfile.is_zipfile(path):
        raise SessionError(f"{path} is not an .npz file: it may be damaged.")
    with _load(path) as file:
        try:
            arrays = {name: file[name] for name in file.files}
        except UNREADABLE as error:
            raise _unreadable(path, error) from error
    given, called = _texts(arrays, NAMES), _texts(arrays, FRAME_NAMES)
    class_names, classes = _texts(arrays, CLASS_NAMES), _texts(arrays, CLASSES)
    attributes = _texts(arrays, ATTRIBUTES)
    frames, notes = _frames(called, video, path)
    found = read_objects(arrays, video, str(path), frames)
    notes += found.notes
    ids = sorted(
        {int(name.partition("/")[0]) for name in arrays if name.partition("/")[0].isdecimal()}
    )
    names = dict(found.names.items())
    if len(given) == len(ids):
        names |= dict(zip(ids, given, strict=True))
    labels = LabelReader(str(path))
    labels.add_classes(class_names)
    for n, obj in enumerate(ids):
        labels.set_class(obj, classes[n] if len(classes) == len(ids) else "")
        if len(attributes) == len(ids):
            labels.add_attributes(obj, _load_json(attributes[n], path))
    return Imported(found.masks, names, (*notes, *labels.notes), labels.labels)


def _texts(arrays: dict[str, Any], name: str) -> list[str]:
    """Take the texts of an array out; none where there is no such array, or it has masks."""
    if name not in arrays or arrays[name].dtype.kind != "U":
        return []
    return [str(text) for text in np.ravel(arrays.pop(name))]


def _load_json(text: str, path: Path) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{path} has attributes that are no JSON ({error}).") from error


def _frames(
    called: list[str], video: Video, path: Path
) -> tuple[list[int | None] | None, list[str]]:
    """Find the frames that an array's masks are of, where the file says their names."""
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


FORMAT = Format(
    "npz",
    ".npz",
    write_npz,
    read_npz,
    description="one .npz: for each object id a (T, H, W) bool array, names, classes and "
    "attributes of objects, and frame_names",
    more_suffixes=frozenset({".npy"}),
)
