"""Mask logits of prompted frames: the last ones in memory, the others in a temporary file."""

from __future__ import annotations

import logging
import math
import tempfile
import weakref
from itertools import count
from typing import IO

import torch
from torch import Tensor

_log = logging.getLogger(__name__)

MAX_IN_MEMORY = 64
"""Prompted frames whose logits stay in memory, those stored last: 16 MB at an input of 1024."""


class StoredLogits:
    """Mask logits of one object on one frame, wherever they lie."""

    def __init__(self, logits: Tensor) -> None:
        self.in_memory: Tensor | None = logits
        """None once they are in the file."""
        self.shape, self.device = logits.shape, logits.device
        self.file: IO[bytes] | None = None
        self.slot = 0
        """Which piece of the file they are."""

    def load(self) -> Tensor:
        """Get them as they were stored, on their device."""
        if self.in_memory is not None:
            return self.in_memory
        assert self.file is not None
        num_bytes = 4 * math.prod(self.shape)
        self.file.seek(self.slot * num_bytes)
        values = bytearray(self.file.read(num_bytes))
        if len(values) != num_bytes:
            raise OSError("The temporary file with the masks of prompted frames was cut short.")
        return torch.frombuffer(values, dtype=torch.float32).view(self.shape).to(self.device)


class LogitsStore:
    """Keeps logits of one size; what nobody holds any more is freed.

    Where no temporary file can be written, all of them stay in memory.

    Parameters
    ----------
    max_in_memory : of those stored last.
    """

    def __init__(self, max_in_memory: int = MAX_IN_MEMORY) -> None:
        self._max_in_memory = max_in_memory
        self._numbers = count()
        self._in_memory: weakref.WeakValueDictionary[int, StoredLogits] = (
            weakref.WeakValueDictionary()
        )
        """In the order in which they were stored."""
        self._file: IO[bytes] | None = None
        self._num_slots = 0
        self._free_slots: list[int] = []
        self._can_write = True

    def put(self, logits: Tensor) -> StoredLogits:
        """Store (1, 1, h, w) float32 logits, and write the oldest where there are too many."""
        stored = StoredLogits(logits)
        self._in_memory[next(self._numbers)] = stored
        while self._can_write and len(self._in_memory) > self._max_in_memory:
            number, oldest = next(iter(self._in_memory.items()))
            try:
                self._write(oldest)
            except OSError as error:
                _log.warning("Masks of prompted frames stay in memory: %s.", error)
                self._can_write = False
            else:
                del self._in_memory[number]
        return stored

    def _write(self, stored: StoredLogits) -> None:
        assert stored.in_memory is not None
        values = stored.in_memory.cpu().contiguous().numpy().tobytes()
        self._file = self._file or tempfile.TemporaryFile(prefix="sam2-")  # noqa: SIM115
        slot = self._free_slots.pop() if self._free_slots else self._num_slots
        self._file.seek(slot * len(values))
        self._file.write(values)
        self._file.flush()
        self._num_slots = max(self._num_slots, slot + 1)
        stored.file, stored.slot, stored.in_memory = self._file, slot, None
        weakref.finalize(stored, self._free_slots.append, slot)
