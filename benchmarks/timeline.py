"""What it costs to keep timelines up to date in a long video.

    python -m benchmarks.timeline [--frames 100000] [--objects 8]

Objects are tracked through all but the last frames; then each step writes the next frame of all
of them, and reads what the browser is told: their timelines, and their confidences. No model runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from sam2widget import Mask, Point, Prediction, PromptSet
from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session

HEIGHT, WIDTH, STEPS = 48, 64, 200


class StillSegmenter:
    """Gives the same mask everywhere, at once."""

    name, device = "still", "none"

    def __init__(self, mask_hw: NDArray[np.bool_]) -> None:
        self._prediction = Prediction(mask_hw, 5.0, 0.9)

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        """The mask, whatever the prompts are."""
        return self._prediction

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        """The mask for each object."""
        return dict.fromkeys(objs, self._prediction)

    def restore(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> None:
        """Do nothing: no mask is remembered."""

    def clear(self, frame: int, obj: int) -> None:
        """Do nothing: no mask is remembered."""

    def remove(self, obj: int) -> None:
        """Do nothing: no object is remembered."""


def tracked_session(num_frames: int, objects: range) -> Session:
    """Objects prompted on frame 0 and tracked up to the last steps."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    mask_hw = (x - 32) ** 2 + (y - 24) ** 2 < 15**2
    session = Session(*(num_frames, HEIGHT, WIDTH), StillSegmenter(mask_hw), non_overlapping=False)
    mask = Mask.from_array(mask_hw)
    prompted = {(obj, 0): PromptSet((Point(32.0, 24.0, 1),)) for obj in objects}
    results = {(obj, 0): Result(mask, 5.0, 0.9, "prompt") for obj in objects}
    for obj in objects:
        for frame in range(1, num_frames - 3 * STEPS):
            results[obj, frame] = Result(mask, 5.0, 0.9, "track")
    session.fill(map(ObjectInfo.numbered, objects), prompted, results)
    return session


def timed_ms(call: Callable[[], object], times: int = STEPS) -> float:
    """Median time of a call, in milliseconds."""
    took_ms: list[float] = []
    for _ in range(times):
        began_at = time.perf_counter()
        call()
        took_ms.append(1000 * (time.perf_counter() - began_at))
    return median(took_ms)


def main() -> None:
    """Print the times of planning, tracking, and reading timelines and confidences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--objects", type=int, default=8)
    options = parser.parse_args()
    objects = range(1, options.objects + 1)

    began_at = time.perf_counter()
    session = tracked_session(options.frames, objects)
    print(f"{options.objects} objects, {options.frames:,} frames")
    print(f"  filled in                       {time.perf_counter() - began_at:8.2f} s")

    review = Review(session)
    session.listen(review.note)
    for obj in objects:
        review.levels(obj)
    steps = session.propagate()
    began_at = time.perf_counter()
    next(steps)
    print(f"  planned                         {time.perf_counter() - began_at:8.2f} s")

    full = range(session.num_frames)
    asked_ms = timed_ms(lambda: session.has_pending, 5)
    listed_ms = timed_ms(lambda: [session.pending(obj, full, False) for obj in objects], 5)
    planned_ms = timed_ms(lambda: next(session.propagate()), 5)
    print(f"  asked whether any are left      {asked_ms:8.3f} ms")
    print(f"  listed what is left             {listed_ms:8.3f} ms")
    print(f"  planned, and one step           {planned_ms:8.3f} ms")

    track_ms = timed_ms(lambda: next(steps))
    read_ms = timed_ms(lambda: [session.timeline(obj) for obj in objects])
    print(f"  a step of tracking, all objects {track_ms:8.3f} ms")
    print(f"  all timelines read              {read_ms:8.3f} ms")

    def update() -> None:
        next(steps)
        for obj in objects:
            session.timeline(obj)

    print(f"  both, an update                 {timed_ms(update, STEPS // 2):8.3f} ms")

    def update_levels() -> None:
        next(steps)
        for obj in objects:
            review.levels(obj)

    print(f"  a step and all confidences      {timed_ms(update_levels, STEPS // 2):8.3f} ms")
    list(zip(range(STEPS // 4), steps, strict=False))
    last = session.num_frames - 1
    untracked_ms = timed_ms(lambda: session.add_point(last, 32.0, 24.0, obj=objects.stop), 5)
    print(f"  a click where nothing is tracked {untracked_ms:7.3f} ms")
    middle = session.num_frames // 2
    corrected_ms = timed_ms(lambda: session.add_point(middle, 32.0, 24.0), 1)
    print(f"  a click that makes all stale    {corrected_ms:8.3f} ms")
    undo_ms = timed_ms(lambda: (session.undo(), session.redo()), 3)
    print(f"  undone and redone               {undo_ms:8.1f} ms")


if __name__ == "__main__":
    main()
