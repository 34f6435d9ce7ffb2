"""The process of one device: tracks the videos that it is sent, one at a time.

    python -m sam2widget.batch.device_worker DEVICE

Jobs come pickled by standard input, of the process that has started it; what comes of them goes
back by standard output, as JSON. What is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from sam2_backend.kernels.runtime import Runtime

from ..storage.session_file import write_session
from .jobs import BatchJob, describe_failure, run_job
from .segmenters import SegmenterLoader

Send = Callable[[str, Any], None]
LENGTH_BYTES = 8
"""Of the number before each job: how many bytes it has."""


def serve(device: str, jobs: BinaryIO, answers: BinaryIO) -> None:
    """Run jobs until there are no more.

    Parameters
    ----------
    device : of the models.
    jobs : pickled, each after its length.
    answers : a line of JSON each, a pair: ["refused", why] where the device cannot be used; while
        a job runs ["status", line] and ["frame", null], and then ["done", number of frames] or
        ["failed", why].
    """

    def send(kind: str, value: Any) -> None:
        answers.write(json.dumps([kind, value]).encode() + b"\n")
        answers.flush()

    try:
        Runtime.choose(device)
    except ValueError as error:
        send("refused", str(error))
        return
    segmenters = SegmenterLoader(device, lambda line: send("status", f"{device}: {line}"))
    while length := jobs.read(LENGTH_BYTES):
        packed = jobs.read(int.from_bytes(length, "big"))
        try:
            job: BatchJob = pickle.loads(packed)
        except Exception as error:  # whatever its video is made of
            send("failed", describe_unsendable(error))
        else:
            _run(job, segmenters, send)


def describe_unsendable(error: Exception) -> str:
    """Say why a job cannot be sent to another process."""
    return (
        f"its video cannot be sent to another process ({error}): give the path of a file, or an "
        "array."
    )


def _run(job: BatchJob, segmenters: SegmenterLoader, send: Send) -> None:
    try:
        saved, frames = run_job(job, segmenters, lambda: send("frame", None))
        write_session(job.target, saved)
    except Exception as error:
        # Whatever it is, be it a fault of another package's model, the others go on.
        send("failed", describe_failure(error))
    else:
        send("done", frames)


def main() -> None:
    """Serve the process that has started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who has started it ends it
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.argv[1], sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
