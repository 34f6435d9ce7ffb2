"""The widget in real kernels that handle its messages in different ways.

ipykernel 6 handles them on the main thread after a cell, 7 on a subshell's thread or between
awaits: neither may matter.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from PIL import Image

from sam2widget.core.masks import Mask
from sam2widget.samples import HEIGHT, NUM_FRAMES, WIDTH, sample_clip

from .front_end import LIMIT_S, FrontEnd, Received, show_widget
from .kernels import running_kernel

CODE = """
from sam2widget import Sam2Widget
from sam2widget.samples import sample_clip
w = Sam2Widget(sample_clip().frames_thw3, model="nano")
"""


def kernels() -> list[object]:
    """The installed ipykernel and, where it is to be had, version 6."""
    older = os.environ.get("SAM2WIDGET_IPYKERNEL6", "")
    reason = "SAM2WIDGET_IPYKERNEL6 names no folder with ipykernel 6"
    absent = pytest.mark.skipif(not Path(older, "ipykernel").is_dir(), reason=reason)
    return [pytest.param("", id="installed"), pytest.param(older, id="ipykernel6", marks=absent)]


@pytest.fixture(params=kernels())
def kernel(request: pytest.FixtureRequest) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    with running_kernel(request.param) as running:
        yield running


@pytest.fixture
def client(kernel: tuple[KernelManager, BlockingKernelClient]) -> BlockingKernelClient:
    return kernel[1]


@pytest.fixture
def view(client: BlockingKernelClient) -> FrontEnd:
    view = show_widget(client, CODE)
    view.wait_state("ready")
    return view


def is_frame(message: Received) -> bool:
    return message.type == "frame"


def click(view: FrontEnd, obj: int, truth: int) -> int:
    """Click the middle of a true object on frame 0."""
    y, x = np.argwhere(sample_clip().masks[truth][0]).mean(axis=0)
    return view.send("click", frame=0, object=obj, x=float(x), y=float(y), label=1)


def test_a_view_is_told_everything_and_a_click_becomes_a_mask(view: FrontEnd) -> None:
    view.send("hello")
    view.wait(lambda m: m.type == "welcome")
    view.send("want", frame=0, pixels=True)
    frame = view.wait(is_frame)
    assert Image.open(io.BytesIO(frame.buffers[0])).size == (WIDTH, HEIGHT)

    added = view.send("add_object")
    assert view.done(added).type == "done"
    answer = view.done(click(view, 1, truth=2))
    assert answer.type == "done"
    batch = next(m for m in reversed(view.received) if m.type == "masks" and m.buffers)
    (entry,) = batch.content["masks"]
    mask = Mask.from_bytes(batch.buffers[0], HEIGHT, WIDTH)
    assert entry["object"] == 1 and entry["source"] == "prompt"
    assert entry["area"] == mask.to_array().sum() > 0


def test_a_click_and_a_cell_are_served_during_a_propagation(
    view: FrontEnd, client: BlockingKernelClient
) -> None:
    view.send("hello")
    view.done(view.send("add_object"))
    view.done(click(view, 1, truth=2))
    view.done(view.send("add_object"))
    view.send("propagate", start=None, stop=None, direction="both")
    view.wait(lambda m: m.type == "progress" and m.content["done"] >= 2)

    number = click(view, 2, truth=1)
    cell = client.execute("held = len(w.masks)", store_history=False)
    assert view.done(number).type == "done"
    progress = [m.content for m in view.received if m.type == "progress"]
    assert progress[-1]["running"], "the click was answered only after the propagation"
    view.wait(lambda m: cell in view.replied)

    stopped = view.send("stop")
    view.wait(lambda m: m.type == "progress" and not m.content["running"])
    view.wait_state("ready")
    assert stopped
    assert progress[-1]["done"] < NUM_FRAMES


def test_a_wrong_request_gets_a_sentence_and_the_session_goes_on(view: FrontEnd) -> None:
    view.send("hello")
    refused = view.done(view.send("click", frame=0, object=9, x=1.0, y=1.0, label=1))
    assert refused.type == "error" and "9" in refused.content["text"]
    view.send("nonsense")
    error = view.wait(lambda m: m.type == "error")
    assert "nonsense" in error.content["text"]
    assert view.done(view.send("add_object")).type == "done"


def test_functions_that_are_told_of_masks_call_the_widget_and_the_panel_draws(
    view: FrontEnd, client: BlockingKernelClient
) -> None:
    view.send("hello")
    told = """
