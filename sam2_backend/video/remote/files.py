"""A file by URL as a `Path`'s and PyAV's equal: read in ranges, and what goes wrong on the way."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from ..errors import VideoError
from ..lru import BytesLru

BLOCK_BYTES = 512 * 2**10
MAX_BLOCKS_AT_ONCE = 8
"""Read in one request where blocks are asked for one after the other."""
CACHE_BYTES = 128 * 2**20
TRIES = 3
WEB = "http", "https"


def is_url(source: str) -> bool:
    """Whether a source is a URL, also one of fsspec's chains, and not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+(::|://)", source) is not None


def strip_secrets(url: str) -> str:
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
            raise access_error(url, error) from None
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
                raise access_error(self._url, error) from None
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


def access_error(url: str, error: BaseException) -> VideoError:
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
