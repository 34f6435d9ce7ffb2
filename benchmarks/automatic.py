"""Automatic masks against the official generator: time, and how far the masks are apart.

python -m benchmarks.automatic                  # tiny, random weights, nothing filtered
python -m benchmarks.automatic --nano           # our bundled weights in both, filters on
python -m benchmarks.automatic --device cuda
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sam2_backend import AutomaticMaskGenerator
from sam2widget.samples import sample_clip
from tests.oracle import official as oracle
from tests.parity.scene import drifting_texture


def main() -> None:
    """Print the times of both generators, and how many pixels of their masks differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nano", action="store_true")
    parser.add_argument("--name", default="sam2.1-hiera-tiny")
    parser.add_argument("--image-size", type=int, default=1024)
    parser.add_argument("--side", type=int, default=16, help="clicks in each row of the grid")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    if arguments.nano:
        name, official = "nano", oracle.build_nano()
        settings = {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.7}
        rgb_hw3 = np.array(sample_clip().frames_thw3[0])
    else:
        name, official = arguments.name, oracle.build(arguments.name, arguments.image_size)
        settings = {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}
        rgb_hw3 = drifting_texture(1, 480, 854)[0]
    model = oracle.twin(official, name).to(arguments.device)
    official.to(arguments.device)
    settings["points_per_side"] = arguments.side
    ours = AutomaticMaskGenerator(model, **settings)
    reference = oracle.mask_generator(official, **settings)
    # The first run of each is not counted.
    ours.generate(rgb_hw3)
    took_s, masks = _timed(lambda: ours.generate(rgb_hw3))
    if arguments.nano or arguments.device != "cpu":
        reference.generate(rgb_hw3)
    official_s, expected = _timed(lambda: reference.generate(rgb_hw3))
    differing = [
        np.mean(own["segmentation"] != other["segmentation"])
        for own, other in zip(masks, expected, strict=True)
    ]
    height, width = rgb_hw3.shape[:2]
    print(f"{name}, {width} x {height}, {arguments.side} x {arguments.side} clicks")
    print(f"official {official_s:.2f} s, ours {took_s:.2f} s: {official_s / took_s:.1f} times")
    print(f"{len(masks)} masks, at most {100 * max(differing):.4f} % of a mask's pixels differ")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main()
