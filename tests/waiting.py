"""Waiting for something that another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 120.0
POLL_S = 0.01


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as it is so; fail where it never becomes so."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(POLL_S)