panel = w.panel
def follow(event):
    if event.object == 1:
        w.add_box(event.frame, 10, 10, 60, 60, obj=2)
        w.propagate(stop=3, objects=[2])
w.on_prompt(follow)
"""
    client.execute(told, store_history=False, reply=True, timeout=LIMIT_S)
    view.done(view.send("add_object"))
    view.done(click(view, 1, truth=2))
    tracked = view.wait(
        lambda m: m.type == "timeline" and m.content["object"] == 2 and bool(m.content["tracked"])
    )
    assert tracked.content["prompted"] == [0]
    # The panel's thread sends too; what the view asks for still arrives and is answered.
    code = "panel.wait_until_idle()"
    reply = client.execute(code, store_history=False, reply=True, timeout=LIMIT_S)
    assert reply["content"]["status"] == "ok"
    assert view.done(view.send("next_unreviewed")).type == "done"
    assert len(view.drawn) == 1, "the manager of the panel's layers"


def test_an_interrupt_stops_the_cell_and_not_the_widget(
    view: FrontEnd, kernel: tuple[KernelManager, BlockingKernelClient]
) -> None:
    manager, client = kernel
    view.send("hello")
    view.done(view.send("add_object"))
    view.done(click(view, 1, truth=2))
    code = "try:\n    w.propagate()\nexcept KeyboardInterrupt:\n    interrupted = True"
    cell = client.execute(code, store_history=False)
    view.wait(lambda m: m.type == "progress" and m.content["done"] >= 2)
    manager.interrupt_kernel()
    view.wait(lambda m: m.type == "progress" and not m.content["running"])
    while cell not in view.replied:
        view.pump()
    check = "assert interrupted and w.status['state'] == 'ready' and w.masks[1][1].any()"
    reply = client.execute(check, store_history=False, reply=True, timeout=LIMIT_S)
    assert reply["content"]["status"] == "ok", reply["content"]
    manager.interrupt_kernel()  # now that nothing runs
    assert view.done(click(view, 1, truth=2)).type == "done"


def test_messages_arrive_after_a_subshell_has_ended(
    view: FrontEnd, client: BlockingKernelClient
) -> None:
    if "kernel subshells" not in client.kernel_info(reply=True)["content"].get(
        "supported_features", ()
    ):
        pytest.skip("this kernel has no subshells")
    view.send("hello")
    view.wait(is_frame)
    subshell = control(client, "create_subshell_request")["subshell_id"]
    view.send("want", frame=1, pixels=True, subshell=subshell)
    view.wait(lambda m: is_frame(m) and m.content["frame"] == 1)
    control(client, "delete_subshell_request", subshell_id=subshell)
    for frame in (2, 3):
        view.send("want", frame=frame, pixels=True)
        view.wait(lambda m, frame=frame: is_frame(m) and m.content["frame"] == frame)


def control(client: BlockingKernelClient, kind: str, **content: str) -> dict[str, Any]:
    """Ask something on the control channel."""
    request = client.session.msg(kind, content)
    client.control_channel.send(request)
    while True:
        reply = client.get_control_msg(timeout=LIMIT_S)
        if reply["parent_header"]["msg_id"] == request["header"]["msg_id"]:
            assert reply["content"]["status"] == "ok", reply["content"]
            return reply["content"]
