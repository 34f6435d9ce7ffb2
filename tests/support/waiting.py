"""Waiting for something that another thread or process does."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterable

LIMIT_S = 120.0
POLL_S = 0.01


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as it is so; fail where it never becomes so."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(POLL_S)


def wait_until_collected(one: weakref.ref) -> None:
    """Return as soon as nothing holds it any more."""

    def collected() -> bool:
        gc.collect()
        return one() is None

    wait_until(collected)


def threads_ended(before: Iterable[threading.Thread]) -> bool:
    """Whether every thread that began since `before`, from `threading.enumerate`, has ended."""
    return set(threading.enumerate()) <= set(before)
