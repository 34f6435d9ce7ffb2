"""How well a batch on a local Ray cluster uses its workers: short clips on one and on two.

    python -m benchmarks.batch --clips 12

Each worker has one CPU. The time counts from when as many clips are done as there are workers:
then all have their model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import ray
from PIL import Image

from sam2widget import propagate_many
from sam2widget.cli.demo import deepest_point
from sam2widget.samples import sample_clip


def main() -> None:
    """Print the frames a second of one worker and of two, and the efficiency of two."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=16, help="of each")
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sources = [
            _source(Path(scratch), n, arguments.frames, arguments.model)
            for n in range(arguments.clips)
        ]
        took_s = {n: _run(sources, Path(scratch) / f"on{n}", n) for n in (1, 2)}
    rates = {n: (arguments.clips - n) * (arguments.frames - 1) / took_s[n] for n in took_s}
    for n, rate in rates.items():
        print(f"{n} workers: {arguments.clips - n} clips in {took_s[n]:.1f} s, {rate:.1f} frames/s")
    print(f"Efficiency of two: {rates[2] / rates[1] / 2:.0%}")


def _source(folder: Path, n: int, frames: int, model: str) -> Path:
    clip = sample_clip()
    video = folder / f"clip{n}"
    video.mkdir()
    for t, rgb in enumerate(clip.frames_thw3[n : n + frames]):
        Image.fromarray(rgb).save(video / f"{t:03}.png")
    prompts = [{"frame": 0, "points": [[*deepest_point(clip.masks[2][n]), 1]]}]
    path = folder / f"clip{n}.json"
    objects = [{"id": 1, "prompts": prompts}]
    path.write_text(json.dumps({"video": video.name, "model": model, "objects": objects}))
    return path


def _run(sources: list[Path], out: Path, workers: int) -> float:
    """Seconds from when each worker can have finished a clip to the end."""
    warm: list[float] = []

    def watch() -> None:
        while not warm:
            if len([*out.glob("*.sam2.zip")]) >= workers:
                warm.append(time.monotonic())
            time.sleep(0.01)

    ray.init(num_cpus=workers, log_to_driver=False)
    watcher = threading.Thread(target=watch)
    watcher.start()
    report = propagate_many(sources, out, engine="ray", workers=workers)
    ended = time.monotonic()
    watcher.join()
    ray.shutdown()
    assert not report.failed, str(report)
    return ended - warm[0]


if __name__ == "__main__":
    main()
