"""A front end without a browser: it speaks the widget's comm with a real kernel."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

LIMIT_S = 120.0
"""How long the kernel may take for what is waited for."""

VIEW = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


@dataclass
class Received:
    """One custom message of the widget."""

    content: dict[str, Any]
    buffers: list[bytes]

    @property
    def type(self) -> str:
        return self.content["type"]


@dataclass
class FrontEnd:
    """One view of the widget that a kernel has made.

    Parameters
    ----------
    client : of the kernel.
    comm_id : of the widget's comm.
    state : traits, kept up to date.
    """

    client: BlockingKernelClient
    comm_id: str
    state: dict[str, Any]
    received: list[Received] = field(default_factory=list[Received])
    drawn: set[str] = field(default_factory=set[str])
    """Ids of comms of other widgets that have sent what is to be drawn."""
    replied: set[str] = field(default_factory=set[str])
    """Ids of executions whose reply has come."""
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def send(self, kind: str, *, subshell: str | None = None, **fields: Any) -> int:
        """Send a request, to the main shell or a subshell, and return its id."""
        number = next(self._ids)
        content = {
            "type": kind,
            "id": number,
            "view": VIEW,
            "epoch": self.state["epoch"],
            **fields,
        }
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return number

    def wait(self, wanted: Callable[[Received], bool]) -> Received:
        """The next custom message that is wanted; all on the way are kept and acknowledged."""
        seen = len(self.received)
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            self._take_one(deadline - time.monotonic())
            for message in self.received[seen:]:
                seen += 1
                if wanted(message):
                    return message
        raise AssertionError(f"Nothing came of what is waited for; last: {self.received[-5:]}")

    def wait_state(self, state: str) -> None:
        """Until the status trait says so."""
        deadline = time.monotonic() + LIMIT_S
        while self.state["status"]["state"] != state:
            self._take_one(deadline - time.monotonic())

    def done(self, number: int) -> Received:
        """The answer that a request has been carried out, or the error that it got."""
        return self.wait(
            lambda m: (
                m.type in ("done", "error") and (m.content["reply_to"] or {}).get("id") == number
            )
        )

    def pump(self) -> None:
        """Take the next message of the kernel, whatever it is."""
        self._take_one(LIMIT_S)

    def _take_one(self, timeout: float) -> None:
        message = self.client.get_iopub_msg(timeout=timeout)
        content = message["content"]
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(content["traceback"]))
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            self.replied.add(message["parent_header"].get("msg_id", ""))
        if message["msg_type"] != "comm_msg":
            return
        data = content["data"]
        if content["comm_id"] != self.comm_id:
            if data["method"] == "custom":
                self.drawn.add(content["comm_id"])
            return
        if data["method"] == "update":
            self.state.update(data["state"])
        elif data["method"] == "custom":
            received = Received(data["content"], [bytes(b) for b in message["buffers"]])
            self.received.append(received)
            if "seq" in received.content:
                self.send("ack", seqs=[received.content["seq"]])


def show_widget(client: BlockingKernelClient, code: str) -> FrontEnd:
    """Run code that makes one widget, and look at it."""
    client.execute(code)
    while True:
        message = client.get_iopub_msg(timeout=LIMIT_S)
        content = message["content"]
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(content["traceback"]))
        if message["msg_type"] == "comm_open" and "epoch" in content["data"]["state"]:
            return FrontEnd(client, content["comm_id"], content["data"]["state"])
