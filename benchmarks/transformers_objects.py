"""Many objects with a model of transformers: a frame's time in one batch and one after the other.

    python -m benchmarks.transformers_objects [--side 256] [--objects 1 4 10] [--device cpu]

A `Sam2VideoModel` of the sizes of SAM 2.1 tiny with random weights tracks objects that are prompted
on the first frame; the image encoder's features are in the cache. Both ways take turns on each
frame, and the times are medians. Prints Markdown.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from unittest.mock import patch

import numpy as np

from benchmarks.machine import describe_machine
from sam2_backend.video import open_video
from sam2widget import Point, PromptSet, TransformersSegmenter
from sam2widget.models.hugging_face import batching
from tests.oracle import hugging_face
from tests.parity.scene import drifting_texture

HEIGHT, WIDTH, FRAMES = 180, 320, 12


def measure(model: object, num_objects: int) -> tuple[float, float]:
    """Return the median seconds of a frame in a batch, and one after the other."""
    video = open_video(np.stack(drifting_texture(FRAMES, HEIGHT, WIDTH)))
    ways = [TransformersSegmenter(model, video) for _ in range(2)]
    objs = range(1, num_objects + 1)
    for segmenter in ways:
        for obj in objs:
            place = Point(WIDTH * obj / (num_objects + 1), HEIGHT / 2, 1)
            segmenter.prompt(0, obj, PromptSet((place,)))
    times_s: list[list[float]] = [[], []]
    for frame in range(1, FRAMES):
        for way, segmenter in enumerate(ways):
            segmenter.preview(frame, None, Point(WIDTH / 2, HEIGHT / 2, 1))
            with patch.object(batching, "can_batch", lambda _, way=way: way == 0):
                began = time.perf_counter()
                segmenter.track(frame, objs, reverse=False)
            times_s[way].append(time.perf_counter() - began)
    # From where on memory is as full as it gets.
    return median(times_s[0][6:]), median(times_s[1][6:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--side", type=int, default=256, help="of the network's input in pixels")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4, 10])
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    model = hugging_face.build("sam2.1-hiera-tiny", arguments.side)
    hugging_face.randomize_in_place(model)
    model = model.to(arguments.device)
    print(f"{describe_machine()}\n")
    print("| objects | in one batch, ms | in turn, ms | share |\n|---|---|---|---|")
    for count in arguments.objects:
        batch_s, turn_s = measure(model, count)
        share = batch_s / turn_s
        print(f"| {count} | {1000 * batch_s:.0f} | {1000 * turn_s:.0f} | {share:.2f} |", flush=True)


if __name__ == "__main__":
    main()
