"""Whether the widget works in the host at hand: a check that says pass or fail by itself."""

from __future__ import annotations

import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, cast

import anywidget
import traitlets

from ..core.errors import SessionError
from ..storage.session_file import SUFFIX, read_session
from .widget import Sam2Widget

PINGS = 10
MAX_ROUND_TRIP_S = 1.0
"""Above it, the way between browser and kernel is too slow for clicks."""
NUM_BYTES = 2**18
"""As large as a frame or the mask of one."""
CHECKS = {
    "front end": "the page has loaded it",
    "messages": "round trips between browser and kernel",
    "bytes to the browser": "as frames and masks travel",
    "bytes to the kernel": "the same ones, sent back",
    "click": "a point in the view above, answered by a mask that is drawn",
    "session": "saved to a file, and read back",
}
"""What is checked, in this order."""


class HostCheck(anywidget.AnyWidget):
    """Checks a widget in the host it is shown in; show both in one cell, the check below.

    Parameters
    ----------
    widget : a `Sam2Widget` without objects.

    Examples
    --------
    >>> from sam2widget.samples import sample_clip
    >>> w = Sam2Widget(sample_clip().frames_thw3[:8], model="nano", autosave=False)
    >>> check = HostCheck(w)
    >>> display(w, check)
    >>> print(check.report())  # in a later cell
    """

    _esm = Path(__file__).parent / "host_check.js"
    rows = traitlets.List(help="Name, state and text of each check.").tag(sync=True)
    result = traitlets.Unicode("running", help='"running", "pass" or "fail".').tag(sync=True)

    def __init__(self, widget: Sam2Widget) -> None:
        if widget.objects:
            raise SessionError("Give HostCheck a widget without objects: it adds one by a click.")
        super().__init__()
        self._widget = widget
        self._found: dict[str, tuple[bool, str]] = {}
        self._sent_at = 0.0
        self._trips_s: list[float] = []
        self._bytes = bytes(n * n % 251 for n in range(NUM_BYTES))
        self._tell()
        self.on_msg(self._receive)  # pyright: ignore[reportUnknownMemberType]

    def report(self) -> str:
        """Say what was found, in lines; what is still open says so."""
        lines = [f"{self.result.upper()} on {describe_host()}"]
        lines += [f"  {state.upper():<5} {name}: {text}" for name, state, text in self.rows]
        if "front end" not in self._found:
            lines.append("  No browser has shown the check yet: run its cell, and wait a moment.")
        return "\n".join(lines)

    def _receive(self, _: object, content: object, buffers: object) -> None:
        message = cast("dict[str, Any]", content if isinstance(content, dict) else {})
        kind = message.get("type")
        if kind == "hello" and "front end" not in self._found:
            secure = "a secure context" if message.get("secure") else "plain http"
            self._note("front end", True, f"{message.get('agent')}, {secure}")
            self._ping()
        elif kind == "pong" and message.get("number") == len(self._trips_s):
            self._trips_s.append(time.monotonic() - self._sent_at)
            if len(self._trips_s) < PINGS:
                self._ping()
                return
            trip_s = median(self._trips_s)
            fast = trip_s <= MAX_ROUND_TRIP_S
            self._note("messages", fast, f"{1000 * trip_s:.0f} ms, the median of {PINGS}")
            self._post({"type": "bytes"}, [self._bytes])
        elif kind == "bytes":
            self._compare_bytes(message, buffers)
            self._post({"type": "click"})
        elif kind == "clicked":
            self._note("click", True, f"a mask was drawn {message.get('took', 0):.0f} ms later")
            self._check_session()
        elif kind == "failed":
            self._note("click", False, f"{message.get('text')}")
            self._note("session", False, "there is nothing to save")

    def _ping(self) -> None:
        self._sent_at = time.monotonic()
        self._post({"type": "ping", "number": len(self._trips_s)})

    def _compare_bytes(self, message: dict[str, Any], buffers: object) -> None:
        total = 0
        for byte in self._bytes:
            total = (total * 31 + byte) & 0xFFFFFFFF
        arrived = message.get("sum") == total and message.get("length") == NUM_BYTES
        text = f"{message.get('length')} of {NUM_BYTES} bytes"
        self._note("bytes to the browser", arrived, text)
        back = [bytes(one) for one in cast("list[Any]", buffers or [])]
        length = sum(map(len, back))
        self._note("bytes to the kernel", back == [self._bytes], f"{length} of {NUM_BYTES} bytes")

    def _check_session(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"check{SUFFIX}"
            try:
                self._widget.save(path)
                count = len(read_session(path).results)
            except SessionError as error:
                self._note("session", False, str(error))
                return
        self._note("session", count == 1, f"{count} mask, {len(self._widget.objects)} object")

    def _note(self, name: str, passed: bool, text: str) -> None:
        self._found[name] = passed, text
        self._tell()

    def _tell(self) -> None:
        rows: list[list[str]] = []
        for name, purpose in CHECKS.items():
            passed, text = self._found.get(name, (None, purpose))
            rows.append([name, "…" if passed is None else "pass" if passed else "fail", text])
        self.rows = rows
        if len(self._found) == len(CHECKS):
            self.result = "pass" if all(one for one, _ in self._found.values()) else "fail"

    def _post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.send(content, buffers)  # pyright: ignore[reportUnknownMemberType]


def describe_host() -> str:
    """Say what this kernel runs in, and the versions that matter."""
    names = ("sam2widget", "anywidget", "ipywidgets", "ipykernel", "torch")
    found: list[str] = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    where = next((host for module, host in _HOSTS.items() if module in sys.modules), "a kernel")
    return f"{where}, Python {sys.version.split()[0]}, {', '.join(found)}"


_HOSTS = {
    "google.colab": "Colab",
    "kaggle_secrets": "Kaggle",
    "dbruntime": "Databricks",
    "positron": "Positron",
    "positron_ipykernel": "Positron",
    "marimo": "marimo",
}
"""Known by what they bring into a kernel."""
