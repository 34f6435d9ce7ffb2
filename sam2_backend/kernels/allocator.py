"""Tune the C allocator, so that memory which one layer frees is reused by the next.

glibc maps large blocks anew each time and unmaps them when they are freed; a network on a CPU
frees hundreds of megabytes with every layer, and the page faults of the next one took up to a
quarter of the image encoder's time. What the host does with the frames and masks of a GPU gains as
much. Tensors that outlive a step are copied out of the heap: they would fragment it, and the
process would grow.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform

import torch
from torch import Tensor

_SETTINGS = {
    "M_MMAP_MAX": (-4, 0),
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),
    "M_TOP_PAD": (-2, 2**26),
    "M_ARENA_MAX": (-8, 1),
}
"""Parameters of mallopt(3), each with its number and value: no block gets a mapping of its own, up
to 2 GB of freed memory are kept, the heap grows in steps of 64 MB, and threads share one arena."""
OPT_OUT = "SAM2_SYSTEM_MALLOC"
"""Environment variable: anything in it leaves the process's allocator as it is."""


def tune_malloc() -> None:
    """Tune glibc's malloc for this process.

    Nothing is done with other C libraries, or where the environment tunes malloc already.
    """
    tuned = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES", OPT_OUT)) for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or tuned:
        return
    mallopt = ctypes.CDLL(None).mallopt
    for number, value in _SETTINGS.values():
        mallopt(number, value)


def copy_to_mmap(tensor: Tensor) -> Tensor:
    """Copy a dense CPU tensor into memory pages of its own.

    The pages go back to the system as soon as the copy is freed.

    Parameters
    ----------
    tensor : dense, of any shape and layout.

    Returns
    -------
    Tensor
        Of the same shape and strides; on other devices the given tensor itself.
    """
    if tensor.device.type != "cpu":
        return tensor
    pages = mmap.mmap(-1, tensor.nbytes)
    copy = torch.frombuffer(pages, dtype=tensor.dtype).as_strided(tensor.shape, tensor.stride())
    return copy.copy_(tensor)
