"""Too little memory: smaller batches, and where nothing helps, an error that says what to do."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch

R = TypeVar("R")

_SIGNS = "can't allocate memory", "not enough memory", "bad_alloc", "out of memory"
"""Parts of the messages of PyTorch's plain RuntimeErrors about a host's memory."""
GROW_AFTER = 128
"""Batches of the reduced size that must succeed before twice as many items are tried."""
MAX_GROW_AFTER = 64 * GROW_AFTER
"""The same after several attempts that failed: each doubles the wait."""


class OutOfMemoryError(MemoryError):
    """The memory of a device does not suffice; the message says what to do."""


@contextmanager
def guard_memory(device: torch.device) -> Generator[None, None, None]:
    """Turn every error for lack of memory inside the block into an `OutOfMemoryError`.

    Parameters
    ----------
    device : named in the message.

    Raises
    ------
    OutOfMemoryError
        When the block fails for lack of memory.
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OutOfMemoryError(
            f"The memory of {device} does not suffice ({reason}). Close what else uses it, take a "
            "smaller model, give load_model a smaller image_size=, or say device='cpu'."
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or any(
        sign in str(error) for sign in _SIGNS
    )


class _Sliceable(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Any: ...


class AdaptiveBatcher:
    """Runs work in batches as large as memory allows, which is learnt from failures.

    A batch that fails is halved. After `GROW_AFTER` batches that succeeded twice as many items
    are tried again: another process may have freed its memory. Each attempt that fails doubles
    the wait for the next.

    Parameters
    ----------
    device : whose memory it is.
    free_cache : frees what can be computed again; called before a smaller batch is tried.
    max_size : most items of a batch; if None all at once.
    """

    def __init__(
        self,
        device: torch.device,
        free_cache: Callable[[], object] = lambda: None,
        max_size: int | None = None,
    ) -> None:
        self._device = device
        self._free_cache = free_cache
        self._max_size = max_size
        self._grow_after = GROW_AFTER
        self._successes = 0
        self._is_trial = False
        self.size = max_size
        """Most items of the next batch; None for all at once."""

    def map(self, work: Callable[[Any], R], items: _Sliceable) -> Iterator[R]:
        """Give the results of the batches, in order.

        Parameters
        ----------
        work : is given a batch; it may be called again with a part of it.
        items : a sequence, an array or a tensor.

        Raises
        ------
        OutOfMemoryError
            When a single item does not fit after the cache was freed.
        """
        done, cache_was_freed = 0, False
        while done < len(items):
            batch = items[done : done + (self.size or len(items))]
            try:
                with guard_memory(self._device):
                    result = work(batch)
            except OutOfMemoryError:
                if len(batch) == 1 and cache_was_freed:
                    raise
            else:
                yield result
                done += len(batch)
                cache_was_freed = False
                self._count_success(len(batch))
                continue
            # Out of the handler: the error no longer holds on to what the attempt had computed.
            self._shrink(len(batch))
            self._free_cache()
            gc.collect()
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            cache_was_freed = True

    def _shrink(self, failed_size: int) -> None:
        self.size = max(failed_size // 2, 1)
        if self._is_trial:
            self._grow_after = min(2 * self._grow_after, MAX_GROW_AFTER)
        self._successes, self._is_trial = 0, False

    def _count_success(self, size: int) -> None:
        """Try larger batches after enough full ones of a reduced size."""
        if self.size is None or size < self.size:
            return
        if self._is_trial:
            self._grow_after, self._is_trial = GROW_AFTER, False
        if self.size == self._max_size:
            return
        self._successes += 1
        if self._successes < self._grow_after:
            return
        self._successes, self._is_trial = 0, True
        self.size = 2 * self.size if self._max_size is None else min(2 * self.size, self._max_size)
