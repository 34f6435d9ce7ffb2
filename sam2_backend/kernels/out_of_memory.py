"""When memory does not suffice: smaller batches, and if nothing helps, a sentence."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch

R = TypeVar("R")

_SIGNS = "can't allocate memory", "not enough memory", "bad_alloc", "out of memory"
"""What PyTorch says of a host's memory, by a mere RuntimeError."""


class OutOfMemoryError(MemoryError):
    """The memory of a device does not suffice; the message says what to do."""


@contextmanager
def memory_guarded(device: torch.device) -> Generator[None, None, None]:
    """Raise `OutOfMemoryError` where anything inside fails for lack of memory."""
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


class FittingBatches:
    """Batches as large as memory allows, which is learnt from failures.

    Parameters
    ----------
    device : whose memory it is.
    make_room : gives back what could be computed again.
    largest : items of a batch at first; all at once if None.
    """

    def __init__(
        self,
        device: torch.device,
        make_room: Callable[[], object] = lambda: None,
        largest: int | None = None,
    ) -> None:
        self._device = device
        self._make_room = make_room
        self.largest = largest

    def map(self, work: Callable[[Any], R], items: _Sliceable) -> Iterator[R]:
        """The results of the batches, in order.

        Parameters
        ----------
        work : what is done with a batch; it must not matter that it is begun again.
        items : a sequence, an array or a tensor.

        Raises
        ------
        OutOfMemoryError
            When a single item does not fit after room was made.
        """
        done, room_was_made = 0, False
        while done < len(items):
            batch = items[done : done + (self.largest or len(items))]
            try:
                with memory_guarded(self._device):
                    result = work(batch)
            except OutOfMemoryError:
                if len(batch) == 1 and room_was_made:
                    raise
            else:
                yield result
                done += len(batch)
                room_was_made = False
                continue
            # Out of the handler: the error no longer holds on to what the attempt had computed.
            self.largest = max(len(batch) // 2, 1)
            self._make_room()
            gc.collect()
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            room_was_made = True
