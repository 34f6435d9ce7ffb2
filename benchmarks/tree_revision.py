"""What the policy `tree` would gain if it revised earlier frames at the end of a pass.

    python -m benchmarks.tree_revision [--model nano] [--frames 40] [--clips NAME…] [--davis NAME…]

Tracks each clip by `tree` from the true mask on its first frame. "As shown" is J of the mask of the
path that is the best when a frame is tracked, which is what people see; "revised" that of the path
that is the best at the end, as in SAM2Long (arXiv 2410.16268). Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence as Items
from pathlib import Path
from statistics import mean
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.davis import Mask, Sequence, read_sequences
from benchmarks.policies import hard_sequences
from sam2_backend import Sam2Model, VideoPredictor, load_model
from sam2_backend.network.transforms import logits_to_masks
from sam2_backend.tracking.memory_bank import MemoryEntry
from sam2_backend.tracking.path_tracker import PathTracker
from sam2_backend.training.evaluation import compute_iou
from sam2widget.samples.hard_cases import HARD_CASES

_store = PathTracker._store


class Histories:
    """The masks of all paths of one object since the prompt."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self._size_hw = size_hw
        self._by_bank: dict[int, tuple[object, list[NDArray[np.uint8]]]] = {}
        """By the id of a path's bank: the bank, which so keeps its id, and packed masks."""
        self.best: list[NDArray[np.uint8]] = []

    def store(
        self, tracker: PathTracker, frame: int, obj: int, choices: Any, entries: Any, **options: Any
    ) -> None:
        """Do what the tracker does, and let each path's history go on."""
        parents = [self._by_bank.get(id(row.path.bank), (None, []))[1] for row, _ in choices]
        _store(tracker, frame, obj, choices, entries, **options)
        paths = tracker._courses[obj].paths
        self._by_bank = {
            id(path.bank): (path.bank, [*before, self._pack(entry)])
            for path, before, entry in zip(paths, parents, entries, strict=True)
        }
        self.best = self._by_bank[id(paths[0].bank)][1]

    def masks(self) -> list[Mask]:
        """Those of the path that is the best now."""
        count = self._size_hw[0] * self._size_hw[1]
        return [
            np.unpackbits(one, count=count).reshape(self._size_hw).astype(bool) for one in self.best
        ]

    def _pack(self, entry: MemoryEntry) -> NDArray[np.uint8]:
        return np.packbits(logits_to_masks(entry.require_logits(), self._size_hw)[0])


def evaluate(model: Sam2Model, sequence: Sequence) -> tuple[float, float, int]:
    """Return J as shown and revised, and on how many frames the masks differ."""
    histories = Histories(sequence.masks[0].shape)

    def store(tracker: PathTracker, *args: Any, **options: Any) -> None:
        histories.store(tracker, *args, **options)

    with patch.object(PathTracker, "_store", store):
        video = VideoPredictor(model, sequence.frames, memory_policy="tree")
        video.add_mask(0, 1, sequence.masks[0])
        shown: list[Mask] = [video.track(t).masks[1] for t in range(1, len(sequence.frames))]
    revised, truths = histories.masks(), sequence.masks[1:]

    def j(masks: Items[Mask]) -> float:
        return mean(compute_iou(one, truth) for one, truth in zip(masks, truths, strict=True))

    differing = sum(
        not np.array_equal(one, other) for one, other in zip(shown, revised, strict=True)
    )
    return j(shown), j(revised), differing


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=40, help="of each sequence of DAVIS")
    parser.add_argument("--clips", nargs="*", choices=HARD_CASES, default=[])
    parser.add_argument("--davis", nargs="*", metavar="NAME", default=[])
    arguments = parser.parse_args()
    model = load_model(arguments.model, arguments.device)
    data = Path(os.environ.get("SAM2WIDGET_DATA", Path(__file__).parents[2] / "shared" / "data"))
    clips = hard_sequences(arguments.clips)
    if arguments.davis:
        n = arguments.frames
        found = read_sequences(data / "davis", arguments.davis)
        clips += [Sequence(one.name, one.frames[:n], one.masks[:n]) for one in found]
    print("| | J as shown | J revised | frames that differ |\n|---|---|---|---|")
    for one in clips:
        shown, revised, differing = evaluate(model, one)
        frames = len(one.frames) - 1
        print(f"| {one.name} | {shown:.3f} | {revised:.3f} | {differing} of {frames} |", flush=True)


if __name__ == "__main__":
    main()
