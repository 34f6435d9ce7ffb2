"""How fast a model answers on this machine: encoding, clicks, tracking.

    python -m benchmarks.speed --model nano

Medians on synthetic frames of 480 x 854 pixels, all from uint8 frames to masks of the frame's
size. Tracking is timed once the memory is full.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from sam2_backend import ImagePredictor, Sam2Model, VideoPredictor, load_model

OBJECTS = (1, 3, 8)
WARM_UP = 8
"""Tracked frames before the clock starts: then all seven memories are there."""


def frames(count: int) -> list[NDArray[np.uint8]]:
    """Noise under smooth shapes that drift."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:480, :854]
    noise = rng.integers(0, 60, (480, 854, 3), dtype=np.uint8)
    made = []
    for t in range(count):
        waves = (np.sin((x + 6 * t) / 60)[..., None] + np.sin(y / 45)[..., None] + 2) * 48
        made.append((waves + noise).astype(np.uint8))
    return made


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def tracking_fps(model: Sam2Model, video: list[NDArray[np.uint8]], objects: int) -> float:
    """Frames a second of forward tracking with a full memory."""
    predictor = VideoPredictor(model, video)
    for obj in range(1, objects + 1):
        predictor.add_points(0, obj, [[90.0 * obj, 240]], [1])
    times = [time.perf_counter()]
    for _ in predictor.propagate():
        times.append(time.perf_counter())
    return 1 / statistics.median(np.diff(times[WARM_UP:]).tolist())


def main() -> None:
    """Print the times of encoding and of a click in ms, and of tracking in frames a second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nano", help="name or path of a checkpoint")
    parser.add_argument("--image-size", type=int, help="side of the network's input")
    parser.add_argument("--dtype", help="precision, as bfloat16")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--frames", type=int, default=40, help="to track")
    arguments = parser.parse_args()
    model = load_model(arguments.model, image_size=arguments.image_size, dtype=arguments.dtype)
    video = frames(arguments.frames)
    image = ImagePredictor(model)
    print(
        f"{arguments.model}, {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters, "
        f"{model.config.image_size} px, {model.device}, {model.runtime.dtype}\n{describe_machine()}"
    )
    print(f"encode  {median_ms(lambda: image.set_image(video[0]), arguments.repeats):8.1f} ms")
    click = median_ms(lambda: image.predict([[400.0, 240.0]], [1]), arguments.repeats)
    print(f"click   {click:8.1f} ms, on an encoded image")
    for objects in OBJECTS:
        fps = tracking_fps(model, video, objects)
        print(f"track   {fps:8.1f} frames/s, {objects} object{'s' * (objects > 1)}")


if __name__ == "__main__":
    main()
