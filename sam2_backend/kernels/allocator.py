"""Keep what the network frees for its next layer, rather than give it back to the system.

glibc maps large blocks anew each time and unmaps them when they are freed; a network on a CPU
frees hundreds of megabytes with every layer, and the page faults of the next one took up to a
quarter of the image encoder's time. What lives longer than a step is better off outside: it would
leave holes among what does not, and the process would grow.
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
"""Of mallopt(3): its number and value. Nothing is mapped for itself, up to 2 GB are kept, more is
asked for in steps of 64 MB, and threads share what was freed."""
OPT_OUT = "SAM2_SYSTEM_MALLOC"
"""Environment variable: anything in it leaves the process's allocator as it is."""


def keep_freed_memory() -> None:
    """Tune glibc's malloc for this process. Elsewhere, or where the user tuned it, do nothing."""
    tuned = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES", OPT_OUT)) for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or tuned:
        return
    mallopt = ctypes.CDLL(None).mallopt
    for number, value in _SETTINGS.values():
        mallopt(number, value)


def in_own_pages(tensor: Tensor) -> Tensor:
    """A copy of a dense tensor, of the same layout, whose pages go back to the system when nobody
    holds it any more; the very tensor where it is not in the memory of a CPU."""
    if tensor.device.type != "cpu":
        return tensor
    pages = mmap.mmap(-1, tensor.nbytes)
    copy = torch.frombuffer(pages, dtype=tensor.dtype).as_strided(tensor.shape, tensor.stride())
    return copy.copy_(tensor)
