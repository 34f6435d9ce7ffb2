"""The status of a widget: what goes on, as it is shown in the view."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..models.capabilities import HasModelNote
from ..models.loading import label_of
from ..models.segmenter import Segmenter
from ..models.source import memory_of
from .widget_state import WidgetState

INITIAL_STATUS: dict[str, Any] = {
    "state": "loading",
    "message": "Loading the model",
    "model": "",
    "device": "",
    "click_ms": 0,
}


class Status:
    """What goes on, kept and shown. Any thread.

    Parameters
    ----------
    state : whose trait shows it.
    """

    def __init__(self, state: WidgetState) -> None:
        self._state = state
        self._values = dict(INITIAL_STATUS)
        self._lock = threading.Lock()
        self.failure = ""
        """Why the model could not be loaded; "" if it could."""
        self.notice = ""
        """A sentence that is shown where nothing goes on, until the next edit."""

    @property
    def values(self) -> dict[str, Any]:
        """What is shown: state, message, model, device, click_ms.

        The state is "loading", "ready", "working", "propagating" or "error"; click_ms is what the
        model took for the last click, in milliseconds (0 before it). While a model is being loaded
        in place of this one, its name is there as switching, and while it is downloaded, download
        has done_bytes, total_bytes and eta_s. Where the model follows a memory policy that has a
        name, that is memory. Where a person should know something of the model, there are also
        note, a few words, and note_details, what to do; where there is a better one, note_model,
        its name, and note_label, what a person reads.
        """
        return dict(self._values)

    def show(self, state: str, message: str = "", **values: Any) -> None:
        """Show what goes on; `values` are others of the status, None for those that go."""
        self.show_values(state=state, message=message, **values)

    def show_values(self, **values: Any) -> None:
        """Show other values of the status, None for those that go."""
        self.note(**values)
        self._state.write_traits(status=self.values)

    def show_failure(self) -> None:
        """Show that there is no model, and why."""
        self.show("error", self.failure)

    def show_ready(self) -> None:
        """Show that nothing goes on, and the notice."""
        self.show("ready", self.notice)

    def note(self, **values: Any) -> None:
        """Note values that are shown with what is shown next, None for those that go."""
        # Another one in its place, since other threads read it.
        with self._lock:
            merged = {**self._values, **values}
            self._values = {key: value for key, value in merged.items() if value is not None}

    def time_prompt(self, prompt: Callable[[], object]) -> None:
        """Add a prompt and note how long the model takes for it."""
        began_at = time.monotonic()
        prompt()
        self.note(click_ms=max(round(1000 * (time.monotonic() - began_at)), 1))

    def note_model(self, segmenter: Segmenter) -> None:
        """Note which model there is now, and what a person should know of it."""
        self.failure = ""
        note = segmenter.model_note if isinstance(segmenter, HasModelNote) else None
        said: dict[str, Any] = (
            {} if note is None else {"note": note.text, "note_details": note.details}
        )
        if note is not None and note.better:
            said |= {"note_model": note.better, "note_label": label_of(note.better)}
        gone: dict[str, Any] = dict.fromkeys(key for key in self._values if key.startswith("note"))
        said["memory"] = memory_of(segmenter)
        self.note(model=segmenter.name, device=segmenter.device, **{**gone, **said})
