"""Kernels killed in the middle of a propagation and of a save: what was accepted is never lost.

Two of each here; ``SAM2WIDGET_KILLS=20 pytest tests/kernel/test_kill.py`` for twenty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from sam2widget import SessionError, read_session

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
TIMES = int(os.environ.get("SAM2WIDGET_KILLS", "2"))

OPEN = """
import hashlib, json
from sam2widget import Sam2Widget
from sam2widget.sample import sample_clip
w = Sam2Widget(sample_clip().frames_thw3, "nano", autosave={path!r})
w.wait_until_loaded()
"""
TELL = """
print(json.dumps([
    [obj, frame, hashlib.sha256(one.mask.runs).hexdigest()]
    for (obj, frame), one in sorted(w._session.all_results.items()) if one.state == "accepted"
]))
"""
BEGIN = """
w.add_point(0, 66.5, 176.5)
w.add_box(0, 290, 165, 455, 243, obj=2)
w.propagate()
"""
WORKS = {
    "propagation": """
w.add_point(47, 100 + 10 * {n}, 180, obj=1)
print("under way", flush=True)
w.propagate()
""",
    "save": """
print("under way", flush=True)
while True:
    w.save({path!r})
""",
}


class Kernel:
    """A kernel that can be killed."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(self, code: str) -> str:
        """Run code to its end; what it printed."""
        printed: list[str] = []

        def note(message: dict) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, timeout=LIMIT_S, output_hook=note)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)

    def begin(self, code: str) -> None:
        """Run code until it first prints."""
        self._client.execute(code)
        while self._client.get_iopub_msg(timeout=LIMIT_S)["msg_type"] != "stream":
            pass

    def kill(self) -> None:
        self._manager.signal_kernel(signal.SIGKILL)
        self._manager.finish_shutdown(waittime=1)


@contextmanager
def a_kernel() -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LIMIT_S)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def accepted_in(path: Path) -> int:
    """How many masks a session file says were accepted."""
    try:
        saved = read_session(path)
    except SessionError:
        assert not path.exists(), "what is at the file's place can always be read"
        return 0
    return sum(result.state == "accepted" for result in saved.results.values())


@pytest.mark.parametrize("kind", WORKS)
def test_a_kill_loses_nothing_that_was_accepted(kind, tmp_path):
    path = tmp_path / "work.sam2.zip"
    rng = random.Random(0)
    accepted: list = []
    for n in range(TIMES):
        with a_kernel() as kernel:
            kernel.run(OPEN.format(path=str(path)))
            assert json.loads(kernel.run(TELL)) == accepted, f"after kill {n}"
            if not accepted:
                kernel.run(BEGIN)
            kernel.run(f"w.accept({2 * n}, {2 * n + 2})")
            accepted = json.loads(kernel.run(TELL))
            assert len(accepted) == 4 * (n + 1)
            deadline = time.monotonic() + LIMIT_S
            while accepted_in(path) < len(accepted):
                assert time.monotonic() < deadline, "the edit is not written by itself"
                time.sleep(0.05)
            kernel.begin(WORKS[kind].format(n=n, path=str(path)))
            time.sleep(rng.uniform(0.02, 0.8))
            kernel.kill()
        assert accepted_in(path) == len(accepted)
    left = [file.name for file in tmp_path.iterdir()]
    assert path.name in left and len(left) <= 1 + TIMES, left
