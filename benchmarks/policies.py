"""Memory policies beside the plain one: J on made clips and on DAVIS, and the time of a frame.

    python -m benchmarks.policies [--model nano] [--frames 40] [--clips [NAME…]] [--davis [NAME…]]

Made clips are those of `sam2widget.samples.hard_cases`, whose ball is prompted by its true mask on
the first frame; the twin is not prompted. DAVIS footage is that of `benchmarks.davis`, prompted
by the true mask too, for evaluation only. J is the mean IoU of the frames after the prompt; on
frames where the object is hidden an empty mask counts 1 and any other 0. Policies take turns on
each frame; its time has the image encoder in it, and times beside plain are medians of the ratios
of turns. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.davis import Mask, Sequence, read_sequences
from sam2_backend import Sam2Model, VideoPredictor, load_model
from sam2_backend.training.evaluation import compute_iou
from sam2widget.samples.hard_cases import HARD_CASES, make_hard_case

POLICIES = "plain", "motion", "distractor", "tree"


@dataclass
class Score:
    """What a policy made of a clip."""

    ious: list[float] = field(default_factory=list)
    """Of all frames but the first."""
    seen: list[float] = field(default_factory=list)
    """Of those in which the object is seen."""
    times_s: list[float] = field(default_factory=list)
    """Of all frames but the first."""

    def __str__(self) -> str:
        return f"{mean(self.ious):.3f} ({mean(self.seen[-10:]):.3f})"


def hard_sequences(names: Iterable[str] = HARD_CASES) -> list[Sequence]:
    """Made clips, with the masks of the ball."""
    clips = {name: make_hard_case(name) for name in names}
    return [
        Sequence(name, list(one.frames_thw3), list(one.masks[1])) for name, one in clips.items()
    ]


def evaluate(model: Sam2Model, sequence: Sequence) -> list[Score]:
    """Track a clip from its first mask by all policies, which take turns on each frame."""
    videos = [VideoPredictor(model, sequence.frames, memory_policy=one) for one in POLICIES]
    scores = [Score() for _ in POLICIES]
    for video in videos:
        video.add_mask(0, 1, sequence.masks[0])
    for frame in range(1, len(sequence.frames)):
        truth = sequence.masks[frame]
        for video, score in zip(videos, scores, strict=True):
            began = time.perf_counter()
            found: Mask = video.track(frame).masks[1]
            score.times_s.append(time.perf_counter() - began)
            score.ious.append(compute_iou(found, truth))
            if truth.any():
                score.seen.append(score.ious[-1])
    return scores


def compare(model: Sam2Model, sequences: list[Sequence]) -> None:
    """Print a table of all policies on some clips."""
    print(f"| | {' | '.join(f'{policy}, J' for policy in POLICIES)} |")
    print("|---" * (len(POLICIES) + 1) + "|")
    rows: list[list[Score]] = []
    for sequence in sequences:
        rows.append(evaluate(model, sequence))
        print(f"| {sequence.name} | {' | '.join(map(str, rows[-1]))} |", flush=True)
    columns = list(zip(*rows, strict=True))
    means = [mean(mean(one.ious) for one in own) for own in columns]
    print(f"| mean | {' | '.join(f'{one:.3f}' for one in means)} |")
    times_s = [np.concatenate([one.times_s for one in own]) for own in columns]
    print(f"| a frame, ms | {' | '.join(f'{1000 * np.median(one):.0f}' for one in times_s)} |")
    ratios = [float(np.median(one / times_s[0])) for one in times_s]
    print(f"| beside plain | {' | '.join(f'{one:.2f}' for one in ratios)} |")
    print()


def main() -> None:
    """Print a table of the made clips, and one of DAVIS."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=40, help="of each sequence of DAVIS")
    parser.add_argument("--clips", nargs="*", choices=HARD_CASES, help="made clips alone, or some")
    parser.add_argument("--davis", nargs="*", metavar="NAME", help="DAVIS alone, or some of it")
    arguments = parser.parse_args()
    model = load_model(arguments.model, arguments.device)
    print("J of all frames, and in brackets of the last ten in which the object is seen.\n")
    if arguments.clips is not None or arguments.davis is None:
        compare(model, hard_sequences(arguments.clips or HARD_CASES))
    if arguments.davis is not None or arguments.clips is None:
        data = Path(
            os.environ.get("SAM2WIDGET_DATA", Path(__file__).parents[2] / "shared" / "data")
        )
        n = arguments.frames
        compare(
            model,
            [
                Sequence(one.name, one.frames[:n], one.masks[:n])
                for one in read_sequences(data / "davis", arguments.davis or ())
            ],
        )


if __name__ == "__main__":
    main()
