"""Work beside the current stream of a CUDA device; on other devices, work like any other."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

import torch
from torch import Tensor

Ticket = torch.cuda.Event | None
"""What to wait for before results are used; None where there is nothing to wait for."""


class SideStream:
    """A stream of its own.

    Parameters
    ----------
    device : of the stream.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @contextmanager
    def run(self, inputs: Iterable[Tensor] = ()) -> Generator[None, None, None]:
        """Do what the block launches beside what the current stream is given from now on.

        Parameters
        ----------
        inputs : of the current stream, that the block reads and that may be freed before it is
            done.
        """
        if self._stream is None:
            yield
            return
        # What it reads, such as weights that were just cast, may come from the current stream.
        self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        for tensor in inputs:
            tensor.record_stream(self._stream)
        with torch.cuda.stream(self._stream):
            yield

    def issue_ticket(self) -> Ticket:
        """Get what to `redeem` before the results of the last block are used."""
        if self._stream is None:
            return None
        ticket = torch.cuda.Event()
        ticket.record(self._stream)
        return ticket

    def redeem(self, ticket: Ticket, tensors: Iterable[Tensor]) -> None:
        """Let the current stream use results, once they are there; the host does not wait."""
        if self._stream is None or ticket is None:
            return
        current = torch.cuda.current_stream(self._stream.device)
        current.wait_event(ticket)
        for tensor in tensors:
            tensor.record_stream(current)
