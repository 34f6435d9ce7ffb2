"""What is known of a model that is being loaded, and how a person ends that."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .time_left import TimeLeft


class LoadMonitor:
    """Is told how the loading of a model goes. Called with a sentence, it shows that.

    Parameters
    ----------
    model : what the model is called, for a person to read.
    on_change : called when there is something else to show.
    """

    def __init__(self, model: str, on_change: Callable[[LoadMonitor], None]) -> None:
        self.model = model
        self.message = f"Loading {model}"
        self._on_change = on_change
        self._cancelled = threading.Event()
        self._left: TimeLeft | None = None
        self._download: dict[str, float] | None = None

    def __call__(self, message: str) -> None:
        """Show a sentence."""
        self.message = message
        self._on_change(self)

    @property
    def is_cancelled(self) -> bool:
        """Whether a person has ended it."""
        return self._cancelled.is_set()

    @property
    def download(self) -> dict[str, float] | None:
        """How far its download is: done_bytes, total_bytes and eta_s, 0 where it is not known."""
        return self._download

    def cancel(self) -> None:
        """End it at the next occasion. Any thread."""
        self._cancelled.set()

    def report_download(self, done_bytes: int, total_bytes: int) -> bool:
        """Show how far a download is, and return whether it is to go on."""
        if self._left is None:
            self._left = TimeLeft()
        left_s = self._left.update(done_bytes, total_bytes) if total_bytes else None
        self._download = {
            "done_bytes": done_bytes,
            "total_bytes": total_bytes,
            "eta_s": round(left_s or 0, 1),
        }
        self._on_change(self)
        return not self.is_cancelled

    def end_download(self) -> None:
        """Nothing is downloaded any more."""
        self._download = None
