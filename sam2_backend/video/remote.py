"""Videos, pictures and arrays by URL, through fsspec: what is needed is read in ranges."""

from __future__ import annotations

import io
import os
import re
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray

from .arrays import ArrayVideo
from .base import DEFAULT_FPS, Kind, Video, VideoError
from .images import IMAGE_SUFFIXES
from .lru import BytesLru
from .stores import HDF5_SUFFIXES, ZARR_FILES, import_extra, open_zarr, read_inside

BLOCK_BYTES = 512 * 2**10
MAX_BLOCKS_AT_ONCE = 8
"""Read in one request where blocks are asked for one after the other."""
CACHE_BYTES = 128 * 2**20
TRIES = 3
CONNECT_S, READ_S = 20, 60
WEB = "http", "https"

OpenPath = Callable[[Path, Kind], Video]
"""Opens what is on disk."""


def is_url(source: str) -> bool:
    """Whether a source is a URL, also one of fsspec's chains, and not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+(::|://)", source) is not None


def without_secrets(url: str) -> str:
    """The URL without passwords and without a query, where tokens and signatures are."""
    return "::".join(_bare(part) for part in url.split("::"))


def _bare(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("github", "git"):
        return url  # Their @ is none of a password.
    user, _, host = parts.netloc.rpartition("@")
    if user and parts.scheme not in WEB:
        host = f"{user.split(':')[0]}@{host}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


class RemoteFile:
    """A file by URL, where a `Path` of a file is asked for. Parts that were read are kept.

    Parameters
    ----------
    filesystem : of fsspec.
    path : in it.
    url : to show and to store, without secrets.

    Raises
    ------
    VideoError
        When it is not there, may not be read, or its server gives no parts of files.
    """

    def __init__(self, filesystem: Any, path: str, url: str) -> None:
        self._url = url
        self.name = url.rstrip("/").rsplit("/", 1)[-1]
        self.suffix = os.path.splitext(self.name)[1]
        try:
            self._file = filesystem.open(path, "rb", cache_type="none", block_size=BLOCK_BYTES)
        except Exception as error:
            raise refusal(url, error) from None
        size = getattr(self._file, "size", None)
        if callable(size):
            size = size()
        if not isinstance(size, int):
            raise _no_ranges(url)
        self.size = size
        self._blocks = BytesLru[int, bytes](CACHE_BYTES, len)
        self._next = -1
        self._at_once = 1
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return self._url

    def exists(self) -> bool:
        """It was there when it was opened."""
        return True

    is_file = exists

    def stat(self) -> os.stat_result:
        """With the size alone."""
        return os.stat_result((0, 0, 0, 0, 0, 0, self.size, 0, 0, 0))

    def open(self, mode: str = "rb") -> BinaryIO:
        """A file to read and seek, with a place of its own."""
        assert mode == "rb"
        return io.BufferedReader(_Place(self), 64 * 2**10)

    def block(self, number: int) -> bytes:
        """So many bytes from that block on; fewer at the end."""
        with self._lock:
            block = self._blocks.get(number)
            if block is None:
                self._at_once = (
                    min(2 * self._at_once, MAX_BLOCKS_AT_ONCE) if number == self._next else 1
                )
                self._next = number + self._at_once
                found = self._fetch(number * BLOCK_BYTES, self._next * BLOCK_BYTES)
                for n in range(self._at_once):
                    part = found[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]
                    self._blocks.put(number + n, part)
                block = found[:BLOCK_BYTES]
            return block

    def _fetch(self, start: int, end: int) -> bytes:
        length = min(end, self.size) - start
        for left in reversed(range(TRIES)):
            try:
                self._file.seek(start)
                found = bytes(self._file.read(length))
            except Exception as error:
                if left and _may_pass(error):
                    continue
                raise refusal(self._url, error) from None
            if len(found) == length:
                return found
        raise VideoError(f"{self._url} ended before its time: it has changed, or was cut off.")


class _Place(io.RawIOBase):
    """A place in a remote file."""

    def __init__(self, file: RemoteFile) -> None:
        self._remote = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._remote.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        if self._at >= self._remote.size:
            return 0
        number, within = divmod(self._at, BLOCK_BYTES)
        part = self._remote.block(number)[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def open_url(url: str, kind: Kind, axes: str | None, z: int | None, open_path: OpenPath) -> Video:
    """Open what is at a URL.

    Parameters
    ----------
    url : of a video, an image, a folder of images, HDF5 or zarr, with any protocol of fsspec.
    kind, axes, z : as of `open_video`.
    open_path : opens a path on disk.

    Raises
    ------
    VideoError
        When it cannot be reached or read.
    """
    shown = without_secrets(url)
    fsspec = import_extra("fsspec", f"{shown} is read by its URL", "remote")
    try:
        filesystem, path = fsspec.core.url_to_fs(url, **_options(url))
    except ImportError as error:
        raise VideoError(f"{shown} needs another package: {error}.") from None
    except Exception as error:
        raise refusal(shown, error) from None
    video = _open_at(filesystem, path, url, kind, axes, z, open_path)
    video.location = shown
    return video


def _open_at(
    filesystem: Any,
    path: str,
    url: str,
    kind: Kind,
    axes: str | None,
    z: int | None,
    open_path: OpenPath,
) -> Video:
    shown = without_secrets(url)
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
    if axes is not None or z is not None:
        raise VideoError(f"axes= and plane= are for arrays: {shown} is none.")
    if is_folder:
        pictures = [name for name in names if _is_picture(name)]
        if not pictures:
            raise VideoError(f"The folder {shown} holds no images: expected files such as 0.jpg.")
        return RemoteImages(filesystem, {n: names[n] for n in pictures}, shown, kind, open_path)
    if suffix in (".npy", ".npz", ".zip"):
        raise VideoError(f"{shown} is read from disk alone: download it first, or write zarr.")
    if suffix in IMAGE_SUFFIXES:
        return _open_downloaded(filesystem, path, shown, kind, open_path)
    from .container import FileVideo

    return FileVideo(RemoteFile(filesystem, path, shown))


def _options(url: str) -> dict[str, Any]:
    if not url.startswith(WEB):
        return {}
    aiohttp = import_extra("aiohttp", "What is on the web is read by its URL", "remote")
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
        raise refusal(shown, error) from None


def _listing(filesystem: Any, path: str) -> dict[str, str]:
    """Paths of what is in a folder, by name; of a page on the web, what it links to."""
    try:
        found = filesystem.ls(path, detail=False)
    except Exception as error:
        raise refusal(without_secrets(path), error) from None
    paths = [str(one) for one in found]
    return {one.split("?")[0].rstrip("/").rsplit("/", 1)[-1]: one for one in paths}


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _open_zarr(
    url: str, shown: str, root: re.Match[str] | None, axes: str | None, z: int | None
) -> Video:
    zarr = import_extra("zarr", f"{shown} is a zarr store")
    parts = urlsplit(url)
    inside = "" if root is None else root[2] or ""
    top = url if root is None else urlunsplit(parts._replace(path=root[1]))
    name = urlsplit(without_secrets(top)).path.rstrip("/").rsplit("/", 1)[-1]
    if parts.query:
        raise VideoError(
            f"{shown} is a store of many files, to which a query (?…) cannot be added: give its "
            "credentials as fsspec's options for the protocol, in its configuration."
        )
    store = zarr.storage.FsspecStore.from_url(top, storage_options=_options(url), read_only=True)
    try:
        return open_zarr(zarr, store, name, inside, axes, z)
    except VideoError as error:
        raise VideoError(str(error).replace(top, without_secrets(top))) from None


def _download(filesystem: Any, path: str, target: Path, shown: str) -> Path:
    try:
        target.write_bytes(filesystem.cat_file(path))
    except Exception as error:
        raise refusal(shown, error) from None
    return target


def _open_downloaded(
    filesystem: Any, path: str, shown: str, kind: Kind, open_path: OpenPath
) -> Video:
    """A picture, kept on disk as long as it is in use."""
    folder = tempfile.TemporaryDirectory(prefix="sam2widget-")
    name = shown.rsplit("/", 1)[-1]
    try:
        video = open_path(_download(filesystem, path, Path(folder.name) / name, shown), kind)
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
    open_path : opens an image on disk.
    """

    def __init__(
        self,
        filesystem: Any,
        paths: dict[str, str],
        url: str,
        kind: Kind,
        open_path: OpenPath,
    ) -> None:
        names = sorted(paths, key=_natural)
        self._filesystem, self._url, self._open_path = filesystem, url, open_path
        self._paths = [paths[name] for name in names]
        self.names = names
        self._cache = BytesLru[int, NDArray[Any]](CACHE_BYTES, lambda values: values.nbytes)
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
                f"{self.names_of(frame)} is {values.shape[1]}x{values.shape[0]}, but the first is "
                f"{self.width}x{self.height}: all frames of a video must have one size. Are they "
                "pictures, each on its own? Then say kind='images'."
            )
        return values

    def names_of(self, frame: int) -> str:
        """The URL of a frame."""
        assert self.names is not None
        return f"{self._url.rstrip('/')}/{self.names[frame]}"

    def _fetch(self, frame: int) -> NDArray[Any]:
        video = _open_downloaded(
            self._filesystem, self._paths[frame], self.names_of(frame), "images", self._open_path
        )
        values = np.array(video.raw(0))
        if frame == 0:
            self._first_is_deep = video.contrast is not None
        return values

    @property
    def _is_deep(self) -> bool:
        return self._first_is_deep


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [
        (0, int(part)) if part.isdecimal() else (1, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _causes(error: BaseException) -> Sequence[BaseException]:
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found


def _status(error: BaseException) -> int | None:
    """Of HTTP, wherever a library keeps it."""
    for one in _causes(error):
        value = getattr(one, "status", None) or getattr(one, "code", None)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _may_pass(error: BaseException) -> bool:
    status = _status(error)
    final = (FileNotFoundError, PermissionError, ValueError, NotImplementedError)
    return status >= 500 if status is not None else not isinstance(error, final)


def _no_ranges(url: str) -> VideoError:
    return VideoError(
        f"The server of {url} does not give parts of a file, only the whole: download it first, "
        "and open it from disk."
    )


def refusal(url: str, error: BaseException) -> VideoError:
    """What to say of an error on the way to a URL, without secrets that it may hold."""
    status = _status(error)
    if status in (401, 403) or isinstance(error, PermissionError):
        return VideoError(
            f"{url} may not be read{f' ({status})' if status else ''}: it asks for credentials, or "
            "for other ones. They are found where its own tools look for them."
        )
    if any(isinstance(one, TimeoutError) for one in _causes(error)) or any(
        "Timeout" in type(one).__name__ for one in _causes(error)
    ):
        return VideoError(f"{url} does not answer in time: try again, or download it first.")
    if status is not None and status not in (404, 410):
        return VideoError(f"The server of {url} refuses ({status}): try again, or download it.")
    if any(
        "Connect" in type(one).__name__ or isinstance(one, ConnectionError)
        for one in _causes(error)
    ):
        return VideoError(f"{urlsplit(url).netloc or url} cannot be reached: is the name right?")
    if isinstance(error, FileNotFoundError):
        return VideoError(f"There is nothing at {url}{f' ({status})' if status else ''}.")
    if "range requests" in str(error):
        return _no_ranges(url)
    reason = re.sub(r"\S+://\S+", url, str(error))
    return VideoError(f"{url} cannot be read ({type(error).__name__}: {reason}).")
