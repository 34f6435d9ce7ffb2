"""What a process holds as it tracks on and on: ours, the official predictor's, a whole session's.

    python -m benchmarks.memory                                  # 2,000 frames, side by side
    python -m benchmarks.memory --only ours --frames 100000 --image-size 64

The network is the bundled one, in the official implementation too. The slope is that of the last
two fifths, by least squares: the cache of image features is full then.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.contenders import in_process
from sam2_backend import VideoPredictor, load_model
from sam2_backend.video import open_video
from sam2widget.annotation.session import Session
from sam2widget.models.sam2 import Sam2Segmenter
from tests.oracle import official as oracle
from tests.parity.scene import disc, drifting_texture

HEIGHT, WIDTH = 144, 256
PERIOD = 60
"""Frames after which the pictures come again."""
SAMPLES = 200


class _Frames:
    """As many frames as one likes."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.shown = drifting_texture(PERIOD, HEIGHT, WIDTH)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, frame: int) -> NDArray[np.uint8]:
        return self.shown[frame % PERIOD]


def _ours(count: int, image_size: int) -> Iterator[Any]:
    video = VideoPredictor(load_model("nano", "cpu", image_size=image_size), _Frames(count))
    video.add_mask(0, 1, disc(HEIGHT, WIDTH, 0.25, 0.4, 0.14))
    return video.propagate()


def _session(count: int, image_size: int) -> Iterator[Any]:
    """With its masks, which it keeps as run lengths, and its history."""
    shown = drifting_texture(PERIOD, HEIGHT, WIDTH)
    video = open_video([shown[t % PERIOD] for t in range(count)])
    model = load_model("nano", "cpu", image_size=image_size)
    session = Session(count, HEIGHT, WIDTH, Sam2Segmenter(model, video))
    session.add_mask(0, disc(HEIGHT, WIDTH, 0.25, 0.4, 0.14))
    return session.propagate()


def _official(count: int, image_size: int) -> Iterator[Any]:
    model = oracle.build_nano()
    folder = Path(tempfile.mkdtemp())
    shown = drifting_texture(PERIOD, HEIGHT, WIDTH)
    oracle.save_video([shown[t % PERIOD] for t in range(count)], folder)
    state = model.init_state(str(folder))
    model.add_new_mask(state, 0, 1, disc(HEIGHT, WIDTH, 0.25, 0.4, 0.14))
    return model.propagate_in_video(state)


_TRACKING = {"ours": _ours, "session": _session, "official": _official}


def _hold(kind: str, count: int, image_size: int) -> list[tuple[int, int]]:
    """Frames tracked and bytes resident, again and again."""
    held = []
    for done, _ in enumerate(_TRACKING[kind](count, image_size), 1):
        if done % max(1, count // SAMPLES) == 0:
            held.append((done, _resident()))
    return held


def _resident() -> int:
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return 4096 * pages


def main() -> None:
    """Print the memory of each process near its end, and its growth in kB a frame."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--only", nargs="+", choices=_TRACKING, default=list(_TRACKING))
    arguments = parser.parse_args()
    print(f"nano, {arguments.image_size} px, one object, {arguments.frames} frames\n")
    print("| | at three fifths, MB | at the end, MB | kB a frame |\n|---|---|---|---|")
    for kind in arguments.only:
        held = in_process(_hold, kind, arguments.frames, arguments.image_size)
        steady = np.array(held[3 * len(held) // 5 :], np.float64)
        slope = np.polyfit(steady[:, 0], steady[:, 1], 1)[0]
        first, last = steady[0, 1] / 1e6, steady[-1, 1] / 1e6
        print(f"| {kind} | {first:.0f} | {last:.0f} | {slope / 1e3:.2f} |", flush=True)


if __name__ == "__main__":
    main()
