"""Tells views that the kernel is alive, from a thread of its own.

What a view asks is answered by the thread that handles comm messages. In most kernels that is the
main one, which is busy while a cell runs, be it for an hour: an unanswered question is no sign that
a kernel has died. Another thread can send at any time, so silence of this one is.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref

from .flow_control import Outbox
from .protocol import Alive

INTERVAL_S = 1.0
LISTENED_S = 60.0
"""A view that has said nothing for so long may be gone, or cannot be heard while a cell runs."""


class Heartbeat:
    """A thread that says once a second that the kernel is there, while views listen.

    Parameters
    ----------
    outbox : where that goes.
    interval_s, listened_s : how often it says so, and how long after a view was heard.
    """

    def __init__(
        self,
        outbox: Outbox,
        interval_s: float = INTERVAL_S,
        listened_s: float = LISTENED_S,
    ) -> None:
        self._outbox = outbox
        self._interval_s = interval_s
        self._listened_s = listened_s
        self._heard_at = 0.0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        _OPEN.add(self)

    def renew(self) -> None:
        """A view was heard. Any thread."""
        with self._lock:
            self._heard_at = time.monotonic()
            if self._thread is None and not self._closing.is_set():
                # It holds us weakly: who drops the widget ends it.
                self._thread = threading.Thread(
                    target=_run,
                    args=(weakref.ref(self), self._closing, self._interval_s),
                    name="sam2widget heartbeat",
                    daemon=True,
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread. Any thread; idempotent."""
        with self._lock:
            self._closing.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def beat(self) -> bool:
        """Say that the kernel is there; False if that was the last time for now."""
        with self._lock:
            pausing = time.monotonic() - self._heard_at > self._listened_s
            if pausing:
                self._thread = None
        self._outbox.post_to_unheard(Alive(pausing))
        return not pausing


def _run(held: weakref.ref[Heartbeat], closing: threading.Event, interval_s: float) -> None:
    while not closing.wait(interval_s):
        heartbeat = held()
        if heartbeat is None or not heartbeat.beat():
            return
        del heartbeat


_OPEN: weakref.WeakSet[Heartbeat] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A thread that sends while the interpreter goes away would crash it."""
    for heartbeat in list(_OPEN):
        heartbeat.close()
