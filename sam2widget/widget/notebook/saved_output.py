"""What a notebook keeps of a widget when it is saved: a picture, renewed as the work goes on.

A saved notebook holds a widget's output, but not the widget: without a kernel there is nothing to
see. A second output beside it holds a picture then. The page hides it while the widget is alive
(styles/saved.css), and shows it where the notebook is opened later, or is made HTML. An output of
its own is renewed in place, without the widget being drawn anew.
"""

from __future__ import annotations

import base64
import logging
import os
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from typing import Any

QUIET_S = 1.0
"""How long a change waits for those that follow it."""
INTERVAL_S, BUSY_INTERVAL_S = 5.0, 30.0
"""Least time between two pictures, and while the model is at work."""
PATIENCE_S = 5.0
"""How long the first picture waits for a page that shows the widget, and hides the picture."""

_log = logging.getLogger(__name__)


class SavedOutput:
    """The output beside a widget's own, in a notebook of IPython's.

    Parameters
    ----------
    describe : gives its text.
    draw : gives a JPEG; None where there is none now.
    is_busy : whether the model is at work.
    """

    def __init__(
        self,
        describe: Callable[[], str],
        draw: Callable[[], bytes | None],
        is_busy: Callable[[], bool],
    ) -> None:
        self._display_id = f"sam2widget-{uuid.uuid4().hex}"
        self._describe = describe
        self._draw = draw
        self._is_busy = is_busy
        self._pulse = pulse = _Pulse()
        weakref.finalize(self, pulse.close).atexit = False
        self._publishing = threading.Lock()
        self._published_at = 0.0
        self._after_cell: Callable[[object], None] | None = None
        self.num_published = 0
        """Pictures that have been published."""

    def show(self) -> None:
        """Add the output below what the cell has shown so far; it has no picture yet.

        One at once would be seen for a moment, before the page shows the widget.
        """
        self._publish({"text/html": "<div></div>", "text/plain": self._describe()}, update=False)
        if self._after_cell is None:
            self._after_cell = _call_after_cells(self)
            threading.Thread(
                target=_run,
                args=(weakref.ref(self), self._pulse),
                name="sam2widget picture",
                daemon=True,
            ).start()
        self._pulse.note(wait_s=PATIENCE_S)

    def note(self, _: object = None) -> None:
        """Note that the picture is another now. Any thread."""
        self._pulse.note()

    def note_visible(self) -> None:
        """Note that a page shows the widget. Any thread."""
        self._pulse.note(wait_s=QUIET_S)

    def refresh(self) -> None:
        """Publish a picture now. Any thread."""
        with self._publishing:
            self._pulse.take()
            jpeg = self._draw()
            if jpeg is None:
                return
            data = {
                "image/jpeg": base64.b64encode(jpeg).decode("ascii"),
                "text/plain": self._describe(),
            }
            self._publish(data, update=True)
            self._published_at = time.monotonic()
            self.num_published += 1

    def refresh_after_cell(self) -> None:
        """Publish a picture at the end of a cell that has changed something.

        Programs that run a notebook without a page take nothing that comes later.
        """
        if self._pulse.has_changed and not self._is_busy():
            self._guard(self.refresh)

    def close(self, *, refresh: bool) -> None:
        """Publish the last picture, if something has changed since, and end the thread."""
        if self._after_cell is None:
            return
        _forget_after_cells(self._after_cell)
        self._after_cell = None
        if refresh and (self._pulse.has_changed or not self.num_published):
            self._guard(self.refresh)
        self._pulse.close()

    def step(self) -> None:
        """Publish a picture, unless it is too early for the next."""
        interval_s = BUSY_INTERVAL_S if self._is_busy() else INTERVAL_S
        if self.num_published and time.monotonic() - self._published_at < interval_s:
            return
        self._guard(self.refresh)

    def _publish(self, data: dict[str, Any], *, update: bool) -> None:
        from IPython.display import publish_display_data

        transient = {"display_id": self._display_id}
        publish_display_data(data, transient=transient, update=update)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            # The work itself is not in this picture.
            _log.warning("The picture for the saved notebook could not be made", exc_info=error)


class _Pulse:
    """Tells a thread that something has changed. It does not know what."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._changed = False
        self._due_at = 0.0
        self._closed = False

    @property
    def has_changed(self) -> bool:
        """Whether an edit has been noted that nobody has taken."""
        return self._changed

    def note(self, wait_s: float | None = None) -> None:
        """Note a change; with `wait_s`, that a picture is due then, though nothing changed."""
        with self._wake:
            if wait_s is None:
                self._changed = True
            self._due_at = time.monotonic() + (QUIET_S if wait_s is None else wait_s)
            self._wake.notify_all()

    def take(self) -> None:
        """Someone has looked."""
        with self._wake:
            self._changed = False
            self._due_at = 0.0

    def close(self) -> None:
        """Let the thread end."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    def wait(self) -> bool:
        """Wait until a picture is due; False once it is closed."""
        with self._wake:
            while not self._closed:
                left_s = self._due_at - time.monotonic()
                if self._due_at and left_s <= 0:
                    return True
                self._wake.wait(left_s if self._due_at else None)
            return False

    def pause(self) -> None:
        """Let a moment pass, or end at once where it is closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._closed, QUIET_S)


def _run(output: weakref.ref[SavedOutput], pulse: _Pulse) -> None:
    while pulse.wait():
        held = output()
        if held is None:
            return
        held.step()
        del held
        pulse.pause()


def can_refresh() -> bool:
    """Whether this is a notebook whose page hides the output beside a widget.

    Other hosts of IPython's kernel would show both.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    in_vscode = "__vsc_ipynb_file__" in shell.user_ns or "VSCODE_PID" in os.environ
    return not in_vscode and "google.colab" not in sys.modules


def _call_after_cells(output: SavedOutput) -> Callable[[object], None]:
    from IPython.core.getipython import get_ipython

    held = weakref.ref(output)

    def call(_: object) -> None:
        found = held()
        if found is not None:
            found.refresh_after_cell()

    shell: Any = get_ipython()
    shell.events.register("post_run_cell", call)
    return call


def _forget_after_cells(call: Callable[[object], None]) -> None:
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        shell.events.unregister("post_run_cell", call)
