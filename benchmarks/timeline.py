"""What it costs to keep timelines up to date in a long video.

    python -m benchmarks.timeline [--frames 100000] [--objects 8]

Objects are tracked through all but the last frames; then each step writes the next frame of all
of them, and reads what the browser is told: their timelines, and their confidences. No model runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import print_ms, timed
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


def main() -> None:
    """Print the times of planning, tracking, and reading timelines and confidences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--objects", type=int, default=8)
    options = parser.parse_args()
    objects = range(1, options.objects + 1)

    print(f"{options.objects} objects, {options.frames:,} frames")
    with timed("filled in"):
        session = tracked_session(options.frames, objects)

    review = Review(session)
    session.listen(review.note)
    for obj in objects:
        review.levels(obj)
    steps = session.propagate()
    with timed("planned"):
        next(steps)

    full = range(session.num_frames)
    print_ms("asked whether any are left", lambda: session.has_pending, 5)
    print_ms(
        "listed what is left", lambda: [session.pending(obj, full, False) for obj in objects], 5
    )
    print_ms("planned, and one step", lambda: next(session.propagate()), 5)
    print_ms("a step of tracking, all objects", lambda: next(steps), STEPS)
    print_ms("all timelines read", lambda: [session.timeline(obj) for obj in objects], STEPS)

    def update() -> None:
        next(steps)
        for obj in objects:
            session.timeline(obj)

    print_ms("both, an update", update, STEPS // 2)

    def update_levels() -> None:
        next(steps)
        for obj in objects:
            review.levels(obj)

    print_ms("a step and all confidences", update_levels, STEPS // 2)
    list(zip(range(STEPS // 4), steps, strict=False))
    last = session.num_frames - 1
    print_ms(
        "a click where nothing is tracked",
        lambda: session.add_point(last, 32.0, 24.0, obj=objects.stop),
        5,
    )
    middle = session.num_frames // 2
    print_ms("a click that makes all stale", lambda: session.add_point(middle, 32.0, 24.0), 1)
    print_ms("undone and redone", lambda: (session.undo(), session.redo()), 3)


if __name__ == "__main__":
    main()
