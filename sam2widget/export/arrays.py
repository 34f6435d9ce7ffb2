"""NumPy `.npz`: for each object a (T, H, W) array, or one array for each picture."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..masks import Mask
from ..records import SessionError
from .segmentation import Imported, Segmentation

NAMES = "names"


def write_npz(segmentation: Segmentation, path: Path) -> Path:
    """Write masks by object id, bool, and ``names`` of the objects in the order of their ids.

    An object's array is (T, H, W); of pictures in several sizes each has its own, called
    ``ID/FRAME``.
    """
    frames = range(len(segmentation))
    sizes = {segmentation.size_hw(frame) for frame in frames}
    names = np.array([info.name for info in segmentation.objects])
    # As `np.savez_compressed` does it, but a frame at a time: a film's masks need not fit into
    # memory.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        with archive.open(f"{NAMES}.npy", "w") as file:
            np.lib.format.write_array(file, names, allow_pickle=False)
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


def read_npz(path: Path) -> Imported:
    """Read what `write_npz` writes, or any `.npz` of (T, H, W) or (H, W) arrays, whose names are
    object ids or else become the objects' names. Empty masks are frames without one."""
    if not zipfile.is_zipfile(path):
        raise SessionError(f"{path} is not an .npz file: it may be damaged.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SessionError(f"{path} cannot be read as .npz ({error}).") from error
    given = [str(name) for name in arrays.pop(NAMES, ())]
    found = from_arrays(arrays, str(path))
    if len(given) != len(found.names):
        return found
    return Imported(found.masks, dict(zip(sorted(found.names), given, strict=True)))


def from_arrays(arrays: Mapping[str, NDArray[Any]], where: str) -> Imported:
    """Masks of (T, H, W) or (H, W) arrays by object id, by ``ID/FRAME`` or by name.

    Raises
    ------
    SessionError
        When an array has another shape; it says `where`.
    """
    masks: dict[tuple[int, int], Mask] = {}
    names: dict[int, str] = {}
    for name, array in arrays.items():
        stem, _, frame = name.partition("/")
        obj = int(stem) if stem.isdecimal() and int(stem) else max(names, default=0) + 1
        names.setdefault(obj, f"Object {obj}" if stem.isdecimal() else stem)
        if array.ndim not in (2, 3):
            raise SessionError(
                f"{name} in {where} has the shape {array.shape}: masks are (T, H, W) or (H, W)."
            )
        first = int(frame) if frame.isdecimal() else 0
        for t, mask_hw in enumerate(array.reshape(-1, *array.shape[-2:]), first):
            if mask_hw.any():
                masks[obj, t] = Mask.from_array(mask_hw)
    return Imported(masks, names)
