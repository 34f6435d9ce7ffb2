"""Batches in this process: one video after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from ..core.callers_function import CallersFunction
from ..storage.session_file import write_session
from .jobs import BatchJob, BatchOutcome, describe_failure, run_job
from .segmenters import SegmenterLoader


def run_locally(
    jobs: Sequence[BatchJob],
    *,
    device: str | None,
    on_status: Callable[[str], None],
    on_frames: Callable[[int], None],
) -> Iterator[BatchOutcome]:
    """Run one job after the other, with one model as long as it stays the same.

    Parameters
    ----------
    jobs : from `read_jobs`.
    device : as for `propagate_many`.
    on_status : called with a line before what takes long.
    on_frames : called after each frame with the number of all frames so far.

    Yields
    ------
    BatchOutcome
        Of each job, as soon as it is done.
    """
    status = CallersFunction(on_status)
    segmenters = SegmenterLoader(device, status)
    total = 0

    def on_frame() -> None:
        nonlocal total
        total += 1
        on_frames(total)

    for job in jobs:
        began = time.monotonic()
        try:
            saved, frames = run_job(job, segmenters, on_frame)
            write_session(job.target, saved)
        except Exception as error:
            status.reraise(error)
            # Whatever it is, be it a fault of another package's model, the others go on.
            yield BatchOutcome(job, error=describe_failure(error))
        else:
            yield BatchOutcome(job, frames, time.monotonic() - began)
