"""Arrays in files: .npy, .npz, HDF5, and zarr with OME-Zarr. ``file.h5/name`` is one inside."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...extras import install_command
from ..base import Kind, Video
from ..errors import VideoError
from ..options import OpenOptions, Plane
from .arrays import ArrayVideo
from .ome_zarr import find_multiscale
from .values import get_dtype

HDF5_SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".he5", ".nwb", ".ims", ".mat"})
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZARR_FILES = "zarr.json", ".zarray", ".zgroup"
MAX_LISTED = 20


def open_store(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open the path of a file or folder of arrays, or of an array inside one; see `SourceOpener`.

    Raises
    ------
    VideoError
        When it holds no array or several, cannot be shown, or its library is missing.
    """
    root, inside = _split(source) if isinstance(source, Path) else (None, "")
    if root is None:
        return None
    axes, z = options.axes, options.plane
    if root.is_dir() or root.name.lower().endswith(".zip"):
        return _open_zarr(root, inside, axes, z)
    suffix = root.suffix.lower() if root.suffix.lower() in (".npy", ".npz") else "HDF5"
    with _readable(str(root), suffix):
        if suffix == ".npy":
            found = {"": _load_numpy(root)}
        else:
            found = _load_numpy(root) if suffix == ".npz" else _open_hdf5(root)
        array, name = read_inside(found, inside, str(root.absolute()))
    return ArrayVideo(array, name, axes=axes, z=z)


@contextmanager
def _readable(name: str, kind: str) -> Generator[None, None, None]:
    """Turn what libraries raise of damaged files into a VideoError."""
    try:
        yield
    except VideoError:
        raise
    except Exception as error:
        # Of data with faults there is no end, nor of a disk's and the net's.
        raise VideoError(
            f"{name} cannot be read as {kind} ({type(error).__name__}: {error})."
        ) from error


def is_in_store(path: Path) -> bool:
    """Whether the path is of a file or folder of arrays that is there, or of an array inside."""
    return _split(path)[0] is not None


def find_only_array(group: Any, what: str, call: Callable[[str], str]) -> tuple[Any, str]:
    """The one array of a group, whatever else of fewer dimensions is in it, and its name.

    Parameters
    ----------
    group : a mapping, perhaps of mappings.
    what : names it in errors.
    call : writes down how to get an array by its name.

    Raises
    ------
    VideoError
        When there is none or there are several; they are listed.
    """
    arrays = {
        name: array for name, array in _arrays_of(group) if len(getattr(array, "shape", ())) >= 2
    }
    frames = {
        name: array
        for name, array in arrays.items()
        if len(array.shape) >= 3 and getattr(get_dtype(array), "kind", "u") in "buif"
    }
    found = frames or arrays
    if len(found) == 1:
        ((name, array),) = found.items()
        return array, name
    if not found:
        raise VideoError(f"{what} holds no array of frames: expected one of two or more axes.")
    listed = [f"{name} {tuple(array.shape)}" for name, array in found.items()]
    more = f" and {len(listed) - MAX_LISTED} more" if len(listed) > MAX_LISTED else ""
    raise VideoError(
        f"{what} holds several arrays: {', '.join(listed[:MAX_LISTED])}{more}. Say which, such as "
        f"{call(next(iter(found)))}."
    )


