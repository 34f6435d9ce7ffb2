"""Copies between the host and a device that neither waits for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def copy_to_pinned(array: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Copy an array to where a CUDA device takes it from while the host goes on."""
    with torch.cuda.device(device):
        pinned = torch.empty(array.shape, dtype=torch.uint8, pin_memory=True)
    pinned.numpy()[...] = array
    return pinned


def copy_to_device(host: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor of the host to a device; a CUDA device goes on with what it does."""
    if device.type != "cuda":
        return host.to(device)
    return host.pin_memory().to(device, non_blocking=True)


class HostCopy:
    """A tensor on its way to the host: what is done until `wait` is not held up by it.

    Parameters
    ----------
    tensor : not to be changed in place until it was waited for.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._copy, self._arrived = tensor, None
        if tensor.device.type == "cuda":
            pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._copy = pinned.copy_(tensor, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def wait(self) -> Tensor:
        """Wait for the values, and return them on the CPU."""
        if self._arrived is None:
            return self._copy.cpu()
        self._arrived.synchronize()
        return self._copy
