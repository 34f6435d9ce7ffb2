"""Searches through a whole video: their progress is told as that of a propagation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Any

from tqdm.auto import tqdm

from ..annotation.records import Proposal, Tracked
from ..core.errors import SessionError
from ..core.user_warnings import warn
from .blocking import INTERRUPTED, check_may_wait
from .controller import STOPPED, Controller
from .reporter import Reporter
from .worker import Task

OnStep = Callable[[Tracked], object]


def report_steps(
    steps: Generator[Tracked | None, None, list[Proposal]],
    reporter: Reporter[Any],
    on_step: OnStep,
) -> Generator[None, None, list[Proposal]]:
    """Go on with a search, and tell of each frame.

    Parameters
    ----------
    steps : from `Session.find_in_video`.
    reporter : is told.
    on_step : called after each frame.
    """
    reporter.report_begin()
    try:
        while True:
            try:
                tracked = next(steps)
            except StopIteration as end:
                return end.value
            if tracked is not None:
                on_step(tracked)
                reporter.publish(None)
                reporter.report_step(tracked)
            yield
    finally:
        steps.close()
        reporter.report_end()


def find_in_video(
    controller: Controller[Any],
    begin: Callable[[OnStep], Task[list[Proposal]]],
    found_so_far: Callable[[], list[Proposal]],
) -> list[Proposal]:
    """Search a video with a progress bar and wait for the proposals, the surest first.

    An interrupt stops this search alone.

    Parameters
    ----------
    begin : begins it, in the model's thread; it is given what to call after each frame.
    found_so_far : the proposals of a search that was stopped.

    Raises
    ------
    SessionError
        When it was ended before it was through, but not by a person; and what it raises itself.
    """
    check_may_wait(controller, "find()")
    ticks: SimpleQueue[Tracked | None] = SimpleQueue()
    last: Tracked | None = None
    task = controller.call(lambda: begin(ticks.put))
    try:
        with tqdm(desc="Looking", unit="frame") as bar:
            task.when_done(lambda: ticks.put(None))
            while (tracked := ticks.get()) is not None:
                last = tracked
                bar.total = tracked.total
                bar.update(tracked.done - bar.n)
        found = task.result()
    except KeyboardInterrupt:
        task.stop(INTERRUPTED)
        raise
    if found is not None:
        return found
    how_far = f"after {last.done} of {last.total} frames" if last else "before its first frame"
    sentence = f"The search was ended by {task.reason}, {how_far}."
    if task.reason != STOPPED or last is None:
        raise SessionError(f"{sentence} Call find() again.")
    warn(f"{sentence} What was found until then stays.")
    return controller.read(found_so_far)