def _arrays_of(group: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name in group:
        one = group[name]
        if hasattr(one, "shape"):
            found.append((f"{prefix}{name}", one))
        elif isinstance(one, Mapping) or hasattr(one, "keys"):
            found.extend(_arrays_of(one, f"{prefix}{name}/"))
    return found


def _split(path: Path) -> tuple[Path | None, str]:
    """The store that a path is or lies in, and the name inside."""
    for root in (path, *path.parents):
        if root.is_dir():
            # Inside a zarr store each group is a store too.
            is_zarr = any((root / name).is_file() for name in ZARR_FILES)
            return (root, "/".join(path.parts[len(root.parts) :])) if is_zarr else (None, "")
        if root.is_file():
            inside = "/".join(path.parts[len(root.parts) :])
            return (root, inside) if _is_store_file(root) else (None, "")
    return None, ""


def _is_store_file(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith((".npy", ".npz", ".zarr.zip")):
        return True
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        start = file.read(8)
    if start == HDF5_SIGNATURE:
        return True
    # HDF5 may stand behind a block of the user's, as MATLAB has one.
    if path.suffix.lower() in HDF5_SUFFIXES:
        with path.open("rb") as file:
            return any(file.seek(at) == at and file.read(8) == HDF5_SIGNATURE for at in (512, 1024))
    return name.endswith(".zip") and _is_zarr_zip(path)


def _is_zarr_zip(path: Path) -> bool:
    import zipfile

    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.split("/")[-1] in ZARR_FILES for name in archive.namelist())


def read_inside(group: Any, inside: str, root: str) -> tuple[Any, str]:
    """An array of a file by its name, or the one in it; and what to call it.

    Parameters
    ----------
    group : the opened file.
    inside : name of an array or a group; "" for the file itself.
    root : path or URL of the file.
    """
    short = root.rsplit("/", 1)[-1]
    if not inside:
        array, name = find_only_array(group, root, lambda name: f"open_video({f'{root}/{name}'!r})")
        return array, f"{short}/{name}" if name else short
    try:
        found = group[inside]
    except KeyError:
        names = ", ".join(name for name, _ in _arrays_of(group)[:MAX_LISTED])
        raise VideoError(
            f"There is no {inside} in {root}: it holds {names or 'no arrays'}."
        ) from None
    if not hasattr(found, "shape"):
        place = f"{root}/{inside}"
        found, name = find_only_array(
            found, place, lambda name: f"open_video({f'{place}/{name}'!r})"
        )
        inside = f"{inside}/{name}"
    return found, f"{short}/{inside}"


def _load_numpy(path: Path) -> Any:
    try:
        mode = "r" if path.suffix.lower() == ".npy" else None
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise VideoError(f"{path} cannot be read as {path.suffix} ({error}).") from error


def _open_hdf5(path: Path) -> Any:
    h5py = import_extra("h5py", f"{path} is an HDF5 file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise VideoError(f"{path} cannot be read as HDF5 ({error}).") from error


def _open_zarr(root: Path, inside: str, axes: str | None, z: Plane) -> Video:
    zarr = import_extra("zarr", f"{root} is a zarr store")
    if root.is_dir():
        top = root
        while any((top.parent / name).is_file() for name in ZARR_FILES):
            top = top.parent  # A level of a pyramid is described by the group that it is in.
        inside = "/".join(
            p for p in (root.relative_to(top).as_posix(), inside) if p not in ("", ".")
        )
        return open_zarr(zarr, str(top), str(top.absolute()), inside, axes, z)
    store = zarr.storage.ZipStore(str(root), mode="r")
    return open_zarr(zarr, store, str(root.absolute()), inside, axes, z)


def open_zarr(zarr: Any, store: Any, place: str, inside: str, axes: str | None, z: Plane) -> Video:
    """Open an array, a pyramid of OME-Zarr, or the one array of a group.

    Parameters
    ----------
    zarr : the library.
    store : what it takes as such.
    place : its path or URL.
    inside : the name of an array or a group in it; "" for itself.
    axes, z : as of `open_video`.
    """
    name = place.replace("\\", "/").rsplit("/", 1)[-1]
    full = f"{name}/{inside}" if inside else name
    with _readable(name, "zarr"):
        top = zarr.open(store, mode="r")
        try:
            found = top[inside] if inside else top
        except KeyError:
            raise VideoError(f"There is no {inside} in {name}.") from None
        image = find_multiscale(top, inside, place)
        if image is not None:
            return image.open(full, axes, z)
        if not hasattr(found, "shape"):
            whole = f"{place}/{inside}" if inside else place
            found, chosen = find_only_array(
                dict(found.members()) if hasattr(found, "members") else found,
                whole,
                lambda one: f"open_video({f'{whole}/{one}'!r})",
            )
            full = f"{full}/{chosen}"
    return ArrayVideo(found, full, axes=axes, z=z)


def import_extra(module: str, why: str) -> Any:
    """Import a library that is not needed otherwise.

    Raises
    ------
    VideoError
        When it is not installed; the sentence says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise VideoError(f"{why}, which needs {module}: {install_command(module)}.") from error
