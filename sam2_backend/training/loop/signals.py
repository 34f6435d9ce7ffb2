"""Signals that end a training run, which saves first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType


@contextlib.contextmanager
def handle_signals(on_signal: Callable[[], None]) -> Generator[None, None, None]:
    """Call a function at SIGTERM or SIGINT, within the context.

    Only the main thread may handle signals: in others this does nothing.

    Parameters
    ----------
    on_signal : called between two bytecode instructions of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        on_signal()

    before = {n: signal.signal(n, handle) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
