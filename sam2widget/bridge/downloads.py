"""Files that a browser fetches through the comm, a part at a time and at its own pace."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import SessionError

CHUNK_BYTES = 512 * 1024
MAX_DOWNLOAD_BYTES = 500_000_000
"""More is much for a browser to hold in memory, and for a notebook's connection to carry."""
MAX_KEPT = 3
"""Downloads that are kept at a time: a browser that has gone wants no more of its own."""


@dataclass(frozen=True)
class _Download:
    path: Path
    folder: Path
    """Goes with it."""


class Downloads:
    """The files that are being fetched. Safe from any thread."""

    def __init__(self) -> None:
        self._kept: dict[int, _Download] = {}
        self._count = 0
        self._lock = threading.Lock()

    def add(self, path: Path, folder: Path) -> int:
        """Keep a file until it is dropped, and return its id.

        Parameters
        ----------
        folder : that it lies in, which goes with it.

        Raises
        ------
        SessionError
            When it is larger than a browser takes.
        """
        size = path.stat().st_size
        if size > MAX_DOWNLOAD_BYTES:
            raise SessionError(
                f"This export has {size / 1e6:,.0f} MB, and a browser takes at most "
                f"{MAX_DOWNLOAD_BYTES / 1e6:,.0f} MB through the notebook's connection: export it "
                "to a place on the kernel's machine, and copy it from there."
            )
        with self._lock:
            self._count += 1
            self._kept[self._count] = _Download(path, folder)
            oldest = list(self._kept)[:-MAX_KEPT]
            added = self._count
        for one in oldest:
            self.drop(one)
        return added

    def read(self, download: int, offset: int) -> bytes:
        """Read the bytes of a download from an offset on, `CHUNK_BYTES` at most.

        Raises
        ------
        SessionError
            When it is not there any more.
        """
        with self._lock:
            kept = self._kept.get(download)
        try:
            if kept is None:
                raise FileNotFoundError
            with kept.path.open("rb") as file:
                file.seek(offset)
                return file.read(CHUNK_BYTES)
        except OSError as error:
            raise SessionError(
                "This download is not there any more: export it once more."
            ) from error

    def drop(self, download: int) -> None:
        """Let go of a download and its folder."""
        with self._lock:
            kept = self._kept.pop(download, None)
        if kept is not None:
            shutil.rmtree(kept.folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of all of them."""
        for download in list(self._kept):
            self.drop(download)
