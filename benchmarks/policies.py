"""Memory policies beside the plain one: J on made clips and on DAVIS, and the time of a frame.

    python -m benchmarks.policies [--model nano] [--frames 40] [--clips] [--davis]

Made clips are those of `sam2widget.samples.hard_cases`, whose ball is prompted by its true mask on
the first frame; the twin is not prompted. DAVIS footage is that of `benchmarks.davis`, prompted
by the true mask too, for evaluation only. J is the mean IoU of the frames after the prompt; on
frames where the object is hidden an empty mask counts 1 and any other 0. Policies take turns on
each clip; a frame's time has the image encoder in it. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.davis import Mask, Sequence, read_sequences
from sam2_backend import Sam2Model, VideoPredictor, load_model
from sam2_backend.training.evaluation import compute_iou
from sam2widget.samples.hard_cases import HARD_CASES, make_hard_case

POLICIES = "plain", "motion", "distractor", "tree"


@dataclass(frozen=True)
class Score:
    """What a policy made of a clip."""

    j: float
    """Mean IoU of all frames but the first."""
    last_j: float
    """Of the last ten frames in which the object is seen."""
    frame_s: float
    """Median time of a tracked frame."""


def hard_sequences() -> list[Sequence]:
    """All made clips, with the masks of the ball."""
    clips = {name: make_hard_case(name) for name in HARD_CASES}
    return [
        Sequence(name, list(one.frames_thw3), list(one.masks[1])) for name, one in clips.items()
    ]


def evaluate(model: Sam2Model, sequence: Sequence, policy: str) -> Score:
    """Track a clip from its first mask."""
    video = VideoPredictor(model, sequence.frames, memory_policy=policy)
    video.add_mask(0, 1, sequence.masks[0])
    ious: list[float] = []
    seen: list[float] = []
    times_s: list[float] = []
    for frame in range(1, len(sequence.frames)):
        began = time.perf_counter()
        found: Mask = video.track(frame).masks[1]
        times_s.append(time.perf_counter() - began)
        truth = sequence.masks[frame]
        ious.append(compute_iou(found, truth))
        if truth.any():
            seen.append(ious[-1])
    return Score(mean(ious), mean(seen[-10:]), float(np.median(times_s)))


def compare(model: Sam2Model, sequences: list[Sequence]) -> None:
    """Print a table of all policies on some clips."""
    print(f"| | {' | '.join(f'{policy}, J' for policy in POLICIES)} |")
    print("|---" * (len(POLICIES) + 1) + "|")
    rows: list[list[Score]] = []
    for sequence in sequences:
        rows.append([evaluate(model, sequence, policy) for policy in POLICIES])
        cells = (f"{one.j:.3f} ({one.last_j:.3f})" for one in rows[-1])
        print(f"| {sequence.name} | {' | '.join(cells)} |", flush=True)
    columns = list(zip(*rows, strict=True))
    print(f"| mean | {' | '.join(f'{mean(one.j for one in own):.3f}' for own in columns)} |")
    frames_s = [mean(one.frame_s for one in own) for own in columns]
    print(f"| a frame, ms | {' | '.join(f'{1000 * one:.0f}' for one in frames_s)} |")
    ratios = (f"{one / frames_s[0]:.2f}" for one in frames_s)
    print(f"| its time beside plain | {' | '.join(ratios)} |")
    print()


def main() -> None:
    """Print a table of the made clips, and one of DAVIS."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=40, help="of each sequence of DAVIS")
    parser.add_argument("--clips", action="store_true", help="the made clips alone")
    parser.add_argument("--davis", action="store_true", help="DAVIS alone")
    arguments = parser.parse_args()
    model = load_model(arguments.model, arguments.device)
    print("J of all frames, and in brackets of the last ten in which the object is seen.\n")
    if arguments.clips or not arguments.davis:
        compare(model, hard_sequences())
    if arguments.davis or not arguments.clips:
        data = Path(
            os.environ.get("SAM2WIDGET_DATA", Path(__file__).parents[2] / "shared" / "data")
        )
        n = arguments.frames
        compare(
            model,
            [
                Sequence(one.name, one.frames[:n], one.masks[:n])
                for one in read_sequences(data / "davis")
            ],
        )


if __name__ == "__main__":
    main()
