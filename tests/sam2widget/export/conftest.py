"""A short segmentation in which everything occurs that formats get wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sam2widget import open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.core.masks import Mask
from sam2widget.export import Segmentation

FRAMES, HEIGHT, WIDTH = 9, 46, 64
NAMES = {1: "ball, red", 2: 'the "car"', 5: "ball, red"}


def masks() -> dict[tuple[int, int], np.ndarray]:
    """By (object id, frame): a ring, one in two parts that touch at a corner, one that overlaps
    and comes late; an empty mask, single pixels, the frame's border."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    found = {}
    for t in range(FRAMES):
        distance = np.hypot(x - 20 - 2 * t, y - 22)
        found[1, t] = (distance < 14) & (distance > 6)
        found[2, t] = np.zeros((HEIGHT, WIDTH), bool)
        if t != 4:
            found[2, t][:8, 50 + t // 2 :] = True
            found[2, t][8:12, 44 + t // 2 : 50 + t // 2] = True
            found[2, t][45, 63] = True
        if t >= 3:
            found[5, t] = (abs(x - 24) < 6) & (abs(y - 24) < 4 + t)
    return found


@pytest.fixture(scope="session")
def segmentation() -> Segmentation:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (FRAMES, 4, 6, 3), dtype=np.uint8)
    frames = [Image.fromarray(rgb).resize((WIDTH, HEIGHT)) for rgb in coarse]
    video = open_video(np.stack([np.asarray(frame) for frame in frames]))
    video.name, video.fps = "walk.mp4", 12.0
    objects = [ObjectInfo(obj, name, ObjectInfo.numbered(obj).color) for obj, name in NAMES.items()]
    results = {
        key: Result(Mask.from_array(mask), 3.0, 0.75, "prompt" if key[1] == 0 else "track")
        for key, mask in masks().items()
    }
    results[5, 0] = Result(Mask.empty(HEIGHT, WIDTH), 3.0, 0.5, "track", "rejected")
    return Segmentation.make(video, tuple(objects), results)
