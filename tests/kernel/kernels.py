"""Real kernels, for one test each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from .front_end import LIMIT_S

ROOT = Path(__file__).parents[2]


@contextmanager
def running_kernel(packages: str = "") -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel that is ready, with this checkout on its path, and killed at the end.

    Parameters
    ----------
    packages : a folder whose packages go before the installed ones.
    """
    path = os.pathsep.join(filter(None, (packages, str(ROOT), os.environ.get("PYTHONPATH"))))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LIMIT_S)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
