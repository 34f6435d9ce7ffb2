"""NumPy `.npz`: for each object a (T, H, W) array, or one array for each picture."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
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
    arrays: dict[str, Any] = {NAMES: np.array([info.name for info in segmentation.objects])}
    frames = range(len(segmentation))
    sizes = {segmentation.size_hw(frame) for frame in frames}
    for info in segmentation.objects:
        masks = (segmentation.mask(info.id, frame) for frame in frames)
        if len(sizes) == 1:
            arrays[str(info.id)] = np.stack(list(masks))
        else:
            arrays |= {f"{info.id}/{frame}": mask for frame, mask in enumerate(masks)}
    np.savez_compressed(path, **arrays)
    return path


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
