"""A clip of noise that widgets of tests show, and requests about it."""

from __future__ import annotations

import numpy as np

FRAMES, HEIGHT, WIDTH = 30, 12, 40
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
EVERYTHING = {"start": None, "stop": None, "direction": "both"}


def click(frame=0, obj=None, x=10.0, y=6.0, label=1):
    return {"frame": frame, "object": obj, "x": x, "y": y, "label": label}
