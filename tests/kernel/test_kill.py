"""Kernels killed in the middle of a propagation and of a save: what was accepted is never lost.

Two of each here; ``SAM2WIDGET_KILLS=20 pytest tests/kernel/test_kill.py`` for twenty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from sam2widget import SessionError, read_session
from tests.support.waiting import wait_until

from .front_end import LIMIT_S
from .kernels import running_kernel

TIMES = int(os.environ.get("SAM2WIDGET_KILLS", "2"))

OPEN = """
import hashlib, json
from sam2widget import Sam2Widget
from sam2widget.samples import sample_clip
w = Sam2Widget(sample_clip().frames_thw3, "nano", autosave={path!r})
w.wait_until_loaded()
"""
TELL = """
print(json.dumps([
    [obj, frame, hashlib.sha256(one.mask.runs).hexdigest()]
    for (obj, frame), one in sorted(w.segmentation.results.items()) if one.state == "accepted"
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


def accepted_in(path: Path) -> int:
    """How many masks a session file says were accepted."""
    try:
        saved = read_session(path)
    except SessionError:
        assert not path.exists(), "what is at the file's place can always be read"
        return 0
    return sum(result.state == "accepted" for result in saved.results.values())


def is_written(path: Path, count: int) -> bool:
    return accepted_in(path) >= count


@pytest.mark.parametrize("kind", WORKS)
def test_a_kill_loses_nothing_that_was_accepted(kind, tmp_path):
    path = tmp_path / "work.sam2.zip"
    rng = random.Random(0)
    accepted: list = []
    for n in range(TIMES):
        with running_kernel() as running:
            kernel = Kernel(*running)
            kernel.run(OPEN.format(path=str(path)))
            assert json.loads(kernel.run(TELL)) == accepted, f"after kill {n}"
            if not accepted:
                kernel.run(BEGIN)
            kernel.run(f"w.accept({2 * n}, {2 * n + 2})")
            accepted = json.loads(kernel.run(TELL))
            assert len(accepted) == 4 * (n + 1)
            # The edit is written by itself.
            wait_until(partial(is_written, path, len(accepted)))
            kernel.begin(WORKS[kind].format(n=n, path=str(path)))
            time.sleep(rng.uniform(0.02, 0.8))
            kernel.kill()
        assert accepted_in(path) == len(accepted)
    left = [file.name for file in tmp_path.iterdir()]
    assert path.name in left and len(left) <= 1 + TIMES, left
