"""Videos, pictures and arrays by URL, through fsspec: what is needed is read in ranges."""

from __future__ import annotations

import os
import re
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray

from ..arrays.arrays import ArrayVideo
from ..arrays.stores import HDF5_SUFFIXES, ZARR_FILES, import_extra, open_zarr, read_inside
from ..base import DEFAULT_FPS, Kind, Video
from ..errors import VideoError
from ..lru import BytesLru
from ..options import OpenOptions, Plane
from ..pictures.images import HIDDEN, IMAGE_SUFFIXES, natural_sort_key
from ..sources import open_source
from .files import WEB, RemoteFile, access_error, strip_secrets

CONNECT_S, READ_S = 20, 60
"""How long a server on the web may take to answer, and to go on."""

KEPT_BYTES = 128 * 2**20
"""Of pictures of a folder."""


def open_url(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open the URL of a video, an image, a folder of images, HDF5 or zarr; see `SourceOpener`.

    Any protocol of fsspec can be used.

    Raises
    ------
    VideoError
        When it cannot be reached or read.
    """
    if not isinstance(source, str):
        return None
    url = source
    shown = strip_secrets(url)
    fsspec = import_extra("fsspec", f"{shown} is read by its URL")
    try:
        filesystem, path = fsspec.core.url_to_fs(url, **_options(url))
    except ImportError as error:
        raise VideoError(f"{shown} needs another package: {error}.") from None
    except Exception as error:
        raise access_error(shown, error) from None
    video = _open_at(filesystem, path, url, kind, options)
    video.location = shown
    return video


def _open_at(filesystem: Any, path: str, url: str, kind: Kind, options: OpenOptions) -> Video:
    axes, z = options.axes, options.plane
    shown = strip_secrets(url)
    zarr_root = re.match(r"(.*\.zarr)(?:/+(.*))?$", urlsplit(url).path.rstrip("/"))
    is_folder = zarr_root is not None or _is_folder(filesystem, path, shown)
    names = _listing(filesystem, path) if is_folder and zarr_root is None else {}
    if zarr_root is not None or any(name in names for name in ZARR_FILES):
        return _open_zarr(url, shown, zarr_root, axes, z)
    suffix = os.path.splitext(shown)[1].lower()
    if not is_folder and suffix in HDF5_SUFFIXES:
        h5py = import_extra("h5py", f"{shown} is an HDF5 file")
        file = RemoteFile(filesystem, path, shown)
        array, name = read_inside(h5py.File(file.open(), "r"), "", shown)
        return ArrayVideo(array, name, axes=axes, z=z)
    is_picture = not is_folder and suffix in IMAGE_SUFFIXES
    for_arrays = replace(options, plane=None) if is_picture else options
    for_arrays.refuse_for_arrays(f"{shown} is none")
    local = replace(options, axes=None)
    if is_folder:
        pictures = [name for name in names if _is_picture(name)]
        if not pictures:
            raise VideoError(f"The folder {shown} holds no images: expected files such as 0.jpg.")
        return RemoteImages(filesystem, {n: names[n] for n in pictures}, shown, kind, local)
    if suffix in (".npy", ".npz", ".zip"):
        raise VideoError(f"{shown} is read from disk alone: download it first, or write zarr.")
    if is_picture:
        return _open_downloaded(filesystem, path, shown, kind, local)
    from ..containers.container import FileVideo

    return FileVideo(RemoteFile(filesystem, path, shown))


def _options(url: str) -> dict[str, Any]:
    if not url.startswith(WEB):
        return {}
    aiohttp = import_extra("aiohttp", "What is on the web is read by its URL")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_S)
    return {"client_kwargs": {"timeout": timeout}}


def _is_folder(filesystem: Any, path: str, shown: str) -> bool:
    if path.endswith("/"):
        return True
    if shown.startswith(WEB):
        return False
    try:
        return bool(filesystem.info(path)["type"] == "directory")
    except Exception as error:
        raise access_error(shown, error) from None


def _listing(filesystem: Any, path: str) -> dict[str, str]:
    """Paths of what is in a folder, by name; of a page on the web, what it links to."""
    try:
        found = filesystem.ls(path, detail=False)
    except Exception as error:
        raise access_error(strip_secrets(path), error) from None
    paths = [str(one) for one in found]
    return {one.split("?")[0].rstrip("/").rsplit("/", 1)[-1]: one for one in paths}


def _is_picture(name: str) -> bool:
    return not name.startswith(HIDDEN) and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _open_zarr(
    url: str, shown: str, root: re.Match[str] | None, axes: str | None, z: Plane
) -> Video:
    zarr = import_extra("zarr", f"{shown} is a zarr store")
    parts = urlsplit(url)
    inside = "" if root is None else root[2] or ""
    top = url if root is None else urlunsplit(parts._replace(path=root[1]))
    place = strip_secrets(top).rstrip("/")
    if parts.query:
        raise VideoError(
            f"{shown} is a store of many files, to which a query (?…) cannot be added: give its "
            "credentials as fsspec's options for the protocol, in its configuration."
        )
    if hasattr(zarr.storage, "FsspecStore"):
        of_url = zarr.storage.FsspecStore.from_url
        store = of_url(top, storage_options=_options(url), read_only=True)
    else:  # zarr 2, which Python 3.10 has
        store = zarr.storage.FSStore(top, mode="r", **_options(url))
    try:
        return open_zarr(zarr, store, place, inside, axes, z)
    except VideoError as error:
        raise VideoError(str(error).replace(top, strip_secrets(top))) from None


def _download(filesystem: Any, path: str, target: Path, shown: str) -> Path:
    try:
        target.write_bytes(filesystem.cat_file(path))
    except Exception as error:
        raise access_error(shown, error) from None
    return target


def _open_downloaded(
    filesystem: Any, path: str, shown: str, kind: Kind, options: OpenOptions
) -> Video:
    """A picture, kept on disk as long as it is in use."""
    folder = tempfile.TemporaryDirectory(prefix="sam2widget-")
    name = shown.rsplit("/", 1)[-1]
    try:
        file = _download(filesystem, path, Path(folder.name) / name, shown)
        video = open_source(file, kind, options)
    except VideoError as error:
        raise VideoError(str(error).replace(f"{folder.name}/{name}", shown)) from None
    weakref.finalize(video, folder.cleanup)
    video.path = None
    return video


class RemoteImages(Video):
    """Images of a folder by URL, each fetched when it is shown.

    Parameters
    ----------
    filesystem : of fsspec.
    paths : in it, by name.
    url : of the folder, to show.
    kind : "images" for pictures that may be of several sizes; each is fetched once to find its.
    options : with which each is opened.
    """

    def __init__(
        self,
        filesystem: Any,
        paths: dict[str, str],
        url: str,
        kind: Kind,
        options: OpenOptions,
    ) -> None:
        names = sorted(paths, key=natural_sort_key)
        self._filesystem, self._url, self._open_options = filesystem, url, options
        self._paths = [paths[name] for name in names]
        self.names = names
        self._cache = BytesLru[int, NDArray[Any]](KEPT_BYTES, lambda values: values.nbytes)
        self._first_is_deep = False
        first = self._fetch(0)
        sizes = None
        if kind == "images":
            shapes = [first.shape, *(self._fetch(n).shape for n in range(1, len(names)))]
            sizes = [(shape[1], shape[0]) for shape in shapes]
        name = url.rstrip("/").rsplit("/", 1)[-1]
        self.kind = kind
        super().__init__(len(names), first.shape[1], first.shape[0], DEFAULT_FPS, name, sizes)

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._cache.get(frame)
        if values is None:
            values = self._fetch(frame)
            self._cache.put(frame, values)
        if self.kind == "video" and values.shape[:2] != (self.height, self.width):
            raise VideoError(
                f"{self._url_of(frame)} is {values.shape[1]}x{values.shape[0]}, but the first is "
                f"{self.width}x{self.height}: all frames of a video must have one size. Are they "
                "pictures, each on its own? Then say kind='images'."
            )
        return values

    def _url_of(self, frame: int) -> str:
        """The URL of a frame."""
        assert self.names is not None
        return f"{self._url.rstrip('/')}/{self.names[frame]}"

    def _fetch(self, frame: int) -> NDArray[Any]:
        video = _open_downloaded(
            self._filesystem, self._paths[frame], self._url_of(frame), "images", self._open_options
        )
        values = np.array(video.raw(0))
        if frame == 0:
            self._first_is_deep = video.contrast is not None
        return values

    @property
    def _is_deep(self) -> bool:
        return self._first_is_deep
