"""Recently used values, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BytesLru(Generic[K, V]):
    """A mapping that drops what was used longest ago. Safe from any thread.

    Parameters
    ----------
    max_bytes : most bytes kept; a value larger than that is not kept at all.
    size_of : gives the bytes of a value.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[V], int]) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._size_of = size_of
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, which becomes the most recent, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value, dropping old ones where it needs their room."""
        size = self._size_of(value)
        if size > self.max_bytes:
            return
        with self._lock:
            if key in self._values:
                self.nbytes -= self._size_of(self._values.pop(key))
            self._values[key] = value
            self.nbytes += size
            while self.nbytes > self.max_bytes:
                self.nbytes -= self._size_of(self._values.popitem(last=False)[1])

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._values.clear()
            self.nbytes = 0

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
