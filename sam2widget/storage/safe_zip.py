"""Zip archives of a few known members: written in one stroke, read with distrust."""

from __future__ import annotations

import io
import os
import uuid
import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.files import replace_file

_DEFLATE_LEVEL = 1
"""Fast: run lengths are small already."""


class ZipError(ValueError):
    """An archive that cannot be used; the message says what is wrong with it."""


class ZipTooLargeError(ZipError):
    """An archive that would unpack to more than is allowed."""


def write_zip(
    path: Path, members: Mapping[str, bytes], *, as_they_are: Container[str] = ()
) -> None:
    """Write a zip archive in place of an earlier file, which stays whole until then.

    Parameters
    ----------
    path : of the archive; its folder must exist.
    members : contents by name. The same contents give the same bytes.
    as_they_are : names of those that are packed already, and are not packed once more.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(unfinished, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, content in members.items():
                    # Named by a ZipInfo, a member carries no time of day.
                    info = zipfile.ZipInfo(name)
                    info.external_attr = 0o644 << 16
                    method = zipfile.ZIP_STORED if name in as_they_are else zipfile.ZIP_DEFLATED
                    archive.writestr(info, content, method, _DEFLATE_LEVEL)
            file.flush()
            os.fsync(file.fileno())
        replace_file(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class SafeZip:
    """A zip archive that is only read, never unpacked to disk.

    Parameters
    ----------
    content : the open file.
    max_bytes : what all members may take unpacked.

    Raises
    ------
    ZipError
        When it is no zip archive, is damaged, names a member outside itself or one twice, or
        would unpack to more.
    """

    def __init__(self, content: io.BufferedIOBase, max_bytes: int) -> None:
        start = content.read(4)
        content.seek(0)
        try:
            self._zip = zipfile.ZipFile(content)
            infos = self._zip.infolist()
        except Exception as error:
            # Besides BadZipFile, a damaged directory raises struct.error, UnicodeDecodeError, …
            if start[:2] != b"PK":
                raise ZipError("it is no zip archive") from error
            raise ZipError(
                f"its end is damaged or cut off, as by a copy that was broken off ({error})"
            ) from error
        self.names = [info.filename for info in infos]
        for name in self.names:
            _check_name(name)
        if len(set(self.names)) < len(self.names):
            raise ZipError(f"it holds a member twice: {', '.join(self.names[:8])}")
        total = sum(info.file_size for info in infos)
        if total > max_bytes:
            raise ZipTooLargeError(
                f"it unpacks to {total:,} bytes, more than the {max_bytes:,} that are allowed"
            )

    def read(self, name: str) -> bytes:
        """Read one member, whose checksum must be right."""
        try:
            with self._zip.open(name) as member:
                # No more than was announced, and summed up, is unpacked.
                return member.read(self._zip.getinfo(name).file_size + 1)
        except Exception as error:
            # zlib.error, BadZipFile, NotImplementedError (a method of packing that does not
            # exist), RuntimeError (a bit that says "encrypted"): all from a flipped bit.
            raise ZipError(f"{name!r} in it is damaged ({error})") from error


def list_checksums(path: Path) -> tuple[tuple[str, int], ...] | None:
    """List the members of an archive with their checksums; None where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple((info.filename, info.CRC) for info in archive.infolist())
    except Exception:  # a damaged directory raises many errors: see `SafeZip`
        return None


def array_to_bytes(array: NDArray[Any]) -> bytes:
    """Give the bytes of an array as a `.npy` file, without objects."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0))
    return buffer.getvalue()


def array_from_bytes(content: bytes, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Read a one-dimensional array of exactly this type from a `.npy` file.

    Raises
    ------
    ZipError
        When it is something else, before anything of the size that it announces is allocated.
    """
    buffer = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(buffer)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        header = np.lib.format.read_array_header_1_0(buffer)
    except Exception as error:
        # A header is parsed as Python: it may fail in any of the parser's ways.
        raise ZipError(f"{name!r} in it is no .npy file of version 1.0 ({error})") from error
    shape, _, found = header
    if found != dtype or len(shape) != 1:
        raise ZipError(f"{name!r} in it holds {found} of shape {shape}, expected (N,) {dtype}")
    num_bytes = len(content) - buffer.tell()
    if num_bytes != shape[0] * dtype.itemsize:
        raise ZipError(
            f"{name!r} in it announces {shape[0]} values but holds {num_bytes} bytes, of "
            f"{dtype.itemsize} each"
        )
    return np.frombuffer(content, dtype, offset=buffer.tell())


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise ZipError(f"it names {name!r}, a place outside itself: it may be an attack")
