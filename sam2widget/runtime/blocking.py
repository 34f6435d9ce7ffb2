"""Lets code wait for what takes the model's thread many steps: propagations and searches."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any

from tqdm.auto import tqdm

from ..annotation.records import Proposal, Tracked
from ..core.errors import SessionError
from ..core.user_warnings import warn
from ..models.segmenter import Window
from .controller import STOPPED, Controller
from .worker import Task

CANCELLED = "its cancellation"
"""The reason why a propagation stops whose asyncio task was cancelled."""
INTERRUPTED = "an interrupt"
"""The same of a call that a person has interrupted."""


def propagate(controller: Controller[Any], make_steps: Callable[[], Iterator[Tracked]]) -> None:
    """Propagate with a progress bar and wait for the end. An interrupt stops all propagations.

    Parameters
    ----------
    controller : in whose thread it is done.
    make_steps : calls `Session.propagate`; it is called in that thread.

    Raises
    ------
    SessionError
        When it was ended before it was through, but not by a person; and what it raises itself.
    """
    check_may_wait(controller, "propagate()")
    ticks: SimpleQueue[Tracked | None] = SimpleQueue()
    last: Tracked | None = None

    def begin() -> Task[None]:
        return controller.propagate(make_steps(), on_step=ticks.put)

    try:
        with tqdm(desc="Propagating", unit="frame") as bar:
            task = controller.call(begin)
            task.when_done(lambda: ticks.put(None))
            while (tracked := ticks.get()) is not None:
                last = tracked
                bar.total = tracked.total
                bar.update(tracked.done - bar.n)
        task.result()
    except KeyboardInterrupt:
        controller.halt(INTERRUPTED)
        raise
    _check_ended(task, last)


async def propagate_async(
    controller: Controller[Any], make_steps: Callable[[], Iterator[Tracked]]
) -> None:
    """Propagate without a progress bar, leaving the event loop free meanwhile.

    Cancelling it stops this propagation alone. Parameters and errors are those of `propagate`.
    """
    check_may_wait(controller, "propagate_async()")
    last: deque[Tracked] = deque(maxlen=1)
    begun: list[Task[None]] = []
    abandoned = threading.Event()

    def begin() -> Task[None]:
        task = controller.propagate(make_steps(), on_step=last.append)
        begun.append(task)
        if abandoned.is_set():
            task.stop(CANCELLED)
        return task

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)

    # Not cancelled with us: what it has begun must be stopped.
    beginning = loop.run_in_executor(None, controller.call, begin)
    try:
        task = await asyncio.shield(beginning)
        task.when_done(tell)
        await ended.wait()
    except asyncio.CancelledError:
        # It may begin only now.
        abandoned.set()
        for task in begun:
            task.stop(CANCELLED)
        raise
    task.result()
    _check_ended(task, last[-1] if last else None)


def propose(
    controller: Controller[Any], frame: int, window: Window | None = None
) -> list[Proposal]:
    """Segment everything on a frame and wait for the proposals; see `search`."""
    begin = partial(controller.propose, frame, window=window)
    return search(controller, begin, "propose()", frame)


def search(
    controller: Controller[Any], begin: Callable[[], Task[list[Proposal]]], call: str, frame: int
) -> list[Proposal]:
    """Search a frame and wait for the proposals, the best first.

    An interrupt stops this search alone.

    Parameters
    ----------
    begin : begins it, in the model's thread.
    call : what the user has called, such as "propose()".
    frame : that is searched.

    Raises
    ------
    SessionError
        When it was stopped; and what it raises itself.
    """
    check_may_wait(controller, call)
    task = controller.call(begin)
    try:
        found = task.result()
    except KeyboardInterrupt:
        task.stop(INTERRUPTED)
        raise
    if found is None:
        raise SessionError(
            f"The search on frame {frame} was ended by {task.reason}, before it was through: "
            f"call {call} again."
        )
    return found


def check_may_wait(controller: Controller[Any], what: str) -> None:
    """Refuse to wait for the model's thread in that thread.

    Parameters
    ----------
    what : the user has called, such as "propose()".
    """
    if controller.is_current_thread:
        raise SessionError(
            f"{what} waits for the model's thread, so it cannot be called in that thread, as "
            "an observer of the widget's traits is: call it from a cell, or in a function "
            "given to on_prompt, on_mask or on_frame."
        )


def _check_ended(task: Task[None], last: Tracked | None) -> None:
    """Say so where a propagation was ended before it was through.

    Parameters
    ----------
    last : its last step; None if it has made none.
    """
    if not task.stopped or (last is not None and last.done == last.total):
        return
    how_far = "before its first frame"
    if last is not None:
        how_far = f"after {last.done} of {last.total} frames"
    stays = "" if task.reason in ("undo", "clear") else "what was tracked stays, and "
    text = f"The propagation was ended by {task.reason}, {how_far}: {stays}propagate() goes on."
    if task.reason != STOPPED:
        raise SessionError(text)
    warn(text)
