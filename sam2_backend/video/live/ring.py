"""The newest pieces of a stream, in a file of bounded size."""

from __future__ import annotations

import os
import tempfile
import threading
from itertools import count


class Ring:
    """Numbered pieces of bytes in one file, of which the newest are kept. Safe from any thread.

    The file has no name where the system allows that, and else is removed when it is closed: it
    is gone with the process, however that ends.

    Parameters
    ----------
    max_bytes : most bytes of the file.
    folder : where it is made; where temporary files are if None.
    """

    def __init__(self, max_bytes: int, folder: str | os.PathLike[str] | None = None) -> None:
        self.max_bytes = max_bytes
        self._file = tempfile.TemporaryFile(  # noqa: SIM115
            dir=folder, prefix="sam2-live-", buffering=0
        )
        self._lock = threading.Lock()
        self._numbers = count()
        self._head = 0
        self._places: dict[int, tuple[int, int]] = {}
        """Offset and length by number, the oldest first."""

    @property
    def first(self) -> int | None:
        """The oldest number kept; None where there is none."""
        with self._lock:
            return next(iter(self._places), None)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept."""
        with self._lock:
            return sum(length for _, length in self._places.values())

    def __len__(self) -> int:
        return len(self._places)

    def append(self, data: bytes) -> int:
        """Keep a piece, dropping the oldest where it needs their room.

        Returns
        -------
        int
            Its number, from 0.

        Raises
        ------
        ValueError
            When it is larger than the file may be, or the ring is closed.
        OSError
            When it cannot be written; the pieces before are kept, but for those in its place.
        """
        if len(data) > self.max_bytes:
            raise ValueError(f"{len(data)} bytes do not fit into {self.max_bytes}.")
        with self._lock:
            if self._head + len(data) > self.max_bytes:
                # What lies from here to the end is the oldest: numbers must go in order.
                self._drop_in(self._head, self.max_bytes)
                self._head = 0
            self._drop_in(self._head, self._head + len(data))
            self._file.seek(self._head)
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            number = next(self._numbers)
            self._places[number] = self._head, len(data)
            self._head += len(data)
            return number

    def read(self, number: int) -> bytes | None:
        """A piece, or None where it is not kept."""
        with self._lock:
            if number not in self._places:
                return None
            offset, length = self._places[number]
            self._file.seek(offset)
            data = bytearray()
            while len(data) < length and (more := self._file.read(length - len(data))):
                data += more
            return bytes(data)

    def close(self) -> None:
        """Drop everything and give the disk back. Idempotent."""
        with self._lock:
            self._places.clear()
            self._file.close()

    def _drop_in(self, start: int, stop: int) -> None:
        """Drop the oldest pieces as long as they lie between two offsets."""
        while self._places:
            number, (offset, length) = next(iter(self._places.items()))
            if offset >= stop or offset + length <= start:
                return
            del self._places[number]
