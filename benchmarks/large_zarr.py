"""A zarr of 100 GB and 16 bits: how soon its first frame is there, and what scrubbing holds.

    python -m benchmarks.large_zarr [--frames 12000] [--tracked 60]

It is made on the spot and takes little room: 12,000 frames of 2048x2048, in chunks of 4 frames and
512x512 pixels, of which those are written that are tracked through or leapt to; the rest reads as
the fill value. A bright disc moves over noise. The bundled model tracks it.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import zarr

from sam2_backend import VideoPredictor, load_model
from sam2_backend.video import open_video

SIZE, CHUNK, FRAMES_A_CHUNK = 2048, 512, 4
FILL = 300
LEAPS = 40
FIRST_AIM_S, MEMORY_AIM_MB = 2, 1500


def peak_mb() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def center(frame: int) -> tuple[int, int]:
    """(x, y) of the disc."""
    return 700 + 3 * (frame % 200), 1000


def write(path: Path, num_frames: int, written: Iterable[int]) -> zarr.Array:
    """Make the array, with the chunks in time that hold some frames."""
    array = zarr.open_array(
        str(path),
        mode="w",
        shape=(num_frames, SIZE, SIZE),
        chunks=(FRAMES_A_CHUNK, CHUNK, CHUNK),
        dtype="uint16",
        fill_value=FILL,
    )
    rng = np.random.default_rng(0)
    noise = rng.integers(FILL, FILL + 400, (SIZE, SIZE), dtype=np.uint16)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for start in sorted({frame // FRAMES_A_CHUNK * FRAMES_A_CHUNK for frame in written}):
        block = np.repeat(noise[None], FRAMES_A_CHUNK, 0)
        for n, picture in enumerate(block):
            x, y = center(start + n)
            picture[(xx - x) ** 2 + (yy - y) ** 2 < 200**2] += 3000
        array[start : start + FRAMES_A_CHUNK] = block[: num_frames - start]
    return array


def main() -> None:
    """Make the zarr, read, scrub and track it, and print times and peak memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=12_000)
    parser.add_argument("--tracked", type=int, default=60)
    arguments = parser.parse_args()
    rng = random.Random(0)
    leaps = [rng.randrange(arguments.frames) for _ in range(LEAPS)]
    model = load_model("nano", "cpu")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.zarr"
        array = write(path, arguments.frames, [*range(arguments.tracked), *leaps])
        written_mb = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) / 1e6
        print(
            f"{arguments.frames} frames of {SIZE}x{SIZE}, {array.dtype}: {array.nbytes / 1e9:.1f} "
            f"GB, of which {written_mb:.0f} MB are on disk; chunks {array.chunks}"
        )
        before_mb = peak_mb()

        start = time.perf_counter()
        video = open_video(path)
        picture = video[0]
        first_s = time.perf_counter() - start
        print(f"\nThe first frame is there after {first_s:.2f} s (aim: {FIRST_AIM_S})")
        window = video.contrast
        assert window is not None
        low, high = window.channels[0].low, window.channels[0].high
        print(f"Shown from {low:.0f} to {high:.0f}; {len(np.unique(picture))} levels")

        laps: list[float] = []
        for frame in leaps:
            start = time.perf_counter()
            picture = video[frame]
            laps.append(1000 * (time.perf_counter() - start))
            x, y = center(frame)
            assert picture[y, x].min() > 200, f"frame {frame} shows another"
        print(f"{LEAPS} leaps to anywhere: {np.median(laps):.0f} ms, at most {max(laps):.0f} ms")

        predictor = VideoPredictor(model, video)
        predictor.add_points(0, 1, [center(0)], [1])
        start = time.perf_counter()
        overlaps: list[float] = []
        yy, xx = np.mgrid[:SIZE, :SIZE]
        for result in predictor.propagate(stop=arguments.tracked):
            x, y = center(result.frame)
            disc = (xx - x) ** 2 + (yy - y) ** 2 < 200**2
            mask = result.masks[1]
            overlaps.append(float((mask & disc).sum() / (mask | disc).sum()))
        rate = len(overlaps) / (time.perf_counter() - start)
        print(f"Tracked {len(overlaps)} frames at {rate:.1f}/s, IoU at least {min(overlaps):.2f}")
        print(
            f"\nThe process at its largest: {before_mb:.0f} MB before, {peak_mb():.0f} MB after "
            f"(aim: {MEMORY_AIM_MB})"
        )


if __name__ == "__main__":
    main()
